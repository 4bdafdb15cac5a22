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
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from index.analysis import words
from index.embedder import Embedder
from index.sentences import sentences
from retrieval.evaluation.figures import auroc, share
from retrieval.evaluation.squad import read_squad
from retrieval.reader import Reader, Reading
from training.questions import Example, candidates

ARTICLES = frozenset("il lo la i gli le l un uno una the a an".split())
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


def main() -> None:
    """Print the scores on the file named on the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("squad", type=Path)
    parser.add_argument("--limit", type=int, help="of the questions, drawn at random")
    arguments = parser.parse_args()
    found = score(arguments.squad, arguments.limit)
    own = np.array([one.answered for one in found])
    other = np.array([one.unanswered for one in found if one.unanswered is not None])
    print(share("exact match", np.array([one.exact for one in found])))
    print(share("F1", np.array([one.f1 for one in found])))
    print(f"AUROC, own passage against the nearest other one: {auroc(own, other):.3f}")


if __name__ == "__main__":
    main()
