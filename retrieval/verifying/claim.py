"""Reads what somebody wants to have verified: the words, and the outlet that is named with them."""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from index.text.clean import typed_line
from index.text.wording import Word, wording
from index.text.words import terms
from retrieval.verifying.outcome import ClaimError

MAX_CLAIM = 2000  # characters
MIN_WORDS = 3  # of a sentence, or two if one of them is no stop word
MIN_QUOTED_WORDS = 3  # in quotation marks, for these alone to be verified
OPENING, CLOSING = "“«„\"❝‘'", "”»“\"❞’'"

_QUOTED = re.compile(r"«([^«»]+)»|“([^“”]+)”|„([^„“”]+)[“”]|❝([^❝❞]+)❞|\"([^\"]+)\"|”([^“”]+)”")
_OMISSION = re.compile(r"…|\.{3,}")


@dataclass(frozen=True)
class Claim:
    """The words of one quotation. ``parts``: those between its ellipses, as they stand in it."""

    text: str
    parts: tuple[tuple[Word, ...], ...]

    @property
    def words(self) -> tuple[Word, ...]:
        """The words of all parts."""
        return tuple(itertools.chain(*self.parts))

    @classmethod
    def parse(cls, quotation: str, *, short: bool = False) -> Claim:
        """The claim without the marks of whoever quotes it. Raises ClaimError: it is too short.

        ``short``: a word or a number will do.
        """
        text = quotation.strip(f" {OPENING}{CLOSING}").rstrip(" .,;:")
        claim = cls(text, tuple(tuple(part) for part in _parts(text) if part))
        words = claim.words
        if not words:
            raise ClaimError("empty", "there is nothing to verify: give a sentence")
        if not short and not claim.is_sentence:
            raise ClaimError("too_short", "a word or a number is no sentence: give a sentence")
        return claim

    @property
    def is_sentence(self) -> bool:
        """Whether it has words enough to stand in few articles: more than a word or a number."""
        words = self.words
        is_number = all(word.key[-1].isdigit() or not word.key[-1].isalnum() for word in words)
        return not is_number and len(words) >= MIN_WORDS - bool(terms(self.text))


@dataclass(frozen=True)
class Request:
    """A text with the quotations in it, if it has any, and the outlets named beside them."""

    line: str
    quotations: tuple[str, ...]
    outlets: tuple[str, ...]
    beside: int  # the number of words that are in no quotation

    @classmethod
    def parse(cls, text: str, sources: Collection[str]) -> Request:
        """The request that somebody wrote. Raises ClaimError: it is too long."""
        line = typed_line(text.replace("<<", "«").replace(">>", "»"))
        if len(line) > MAX_CLAIM:
            raise ClaimError(
                "too_long", f"the text has {len(line)} characters: verify {MAX_CLAIM} or fewer"
            )
        quotations = [match[match.lastindex or 0] for match in _QUOTED.finditer(line)]
        if any(map(is_long, quotations)):
            beside = _QUOTED.sub(" ", line)
            quotations = [quotation for quotation in quotations if wording(quotation)]
        else:
            claim, beside = _without_outlet(line, sources)
            return cls(line, (claim,), named_outlets(beside, sources), 0)
        outlets = named_outlets(beside, sources)
        return cls(line, tuple(quotations), outlets, len(wording(beside)))


def is_long(quotation: str) -> bool:
    """Whether a quotation is long enough to be verified without the words beside it."""
    return len(wording(quotation)) >= MIN_QUOTED_WORDS


def _without_outlet(line: str, sources: Collection[str]) -> tuple[str, str]:
    """The line without the outlet before or after it, and that: "AgenPress: …", "… (AgenPress)"."""
    for source in sources:
        name = re.escape(_name(source))
        outlet = rf"^(?:\w+ )?{name}(?:\.\w{{2,3}})?:|[(\[]{name}(?:\.\w{{2,3}})?[)\]]\W*$"
        if match := re.search(outlet, line, re.IGNORECASE):
            return line[: match.start()] + line[match.end() :], match[0]
    return line, ""


def named_outlets(beside: str, sources: Collection[str]) -> tuple[str, ...]:
    """The outlets that are named beside a sentence, with or without ".it"."""
    return tuple(
        source
        for source in sources
        if re.search(rf"(?<!\w){re.escape(_name(source))}(?!\w)", beside, re.IGNORECASE)
    )


def _name(source: str) -> str:
    return re.sub(r"\.\w{2,3}$", "", source)


def _parts(claim: str) -> Iterator[list[Word]]:
    """The words between the ellipses, with their positions in the claim."""
    words = wording(claim)
    ends = [match.start() for match in _OMISSION.finditer(claim)]
    for start, end in itertools.pairwise([0, *ends, len(claim)]):
        yield [word for word in words if start <= word.start < end]
