"""Figures over outcomes, with 95 % intervals by the bootstrap (Efron, 1979)."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retrieval.evaluation.outcomes import Outcome

RESAMPLES = 1000
SEED = 20261125
BINS = 10  # of the confidence
FALSE_REFUSALS = 0.1  # share of the answerable questions, at which false answers are measured
_SHARES: dict[str, Callable[[Outcome], float]] = {
    "passage R@1": lambda outcome: _within(outcome.rank, 1),
    "passage R@1, vectors alone": lambda outcome: _within(outcome.dense_rank, 1),
    "passage R@1, BM25 alone": lambda outcome: _within(outcome.bm25_rank, 1),
    "passage R@5": lambda outcome: _within(outcome.rank, 5),
    "passage R@5, vectors alone": lambda outcome: _within(outcome.dense_rank, 5),
    "passage R@5, BM25 alone": lambda outcome: _within(outcome.bm25_rank, 5),
    "passage MRR@10": lambda outcome: 1 / outcome.rank if outcome.rank else 0.0,
    "quote@1": lambda outcome: outcome.hits[:1] == (True,),
    "quote@3": lambda outcome: any(outcome.hits[:3]),
    "refused wrongly": lambda outcome: outcome.refused,
    "short answer right": lambda outcome: outcome.right,
}

Indices = NDArray[np.int64]
Values = NDArray[np.float64]


@dataclass(frozen=True)
class Figure:
    """A figure with the ends of its 95 % interval, and the number of questions it is over."""

    name: str
    value: float
    low: float
    high: float
    questions: int

    def __str__(self) -> str:
        interval = f"{self.low:.3f}–{self.high:.3f}"
        return f"{self.name:<36} {self.value:.3f}   {interval}   of {self.questions}"


@dataclass(frozen=True)
class Curve:
    """The share of the answered questions that are wrong (risk), as more are answered (coverage).

    Source: El-Yaniv and Wiener, "On the Foundations of Noise-free Selective Classification" (2010).
    """

    coverage: list[float]
    risk: list[float]


def figures(outcomes: Sequence[Outcome]) -> list[Figure]:
    """All figures that these outcomes allow."""
    answerable = [outcome for outcome in outcomes if outcome.answerable]
    others = [outcome for outcome in outcomes if not outcome.answerable]
    of_questions: dict[str, list[float]] = {
        **{name: [value(outcome) for outcome in answerable] for name, value in _SHARES.items()},
        "refused rightly": [outcome.refused for outcome in others],
        "short answer, where nothing answers": [o.words is not None for o in others],
    }
    of_shown: dict[str, list[float]] = {
        "quotations shown that hold an answer": [hit for o in outcomes for hit in o.hits],
        "short answers given that are right": [o.right for o in outcomes if o.words is not None],
    }
    separation = _separation(outcomes) if answerable and others else ()
    return [*_shares(of_questions), *separation, *_shares(of_shown), _calibration(outcomes)]


def by_kind(outcomes: Sequence[Outcome]) -> Iterator[Figure]:
    """For each kind of question: quote@1 where there is an answer, else right refusals."""
    for kind in dict.fromkeys(outcome.kind for outcome in outcomes if outcome.kind):
        for answerable, name in ((True, "quote@1"), (False, "refused rightly")):
            value = _SHARES["quote@1" if answerable else "refused wrongly"]
            of_kind = [o for o in outcomes if o.kind == kind and o.answerable is answerable]
            yield from _shares({f"{kind}: {name}": [value(outcome) for outcome in of_kind]})


def curve(outcomes: Sequence[Outcome]) -> Curve:
    """Risk over coverage, the surest answers first. A refusal counts by its near quotation."""
    ordered = sorted(outcomes, key=lambda outcome: -outcome.confidence)
    wrong = np.cumsum([not (outcome.answerable and outcome.would) for outcome in ordered])
    answered = np.arange(1, len(ordered) + 1)
    return Curve((answered / len(ordered)).tolist(), (wrong / answered).tolist())


def writing_lines(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """A table: claims made, shown and dropped, answers without any, support of the claims."""
    answered = [outcome for outcome in outcomes if not outcome.refused]
    shown = sum(outcome.claims for outcome in answered)
    dropped = Counter(fault for outcome in answered for fault in outcome.dropped)
    fallbacks = Counter(outcome.fallback for outcome in answered if outcome.fallback)
    written = sum(outcome.claims > 0 for outcome in answered)
    support = [cosine for outcome in answered for cosine in outcome.support]
    lines: list[tuple[str, object]] = [
        ("claims made", shown + dropped.total()),
        ("claims shown", shown),
        *((f"dropped: {fault}", count) for fault, count in dropped.most_common()),
        ("answers written", f"{written} of {len(answered)}"),
        *((f"without the model: {why}", count) for why, count in fallbacks.most_common()),
    ]
    if support:
        cosines = f"{statistics.median(support):.3f}, lowest {min(support):.3f}"
        lines.append(("cosine of claim and quotation", cosines))
    lines.append(("false quotations shown", sum(outcome.false for outcome in outcomes)))
    for name, value in lines:
        yield f"  {name:<36} {value}"


def share(name: str, values: Values) -> Figure:
    """The mean of the values, one per question."""
    return _figure(name, len(values), lambda indices: float(values[indices].mean()))


def auroc(higher: Values, lower: Values) -> float:
    """How often one of ``higher`` is above one of ``lower``, ties counting half."""
    if not len(higher) or not len(lower):
        return float("nan")
    lower = np.sort(lower)
    below = np.searchsorted(lower, higher, "left")
    not_above = np.searchsorted(lower, higher, "right")
    return float((below + not_above).mean() / 2 / len(lower))


def _within(rank: int | None, limit: int) -> bool:
    return rank is not None and rank <= limit


def _shares(samples: Mapping[str, Sequence[float]]) -> list[Figure]:
    """A share for each sample, by name, that is not empty."""
    return [share(n, np.array(values, np.float64)) for n, values in samples.items() if values]


def _separation(outcomes: Sequence[Outcome]) -> list[Figure]:
    """How well the confidence separates questions with an answer from those without."""
    confidence = np.array([outcome.confidence for outcome in outcomes])
    answerable = np.array([outcome.answerable for outcome in outcomes])

    def split(indices: Indices) -> tuple[Values, Values]:
        labels, values = answerable[indices], confidence[indices]
        return values[labels], values[~labels]

    size, name = len(outcomes), f"false answers at {FALSE_REFUSALS:.0%} false refusals"
    return [
        _figure("AUROC of the confidence", size, lambda indices: auroc(*split(indices))),
        _figure(name, size, lambda indices: _false_answers(*split(indices))),
    ]


def _false_answers(answerable: Values, others: Values) -> float:
    if not len(answerable) or not len(others):
        return float("nan")
    return float((others >= np.quantile(answerable, FALSE_REFUSALS)).mean())


def _calibration(outcomes: Sequence[Outcome]) -> Figure:
    """How far the confidence is from the share that is right, over BINS equal bins of it.

    The expected calibration error: Naeini, Cooper and Hauskrecht, AAAI 2015.
    """
    confidence = np.array([outcome.confidence for outcome in outcomes])
    right = np.array([outcome.answerable and outcome.would for outcome in outcomes], np.float64)

    def error(indices: Indices) -> float:
        sample = confidence[indices]
        bins = np.minimum((sample * BINS).astype(np.int64), BINS - 1)
        gaps = sample - right[indices]
        return sum(abs(float(gaps[bins == n].sum())) for n in range(BINS)) / len(bins)

    return _figure("calibration error of the confidence", len(outcomes), error)


def _figure(name: str, size: int, statistic: Callable[[Indices], float]) -> Figure:
    rng = np.random.default_rng(SEED)
    drawn = [statistic(rng.integers(0, size, size)) for _ in range(RESAMPLES)]
    low, high = np.nanquantile(drawn, (0.025, 0.975))
    return Figure(name, statistic(np.arange(size)), float(low), float(high), size)
