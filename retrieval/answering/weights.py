"""The fitted weights: those in ``weights.json``, or others fitted to another embedding model."""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np

from index.disk import replace_file
from index.errors import StorageError

FILE = Path(__file__).with_name("weights.json")
FITTED = "weights"  # the folder in DATA_DIR with weights fitted to other models
READER, PLAIN = "with a reader", "without"


@dataclass(frozen=True)
class Evidence:
    """The evidence that a sentence answers a question.

    ``cosine`` of the two vectors; ``behind``: by how much the fused score of its passage is below
    that of the best passage, from 0 to ``candidates.MAX_BEHIND``; ``foreign``: 1 for a question in
    another language than the main one, else 0; ``reader``: the log-odds of the reader's best words
    in the sentence; ``lead``: by how much they are above those of the best other words of the
    passage, at most ``candidates.MAX_LEAD``.

    No other evidence was found to help: docs/quality.md lists what was tried.
    """

    cosine: float
    behind: float
    foreign: float
    reader: float = 0.0
    lead: float = 0.0


class Caution(StrEnum):
    """How sure an answer must be. docs/quality.md shows what each setting refuses."""

    CAUTIOUS = "cautious"
    BALANCED = "balanced"
    GENEROUS = "generous"


@dataclass(frozen=True)
class Linear:
    """A weighted sum of the fields of some evidence."""

    weights: dict[str, float]
    intercept: float = 0.0

    def __call__(self, evidence: object) -> float:
        values: dict[str, float] = {name: getattr(evidence, name) for name in self.weights}
        return self.intercept + sum(self.weights[name] * value for name, value in values.items())

    def probability(self, evidence: object) -> float:
        """The probability whose log-odds the sum is."""
        return float(1.0 / (1.0 + np.exp(-self(evidence))))


@dataclass(frozen=True)
class Weights:
    """``rank`` orders sentences; ``confidence`` gives the log-odds that a sentence answers.

    ``words``: the log-odds that the reader's words in it are the answer; they are shown as such
    from the probability ``sure``. ``thresholds``: for each Caution, the confidence below which a
    question is refused.
    """

    rank: Linear
    confidence: Linear
    words: Linear
    sure: float
    thresholds: dict[Caution, float]


def load_weights(kind: str, file: Path = FILE) -> Weights:
    """Load the weights of a kind, READER or PLAIN: by default those that ship with Virgolette.

    Raises StorageError if they cannot be read.
    """
    try:
        return _weights(json.loads(file.read_text(encoding="utf-8"))[kind])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StorageError(
            f"the weights in {file} cannot be read ({error}): delete that file, "
            "or recreate it with virgolette eval FILE --fit"
        ) from error


def _weights(data: dict[str, Any]) -> Weights:
    thresholds = {caution: float(data["thresholds"][caution.value]) for caution in Caution}
    linear = {name: _linear(**data[name]) for name in ("rank", "confidence", "words")}
    return Weights(**linear, sure=float(data["sure"]), thresholds=thresholds)


def _linear(weights: dict[str, float], intercept: float) -> Linear:
    if not isinstance(weights, dict):
        raise TypeError("weights are not an object of names and numbers")
    unknown = weights.keys() - {field.name for field in fields(Evidence)}
    if unknown:
        raise ValueError(f"of another version: {', '.join(sorted(unknown))} is not known")
    return Linear(weights, intercept)


def save_weights(weights: Weights, kind: str, file: Path = FILE) -> None:
    """Write the weights of a kind to a file; those of the other kind stay in it."""
    others = {}
    with suppress(OSError, ValueError):
        others = json.loads(file.read_text(encoding="utf-8"))
    file.parent.mkdir(parents=True, exist_ok=True)
    replace_file(file, json.dumps({**others, kind: asdict(weights)}, indent=1) + "\n")


def fitted_file(data_dir: Path, fingerprint: str) -> Path:
    """The file of the weights that are fitted to another embedding model."""
    return data_dir / FITTED / f"{hashlib.sha256(fingerprint.encode()).hexdigest()[:16]}.json"


def has_weights(kind: str, file: Path) -> bool:
    """Whether the file has weights of this kind, for this version."""
    try:
        load_weights(kind, file)
    except StorageError:
        return False
    return True
