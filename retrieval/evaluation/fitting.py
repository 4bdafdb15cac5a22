"""Fits the weights of sentence choice and refusal to questions with known answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from index.generations.generation import Generation
from index.models.embedder import Embedder
from retrieval.answer import Question, Scope
from retrieval.answering.candidates import Sentence, gather_sentences
from retrieval.answering.reader import Reader
from retrieval.answering.search import HybridSearch, worth_reading
from retrieval.answering.weights import PLAIN, READER, Caution, Evidence, Linear, Weights
from retrieval.evaluation.exam import ExamQuestion
from retrieval.questions.scope import ScopedQuestion

RANK = {READER: ["reader", "behind", "cosine"], PLAIN: ["behind", "cosine"]}
CONFIDENCE = {READER: ["reader", "behind", "english"], PLAIN: ["behind", "cosine", "english"]}
WORDS: dict[str, list[str]] = {READER: ["reader", "behind", "english"], PLAIN: []}
BEST = 3  # sentences of a question, by rank, that the confidence is fitted on
# The shares of the questions without an answer that are refused.
REFUSED = {Caution.CAUTIOUS: 0.9, Caution.BALANCED: 0.69, Caution.GENEROUS: 0.55}
RIGHT = 0.84  # of the short answers given
NEAR_MISS = 0.2  # the weight of a question that is asked without its article
RIDGE = 0.5  # against weights that run away


@dataclass(frozen=True)
class Example:
    """The sentences weighed for a question, and which of them answer it.

    ``words``: in which of them the reader's words are the answer. ``answerable``: whether the
    corpus has the answer, found or not; ``near_miss``: whether that was taken away. ``weight``:
    how much it counts.
    """

    evidence: list[Evidence]
    right: list[bool]
    words: list[bool]
    answerable: bool
    weight: float = 1.0
    near_miss: bool = False


def examples(
    asked: ExamQuestion,
    generation: Generation,
    embedder: Embedder,
    reader: Reader | None,
    weight: float = 1.0,
    *,
    near_miss: bool = True,
) -> Iterator[Example]:
    """What is found for a question; with ``near_miss`` also without the articles that answer it.

    Without them it is a near miss: the right people, the wrong facts.
    """
    question = Question.parse(asked.question)
    search = HybridSearch(generation, embedder)
    searched: list[tuple[frozenset[int] | None, ExamQuestion]] = [(None, asked)]
    if near_miss and asked.articles:
        places = generation.store.layout()
        theirs = {row for article in asked.articles for row in places[article].passages}
        others = frozenset(range(generation.size)) - theirs
        searched.append((others, ExamQuestion(asked.question, (), ())))
    for among, meant in searched:
        found = worth_reading(search.passages(question.text, among=among))
        sentences = gather_sentences(
            ScopedQuestion(question, Scope()), found, generation, embedder, reader
        )
        if sentences:
            missed = meant is not asked
            yield _example(meant, sentences, weight * (NEAR_MISS if missed else 1), missed)


def _example(
    asked: ExamQuestion, sentences: Sequence[Sentence], weight: float, near_miss: bool
) -> Example:
    kept = [s for s in sentences if not s.heading] or sentences
    return Example(
        [s.evidence for s in kept],
        [asked.is_answered_by(s.shown, [s.article.path]) for s in kept],
        [asked.is_answered_in_short(s.answer_text) for s in kept],
        bool(asked.answers),
        weight,
        near_miss,
    )


def fit(found: Sequence[Example], kind: str, without: str = "") -> Weights:
    """The weights for answers with a reader or without one (READER, PLAIN).

    One kind of evidence may be left out, to see what it brings.
    """
    rank_of, confidence_of, words_of = (
        [name for name in names[kind] if name != without] for names in (RANK, CONFIDENCE, WORDS)
    )
    rank = _rank(found, rank_of)
    ordered = [(e, _order(e, rank)) for e in found]
    confidence = _logistic(
        [(e.evidence[at], e.right[at], e.weight) for e, order in ordered for at in order[:BEST]],
        confidence_of,
    )
    first = [(e, order[0]) for e, order in ordered]
    words = _logistic(
        [(e.evidence[at], e.words[at] and e.right[at], e.weight) for e, at in first], words_of
    )
    unanswerable = [one for one in first if _unanswerable(one[0])]
    unanswerable = unanswerable or [one for one in first if not one[0].answerable]
    refused = [confidence.probability(e.evidence[at]) for e, at in unanswerable]
    thresholds = {
        caution: round(float(np.quantile(refused, share)), 3) for caution, share in REFUSED.items()
    }
    answered = [
        (words.probability(e.evidence[at]), e.words[at] and e.right[at])
        for e, at in [*(one for one in first if one[0].answerable), *unanswerable]
        if confidence.probability(e.evidence[at]) >= thresholds[Caution.BALANCED]
    ]
    return Weights(rank, confidence, words, _sure(answered), thresholds)


def _order(example: Example, rank: Linear) -> list[int]:
    """The places of its sentences, the best first."""
    scores = [rank(evidence) for evidence in example.evidence]
    return sorted(range(len(scores)), key=lambda at: -scores[at])


def _unanswerable(example: Example) -> bool:
    """Whether it was asked by somebody who knew that nothing answers it; else near misses do."""
    return not example.answerable and not example.near_miss


def _sure(answered: Sequence[tuple[float, bool]]) -> float:
    """The least probability from which so many short answers as are wanted are right."""
    ordered = sorted(answered, reverse=True)
    right = np.cumsum([ok for _, ok in ordered]) / np.arange(1, len(ordered) + 1)
    enough = np.flatnonzero(right >= RIGHT)
    return round(ordered[enough[-1]][0], 3) if len(enough) else 1.0


def _rank(found: Sequence[Example], names: Sequence[str]) -> Linear:
    """Weights that put sentences that answer above the others, question by question.

    The likelihood of a right sentence is its share in the softmax over all sentences of the
    question (ListNet's top-one probability): Cao et al., ICML 2007.
    """
    from scipy.optimize import minimize
    from scipy.special import logsumexp

    lists = [(_rows(e.evidence, names), np.array(e.right), e.weight) for e in found if any(e.right)]
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


def _logistic(told: Sequence[tuple[Evidence, bool, float]], names: Sequence[str]) -> Linear:
    """Weights that tell how likely something is."""
    from sklearn.linear_model import LogisticRegression

    evidence, labels, weights = zip(*told, strict=True)
    if not names or len(set(labels)) == 1:
        odds = (labels.count(True) + 0.5) / (labels.count(False) + 0.5)  # neither 0 nor endless
        return Linear({}, round(float(np.log(odds)), 4))
    rows = _rows(evidence, names)
    mean, scale = rows.mean(axis=0), rows.std(axis=0) + 1e-9
    model = LogisticRegression(max_iter=3000).fit((rows - mean) / scale, labels, weights)
    slopes = model.coef_[0] / scale
    return _linear(names, slopes, float(model.intercept_[0] - slopes @ mean))


def _linear(names: Sequence[str], weights: NDArray[np.float64], intercept: float = 0.0) -> Linear:
    rounded = {name: round(float(w), 4) for name, w in zip(names, weights, strict=True)}
    return Linear(rounded, round(intercept, 4))
