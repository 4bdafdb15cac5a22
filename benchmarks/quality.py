"""What each part of finding, choosing and refusing brings: ``python -m benchmarks.quality --help``.

Reported on the questions of news' dev, over one folder of all news; everything is fitted as
``training.weights`` does it, on articles that no model has learnt.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.corpus import NEWS, ROOT, SQUAD
from benchmarks.report import write_section
from index.generations.generation import Generation
from index.models.embedder import Embedder
from retrieval.answering.reader import Reader
from retrieval.answering.search import Fusion
from retrieval.answering.weights import PLAIN, READER, Caution, Weights
from retrieval.evaluation import fitting
from retrieval.evaluation.exam import Exam, ExamQuestion, indexed, read_exam
from retrieval.evaluation.figures import auroc
from retrieval.evaluation.fitting import Example
from retrieval.evaluation.outcomes import LISTED
from training.fusion import judged
from training.weights import QUESTIONS, corpora, fit_examples

PAGE = ROOT / "docs" / "quality.md"
SEED = 20261125
FUSIONS = {
    "the passage's vector alone": Fusion(1.0, 0.0, 0.0),
    "the nearest sentence alone": Fusion(0.0, 1.0, 0.0),
    "BM25 alone": Fusion(0.0, 0.0, 1.0),
    "fused, without the passage's vector": Fusion(passage=0.0),
    "fused, without the nearest sentence": Fusion(sentence=0.0),
    "fused, without BM25": Fusion(keyword=0.0),
    "fused, all the same": Fusion(1.0, 1.0, 1.0),
    "fused, shipped": Fusion(),
}

NOTES = """\
Finding is reported on the {answerable} questions of news' dev that have an answer: the place of the
first passage that holds it, among those that both searches bring. Choosing and refusing on all
{questions}. Everything is fitted anew for each row; "without" a kind of evidence means in the
choice, in the confidence and in the short answer. "Refused" are those without an answer and,
after the stroke, those with one.
"""


@dataclass(frozen=True)
class Place:
    """An index of all news, and the models."""

    generation: Generation
    embedder: Embedder
    reader: Reader


def finding(place: Place, questions: Sequence[ExamQuestion]) -> str:
    """A table of ways to find the passage."""
    ranks: dict[str, list[float]] = defaultdict(list)
    for signals, right in judged(questions, place.generation, place.embedder):
        for name, fusion in FUSIONS.items():
            best = np.argsort(-fusion.scores(signals), kind="stable")[:LISTED]
            ranks[name].append(_rank(right[best].tolist()))
    head = "| finding | R@1 | R@5 | R@10 | MRR@10 |\n| --- | --- | --- | --- | --- |"
    return "\n".join([head, *(f"| {way} | {_told(np.array(r))} |" for way, r in ranks.items())])


def _rank(right: list[bool]) -> float:
    return right.index(True) + 1 if True in right else np.inf


def _told(ranks: NDArray[np.float64]) -> str:
    shares = [f"{(ranks <= most).mean():.3f}" for most in (1, 5, 10)]
    return " | ".join([*shares, f"{(1 / ranks).mean():.3f}"])


def choosing(kind: str, fitted: Sequence[Example], reported: Sequence[Example]) -> str:
    """A table of what happens without each kind of evidence, everything fitted anew."""
    rows = [_row("everything", kind, fitted, reported, "")]
    names = dict.fromkeys([*fitting.RANK[kind], *fitting.CONFIDENCE[kind], *fitting.WORDS[kind]])
    rows += [_row(f"without `{name}`", kind, fitted, reported, name) for name in names]
    head = f"| {kind} | first sentence right | AUROC | refused |\n| --- | --- | --- | --- |"
    return "\n".join([head, *rows])


def _row(
    told: str, kind: str, fitted: Sequence[Example], reported: Sequence[Example], left_out: str
) -> str:
    weights = fitting.fit(fitted, kind, left_out)
    answered = [e for e in reported if e.answerable]
    first = np.mean([e.right[_best(e, weights)] for e in answered])
    own = _confidence(answered, weights)
    others = _confidence([e for e in reported if not e.answerable], weights)
    least = weights.thresholds[Caution.BALANCED]
    refused = f"{(others < least).mean():.3f} / {(own < least).mean():.3f}"
    return f"| {told} | {first:.3f} | {auroc(own, others):.3f} | {refused} |"


def _best(example: Example, weights: Weights) -> int:
    return max(range(len(example.right)), key=lambda at: weights.rank(example.evidence[at]))


def _confidence(found: Sequence[Example], weights: Weights) -> NDArray[np.float64]:
    best = [example.evidence[_best(example, weights)] for example in found]
    return np.array([weights.confidence.probability(evidence) for evidence in best])


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, and write if asked."""
    options = _options(arguments)
    dev = read_exam(options.news / "dev.jsonl")
    some = _drawn(dev.asked, options.questions)
    with (
        tempfile.TemporaryDirectory(prefix="virgolette-quality-") as work,
        _place(Path(work), dev) as place,
    ):
        answerable = [asked for asked in some if asked.answers]
        tables = [finding(place, answerable)]
        to_fit = corpora(options.news, options.squad, options.fitted)
        for kind in (READER, PLAIN):
            reader = place.reader if kind == READER else None
            fitted = list(fit_examples(to_fit, place.embedder, reader, Path(work) / kind))
            reported = [
                example
                for asked in some
                for example in fitting.examples(
                    asked, place.generation, place.embedder, reader, near_miss=False
                )
            ]
            tables.append(choosing(kind, fitted, reported))
            print(tables[-1], flush=True)
    notes = NOTES.format(questions=len(some), answerable=len(answerable))
    told = "\n\n".join([notes, *tables])
    print(told)
    if options.write:
        write_section("quality", told, PAGE)
    return 0


@contextmanager
def _place(work: Path, exam: Exam) -> Iterator[Place]:
    """The articles of an exam, indexed."""
    embedder = Embedder()
    with indexed(exam.texts or {}, embedder, work) as generation:
        yield Place(generation, embedder, Reader(embedder.encoder))


def _drawn(asked: Sequence[ExamQuestion], count: int | None) -> list[ExamQuestion]:
    if count is None:
        return list(asked)
    return random.Random(SEED).sample(asked, min(count, len(asked)))  # noqa: S311


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks.quality", description=__doc__)
    parser.add_argument("--news", type=Path, default=NEWS, help="folder of questions on news")
    parser.add_argument("--squad", type=Path, default=SQUAD, help="folder of SQuAD-it's files")
    parser.add_argument("--questions", type=int, help="of dev; all where it is not said")
    parser.add_argument(
        "--fitted", type=int, default=QUESTIONS, help="questions of SQuAD-it's train to fit on"
    )
    parser.add_argument("--write", action="store_true", help="the tables to docs/quality.md")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
