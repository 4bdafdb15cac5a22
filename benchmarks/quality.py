"""What each part of finding, choosing and refusing brings: ``python -m benchmarks.quality --help``.

Everything is fitted on SQuAD-it's train and on the project's own tuning questions, and reported on
dev, over one index of the paragraphs of both.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.corpus import ROOT, SQUAD
from benchmarks.report import write_section
from index.embedder import Embedder
from index.generation import Generation
from index.layout import generations_dir
from index.place import Locations
from index.sync import sync
from retrieval.evaluation import fitting
from retrieval.evaluation.baselines import LISTED, bm25, dense
from retrieval.evaluation.exam import Asked, Exam, read_exam
from retrieval.evaluation.figures import auroc
from retrieval.evaluation.fitting import Example
from retrieval.reader import Reader
from retrieval.search import Fusion, HybridRetriever
from retrieval.weights import PLAIN, READER, Weights
from training.weights import QUESTIONS, TUNING, fit_examples, gold_corpus

PAGE = ROOT / "docs" / "quality.md"
SEED = 20261125
FUSIONS = {  # tried beside the one that is shipped
    "without the passage's vector": Fusion(passage=0.0),
    "without the best sentence": Fusion(sentence=0.0),
    "without keywords": Fusion(keyword=0.0),
    "all the same": Fusion(1.0, 1.0, 1.0),
    "shipped": Fusion(),
}

NOTES = """\
Finding is reported on all {all} questions of dev, choosing and refusing on {questions} of them. A
question is asked twice, with its paragraph and without it: the AUROC tells how often the
confidence is higher where one of the sentences found holds the answer than where none does.
Everything is fitted anew for each row; "without" a kind of evidence means in the choice and in the
confidence. The figures are of the best sentence by itself, before neighbours and refusals.
"""


@dataclass(frozen=True)
class Place:
    """An index of the paragraphs of train and dev, and the models."""

    generation: Generation
    embedder: Embedder
    reader: Reader


def finding(place: Place, train: Sequence[Asked], dev: Sequence[Asked]) -> str:
    """A table of ways to find the passage, on both parts."""
    ways: dict[str, list[str]] = defaultdict(list)
    for part in (train, dev):
        for way, ranks in _ranks(place, part).items():
            ways[way].append(_told(np.array(ranks)))
    head = "| finding | train: R@1 / R@5 / MRR@10 | dev: R@1 / R@5 / MRR@10 |\n| --- | --- | --- |"
    return "\n".join([head, *(f"| {way} | {' | '.join(told)} |" for way, told in ways.items())])


def _ranks(place: Place, questions: Sequence[Asked]) -> dict[str, list[float]]:
    """For each way the place of the right passage, from 1, for each question."""
    places = place.generation.store.layout()
    retriever = HybridRetriever(generation=place.generation, embedder=place.embedder)
    ranks: dict[str, list[float]] = defaultdict(list)
    for asked in questions:
        alone = {
            "vectors alone": dense(asked.question, place.generation, place.embedder),
            "BM25 alone": bm25(asked.question, place.generation),
        }
        for way, found in alone.items():
            ranks[way].append(_rank([article in asked.articles for article in found]))
        gold = [row for article in asked.articles for row in places[article].passages]
        signals = retriever.signals(asked.question)
        for name, fusion in FUSIONS.items():
            best = np.argsort(-fusion.scores(signals), kind="stable")[:LISTED]
            ranks[f"fused, {name}"].append(_rank(np.isin(signals.rows[best], gold).tolist()))
    return ranks


def _rank(right: list[bool]) -> float:
    return right.index(True) + 1 if True in right else np.inf


def _told(ranks: NDArray[np.float64]) -> str:
    first, five = (ranks == 1).mean(), (ranks <= 5).mean()
    return f"{first:.3f} / {five:.3f} / {(1 / ranks).mean():.3f}"


def choosing(kind: str, fitted: Sequence[Example], reported: Sequence[Example]) -> str:
    """A table of what happens without each kind of evidence, everything fitted anew."""
    rows = [_row("everything", kind, fitted, reported, "")]
    names = dict.fromkeys([*fitting.RANK[kind], *fitting.CONFIDENCE[kind]])
    rows += [_row(f"without `{name}`", kind, fitted, reported, name) for name in names]
    head = f"| {kind} | first sentence right | AUROC |\n| --- | --- | --- |"
    return "\n".join([head, *rows])


def _row(
    told: str, kind: str, fitted: Sequence[Example], reported: Sequence[Example], left_out: str
) -> str:
    weights = fitting.fit(fitted, kind, left_out)
    answered = [e for e in reported if e.answered]
    others = [e for e in reported if not e.answered and e.evidence]
    first = np.mean([_first(e, weights) for e in answered])
    area = auroc(_confidence(answered, weights), _confidence(others, weights))
    return f"| {told} | {first:.3f} | {area:.3f} |"


def _first(example: Example, weights: Weights) -> bool:
    at = max(range(len(example.right)), key=lambda i: weights.rank(example.evidence[i]))
    return example.right[at]


def _confidence(found: Sequence[Example], weights: Weights) -> NDArray[np.float64]:
    best = [max(example.evidence, key=weights.rank) for example in found]
    return np.array([weights.probability(evidence) for evidence in best])


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, and write if asked."""
    options = _options(arguments)
    train, dev = (read_exam(options.data / f"{name}.json.gz") for name in ("train", "dev"))
    with (
        tempfile.TemporaryDirectory(prefix="virgolette-quality-") as work,
        _place(Path(work), train, dev) as place,
    ):
        some = _drawn(dev.asked, options.questions)
        tables = [finding(place, _drawn(train.asked, options.questions), dev.asked)]
        for kind in (READER, PLAIN):
            reader = place.reader if kind == READER else None
            fitted = list(
                fit_examples(
                    options.data / "train.json.gz",
                    options.data / "xquad_train.json.gz",
                    gold_corpus(ROOT / "corpus", TUNING),
                    place.embedder,
                    reader,
                    Path(work) / kind,
                    options.fitted,
                )
            )
            reported = [
                example
                for asked in some
                for example in fitting.examples(
                    asked, place.generation, place.embedder, reader, own=False
                )
            ]
            tables.append(choosing(kind, fitted, reported))
            print(tables[-1], flush=True)
    told = "\n\n".join([NOTES.format(questions=len(some), all=len(dev.asked)), *tables])
    print(told)
    if options.write:
        write_section("quality", told, PAGE)
    return 0


@contextmanager
def _place(work: Path, *exams: Exam) -> Iterator[Place]:
    """The paragraphs of the exams, indexed."""
    for exam in exams:
        for path, text in (exam.texts or {}).items():
            (work / "corpus" / path).parent.mkdir(parents=True, exist_ok=True)
            (work / "corpus" / path).write_text(text, encoding="utf-8")
    embedder = Embedder("", work / "models")
    report = sync(Locations(work / "corpus", work / "data"), embedder)
    directory = generations_dir(work / "data") / report.generation
    with closing(Generation(directory)) as generation:
        yield Place(generation, embedder, Reader(work / "models"))


def _drawn(asked: Sequence[Asked], count: int) -> list[Asked]:
    return random.Random(SEED).sample(asked, min(count, len(asked)))  # noqa: S311


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks.quality", description=__doc__)
    parser.add_argument("--data", type=Path, default=SQUAD, help="folder of SQuAD-it's files")
    parser.add_argument("--questions", type=int, default=500, help="of train and of dev")
    parser.add_argument(
        "--fitted", type=int, default=QUESTIONS, help="questions of train to fit on"
    )
    parser.add_argument("--write", action="store_true", help="the tables to docs/quality.md")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
