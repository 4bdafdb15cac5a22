"""Fits the weights of sentence choice and refusal to questions with known answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from index.embedder import Embedder
from index.generation import Generation
from retrieval.answer import Question
from retrieval.evaluation.exam import Asked
from retrieval.evidence import Evidence
from retrieval.reader import Reader
from retrieval.search import HybridRetriever, worth_reading
from retrieval.sentences import Sentence, weighed_sentences
from retrieval.weights import PLAIN, READER, Linear, Weights

RANK = {
    READER: "reader found cosine words mistyped untimely".split(),
    PLAIN: "found cosine words mistyped untimely counted".split(),
}
CONFIDENCE = {
    READER: "reader found cosine among stranger counted mistyped untimely english".split(),
    PLAIN: "found cosine words among stranger counted mistyped untimely english".split(),
}
REFUSED = 0.76  # of what has no answer: a stricter threshold refuses more that has one
RIDGE = 0.5  # against weights that run away
OWN_SHARE = 0.5  # of the weight in the fit of the confidence that one's own questions have
OWN_TIMES = 4  # how often one of one's own questions counts in the fit of the ranking


@dataclass(frozen=True)
class Example:
    """The sentences weighed for a question, and which of them answer it.

    ``answered``: whether the corpus has the answer, found or not; of a question that was asked
    with and without its article, whether one of the sentences has it. ``own``: of the questions
    that are about the corpus itself.
    """

    evidence: list[Evidence]
    right: list[bool]
    answered: bool
    own: bool


def examples(
    asked: Asked, generation: Generation, embedder: Embedder, reader: Reader | None, *, own: bool
) -> Iterator[Example]:
    """What is found for a question; of one that is not ``own`` also without its articles.

    Without them it is a near miss: the right people, the wrong facts.
    """
    question = Question.parse(asked.question)
    places = generation.store.layout()
    theirs = {row for article in asked.articles for row in places[article].passages}
    others = frozenset(range(generation.size)) - theirs
    for rows in (None,) if own else (None, others):
        retriever = HybridRetriever(generation=generation, embedder=embedder, rows=rows)
        found = worth_reading(retriever.invoke(question.text))
        sentences = weighed_sentences(question, found, generation, embedder, reader)
        yield _example(asked, sentences, own=own)


def _example(asked: Asked, sentences: Sequence[Sentence], *, own: bool) -> Example:
    kept = [s for s in sentences if not s.heading] or sentences
    right = [asked.is_answered_by(s.shown, [s.article.path]) for s in kept]
    return Example(
        [s.evidence for s in kept], right, bool(asked.answers) if own else any(right), own
    )


def fit(found: Sequence[Example], kind: str, without: str = "") -> Weights:
    """The weights for answers with a reader or without one (READER, PLAIN).

    One kind of evidence may be left out, to see what it brings.
    """
    rank = _rank(found, [name for name in RANK[kind] if name != without])
    confidence = _confidence(found, rank, [name for name in CONFIDENCE[kind] if name != without])
    return Weights(rank, confidence, _threshold(found, Weights(rank, confidence, threshold=0.0)))


def _rank(found: Sequence[Example], names: Sequence[str]) -> Linear:
    """Weights that put the sentences that answer above the others, question by question.

    The likelihood of a right sentence is its share in the softmax over all sentences of the
    question (ListNet's top-one probability): Cao et al., ICML 2007.
    """
    from scipy.optimize import minimize
    from scipy.special import logsumexp

    lists = [
        (_rows(e.evidence, names), np.array(e.right), OWN_TIMES if e.own else 1)
        for e in found
        if any(e.right)
    ]
    scale = np.concatenate([rows for rows, _, _ in lists]).std(axis=0) + 1e-9

    def cost(weights: NDArray[np.float64]) -> float:
        total = RIDGE * float(weights @ weights)
        for rows, right, times in lists:
            scores = (rows / scale) @ weights
            total += times * float(logsumexp(scores) - logsumexp(scores[right]))
        return total

    best = minimize(cost, np.zeros(len(names)), method="L-BFGS-B")
    return _linear(names, best.x / scale)


def _rows(evidence: Sequence[Evidence], names: Sequence[str]) -> NDArray[np.float64]:
    return np.array([[e.value(name) for name in names] for e in evidence])


def _confidence(found: Sequence[Example], rank: Linear, names: Sequence[str]) -> Linear:
    """Weights that tell whether the best sentence's question is answered at all."""
    from sklearn.linear_model import LogisticRegression

    kept = [example for example in found if example.evidence]
    best = [max(example.evidence, key=rank) for example in kept]
    rows = _rows(best, names)
    labels = np.array([example.answered for example in kept])
    weights = _sample_weights(np.array([example.own for example in kept]), labels)
    mean, scale = rows.mean(axis=0), rows.std(axis=0) + 1e-9
    model = LogisticRegression(max_iter=2000).fit((rows - mean) / scale, labels, weights)
    slopes = model.coef_[0] / scale
    return _linear(names, slopes, float(model.intercept_[0] - slopes @ mean))


def _sample_weights(own: NDArray[np.bool_], labels: NDArray[np.bool_]) -> NDArray[np.float64]:
    """One's own questions weigh OWN_SHARE in all, answered and unanswered the same."""
    weights = np.ones(len(own))
    if own.any() and not own.all():
        weights = np.where(own, OWN_SHARE / own.sum(), (1 - OWN_SHARE) / (~own).sum())
    for label in (False, True):
        weights[labels == label] /= weights[labels == label].sum()
    return weights * len(weights) / 2


def _threshold(found: Sequence[Example], weights: Weights) -> float:
    """The least confidence that refuses REFUSED of what has no answer, one's own if there are."""
    unanswered = [e for e in found if not e.answered and e.evidence]
    kept = [example for example in unanswered if example.own] or unanswered
    values = [weights.probability(max(example.evidence, key=weights.rank)) for example in kept]
    return round(float(np.quantile(values, REFUSED)), 2)


def _linear(names: Sequence[str], weights: NDArray[np.float64], intercept: float = 0.0) -> Linear:
    rounded = {name: round(float(w), 4) for name, w in zip(names, weights, strict=True)}
    return Linear(rounded, round(intercept, 4))
