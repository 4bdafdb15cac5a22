"""What nobody sees in a text hides nothing, and is not shown; the stored text keeps it."""

import unicodedata

import pytest

from index.models.encoder import OnnxEncoder
from index.text.clean import printable
from index.text.sentences import Span
from index.text.wording import wording
from index.text.words import terms
from retrieval.answering.highlights import matching_words
from retrieval.answering.reader import whole_words
from tests.conftest import ITALIAN, Workplace

PLAIN = "Il presidente Carlo Dini ha inaugurato l’ospedale di Forlì il 12 marzo."
HIDDEN = {
    "soft hyphens": PLAIN.replace("sid", "si\u00add").replace("ospe", "o\u00adspe"),
    "zero width": PLAIN.replace("Dini", "Di\u200bni\u200d").replace("For", "\ufeffFo\u2060r"),
    "directions": "\u202a" + PLAIN.replace("Dini", "\u2066Dini\u2069\u200e") + "\u202c",
    "no breaks": PLAIN.replace(" ", "\u00a0"),
    "decomposed": unicodedata.normalize("NFD", PLAIN),
}


@pytest.mark.parametrize("text", HIDDEN.values(), ids=HIDDEN)
def test_search_and_models_see_the_words(text: str) -> None:
    assert terms(text) == terms(PLAIN)
    assert [word.key for word in wording(text)] == [word.key for word in wording(PLAIN)]
    with OnnxEncoder().tokenizer() as tokenizer:
        plain, hidden = tokenizer.encode(PLAIN), tokenizer.encode(text)
    assert hidden.ids == plain.ids
    answer = [n for n, (start, end) in enumerate(plain.offsets) if "Dini" in PLAIN[start:end]]
    start, end = hidden.offsets[answer[0]]
    words = whole_words(text, Span(0, len(text)), Span(start, end))
    assert words and printable(text[words.start : words.end]) == "Dini"
    bold = [printable(text[s.start : s.end]) for s in matching_words("Chi è Dini?", text)]
    assert bold == ["Carlo Dini"]
    shown = unicodedata.normalize("NFC", printable(text))
    assert shown == PLAIN


def test_a_name_that_is_decomposed_is_found_as_it_is_typed(empty_place: Workplace) -> None:
    empty_place.write("a.txt", PLAIN)
    stored = empty_place.write(unicodedata.normalize("NFD", "Città.txt"), "Un altro testo.")
    assert empty_place.run("index").returncode == 0
    typed = unicodedata.normalize("NFC", "Città.txt")
    assert empty_place.run("show", typed).stdout == "Un altro testo."
    assert empty_place.run("remove", typed).returncode == 0
    assert not stored.exists()


def test_a_name_with_white_space_at_its_ends_is_found(empty_place: Workplace) -> None:
    empty_place.write(" a.txt", PLAIN)
    empty_place.write("riga\nnuova.txt", "Un altro testo.")
    assert empty_place.run("index").returncode == 0
    for name in (" a.txt", "a.txt"):
        assert empty_place.run("show", name).stdout == PLAIN
    assert empty_place.run("show", "riga nuova.txt").stdout == "Un altro testo."


def test_an_article_with_invisible_characters_is_found_and_quoted(empty_place: Workplace) -> None:
    text = HIDDEN["soft hyphens"].replace(" ", "\u00a0").replace("Dini", "Di\u200bni")
    empty_place.write("a.txt", text)
    assert empty_place.run("index").returncode == 0
    question = "Chi ha inau\u00adgurato l'ospedale di Forli\u0300?"
    (answer,) = empty_place.json("ask", "--json", question)
    (quote,) = answer["quotes"]
    assert printable(answer["answer"]) == "Carlo Dini"
    assert quote["text"] == text[quote["start"] : quote["end"]] == text
    assert f"❝ {PLAIN} ❞" in empty_place.run("ask", question).stdout
    verdict = empty_place.run("verify", PLAIN, **ITALIAN).stdout
    assert "Sì, parola per parola" in verdict and f"❝ {PLAIN[:-1]} ❞" in verdict
    assert empty_place.run("show", "a.txt").stdout == text
