"""The fitted numbers, read from ``weights.json``, which ``python -m training.weights`` writes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from retrieval.evidence import Evidence

FILE = Path(__file__).with_name("weights.json")
READER, PLAIN = "with a reader", "without"


@dataclass(frozen=True)
class Linear:
    """A weighted sum of evidence."""

    weights: dict[str, float]
    intercept: float = 0.0

    def __call__(self, evidence: Evidence) -> float:
        return self.intercept + sum(w * evidence.value(n) for n, w in self.weights.items())


@dataclass(frozen=True)
class Weights:
    """``rank`` orders sentences; ``confidence`` gives the log-odds that the best one answers."""

    rank: Linear
    confidence: Linear
    threshold: float  # of the confidence, below which the question is refused

    def probability(self, evidence: Evidence) -> float:
        """The estimated probability that the sentence answers."""
        return float(1.0 / (1.0 + np.exp(-self.confidence(evidence))))


def load_weights(*, with_reader: bool) -> Weights:
    """The weights that travel with Virgolette: what a reader says makes others of them."""
    told = json.loads(FILE.read_text(encoding="utf-8"))[READER if with_reader else PLAIN]
    return Weights(
        rank=Linear(**told["rank"]),
        confidence=Linear(**told["confidence"]),
        threshold=told["threshold"],
    )
