"""What comes of verifying a sentence."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from index.errors import UsageError
from index.text.wording import Difference
from retrieval.answer import Quotation


class ClaimError(UsageError):
    """Nothing can be verified. ``problem``: "empty", "too_short", "too_long" or "no_index"."""

    def __init__(self, problem: str, message: str) -> None:
        super().__init__(message)
        self.problem = problem


class Verdict(StrEnum):
    """How a sentence is found in the articles, best first."""

    VERBATIM = "verbatim"
    PUNCTUATION = "punctuation"  # the same words; capitals, punctuation or spellings differ
    ELSEWHERE = "elsewhere"  # one of the above, but not in the outlet that is named with it
    ALTERED = "altered"
    STITCHED = "stitched"  # of pieces that do not stand together
    NOT_FOUND = "not_found"


@dataclass(frozen=True)
class Piece:
    """``claim[start:end]``, and the slices of articles that have these words, checked."""

    start: int
    end: int
    quotes: tuple[Quotation, ...]


@dataclass(frozen=True)
class Verification:
    """The result of looking for a sentence.

    ``claim``: the words looked for. ``partial``: whether there were others beside the quotation
    marks; ``several``: whether it is the worst of several quotations.
    ``pieces``: one; several where it is stitched or an ellipsis joins distant quotations; none
    where it is not found. ``differences``: between the claim and the first quotation, in order.
    ``elsewhere``: the outlets named with the claim, if none of them has it. ``sentence``: the
    sentence that the first quotation is only a part of. ``nearest``: a sentence on the same, where
    the claim is not found. ``articles_in``: the code of the articles' language, where the claim is
    not found and in another one.
    """

    claim: str
    verdict: Verdict
    pieces: tuple[Piece, ...] = ()
    differences: tuple[Difference, ...] = ()
    elsewhere: tuple[str, ...] = ()
    sentence: Quotation | None = None
    nearest: Quotation | None = None
    articles_in: str = ""
    partial: bool = False
    several: bool = False

    @property
    def quotes(self) -> tuple[Quotation, ...]:
        """The quotations of all pieces."""
        return tuple(quote for piece in self.pieces for quote in piece.quotes)

    def as_json(self) -> dict[str, Any]:
        """The keys that ``virgolette verify --json`` promises."""
        fields = asdict(self)
        fields["quotes"] = [asdict(quote) for quote in self.quotes]
        pieces = [quote for piece in fields["pieces"] for quote in piece["quotes"]]
        others = [quote for quote in (fields["sentence"], fields["nearest"]) if quote]
        for quote in (*fields["quotes"], *pieces, *others):
            for name in ("also", "deciding", "score"):
                del quote[name]
        return fields
