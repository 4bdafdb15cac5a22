"""A link into a page leads to the words of the quotation, and to no others."""

from __future__ import annotations

from urllib.parse import unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.text.fragment import sentence_address
from index.text.sentences import Span, sentences

PAGE = "https://example.org/a"
TEXT = (
    "Il treno parte. Il treno blindato, con a bordo Kim Jong-un & altri, è partito domenica sera "
    "da Pyongyang.\nIl treno parte. Va a Vladivostok, nell’Estremo Oriente russo."
)


def address(words: str, text: str = TEXT, url: str = PAGE) -> str:
    start = text.index(words)
    return sentence_address(url, text, Span(start, start + len(words)))


def test_a_long_sentence_is_named_by_its_first_and_last_words() -> None:
    sentence = TEXT[TEXT.index("Il treno blindato") : TEXT.index("\n")]
    assert address(sentence) == (
        f"{PAGE}#:~:text=Il%20treno%20blindato%2C%20con,domenica%20sera%20da%20Pyongyang."
    )
    assert address("Va a Vladivostok, nell’Estremo Oriente russo.").endswith(
        "#:~:text=Va%20a%20Vladivostok%2C%20nell%E2%80%99Estremo%20Oriente%20russo."
    )
    assert address("a bordo Kim Jong-un & altri,").endswith("Kim%20Jong%2Dun%20%26%20altri%2C")


@pytest.mark.parametrize(
    ("words", "url"),
    [
        ("Il treno parte.", PAGE),  # twice
        ("l treno blindato", PAGE),  # inside a word
        ("Va a Vladivostok", "ftp://example.org/a"),
        ("Va a Vladivostok", f"{PAGE}#:~:text=x"),
    ],
)
def test_otherwise_the_address_is_the_plain_one(words: str, url: str) -> None:
    assert address(words, url=url) == url


def test_a_sentence_whose_ends_overlap_is_named_whole() -> None:
    words = " ".join(["no"] * 6 + ["ma"] + ["no"] * 6)
    assert address(words, words) == f"{PAGE}#:~:text={words.replace(' ', '%20')}"


def test_an_anchor_in_the_address_stays() -> None:
    assert address("Va a Vladivostok", url=f"{PAGE}#top").startswith(f"{PAGE}#top:~:text=Va%20a")


WORDS = st.lists(st.sampled_from([*"il Il treno È va-via a, b & c. % -x-".split(), "\n", "\u00a0"]))
TEXTS = WORDS.map(" ".join) | st.text(max_size=80)


@settings(deadline=None, database=None)
@given(TEXTS)
def test_what_is_named_is_in_the_text_once(text: str) -> None:
    plain = " ".join(text.split())
    for span in sentences(text):
        found = sentence_address(PAGE, text, span)
        _, _, directive = found.partition("#:~:text=")
        assert found.startswith(PAGE) and not set(directive) & set("-& \n")
        ends = [unquote(part) for part in directive.split(",")] if directive else []
        for words in ends:
            assert plain.count(words) == 1
        if len(ends) == 2:
            assert plain.index(ends[0]) + len(ends[0]) <= plain.index(ends[1])
