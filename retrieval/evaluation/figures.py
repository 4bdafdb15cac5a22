"""Figures over outcomes, with 95 % intervals by the bootstrap (Efron, 1979)."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retrieval.evaluation.outcomes import Outcome

RESAMPLED = 1000
SEED = 20261125
BINS = 10  # of the confidence
FALSE_REFUSALS = 0.1  # of the answerable questions, at which false answers are told
Rows = NDArray[np.int64]


def writing_lines(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """A table: claims made, shown and dropped, answers without any, how claims are held."""
    asked = [one for one in outcomes if not one.refused]
    shown = sum(one.claims for one in asked)
    dropped = Counter(fault for one in asked for fault in one.dropped)
    yield f"  {'claims made':<36} {shown + dropped.total()}"
    yield f"  {'claims shown':<36} {shown}"
    for fault, count in dropped.most_common():
        yield f"  {f'dropped: {fault}':<36} {count}"
    fallbacks = Counter(one.fallback for one in asked if one.fallback)
    yield f"  {'answers written':<36} {sum(one.claims > 0 for one in asked)} of {len(asked)}"
    for fallback, count in fallbacks.most_common():
        yield f"  {f'without the model: {fallback}':<36} {count}"
    support = [cosine for one in asked for cosine in one.support]
    if support:
        told = f"{statistics.median(support):.3f}, lowest {min(support):.3f}"
        yield f"  {'cosine of claim and quotation':<36} {told}"
    yield f"  {'false quotations shown':<36} {sum(one.false for one in outcomes)}"


@dataclass(frozen=True)
class Figure:
    """A figure with the ends of its 95 % interval, and over how many questions it is."""

    name: str
    value: float
    low: float
    high: float
    questions: int

    def __str__(self) -> str:
        told = f"{self.value:.3f}   {self.low:.3f}–{self.high:.3f}   of {self.questions}"
        return f"{self.name:<36} {told}"


@dataclass(frozen=True)
class Curve:
    """What is right among the questions answered (``1 - risk``) as more of them are answered.

    Source: El-Yaniv and Wiener, "On the Foundations of Noise-free Selective Classification" (2010).
    """

    coverage: list[float]
    risk: list[float]


def figures(found: Sequence[Outcome]) -> list[Figure]:
    """All figures that can be told of these outcomes."""
    answerable = np.array([at for at, one in enumerate(found) if one.answerable], np.int64)
    others = np.array([at for at, one in enumerate(found) if not one.answerable], np.int64)
    told = []
    for name, value in _SHARES.items():
        if len(answerable):
            values = np.array([value(found[at]) for at in answerable], np.float64)
            told.append(share(name, values))
    if len(others):
        refused = np.array([found[at].refused for at in others], np.float64)
        told.append(share("refused rightly", refused))
        answered = np.array([found[at].words is not None for at in others], np.float64)
        told.append(share("short answer, where nothing answers", answered))
    if len(answerable) and len(others):
        told += _separation(found)
    return [*told, *_shown(found), _calibration(found)]


def _shown(found: Sequence[Outcome]) -> Iterator[Figure]:
    """What is right of what is shown, whether the question has an answer or not."""
    hits = np.array([hit for one in found for hit in one.hits], np.float64)
    if len(hits):
        yield share("quotations shown that hold an answer", hits)
    short = np.array([one.right for one in found if one.words is not None], np.float64)
    if len(short):
        yield share("short answers given that are right", short)


def by_kind(found: Sequence[Outcome]) -> Iterator[Figure]:
    """For each kind of question that has an answer, the first quotation; of others, refusals."""
    for kind in dict.fromkeys(one.kind for one in found if one.kind):
        for answerable, name in ((True, "quote@1"), (False, "refused rightly")):
            some = [one for one in found if one.kind == kind and one.answerable is answerable]
            value = _SHARES["quote@1"] if answerable else _SHARES["refused wrongly"]
            if some:
                yield share(f"{kind}: {name}", np.array([value(one) for one in some], np.float64))


def _within(rank: int | None, most: int) -> bool:
    return rank is not None and rank <= most


_SHARES: dict[str, Callable[[Outcome], float]] = {
    "passage R@1": lambda one: _within(one.rank, 1),
    "passage R@1, vectors alone": lambda one: _within(one.dense_rank, 1),
    "passage R@1, BM25 alone": lambda one: _within(one.bm25_rank, 1),
    "passage R@5": lambda one: _within(one.rank, 5),
    "passage R@5, vectors alone": lambda one: _within(one.dense_rank, 5),
    "passage R@5, BM25 alone": lambda one: _within(one.bm25_rank, 5),
    "passage MRR@10": lambda one: 1 / one.rank if one.rank else 0.0,
    "quote@1": lambda one: one.hits[:1] == (True,),
    "quote@3": lambda one: any(one.hits[:3]),
    "refused wrongly": lambda one: one.refused,
    "short answer right": lambda one: one.right,
}


def curve(found: Sequence[Outcome]) -> Curve:
    """Risk over coverage, the surest answers first. Of a refusal, what was near is looked at."""
    ordered = sorted(found, key=lambda one: -one.confidence)
    wrong = np.cumsum([not (one.answerable and one.would) for one in ordered])
    answered = np.arange(1, len(ordered) + 1)
    return Curve((answered / len(ordered)).tolist(), (wrong / answered).tolist())


def _separation(found: Sequence[Outcome]) -> list[Figure]:
    confidence = np.array([one.confidence for one in found])
    answerable = np.array([one.answerable for one in found])

    def split(rows: Rows) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        labels, values = answerable[rows], confidence[rows]
        return values[labels], values[~labels]

    return [
        _figure("AUROC of the confidence", len(found), lambda rows: auroc(*split(rows))),
        _figure(
            f"false answers at {FALSE_REFUSALS:.0%} false refusals",
            len(found),
            lambda rows: _false_answers(*split(rows)),
        ),
    ]


def _calibration(found: Sequence[Outcome]) -> Figure:
    confidence = np.array([one.confidence for one in found])
    right = np.array([one.answerable and one.would for one in found], np.float64)
    name = "calibration error of the confidence"
    return _figure(name, len(found), lambda rows: calibration_error(confidence[rows], right[rows]))


def calibration_error(confidence: NDArray[np.float64], right: NDArray[np.float64]) -> float:
    """How far the confidence is from the share that is right, over BINS equal bins of it.

    The expected calibration error: Naeini, Cooper and Hauskrecht, AAAI 2015.
    """
    bins = np.minimum((confidence * BINS).astype(np.int64), BINS - 1)
    off = [abs(float((confidence - right)[bins == at].sum())) for at in range(BINS)]
    return sum(off) / len(bins)


def auroc(higher: NDArray[np.float64], lower: NDArray[np.float64]) -> float:
    """How often one of the first is above one of the second, ties counting half."""
    if not len(higher) or not len(lower):
        return float("nan")
    lower = np.sort(lower)
    below = np.searchsorted(lower, higher, "left")
    not_above = np.searchsorted(lower, higher, "right")
    return float((below + not_above).mean() / 2 / len(lower))


def _false_answers(answerable: NDArray[np.float64], others: NDArray[np.float64]) -> float:
    if not len(answerable) or not len(others):
        return float("nan")
    return float((others >= np.quantile(answerable, FALSE_REFUSALS)).mean())


def share(name: str, values: NDArray[np.float64]) -> Figure:
    """The mean of the values, one a question."""
    return _figure(name, len(values), lambda rows: float(values[rows].mean()))


def _figure(name: str, size: int, statistic: Callable[[Rows], float]) -> Figure:
    rng = np.random.default_rng(SEED)
    drawn = [statistic(rng.integers(0, size, size)) for _ in range(RESAMPLED)]
    low, high = np.nanquantile(drawn, (0.025, 0.975))
    return Figure(name, statistic(np.arange(size)), float(low), float(high), size)
