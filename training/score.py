"""Measure the reader by itself: exact match, F1, and whether it knows when words are missing.

    python -m training.score dev.json.gz

Every question is read with the passage that holds its answer and with the nearest of its article
that does not. F1 is over words, as in SQuAD's own evaluation (Rajpurkar et al., EMNLP 2016),
ignoring case, punctuation and articles, the Italian ones.
"""

from __future__ import annotations

import argparse
import random
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.metrics import roc_auc_score

from index.embedder import Embedder
from index.keywords import words
from index.sentences import sentences
from retrieval.evaluation.squad import read_squad
from retrieval.reader import Reader, Reading
from training.reader import Example, candidates

ARTICLES = frozenset("il lo la i gli le l un uno una the a an".split())
RESAMPLED = 1000
SEED = 20261125


@dataclass(frozen=True)
class Scored:
    """One question: match and F1 on its own passage, the scores on that and on another one."""

    exact: float
    f1: float
    answered: float
    unanswered: float | None


def best_reading(reader: Reader, example: Example) -> Reading:
    """The best words of a whole passage."""
    (readings,) = reader.read(example.question, [(example.passage, sentences(example.passage))])
    return max(readings, key=lambda reading: reading.score)


def f1(told: str, gold: str) -> float:
    """The harmonic mean of precision and recall over words."""
    one, other = (
        Counter(word for word in words(text) if word not in ARTICLES) for text in (told, gold)
    )
    shared = (one & other).total()
    return 2 * shared / (one.total() + other.total()) if shared else float(one == other)


def score(dev: Path, limit: int | None) -> list[Scored]:
    """The scores of the questions of a SQuAD file, or of some drawn at random."""
    found: list[Scored] = []
    with tempfile.TemporaryDirectory() as work:
        embedder, reader = Embedder("", Path(work)), Reader(Path(work))
        asked = list(candidates(list(read_squad(dev)), embedder))
        for one in random.Random(SEED).sample(asked, min(limit or len(asked), len(asked))):  # noqa: S311
            passage = one.positive.passage
            reading = best_reading(reader, one.positive)
            told = passage[reading.span.start : reading.span.end]
            matches = [f1(told, passage[s.start : s.end]) for s in one.positive.spans]
            other = best_reading(reader, one.negatives[0]).score if one.negatives else None
            found.append(Scored(float(max(matches) == 1), max(matches), reading.score, other))
    return found


def interval(values: Sequence[float]) -> str:
    """The mean with its 95 % interval by the bootstrap."""
    rng = np.random.default_rng(SEED)
    drawn = rng.choice(np.array(values), (RESAMPLED, len(values))).mean(axis=1)
    low, high = np.quantile(drawn, (0.025, 0.975))
    return f"{np.mean(values):.3f} ({low:.3f}–{high:.3f})"


def main() -> None:
    """Print the scores on the file named on the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("squad", type=Path)
    parser.add_argument("--limit", type=int, help="of the questions, drawn at random")
    arguments = parser.parse_args()
    found = score(arguments.squad, arguments.limit)
    missing = [one.unanswered for one in found if one.unanswered is not None]
    labels = [1] * len(found) + [0] * len(missing)
    auroc = roc_auc_score(labels, [*(one.answered for one in found), *missing])
    print(f"{len(found)} questions")
    print(f"exact match {interval([one.exact for one in found])}")
    print(f"F1 {interval([one.f1 for one in found])}")
    print(f"AUROC, own passage against the nearest other one: {auroc:.3f}")


if __name__ == "__main__":
    main()
