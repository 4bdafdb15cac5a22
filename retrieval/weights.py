"""The fitted numbers: those of ``weights.json``, or others, fitted to another embedding model."""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np

from index.errors import StorageError
from retrieval.evidence import Evidence

FILE = Path(__file__).with_name("weights.json")
FITTED = "weights"  # the folder in DATA_DIR of weights that are fitted to other models
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


def load_weights(kind: str, file: Path = FILE) -> Weights:
    """The weights of a kind, READER or PLAIN, in a file: those that travel with Virgolette.

    Raises StorageError where they cannot be read.
    """
    try:
        told = json.loads(file.read_text(encoding="utf-8"))[kind]
        return Weights(
            rank=_linear(**told["rank"]),
            confidence=_linear(**told["confidence"]),
            threshold=told["threshold"],
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StorageError(
            f"the weights in {file} cannot be read ({error}): delete that file, "
            "or make it anew with virgolette eval FILE --fit"
        ) from error


def _linear(weights: dict[str, float], intercept: float) -> Linear:
    if not isinstance(weights, dict):
        raise TypeError("weights are no names with numbers")
    unknown = weights.keys() - {field.name for field in fields(Evidence)}
    if unknown:
        raise ValueError(f"of another version: {', '.join(sorted(unknown))} is not known")
    return Linear(weights, intercept)


def save_weights(weights: Weights, kind: str, file: Path = FILE) -> None:
    """Put the weights of a kind into a file; those of the other kind stay in it."""
    others = {}
    with suppress(OSError, ValueError):
        others = json.loads(file.read_text(encoding="utf-8"))
    file.parent.mkdir(parents=True, exist_ok=True)
    new = file.with_suffix(".new")
    new.write_text(json.dumps({**others, kind: asdict(weights)}, indent=1) + "\n", encoding="utf-8")
    new.replace(file)


def fitted_file(data_dir: Path, fingerprint: str) -> Path:
    """Where weights that were fitted to another embedding model are kept."""
    return data_dir / FITTED / f"{hashlib.sha256(fingerprint.encode()).hexdigest()[:16]}.json"


def has_weights(kind: str, file: Path) -> bool:
    """Whether the file has weights of this kind, and of this version."""
    try:
        load_weights(kind, file)
    except StorageError:
        return False
    return True
