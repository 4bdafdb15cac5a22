"""Verifies whether a sentence is in the articles: verbatim, altered, or not at all."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from rapidfuzz import fuzz
from rapidfuzz.distance import Levenshtein

from index.articles.article import Article
from index.errors import UsageError
from index.generations.current import CurrentIndex
from index.generations.generation import Generation
from index.text.clean import typed_line
from index.text.sentences import Span
from retrieval.answer import Quotation
from retrieval.answering.quotations import is_verbatim, slice_of
from retrieval.answering.search import best_rows

MAX_CLAIM = 2000  # characters
MAX_PASSAGES = 30  # whose articles are searched: those that share the rarest words
MAX_OMITTED = 1000  # characters that an ellipsis stands for
MAX_QUOTES = 10  # articles with the words that are shown
MIN_SIMILARITY = 0.6  # of the words and their order, for an altered sentence
SLACK = 6  # words around both ends of the most similar letters, at which a match may begin or end
MIN_QUOTED_WORDS = 3  # in quotation marks, for these alone to be verified

_QUOTED = re.compile(r"[“«\"❝„]([^“”«»\"❝❞„]+)[”»\"❞“]")
_OMISSION = re.compile(r"\s*[\[(]?(?:…|\.\.\.)[\])]?\s*")
_STOPS = (".", "!", "?")
_TOKEN = re.compile(r"\w+|[^\w\s]")
_PLAIN_MARKS = str.maketrans("’‘‛`´“”„‟«»\u00a0\u202f", '\'\'\'\'\'""""""  ')

Slice = tuple[Article, Span]


class ClaimError(UsageError):
    """Nothing can be verified. ``problem`` is "empty", "too_long" or "no_index"."""

    def __init__(self, problem: str, message: str) -> None:
        super().__init__(message)
        self.problem = problem


class Verdict(StrEnum):
    """How a sentence is found in the articles."""

    VERBATIM = "verbatim"
    ALTERED = "altered"
    NOT_FOUND = "not_found"


@dataclass(frozen=True)
class Difference:
    """Words of the claim, and those that the article has instead; "" if there are none."""

    said: str
    written: str


@dataclass(frozen=True)
class Verification:
    """The result of looking for a sentence.

    ``claim``: the words looked for. ``quotes``: the slices that hold them, or the most similar
    one, checked. ``differences``: between the claim and the first quotation, in order.
    ``elsewhere``: the outlets named with the claim, if none of them has it.
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
    """Look for a sentence in the current generation. Raises ClaimError."""
    with index.reading() as generation:
        if generation is None:
            raise ClaimError("no_index", "there is no index yet: run virgolette index")
        return verify(sentence, generation)


def verify(text: str, generation: Generation) -> Verification:
    """Look for a sentence in the articles of a generation; no model is needed.

    Words in quotation marks, if any, are the sentence; an outlet named beside them is where it
    should be. Ellipses stand for omitted words. White space and the shape of quotation marks and
    apostrophes do not count; every other letter does. Raises ClaimError if there is nothing to look
    for.
    """
    claim, beside = _claim(text)
    windows = _windows(claim, generation)
    articles = {article.path: article for article, _ in windows}.values()
    outlets = _outlets(beside, generation.store.known("source"))
    verdict = Verdict.VERBATIM
    slices = [(article, span) for article in articles if (span := _verbatim(claim, article.text))]
    if not slices:
        verdict, slices = Verdict.ALTERED, _most_similar(claim, windows)
    if not slices:
        return Verification(claim, Verdict.NOT_FOUND)
    slices.sort(key=lambda pair: (pair[0].source not in outlets, pair[0].path))
    unchecked = (slice_of(article, span) for article, span in slices[:MAX_QUOTES])
    quotes = tuple(quote for quote in unchecked if is_verbatim(quote, generation))
    if any(quote.source in outlets for quote in quotes):
        outlets = ()
    altered = verdict is Verdict.ALTERED
    differences = tuple(_differences(claim, quotes[0].text)) if altered else ()
    return Verification(claim, verdict, quotes, differences, outlets)


def _claim(text: str) -> tuple[str, str]:
    """The words to look for, and the words beside them."""
    line = typed_line(text)
    if len(line) > MAX_CLAIM:
        raise ClaimError(
            "too_long", f"the text has {len(line)} characters: verify {MAX_CLAIM} or fewer"
        )
    quoted = max(_QUOTED.finditer(line), key=lambda match: len(match[1]), default=None)
    claim, beside = line, ""
    if quoted and len(quoted[1].split()) >= MIN_QUOTED_WORDS:
        claim, beside = quoted[1], line[: quoted.start()] + line[quoted.end() :]
    claim = claim.strip(' “”«»"❝❞„').rstrip(" .,;:")  # the writer's own
    if not any(character.isalnum() for character in claim):
        raise ClaimError("empty", "there is nothing to verify: give a sentence")
    return claim, beside


