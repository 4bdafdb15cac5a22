"""The gain of each part of finding, choosing and refusing: ``python -m benchmarks.quality --help``.

Measured on the questions of news' dev, over one folder of all news; everything is fitted as by
``training.weights``, on articles that no model has learnt.
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
class NewsIndex:
    """An index of all news, and the models."""

    generation: Generation
    embedder: Embedder
    reader: Reader


def finding(index: NewsIndex, questions: Sequence[ExamQuestion]) -> str:
    """A table of ways to find the passage."""
    ranks: dict[str, list[float]] = defaultdict(list)
    for signals, right in judged(questions, index.generation, index.embedder):
        for name, fusion in FUSIONS.items():
            best = np.argsort(-fusion.scores(signals), kind="stable")[:LISTED]
            ranks[name].append(_rank(right[best].tolist()))
    head = "| finding | R@1 | R@5 | R@10 | MRR@10 |\n| --- | --- | --- | --- | --- |"
    return "\n".join([head, *(f"| {way} | {_shares(np.array(r))} |" for way, r in ranks.items())])


def _rank(right: list[bool]) -> float:
    return right.index(True) + 1 if True in right else np.inf


def _shares(ranks: NDArray[np.float64]) -> str:
    shares = [f"{(ranks <= k).mean():.3f}" for k in (1, 5, 10)]
    return " | ".join([*shares, f"{(1 / ranks).mean():.3f}"])


def choosing(kind: str, fitted: Sequence[Example], reported: Sequence[Example]) -> str:
    """A table of the results without each kind of evidence, with everything fitted again."""
    rows = [_row("everything", kind, fitted, reported, "")]
    names = dict.fromkeys([*fitting.RANK[kind], *fitting.CONFIDENCE[kind], *fitting.WORDS[kind]])
    rows += [_row(f"without `{name}`", kind, fitted, reported, name) for name in names]
    head = f"| {kind} | first sentence right | AUROC | refused |\n| --- | --- | --- | --- |"
    return "\n".join([head, *rows])


def _row(
    label: str, kind: str, fitted: Sequence[Example], reported: Sequence[Example], left_out: str
) -> str:
    weights = fitting.fit(fitted, kind, left_out)
    answered = [e for e in reported if e.answerable]
    first = np.mean([e.right[_best(e, weights)] for e in answered])
    own = _confidence(answered, weights)
    others = _confidence([e for e in reported if not e.answerable], weights)
    threshold = weights.thresholds[Caution.BALANCED]
    refused = f"{(others < threshold).mean():.3f} / {(own < threshold).mean():.3f}"
    return f"| {label} | {first:.3f} | {auroc(own, others):.3f} | {refused} |"


def _best(example: Example, weights: Weights) -> int:
    return max(range(len(example.right)), key=lambda i: weights.rank(example.evidence[i]))


def _confidence(examples: Sequence[Example], weights: Weights) -> NDArray[np.float64]:
    best = [example.evidence[_best(example, weights)] for example in examples]
    return np.array([weights.confidence.probability(evidence) for evidence in best])


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, and write if asked."""
    options = _options(arguments)
    dev = read_exam(options.news / "dev.jsonl")
    questions = _drawn(dev.asked, options.questions)
    with (
        tempfile.TemporaryDirectory(prefix="virgolette-quality-") as work,
        _indexed(Path(work), dev) as index,
    ):
        answerable = [question for question in questions if question.answers]
        tables = [finding(index, answerable)]
        to_fit = corpora(options.news, options.squad, options.fitted)
        for kind in (READER, PLAIN):
            reader = index.reader if kind == READER else None
            fitted = list(fit_examples(to_fit, index.embedder, reader, Path(work) / kind))
            reported = [
                example
                for question in questions
                for example in fitting.examples(
                    question, index.generation, index.embedder, reader, near_miss=False
                )
            ]
            tables.append(choosing(kind, fitted, reported))
            print(tables[-1], flush=True)
    notes = NOTES.format(questions=len(questions), answerable=len(answerable))
    report = "\n\n".join([notes, *tables])
    print(report)
    if options.write:
        write_section("quality", report, PAGE)
    return 0


@contextmanager
def _indexed(work: Path, exam: Exam) -> Iterator[NewsIndex]:
    """The articles of an exam, indexed."""
    embedder = Embedder()
    with indexed(exam.texts or {}, embedder, work) as generation:
        yield NewsIndex(generation, embedder, Reader(embedder.encoder))


def _drawn(questions: Sequence[ExamQuestion], count: int | None) -> list[ExamQuestion]:
    if count is None:
        return list(questions)
    return random.Random(SEED).sample(questions, min(count, len(questions)))  # noqa: S311


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
