"""Fit the weights of ``retrieval.answering.search.Fusion``, and print them beside its own.

    python -m training.fusion ../shared/data/news

All news are indexed as any folder is; the questions are on articles that the retriever has not
learnt. The likelihood of the right passage is its share in the softmax over all candidates
(ListNet's top-one probability: Cao et al., ICML 2007).
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from index.generations.generation import Generation
from index.models.embedder import Embedder
from retrieval.answering.search import Fusion, HybridSearch, Signals
from retrieval.evaluation.exam import ExamQuestion, indexed
from training.weights import news_corpus

RIDGE = 0.1  # keeps the weights bounded

Judged = tuple[Signals, NDArray[np.bool_]]  # the candidates, and which of them are right


def judged(
    questions: Sequence[ExamQuestion], generation: Generation, embedder: Embedder
) -> Iterator[Judged]:
    """The candidates of each question, in order."""
    search = HybridSearch(generation, embedder)
    for question in questions:
        signals = search.signals(question.question)
        passages = generation.store.passages(signals.rows.tolist())
        yield signals, np.array([question.is_answered_by(p.text, [p.article]) for p in passages])


def fitted(questions: Sequence[Judged]) -> Fusion:
    """The most likely weights, scaled to 1 for keywords: only their proportions count.

    Questions without a right candidate are ignored.
    """
    from scipy.optimize import minimize
    from scipy.special import logsumexp

    answered = [(signals, right) for signals, right in questions if right.any()]

    def cost(weights: NDArray[np.float64]) -> float:
        total = RIDGE * float(weights @ weights)
        for signals, right in answered:
            scores = signals.z_scores @ weights
            total += float(logsumexp(scores) - logsumexp(scores[right]))
        return total

    passage, sentence, keyword = minimize(cost, np.ones(3), method="L-BFGS-B").x.tolist()
    return Fusion(round(passage / keyword, 2), round(sentence / keyword, 2), 1.0)


def first(questions: Sequence[Judged], fusion: Fusion) -> float:
    """The share of questions whose best candidate is right, of those with a right one."""
    best = [right[fusion.scores(s).argmax()] for s, right in questions if right.any()]
    return float(np.mean(best))


def main() -> None:
    """Fit on the folder named on the command line and print the weights."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("news", type=Path, help="the folder of the questions on news")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        embedder = Embedder()
        corpus = news_corpus(options.news)
        with indexed(corpus.texts, embedder, Path(folder)) as generation:
            questions = list(judged(corpus.questions, generation, embedder))
    for fusion in (Fusion(), fitted(questions)):
        print(f"{fusion}: {first(questions, fusion):.3f} of {len(questions)} first", flush=True)


if __name__ == "__main__":
    main()
