"""The stamp of an index follows from what indexing makes of samples: nobody can forget it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from index.articles.article import Article, read_article
from index.articles.formats import read_document
from index.building.near_duplicates import families, signature
from index.generations.keywords import KeywordIndex, PostingsWriter
from index.generations.manifest import OUTPUTS
from index.generations.passages import Passage, split_article, titled
from index.generations.store import SCHEMA
from tests.conftest import ROOT
from tests.layouts import gold_pages
from tests.office import docx, epub, mail, odt, paragraph, table
from tests.pdf import pdf

MARKDOWN = """---
title: "I conti: tornano"
date: 2024-03-05
source: Gazzetta del Sud
---
# Il bilancio

Il Comune ha speso **7.000 euro** per la [piscina](https://example.org).
Altri 3,5 mln. di euro vanno alle strade.

1. scuole
2. parchi

| città | euro |
|-------|------|
| Lodi  | 1,80 |

> «Non firmo», ha detto il sindaco. E se n'è andato.
"""
HARD = """Pubblicità

La S.p.A. Alfa vale 3,5 mln. di euro. Il prof. Rossi, nord-coreano, arriva alle 10.30 p.m.
e riparte il 5 c.m.; così dice l'O.N.U.

SECONDO IL P.M. IL SINDACO HA PRESO TRENTA EURO. LUI NEGA.

- primo punto
- secondo punto

Leggi anche: altro

“Perché no?” chiede Anna. Nessuno risponde… Forse domani.
"""
# Of other programs: an unquoted colon, TOML, JSON, a date of either order, a banner, line ends.
FRONT_MATTERS = (
    "---\ntitle: Ponte: riapre\ndate: 25/06/2024\n---\nÈ così.",
    "+++\ntitle = 'Ponte'\ndate = 2024-06-25\n+++\nÈ così.",
    '{"title": "Ponte", "date": "05/06/2024"}\nÈ così.',
    "---\nSTUDIO BRUNI\n---\nÈ così.\fPerò no.",
)


def samples() -> Iterator[tuple[str, bytes]]:
    """Names and bytes of files in every format and encoding."""
    for file in sorted([*(ROOT / "corpus").glob("*.txt"), *(ROOT / "tests" / "pages").glob("*")]):
        yield file.name, file.read_bytes()
    for page in gold_pages("tune"):
        yield f"{page.name}.html", page.markup.encode()
    yield "a.md", MARKDOWN.encode()
    yield "b.txt", HARD.encode()
    yield "c.txt", HARD.encode("cp1252", "replace")
    yield "d.txt", HARD.encode("utf-16")
    yield "g.txt", "Il presi\u00addente di\u00a0Rimini.".encode()
    for number, text in enumerate(FRONT_MATTERS):
        yield f"f{number}.md", text.encode("mac_roman")
    yield "borders.txt", (ROOT / "tests" / "gold" / "borders.txt").read_bytes()
    yield "transcript.txt", b"il consiglio ha parlato di strade " * 40
    lines = MARKDOWN.splitlines()[5:]
    yield "e.pdf", pdf([(50, 800 - 14 * at, 11, line) for at, line in enumerate(lines)])
    rows = (("Comune", "Abitanti"), ("Bardi", "2.100"))
    yield "f.docx", docx("".join(map(paragraph, lines)) + table(*rows), footnote="Una nota.")
    yield "g.odt", odt("".join(f"<text:p>{line}</text:p>" for line in HARD.split("\n\n")))
    note = b"{\\footnote Dati del {\\b 2023}.}"
    yield "h.rtf", b"{\\rtf1\\ansi Spesi 7.000 euro." + note + b"\\par 10{\\super 3} metri.}"
    yield "i.epub", epub("", "".join(f"<p>{line}</p>" for line in HARD.split("\n\n")))
    yield "j.eml", mail(HARD)
    yield "k.mbox", b"From a@b Mon Sep 11 00:30:00 2023\n" + mail(HARD)


@cache
def articles() -> tuple[Article, ...]:
    return tuple(read_article(data, name) for name, data in samples())


@cache
def passages() -> tuple[Passage, ...]:
    def count(texts: Sequence[str]) -> list[int]:  # of tokens, about, as no model is loaded here
        return [len(text) // 4 for text in texts]

    return tuple(p for article in articles() for p in split_article(article, count, 512))


def keyword_scores(work: Path) -> list[list[float]]:
    writer = PostingsWriter(None)
    for passage in passages():
        writer.add(passage.text)
    writer.finish(work / "keywords")
    index = KeywordIndex(work / "keywords")
    queries = ("treno blindato di Kim", "7.000 container nord-coreani", "O.N.U.", "piscna")
    return [[round(float(s), 3) for s in index.scores(query)] for query in queries]


def outputs(work: Path) -> dict[str, object]:
    """What each part of indexing makes of the samples."""
    stacked = np.stack([signature(article.text) for article in articles()])
    return {
        "loaders": [read_document(data, name) for name, data in samples()],
        "splitter": [(p.id, p.start, p.end, p.sentences) for p in passages()],
        "keywords": keyword_scores(work),
        "prompts": [titled(p.heading, p.text) for p in passages()],
        "duplicates": (stacked.tolist(), families(np.concatenate([stacked, stacked]))),
        "schema": SCHEMA,
    }


@pytest.fixture(scope="module")
def digests(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    made = outputs(tmp_path_factory.mktemp("stamp"))
    return {name: hashlib.sha256(repr(o).encode()).hexdigest()[:12] for name, o in made.items()}


def test_the_stamp_is_that_of_what_indexing_makes(digests: dict[str, str]) -> None:
    assert digests == OUTPUTS, "put these digests into index/generations/manifest.py"


def test_the_samples_reach_every_format_and_several_passages() -> None:
    assert {Path(name).suffix for name, _ in samples()} >= {
        *".txt .md .html .pdf .docx .odt .rtf .epub .eml .mbox".split()
    }
    assert len(passages()) > len(articles()) > 8
