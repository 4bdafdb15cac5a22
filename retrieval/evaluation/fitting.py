"""Fits the weights for choosing sentences and refusing, to questions with known answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from index.generations.generation import Generation
from index.models.embedder import Embedder
from retrieval.answer import Question, Scope
from retrieval.answering.candidates import gather_sentences
from retrieval.answering.introductions import with_introductions
from retrieval.answering.reader import Reader
from retrieval.answering.search import HybridSearch, worth_reading
from retrieval.answering.weights import PLAIN, READER, Caution, Evidence, Linear, Weights
from retrieval.evaluation.exam import ExamQuestion
from retrieval.questions.scope import ScopedQuestion

RANK = {READER: ["reader", "behind", "cosine"], PLAIN: ["behind", "cosine"]}
CONFIDENCE = {READER: ["reader", "behind", "foreign"], PLAIN: ["behind", "cosine", "foreign"]}
WORDS: dict[str, list[str]] = {READER: ["reader", "lead", "behind", "foreign"], PLAIN: []}
TOP_SENTENCES = 3  # of a question, by rank, that the confidence is fitted on
# The share of the questions without an answer that is refused.
REFUSED = {Caution.CAUTIOUS: 0.9, Caution.BALANCED: 0.7, Caution.GENEROUS: 0.55}
MIN_RIGHT = 0.9  # share of the short answers given
NEAR_MISS = 0.2  # the weight of a question that is asked without its article
RIDGE = 0.5  # keeps weights from growing without bounds


@dataclass(frozen=True)
class Example:
    """The evidence for each sentence of a question, and which of the sentences answer it.

    ``words``: in which of them the reader's words are the answer. ``answerable``: whether the
    corpus has the answer, found or not; ``near_miss``: whether it was removed. ``weight``: how much
    the example counts.
    """

    evidence: list[Evidence]
    right: list[bool]
    words: list[bool]
    answerable: bool
    weight: float = 1.0
    near_miss: bool = False


def examples(
    exam_question: ExamQuestion,
    generation: Generation,
    embedder: Embedder,
    reader: Reader | None,
    weight: float = 1.0,
    *,
    near_miss: bool = True,
) -> Iterator[Example]:
    """The example of a question; with ``near_miss`` also one without the articles that answer it.

    Without them it is a near miss: the right people, the wrong facts.
    """
    question = Question.parse(exam_question.question)
    search = HybridSearch(generation, embedder)

    def example(gold: ExamQuestion, among: frozenset[int] | None = None) -> Iterator[Example]:
        passages = worth_reading(search.passages(question.text, among=among))
        scoped_question = ScopedQuestion(question, Scope())
        gathered = gather_sentences(scoped_question, passages, generation, embedder, reader)
        sentences = with_introductions(gathered, scoped_question.question.text)
        kept = [s for s in sentences if not s.heading] or sentences
        if kept:
            yield Example(
                evidence=[s.evidence for s in kept],
                right=[gold.is_answered_by(s.shown, [s.article.path]) for s in kept],
                words=[gold.is_answered_in_short(s.answer_text) for s in kept],
                answerable=bool(gold.answers),
                weight=weight if among is None else weight * NEAR_MISS,
                near_miss=among is not None,
            )

    yield from example(exam_question)
    if near_miss and exam_question.articles:
        layout = generation.store.layout()
        gold_rows = {row for path in exam_question.articles for row in layout[path].passages}
        others = frozenset(range(generation.size)) - gold_rows
        yield from example(ExamQuestion(exam_question.question, (), ()), others)


def fit(training_set: Sequence[Example], kind: str, without: str = "") -> Weights:
    """The weights for answers with a reader or without one (READER, PLAIN).

    ``without``: a kind of evidence to leave out, to see what it contributes.
    """
    rank_names, confidence_names, words_names = (
        [name for name in names[kind] if name != without] for names in (RANK, CONFIDENCE, WORDS)
    )
    rank = _rank(training_set, rank_names)
    ordered = [(e, _order(e, rank)) for e in training_set]
    top = [(e, n) for e, order in ordered for n in order[:TOP_SENTENCES]]
    first = [(e, order[0]) for e, order in ordered]
    confidence = _logistic(
        [(e.evidence[n], e.right[n], e.weight) for e, n in top], confidence_names
    )
    words = _logistic(
        [(e.evidence[n], e.words[n] and e.right[n], e.weight) for e, n in first], words_names
    )
    # Near misses count only if no question was written to have no answer.
    without_answer = [(e, n) for e, n in first if not e.answerable]
    without_answer = [(e, n) for e, n in without_answer if not e.near_miss] or without_answer
    refused = [confidence.probability(e.evidence[n]) for e, n in without_answer]
    thresholds = {
        caution: round(float(np.quantile(refused, share)), 3) for caution, share in REFUSED.items()
    }
    answered = [
        (words.probability(e.evidence[n]), e.words[n] and e.right[n])
        for e, n in [*((e, n) for e, n in first if e.answerable), *without_answer]
        if confidence.probability(e.evidence[n]) >= thresholds[Caution.BALANCED]
    ]
    return Weights(rank, confidence, words, _sure(answered), thresholds)


def _order(example: Example, rank: Linear) -> list[int]:
    """The indices of its sentences, best first."""
    return sorted(range(len(example.evidence)), key=lambda n: -rank(example.evidence[n]))


def _sure(answered: Sequence[tuple[float, bool]]) -> float:
    """The lowest probability from which the share MIN_RIGHT of the short answers is right."""
    ordered = sorted(answered, reverse=True)
    right = np.cumsum([is_right for _, is_right in ordered]) / np.arange(1, len(ordered) + 1)
    enough = np.flatnonzero(right >= MIN_RIGHT)
    return round(ordered[enough[-1]][0], 3) if len(enough) else 1.0


def _rank(training_set: Sequence[Example], names: Sequence[str]) -> Linear:
    """Weights that rank sentences that answer above the others of the same question.

    The likelihood of a right sentence is its share in the softmax over all sentences of the
    question (ListNet's top-one probability): Cao et al., ICML 2007.
    """
    from scipy.optimize import minimize
    from scipy.special import logsumexp

    answered = [e for e in training_set if any(e.right)]
    lists = [(_rows(e.evidence, names), np.array(e.right), e.weight) for e in answered]
    scale = np.concatenate([rows for rows, _, _ in lists]).std(axis=0) + 1e-9

    def cost(weights: NDArray[np.float64]) -> float:
        total = RIDGE * float(weights @ weights)
        for rows, right, weight in lists:
            scores = (rows / scale) @ weights
            total += weight * float(logsumexp(scores) - logsumexp(scores[right]))
        return total

    best = minimize(cost, np.zeros(len(names)), method="L-BFGS-B")
    return _linear(names, best.x / scale)


def _rows(evidence: Sequence[Evidence], names: Sequence[str]) -> NDArray[np.float64]:
    return np.array([[float(getattr(e, name)) for name in names] for e in evidence])


def _logistic(samples: Sequence[tuple[Evidence, bool, float]], names: Sequence[str]) -> Linear:
    """Weights whose sum is the log-odds of the label, from evidence, labels and sample weights."""
    from sklearn.linear_model import LogisticRegression

    evidence, labels, weights = zip(*samples, strict=True)
    if not names or len(set(labels)) == 1:
        odds = (labels.count(True) + 0.5) / (labels.count(False) + 0.5)  # neither 0 nor infinite
        return Linear({}, round(float(np.log(odds)), 4))
    rows = _rows(evidence, names)
    mean, scale = rows.mean(axis=0), rows.std(axis=0) + 1e-9
    model = LogisticRegression(max_iter=3000).fit((rows - mean) / scale, labels, weights)
    slopes = model.coef_[0] / scale
    return _linear(names, slopes, float(model.intercept_[0] - slopes @ mean))


def _linear(names: Sequence[str], weights: NDArray[np.float64], intercept: float = 0.0) -> Linear:
    rounded = {name: round(float(w), 4) for name, w in zip(names, weights, strict=True)}
    return Linear(rounded, round(intercept, 4))
