"""Who a draft says has spoken its quotations, and who has by the articles."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Sequence
from functools import cache

from index.text.language import MAIN, alternatives, pattern, vocabulary
from index.text.names import known_names, words_of
from index.text.sentences import Span, sentences
from index.text.words import plain
from retrieval.verifying.drafts.scanner import Quoted

_FILLER = "_"  # in the stead of quoted letters: nothing in them is read for the words beside them
_NEAR = 12  # words between a name and the verb that says that somebody speaks
_FULL_NAME = 2  # words of a person's name
_PARTICLE = "(?:(?i:di|de|von|van|bin) |al-)?"  # "al" is Italian, too: "Austin al Congresso"
_NAME = re.compile(rf"[A-ZÀ-Ý][\w’'-]+(?: {_PARTICLE}[A-ZÀ-Ý][\w-]+)*")


def masked(text: str, quotations: Sequence[Quoted]) -> str:
    """The text with nothing readable in its quotations but a stop at their ends.

    Offsets in it are those in the text.
    """
    parts: list[str] = []
    at = 0
    for quoted in quotations:
        last = text[quoted.end - 1]
        stop = last if last in ".?!…" else _FILLER
        parts += text[at : quoted.start], _FILLER * (quoted.end - quoted.start - 1), stop
        at = quoted.end
    return "".join([*parts, text[at:]])


def sentences_around(text: str, quotations: Sequence[Quoted]) -> list[Span]:
    """The sentences that each quotation of a masked text stands in, in one span."""
    spans, found = sentences(text), []
    for quoted in quotations:
        inside = [s for s in spans if s.start < quoted.end and quoted.start < s.end]
        ends = [quoted.end, *(s.end for s in inside)]
        found.append(Span(min([quoted.start, *(s.start for s in inside)]), max(ends)))
    return found


def other_speaker(draft: str, before: str, written: Sequence[str]) -> tuple[str, str] | None:
    """Who speaks in a sentence of a draft, and who in those of the articles, if somebody else.

    All are masked. ``before``: the sentence before, whose only name speaks where the sentence has
    none. ``written``: for each article that has the words. Only where all name another speaker, and
    nowhere the one of the draft, that is sure.
    """
    said_by = _speakers(draft) or _only(_subjects(before))
    said_by = set(_people(said_by))
    others = [_speakers(sentence) for sentence in written]
    if not said_by or not others or not all(others):
        return None
    words = {word for sentence in written for word in plain(sentence).split()}
    mentioned = {word.strip(".,;:()«»“”\"'") for word in words} - vocabulary("stop_words")
    if any(word in mentioned for name in said_by for word in plain(name).split()):
        return None
    return min(said_by), min(_people(others[0]) or others[0])


def _people(names: Iterable[str]) -> list[str]:
    """The names that are not those of places and offices."""
    return [name for name in names if not known_names(words_of(name))]


def is_full_name(name: str, texts: Sequence[str], *, inside: bool = False) -> bool:
    """Whether a name has a given name with it in one of the texts, as that of a person has.

    ``inside``: not at the beginning of a sentence, where any word has a capital.
    """
    last = re.escape(name.split()[-1])
    before = r"(?<=[\w,] )" if inside else ""
    given = rf"{before}([A-ZÀ-Ý][\w-]+) {_PARTICLE}{last}\b|\b{last} [A-ZÀ-Ý]\w+-[a-zà-ÿ]"
    matches = itertools.chain(*(re.finditer(given, text) for text in texts))  # "Kim Jong-un"
    return any(plain(match[1] or "") not in vocabulary("stop_words") for match in matches)


def _speakers(text: str) -> set[str]:
    """The names near a verb that says that somebody speaks, and those given as the source."""
    verbs = [_count(text[: match.start()]) for match in pattern("speaks").finditer(text)]
    names = _subjects(text)
    counts = {name: _count(text[:at]) for name, at in names.items()}
    near = {name for name, n in counts.items() if any(abs(n - verb) <= _NEAR for verb in verbs)}
    return near | {match["name"] for given in _given_as_source() for match in given.finditer(text)}


@cache
def _given_as_source() -> tuple[re.Pattern[str], ...]:
    """ "secondo Sullivan", and the name in brackets or after a dash behind a quotation."""
    name = rf"(?P<name>{_NAME.pattern})"
    return (
        re.compile(rf"(?<!\w)(?i:{alternatives('according_to')})\s+{name}"),
        re.compile(rf"{_FILLER}[.?!…]?[»”\"’']?\s*(?:\(|[–—]\s*){name}(?:\)|\s*$)"),
    )


def _subjects(text: str) -> dict[str, int]:
    """The names before which no small word stands, as "di" or "la", and where they do."""
    from simplemma import is_known

    names = {}
    for match in _NAME.finditer(text):
        words = match[0].split()
        while words and plain(words[0]) in vocabulary("stop_words"):  # "Quando Kirby"
            words.pop(0)
        is_object = _is_object(text[: match.start()])
        if is_object and len(words) > _FULL_NAME:  # "del Cremlino Yuri Ushakov"
            words = words[-_FULL_NAME:]
            is_object = all(is_known(word.lower(), lang=MAIN) for word in words)
        if words and not is_object:
            names[" ".join(words)] = match.start()
    return names


def _is_object(before: str) -> bool:
    last = re.split(r"[\s’']+", before.rstrip(" ’'("))[-1:]
    return bool(last) and plain(last[0]) in vocabulary("stop_words") - {"che", "e", "that", "and"}


def _only(names: dict[str, int]) -> set[str]:
    return set(names) if len(names) == 1 else set()


def _count(text: str) -> int:
    return len(text.split())