def _outlets(beside: str, sources: Collection[str]) -> tuple[str, ...]:
    """The outlets that are named beside a sentence, with or without ".it"."""
    names = {source: re.escape(re.sub(r"\.\w{2,3}$", "", source)) for source in sources}
    return tuple(
        source
        for source, name in names.items()
        if re.search(rf"(?<!\w){name}(?!\w)", beside, re.IGNORECASE)
    )


def _windows(claim: str, generation: Generation) -> list[Slice]:
    """The passages that share the rarest words with the claim, with its length on either side."""
    rows = best_rows(generation.keywords.scores(claim), MAX_PASSAGES)
    windows = []
    for passage in generation.store.passages(rows.tolist()):
        if article := generation.store.article(passage.article):
            start = max(passage.start - len(claim), 0)
            windows.append((article, Span(start, passage.end + len(claim))))
    return windows


def _verbatim(claim: str, text: str) -> Span | None:
    """The first verbatim occurrence of the claim in a text; its omissions are skipped."""
    plain = text.translate(_PLAIN_MARKS)  # one character for one: offsets stay
    parts = [
        re.compile(
            rf"(?<!\w){re.escape(part.translate(_PLAIN_MARKS))}(?!\w)".replace(r"\ ", r"\s+")
        )
        for part in _OMISSION.split(claim)
        if any(map(str.isalnum, part))
    ]
    for first in parts[0].finditer(plain) if parts else ():
        end = first.end()
        for part in parts[1:]:
            match = part.search(plain, end, end + MAX_OMITTED)
            if match is None:
                break
            end = match.end()
        else:
            return Span(first.start(), end)
    return None


def _most_similar(claim: str, windows: Sequence[Slice]) -> list[Slice]:
    """The slice most similar to the claim, if any is; of equals the one as long, or longer."""
    plain_claim = _plain(claim)
    claim_tokens = _TOKEN.findall(plain_claim)
    best: list[Slice] = []
    best_rank = (MIN_SIMILARITY, -math.inf, 0)
    for article, window in windows:
        plain = _plain(article.text[window.start : window.end])
        match = fuzz.partial_ratio_alignment(plain_claim, plain, score_cutoff=50.0)
        for span in _word_runs(plain, Span(match.dest_start, match.dest_end)) if match else ():
            tokens = _TOKEN.findall(plain[span.start : span.end])
            similarity = Levenshtein.normalized_similarity(claim_tokens, tokens)
            length = span.end - span.start
            rank = (similarity, -abs(length - len(claim)), length)
            if rank > best_rank:
                best_rank = rank
                best = [(article, Span(span.start + window.start, span.end + window.start))]
    return best


def _plain(text: str) -> str:
    """The text for comparing, in lower case; one character for one, so that offsets stay."""
    return "".join(c.lower() if len(c.lower()) == 1 else c for c in text.translate(_PLAIN_MARKS))


def _word_runs(text: str, span: Span) -> Iterator[Span]:
    """Runs of whole words that begin and end near the ends of the span."""
    words = [Span(*match.span()) for match in re.finditer(r"\w+", text)]
    first = next((n for n, word in enumerate(words) if word.end > span.start), len(words))
    last = next((n for n, word in enumerate(words) if word.end >= span.end), len(words) - 1)
    for start in words[max(first - SLACK, 0) : first + SLACK]:
        for end in words[max(last - SLACK, 0) : last + SLACK]:
            if start.start < end.end:
                yield Span(start.start, end.end + (text[end.end : end.end + 1] in _STOPS))


def _differences(claim: str, written: str) -> Iterator[Difference]:
    """The changes, word for word, that turn the claim into what the article has."""
    matches = [list(_TOKEN.finditer(text)) for text in (claim, written)]
    tokens = [[match[0].translate(_PLAIN_MARKS) for match in of_text] for of_text in matches]
    for operation in Levenshtein.opcodes(*tokens):
        if operation.tag != "equal":
            yield Difference(
                _covered(claim, matches[0][operation.src_start : operation.src_end]),
                _covered(written, matches[1][operation.dest_start : operation.dest_end]),
            )


def _covered(text: str, matches: Sequence[re.Match[str]]) -> str:
    return text[matches[0].start() : matches[-1].end()] if matches else ""
