"""What speaks for a sentence as the answer to a question, in numbers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Evidence:
    """One sentence against one question.

    ``cosine`` of the two vectors; ``found``: by how much the fused score of its passage is below
    that of the best passage, from 0 to ``-FARTHEST``; ``english``: 1 for a question in English,
    else 0; ``reader``: the log-odds of its best words in the sentence, with a reader.

    How a passage stands beside the others tells more than its score: z-scores of different
    questions cannot be compared. How many of the question's words the sentence has tells nothing
    beside these, and neither do rules about dates, numbers, places and names: docs/quality.md.
    """

    cosine: float
    found: float
    english: float
    reader: float = 0.0

    def value(self, name: str) -> float:
        """The number with this name."""
        return float(getattr(self, name))
