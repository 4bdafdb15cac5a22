"""How well each word of a question is met by a passage, and by each of its sentences.

Late interaction: every token of the question is compared with every token of the passage,
and keeps its best. Source: Khattab and Zaharia, "ColBERT" (SIGIR 2020). Here the token
vectors are those of the plain embedding model, so the direction that all of them share is
taken out first.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from index.embedder import EncodedText
from index.keywords import STOP_WORDS, words
from index.sentences import Span
from index.vectors import Vectors

FUNCTION_WORD_WEIGHT = 0.2  # of a token of "il", "del", "?", against 1 for one of "treno"


@dataclass(frozen=True)
class Similarity:
    """Best cosines of a question's tokens in a text, averaged.

    ``whole``: over all tokens, function words counting less. ``weakest``: over the third of
    the content words that is met least: what a near miss does not have.
    """

    whole: float
    weakest: float


class TokenMatcher:
    """Compares one question with passages."""

    def __init__(self, text: str, question: EncodedText, passages: Sequence[EncodedText]) -> None:
        states = [passage.tokens for passage in passages] or [question.tokens]
        self._common = np.concatenate(states).mean(axis=0)
        self._question = _centred(question.tokens, self._common)
        self._word_of = _content_words(text, question.offsets)
        self._weights = np.where(self._word_of >= 0, 1.0, FUNCTION_WORD_WEIGHT)

    def compare(
        self, passage: EncodedText, sentences: Sequence[Span]
    ) -> tuple[Similarity, list[Similarity]]:
        """The similarity of the passage and of each of its sentences (spans in its text)."""
        cosines = self._question @ _centred(passage.tokens, self._common).T
        starts, ends = passage.offsets[:, 0], passage.offsets[:, 1]
        inside = [(ends > s.start) & (starts < s.end) for s in sentences]
        return self._similarity(cosines), [self._similarity(cosines[:, mask]) for mask in inside]

    def _similarity(self, cosines: Vectors) -> Similarity:
        if not cosines.size:
            return Similarity(0.0, 0.0)
        best = cosines.max(axis=1)
        by_word = sorted(
            float(best[self._word_of == word].mean()) for word in set(self._word_of) - {-1}
        )
        weakest = by_word[: max(1, len(by_word) // 3)]
        return Similarity(
            whole=float((self._weights * best).sum() / self._weights.sum()),
            weakest=float(np.mean(weakest)) if weakest else 0.0,
        )


def _centred(states: Vectors, common: Vectors) -> Vectors:
    moved = states - common
    lengths = np.linalg.norm(moved, axis=1, keepdims=True)
    return np.asarray(moved / np.maximum(lengths, 1e-9), np.float32)


def _content_words(text: str, offsets: NDArray[np.int64]) -> NDArray[np.int64]:
    """For each token the number of the content word it belongs to, -1 for any other token."""
    spans = [
        match.span()
        for match in re.finditer(r"[^\W_]+", text)
        if any(word not in STOP_WORDS for word in words(match[0]))
    ]
    found = [
        next((n for n, (a, b) in enumerate(spans) if start < b and end > a), -1)
        for start, end in offsets.tolist()
    ]
    return np.array(found, np.int64)
