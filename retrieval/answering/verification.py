"""Whether a sentence is really in the articles: to the letter, otherwise, or not at all."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from rapidfuzz import fuzz
from rapidfuzz.distance import Levenshtein

from index.articles.article import Article
from index.errors import UsageError
from index.generations.current import CurrentIndex
from index.generations.generation import Generation
from index.text.sentences import Span
from retrieval.answer import Quotation
from retrieval.answering.quotations import is_verbatim, slice_of

MAX_CLAIM = 2000  # characters
LOOKED_INTO = 30  # passages whose articles are looked into, those with the rarest words shared
MOST_OMITTED = 1000  # characters that an ellipsis stands for
MOST_FOUND = 10  # articles that hold the words, told
ALTERED = 0.6  # share of the words that must be the same, in the same order
SLACK = 6  # words by which the nearest place may begin and end elsewhere than its letters do
FEWEST_QUOTED = 3  # words in quotation marks, from which they are what is to be verified

_QUOTED = re.compile(r"[“«\"❝„]([^“”«»\"❝❞„]+)[”»\"❞“]")
_OMISSION = re.compile(r"\s*[\[(]?(?:…|\.\.\.)[\])]?\s*")
_STOPS = (".", "!", "?")
_TOKEN = re.compile(r"\w+|[^\w\s]")
_MARKS = str.maketrans("’‘‛`´“”„‟«»\u00a0\u202f", '\'\'\'\'\'""""""  ')


class ClaimError(UsageError):
    """Nothing can be verified. ``problem`` is "empty", "too_long" or "no_index"."""

    def __init__(self, problem: str, message: str) -> None:
        super().__init__(message)
        self.problem = problem


class Verdict(StrEnum):
    """How a sentence stands in the articles."""

    VERBATIM = "verbatim"
    ALTERED = "altered"
    NOT_FOUND = "not_found"


@dataclass(frozen=True)
class Difference:
    """What was said where the article has other words; "" where one of them has none."""

    said: str
    written: str


@dataclass(frozen=True)
class Verification:
    """What became of a sentence that was looked for.

    ``claim``: the words that were looked for. ``quotes``: where they stand, or what comes nearest
    to them: exact slices, checked. ``differences``: between the claim and the first of these, in
    order. ``elsewhere``: the outlets that were named with the claim, where none of them has it.
    """

    claim: str
    verdict: Verdict
    quotes: tuple[Quotation, ...] = ()
    differences: tuple[Difference, ...] = ()
    elsewhere: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The keys that ``virgolette verify --json`` promises."""
        fields = asdict(self)
        for quote in fields["quotes"]:
            for name in ("also", "deciding", "score"):
                del quote[name]
        return fields


def verify_in(index: CurrentIndex, sentence: str) -> Verification:
    """How a sentence stands in the current generation. Raises ClaimError."""
    with index.reading() as generation:
        if generation is None:
            raise ClaimError("no_index", "there is no index yet: run virgolette index")
        return verify(sentence, generation)


def verify(text: str, generation: Generation) -> Verification:
    """Look for a sentence in the articles of a generation; no model is needed.

    What stands in quotation marks is the sentence, if anything does; an outlet that is named beside
    it is where it should stand. Ellipses stand for words left out. Blanks and the shape of
    quotation marks and apostrophes do not count; every other letter does. Raises ClaimError where
    there is nothing to look for.
    """
    claim, beside = _claim(text)
    likely = _likely(claim, generation)
    articles = {article.path: article for article, _ in likely}.values()
    named = _named(beside, generation.store.known("source"))
    found = [(article, span) for article in articles if (span := _verbatim(claim, article.text))]
    verdict = Verdict.VERBATIM
    if not found:
        verdict, found = Verdict.ALTERED, _nearest(claim, likely)
    if not found:
        return Verification(claim, Verdict.NOT_FOUND)
    found.sort(key=lambda one: (one[0].source not in named, one[0].path))
    quotes = _checked(found[:MOST_FOUND], generation)
    there = not named or any(quote.source in named for quote in quotes)
    told = () if verdict is Verdict.VERBATIM else tuple(_differences(claim, quotes[0].text))
    return Verification(claim, verdict, quotes, told, () if there else named)


def _claim(text: str) -> tuple[str, str]:
    """The words to look for, and what stands beside them."""
    line = " ".join(re.sub(r"[\x00-\x1f\x7f\ud800-\udfff]", " ", text).split())
    if len(line) > MAX_CLAIM:
        raise ClaimError(
            "too_long", f"the text has {len(line)} characters: verify {MAX_CLAIM} or fewer"
        )
    quoted = max(_QUOTED.finditer(line), key=lambda match: len(match[1]), default=None)
    claim, beside = line, ""
    if quoted and len(quoted[1].split()) >= FEWEST_QUOTED:
        claim, beside = quoted[1], line[: quoted.start()] + line[quoted.end() :]
    claim = claim.strip(' “”«»"❝❞„').rstrip(" .,;:")  # the writer\'s own
    if not any(character.isalnum() for character in claim):
        raise ClaimError("empty", "there is nothing to verify: give a sentence")
    return claim, beside


