"""Sentences are whole, in place, and nothing but boilerplate is left out."""

import itertools
import random
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from index.articles.article import read_article
from index.text.borders import borders
from index.text.clean import is_boilerplate
from index.text.sentences import sentences
from tests.conftest import ROOT

GOLD = ROOT / "tests" / "gold"
STOPS = " .!?…»”\"’')]"
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
        (
            "La S.p.A. Beta vale 2 mln. di euro ca. secondo il rag. Poli. “Non so.” ha detto.",
            [
                "La S.p.A. Beta vale 2 mln. di euro ca. secondo il rag. Poli.",
                "“Non so.” ha detto.",
            ],
        ),
        ("IL P.M. NERI TACE. LA DIFESA NO.", ["IL P.M. NERI TACE.", "LA DIFESA NO."]),
        ("the mayor signed. mr. brown did not.", ["the mayor signed.", "mr. brown did not."]),
        ("In Ucraina\u00a0.\u00a0In cambio, altro.", ["In Ucraina\u00a0.", "In cambio, altro."]),
    ],
)
def test_sentences_end_where_a_reader_ends_them(text: str, expected: list[str]) -> None:
    assert texts(text) == expected


def marked(path: Path) -> Iterator[tuple[str, bool, str, str]]:
    """The first two columns of each line, and the text on either side of its mark."""
    for line in path.read_text("utf-8").splitlines():
        before, _, after = line[2:].partition("¦")
        yield line[1], line[0] == "+", before, after


def test_the_borders_that_a_reader_marked_on_news_are_found() -> None:
    right: dict[str, list[bool]] = {" ": [], "!": []}
    for kind, is_border, before, after in marked(GOLD / "news" / "borders.txt"):
        ends = {end for end in borders(before + after) if end > len(before.rstrip(STOPS))}
        right[kind].append((len(before) in ends) == is_border)
    assert len(right[" "]) > 350 and np.mean(right[" "]) >= 0.99  # drawn from all
    assert len(right["!"]) > 250 and np.mean(right["!"]) >= 0.98  # from those that look hard


def test_hard_borders_that_the_splitter_has_not_learnt_are_found() -> None:
    right = total = 0
    for line in (GOLD / "borders.txt").read_text("utf-8").splitlines():
        if line.startswith("#"):
            continue
        parts = line.split("¦")
        ends = set(itertools.accumulate(map(len, parts[:-1])))
        found = set(borders("".join(parts)))
        right, total = right + len(found & ends), total + len(found | ends)
    assert total > 100 and right / total >= 0.96


@pytest.mark.parametrize("spoken", ["parola " * 3000, "x" * 9000, "漢" * 3000])
def test_words_without_stops_are_cut_into_bounded_parts(spoken: str) -> None:
    parts = texts(spoken)
    assert max(map(len, parts)) <= 400
    assert "".join("".join(parts).split()) == "".join(spoken.split())


def test_a_transcript_is_cut_at_its_pauses() -> None:
    spoken = "il consiglio ha parlato a lungo di strade, " * 20
    assert all(part.endswith("strade,") for part in texts(spoken))
    long = (
        "Il bilancio, che la giunta ha discusso per ore, prevede nuove strade, " * 12 + "e altro."
    )
    assert texts(long) == [long]


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
