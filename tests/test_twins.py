"""Near-duplicates among articles."""

from __future__ import annotations

import numpy as np

from index.building.near_duplicates import families, signature

AGENCY = (
    "Il leader nordcoreano è partito ieri sera da Pyongyang a bordo del suo treno blindato, "
    "diretto a Vladivostok, dove incontrerà il presidente russo. Lo riferiscono i media "
    "sudcoreani, che citano fonti del governo. La visita, la prima all’estero in quattro anni, "
    "era attesa da giorni. Il Cremlino ha confermato l’incontro senza indicare una data precisa."
)

TOLL = """---
title: Crollo a Valdoria, il bilancio
date: 2024-05-{0}
---
Il crollo del ponte di Valdoria ha causato {0} morti, secondo la protezione civile. I vigili del fuoco scavano da ieri sera tra le macerie con i cani. La procura ha aperto un fascicolo per disastro colposo e ha sequestrato il cantiere. Il presidente della regione ha proclamato due giorni di lutto e ha ringraziato i soccorritori arrivati da tutto il lago. Le scuole della città resteranno chiuse fino a giovedì, mentre il traffico è deviato sulla statale.
"""  # noqa: E501


def test_the_same_agency_text_in_other_clothes_is_one_family() -> None:
    texts = [
        AGENCY,
        "Un altro articolo, che parla di calcio, di una finale e di un rigore sbagliato al 90°.",
        "(ANSA) – " + AGENCY + " RIPRODUZIONE RISERVATA",
        AGENCY.replace("ieri sera", "nella notte").upper(),
        AGENCY[:150] + " Intanto a Roma piove, e le scuole restano chiuse fino a lunedì prossimo.",
    ]
    assert families(np.stack([signature(text) for text in texts])) == [[0, 2, 3]]


def test_short_and_empty_texts_are_compared_too() -> None:
    texts = ["Sì.", "", "No.", "sì", "…"]
    assert families(np.stack([signature(text) for text in texts])) == [[0, 3], [1, 4]]


def test_none_has_no_family() -> None:
    assert families(np.empty((0, 128), np.uint32)) == []