def _named(beside: str, sources: Collection[str]) -> tuple[str, ...]:
    """The outlets that are named beside a sentence."""
    plain = [(source, re.sub(r"\.\w{2,3}$", "", source)) for source in sources]
    return tuple(
        source
        for source, short in plain
        if re.search(rf"(?<!\w){re.escape(short)}(?!\w)", beside, re.IGNORECASE)
    )


def _likely(claim: str, generation: Generation) -> list[tuple[Article, Span]]:
    """The passages that share the rarest words with it, each with as much text around it."""
    scores = generation.keywords.scores(claim)
    best = np.argsort(-scores, kind="stable")[:LOOKED_INTO]
    found = []
    for passage in generation.store.passages([int(row) for row in best if scores[row] > 0]):
        if article := generation.store.article(passage.article):
            start = max(passage.start - len(claim), 0)
            found.append((article, Span(start, passage.end + len(claim))))
    return found


def _verbatim(claim: str, text: str) -> Span | None:
    """Where the claim first stands in a text to the letter; with its omissions, part after part."""
    plain = text.translate(_MARKS)  # a character for a character: offsets stay
    parts = [
        re.compile(rf"(?<!\w){re.escape(part.translate(_MARKS))}(?!\w)".replace(r"\ ", r"\s+"))
        for part in _OMISSION.split(claim)
        if any(map(str.isalnum, part))
    ]
    for first in parts[0].finditer(plain) if parts else ():
        end = first.end()
        for part in parts[1:]:
            match = part.search(plain, end, end + MOST_OMITTED)
            if match is None:
                break
            end = match.end()
        else:
            return Span(first.start(), end)
    return None


def _nearest(claim: str, likely: Sequence[tuple[Article, Span]]) -> list[tuple[Article, Span]]:
    """The place that is most like the claim, if it is like it; of two the one as long, or more."""
    wanted = _lower(claim)
    told = _TOKEN.findall(wanted)
    best: list[tuple[Article, Span]] = []
    alike = (ALTERED, -math.inf, 0)
    for article, window in likely:
        plain = _lower(article.text[window.start : window.end])
        place = fuzz.partial_ratio_alignment(wanted, plain, score_cutoff=50.0)
        for span in _around(plain, Span(place.dest_start, place.dest_end)) if place else ():
            words = _TOKEN.findall(plain[span.start : span.end])
            length = span.end - span.start
            same = Levenshtein.normalized_similarity(told, words)
            found = (same, -abs(length - len(claim)), length)
            if found > alike:
                alike = found
                best = [(article, Span(span.start + window.start, span.end + window.start))]
    return best


def _lower(text: str) -> str:
    """The text for comparing, a character for a character."""
    return "".join(c.lower() if len(c.lower()) == 1 else c for c in text.translate(_MARKS))


def _around(text: str, span: Span) -> Iterator[Span]:
    """Runs of whole words that begin and end about where the span does."""
    words = [Span(*match.span()) for match in re.finditer(r"\w+", text)]
    first = next((at for at, w in enumerate(words) if w.end > span.start), len(words))
    last = next((at for at, w in enumerate(words) if w.end >= span.end), len(words) - 1)
    for start in words[max(first - SLACK, 0) : first + SLACK]:
        for end in words[max(last - SLACK, 0) : last + SLACK]:
            if start.start < end.end:
                stop = end.end + (text[end.end : end.end + 1] in _STOPS)
                yield Span(start.start, stop)


def _differences(claim: str, written: str) -> Iterator[Difference]:
    """What has to be changed in the claim, word for word, to make it what is written."""
    one, other = (list(_TOKEN.finditer(text)) for text in (claim, written))
    said, stands = ([token[0].translate(_MARKS) for token in of] for of in (one, other))
    for operation in Levenshtein.opcodes(said, stands):
        if operation.tag != "equal":
            yield Difference(
                _slice(claim, one[operation.src_start : operation.src_end]),
                _slice(written, other[operation.dest_start : operation.dest_end]),
            )


def _slice(text: str, tokens: Sequence[re.Match[str]]) -> str:
    return text[tokens[0].start() : tokens[-1].end()] if tokens else ""


def _checked(
    found: Sequence[tuple[Article, Span]], generation: Generation
) -> tuple[Quotation, ...]:
    """The places as quotations that have passed the gate."""
    quotes = (slice_of(article, span) for article, span in found)
    return tuple(quote for quote in quotes if is_verbatim(quote, generation))
