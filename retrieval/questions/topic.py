"""What a request is about: its words without those that ask."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from index.generations.generation import Generation
from index.text.language import MAIN, codes, vocabulary
from index.text.words import language_of, plain, terms, words

_NAME = re.compile(r"[^\W\d_][\w’'-]*")


def topic_words(text: str) -> list[str]:
    """The words of a request that tell what it is about, in lower case, without accents."""
    asking = vocabulary("stop_words") | vocabulary("request_words")
    return [word for word in words(text) if word not in asking]


def topic(text: str, names: Iterable[str] = ()) -> str:
    """The request without its words that ask, as they are written; "" if nothing is left.

    ``names``: of outlets, which are no part of the topic either.
    """
    asking = vocabulary("request_words") | vocabulary("interrogative_words")
    asking |= {word for name in names for word in words(name)}
    empty = vocabulary("stop_words")
    kept = [
        word
        for word in text.split()
        if (told := set(words(word))) and (told <= empty or not told <= asking | empty)
    ]
    while kept and set(words(kept[0])) <= empty:
        kept = kept[1:]
    return " ".join(kept).strip(" ?!.,;:")


def missing_names(text: str, generation: Generation) -> tuple[str, ...]:
    """The names in a question that no article has, as they are written.

    A name has a capital letter, unless all words have. At the beginning of a question, or in one
    that is not in the main language, no dictionary has it: "White House" has another name there.
    """
    is_foreign = language_of(text) != MAIN
    names: list[str] = []
    outlets = {word for source in generation.sources for word in words(source)}
    end = -1
    for match in _NAME.finditer(text):
        is_outlet = set(words(match[0])) <= outlets
        if (
            not is_outlet
            and _is_missing(match[0], generation)
            and _is_name(match, text, is_foreign)
        ):
            if names and not text[end : match.start()].strip():
                names[-1] += text[end : match.end()]
            else:
                names.append(match[0])
            end = match.end()
    return tuple(names)


def _is_missing(word: str, generation: Generation) -> bool:
    """Whether the word has terms, and no article any of them."""
    found = terms(word)
    return bool(found) and not any(map(generation.keywords.has, found))


def _is_name(match: re.Match[str], text: str, is_foreign: bool) -> bool:
    word = match[0]
    if not word[0].isupper() or text.isupper():
        return False
    may_be_word = is_foreign or not text[: match.start()].strip()
    return not (may_be_word and any(_known(word.lower())))


def _known(word: str) -> Iterator[bool]:
    from simplemma import is_known

    for part in re.split(r"[’'-]", word):
        yield any(is_known(part, lang=code) or is_known(plain(part), lang=code) for code in codes())
