"""What comes of checking a draft."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from retrieval.verifying.outcome import Verdict, Verification

SPEAKER, NOT_JUDGED = "speaker", "not_judged"
# Best first: what a review counts and how many there are of each.
VERDICTS = (
    Verdict.VERBATIM, Verdict.PUNCTUATION, Verdict.ELSEWHERE, SPEAKER, Verdict.ALTERED,
    Verdict.STITCHED, Verdict.NOT_FOUND, NOT_JUDGED,
)  # fmt: skip
_RIGHT = (Verdict.VERBATIM, Verdict.PUNCTUATION, NOT_JUDGED)


@dataclass(frozen=True)
class Checked:
    """``draft[start:end]``, and whether the articles have it.

    ``position``: its line, or paragraph, as in ``Draft``.
    ``verification`` is None where it is not judged: a title, a term or irony that no article has.
    ``said_by``: who says it in the draft, where the articles have another speaker, ``speaker``.
    ``closed``: whether its closing mark is there. ``base``: where the claim begins in the draft.
    """

    text: str
    start: int
    end: int
    position: int
    closed: bool
    base: int
    verification: Verification | None
    said_by: str = ""
    speaker: str = ""

    @property
    def verdict(self) -> str:
        """One of VERDICTS."""
        if self.verification is None:
            return NOT_JUDGED
        return SPEAKER if self.speaker else str(self.verification.verdict)

    @property
    def is_wrong(self) -> bool:
        """Whether a reader of the draft would be misled."""
        return self.verdict not in _RIGHT

    def as_json(self) -> dict[str, Any]:
        """The keys that ``virgolette verify --file --json`` promises for each quotation."""
        names = ("text", "start", "end", "position", "closed", "verdict", "said_by", "speaker")
        fields = {name: getattr(self, name) for name in names}
        result = (self.verification or Verification(self.text, Verdict.NOT_FOUND)).as_json()
        for part in (*result["differences"], *result["pieces"]):
            part["start"] += self.base
            part["end"] += self.base
        kept = ("quotes", "differences", "pieces", "elsewhere", "sentence", "nearest")
        return fields | {name: result[name] for name in (*kept, "articles_in")}


@dataclass(frozen=True)
class Review:
    """The quotations of a draft, checked, in its order. ``unchecked``: how many there are more.

    ``by_line``: whether their positions are lines; otherwise paragraphs.
    """

    quotations: tuple[Checked, ...]
    unchecked: int = 0
    by_line: bool = False

    @property
    def sound(self) -> bool:
        """Whether all have been checked, and none is wrong."""
        return not self.unchecked and not any(checked.is_wrong for checked in self.quotations)

    @cached_property
    def counts(self) -> Counter[str]:
        """How many have each verdict."""
        return Counter(checked.verdict for checked in self.quotations)

    def as_json(self) -> dict[str, Any]:
        """The keys that ``virgolette verify --file --json`` promises."""
        return {
            "sound": self.sound,
            "counts": dict(self.counts),
            "unchecked": self.unchecked,
            "positions": "lines" if self.by_line else "paragraphs",
            "quotations": [checked.as_json() for checked in self.quotations],
        }
