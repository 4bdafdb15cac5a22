"""What a request is about: its words without those that ask."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from index.generations.generation import Generation
from index.text.language import MAIN, codes, vocabulary
from index.text.words import language_of, plain, terms, words

_NAME = re.compile(r"[^\W\d_][\w’'-]*")
_CAPITAL = r"[A-ZÀ-ÖØ-Þ][\w-]*"
_NAMES = re.compile(rf"(?<!\w){_CAPITAL}(?: {_CAPITAL})*")


def topic_words(text: str) -> list[str]:
    """The words of a request that tell what it is about, in lower case, without accents."""
    request_words = vocabulary("stop_words") | vocabulary("request_words")
    return [word for word in words(text) if word not in request_words]


def topic(text: str, names: Iterable[str] = ()) -> str:
    """The request without its words that ask, as they are written; "" if nothing is left.

    A question within it stays one: of "do the papers agree on where they met?", "where they met".
    ``names``: of outlets, which are no part of the topic either.
    """
    outlets = {word for name in names for word in words(name)}
    empty = vocabulary("stop_words") | vocabulary("interrogative_words")
    asking = vocabulary("request_words") | outlets | empty
    parts: list[list[str]] = [[]]  # between the words that ask
    for n, word in enumerate(text.split()):
        content = set(words(word))
        is_named = n > 0 and word[0].isupper() and not (text.isupper() or content & outlets)
        if content and content <= asking and not content <= empty and not is_named:
            parts.append([])
        else:
            parts[-1].append(word)
    return " ".join(filter(None, map(_trimmed, parts))).strip(" ?!.,;:")


def _trimmed(part: Sequence[str]) -> str:
    """The words without empty ones around them, but with the interrogative that they begin with."""
    interrogative, empty = vocabulary("interrogative_words"), vocabulary("stop_words")
    topical = [n for n, word in enumerate(part) if not set(words(word)) <= empty | interrogative]
    if not topical:
        return ""
    asks = [n for n, word in enumerate(part[: topical[0]]) if set(words(word)) & interrogative]
    return " ".join(part[min([*asks, topical[0]]) : topical[-1] + 1])


def names_or_topic(text: str, names: Iterable[str] = ()) -> str:
    """The names in a request, as "Muriel Bowser", or else its topic.

    Only words with a capital letter are names. ``names``: of outlets, which are left out.
    """
    about = topic(text, names)
    rest = text.split(maxsplit=1)[1:]
    capitals = [word for word in about.split() if word[0].isupper() and word in " ".join(rest)]
    return " ".join(capitals).strip(" ?!.,;:") if topic_words(" ".join(capitals)) else about


def missing_names(text: str, generation: Generation) -> tuple[str, ...]:
    """The names in a question of which no article has every word, as they are written.

    A name is a run of words with capital letters, unless all words have them. A word at the
    beginning of a question, or of a question that is not in the main language, only counts if no
    dictionary has it: "White House" has another name in the articles.
    """
    no_names = {word for source in generation.sources for word in words(source)}
    no_names |= vocabulary("request_words")
    is_foreign = language_of(text) != MAIN
    missing = []
    for name in _NAMES.finditer(text):
        parts = [part for part in _NAME.finditer(text, *name.span()) if part[0][0].isupper()]
        if any(
            not set(words(part[0])) <= no_names
            and _is_missing(part[0], generation)
            and _is_name(part, text, is_foreign)
            for part in parts
        ):
            missing.append(name[0])
    return tuple(missing)


def _is_missing(word: str, generation: Generation) -> bool:
    """Whether the word has terms, and no article any of them."""
    stemmed = terms(word)
    return bool(stemmed) and not any(map(generation.keywords.has, stemmed))


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
