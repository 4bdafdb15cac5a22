"""What speaks for a sentence as the answer to a question, in numbers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Evidence:
    """One sentence against one question.

    ``cosine`` of the two vectors; ``behind``: by how much the fused score of its passage is below
    that of the best passage, from 0 to ``FARTHEST``; ``english``: 1 for a question in English,
    else 0; ``reader``: the log-odds of its best words in the sentence, with a reader.

    Nothing else was found to tell more: docs/quality.md has what was tried.
    """

    cosine: float
    behind: float
    english: float
    reader: float = 0.0

    def value(self, name: str) -> float:
        """The number with this name."""
        return float(getattr(self, name))
