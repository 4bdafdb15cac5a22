"""Sentences are whole, in place, and nothing but boilerplate is left out."""

import random
from pathlib import Path

import pytest

from index.articles.article import read_article
from index.text.clean import is_boilerplate
from index.text.sentences import sentences
from tests.conftest import ROOT

ARTICLES = sorted((ROOT / "corpus").glob("*.txt"))


def texts(text: str) -> list[str]:
    return [text[span.start : span.end] for span in sentences(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Kim parte. Putin arriva!", ["Kim parte.", "Putin arriva!"]),
        ("Il dott. Rossi parla. Poi va.", ["Il dott. Rossi parla.", "Poi va."]),
        ("L’on. Bianchi disse: «Vado.» Poi uscì.", ["L’on. Bianchi disse: «Vado.»", "Poi uscì."]),
        ("Costa 3.500 euro. Poco.", ["Costa 3.500 euro.", "Poco."]),
        ("L’art. 5 vale. Punto.", ["L’art. 5 vale.", "Punto."]),
        (
            "Titolo senza punto\nPrima frase. Seconda.",
            ["Titolo senza punto", "Prima frase.", "Seconda."],
        ),
        ("In Ucraina\u00a0.\u00a0In cambio, altro.", ["In Ucraina\u00a0.", "In cambio, altro."]),
    ],
)
def test_sentences_end_where_a_reader_ends_them(text: str, expected: list[str]) -> None:
    assert texts(text) == expected


def test_a_paragraph_wrapped_at_a_width_is_not_cut_at_its_lines() -> None:
    wrapped = (
        "Secondo i media sudcoreani, un treno blindato con\n"
        "a bordo Kim sarebbe partito da Pyongyang per la\n"
        "Russia attraverso il confine nord-orientale. Poi\nun incontro."
    )
    assert len(texts(wrapped)) == 2


def test_a_line_that_plainly_goes_on_is_joined_to_the_next() -> None:
    assert texts("Notizia\n\nIl treno è partito ieri sera da\nPyongyang ed è diretto a est.") == [
        "Notizia",
        "Il treno è partito ieri sera da\nPyongyang ed è diretto a est.",
    ]
    assert texts("Prima riga che\ncontinua qui. Poi.") == ["Prima riga che\ncontinua qui.", "Poi."]


def test_short_lines_are_not_one_sentence() -> None:
    assert texts("Le città:\nRoma\nMilano\nTorino") == ["Le città:", "Roma", "Milano", "Torino"]
    headlines = "Kim parte per la Russia\nPutin lo attende là\nSeul teme un accordo"
    assert texts(headlines) == headlines.split("\n")
    assert texts("Condividi\nPubblicità\nKim parte.") == ["Kim parte."]


def test_boilerplate_is_skipped_as_whole_lines_only() -> None:
    assert is_boilerplate("- Advertisement -") and is_boilerplate("Potrebbe Interessarti")
    assert is_boilerplate("L'articolo Kim parte proviene da Globalist.it.")
    assert not is_boilerplate("La pubblicità costa cara ai giornali.")
    assert not is_boilerplate("Categorie: il decreto distingue tre categorie di lavoratori.")
    assert not is_boilerplate("Ultime notizie da Pyongyang: Kim è partito.")


@pytest.mark.parametrize("file", ARTICLES, ids=lambda file: file.name[:3])
def test_every_character_of_an_article_is_in_a_sentence_or_boilerplate(file: Path) -> None:
    text = read_article(file.read_bytes(), file.name).text
    spans = sentences(text)
    assert spans == sorted(spans)
    at = 0
    for span in spans:
        left_out = text[at : span.start].strip()
        assert all(is_boilerplate(line) for line in left_out.splitlines() if line.strip())
        at = span.end
    assert all(is_boilerplate(line) for line in text[at:].splitlines() if line.strip())


def test_random_texts_lose_nothing() -> None:
    alphabet = [
        "Kim",
        "dott.",
        "3.5",
        "…",
        "“",
        "”",
        ".",
        "! ",
        "? ",
        " ",
        "\n",
        "\u00a0",
        "è",
        "A.",
    ]
    rng = random.Random(7)
    for _ in range(500):
        text = "".join(rng.choice(alphabet) for _ in range(rng.randrange(1, 40)))
        kept = "".join(text[s.start : s.end] for s in sentences(text))
        lines = [line for line in text.split("\n") if not is_boilerplate(line)]
        wanted = "".join("".join(lines).split())
        assert "".join(kept.split()) == wanted, repr(text)
