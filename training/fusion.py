"""Fit the weights of the fusion, and print them beside those of ``retrieval.search.Fusion``.

    python -m training.fusion ../shared/data/news

All news are indexed as any folder is; the questions are those on articles that the retriever has
not learnt. The likelihood of the right passage is its share
in the softmax over all candidates (ListNet's top-one probability: Cao et al., ICML 2007).
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from index.embedder import Embedder
from index.generation import Generation
from index.layout import generations_dir
from index.place import Locations
from index.sync import sync
from retrieval.search import Fusion, HybridRetriever, Signals
from training.weights import Corpus, news_corpus

RIDGE = 0.1  # against weights that run away

Judged = tuple[Signals, NDArray[np.bool_]]  # the candidates, and which of them are right


def judged(corpus: Corpus, embedder: Embedder, work: Path) -> Iterator[Judged]:
    """The candidates of each question, where a passage that holds an answer is among them."""
    for path, text in corpus.texts.items():
        (work / "corpus" / path).parent.mkdir(parents=True, exist_ok=True)
        (work / "corpus" / path).write_text(text, encoding="utf-8")
    report = sync(Locations(work / "corpus", work / "data"), embedder)
    generation = Generation(generations_dir(work / "data") / report.generation)
    retriever = HybridRetriever(generation=generation, embedder=embedder)
    for asked in corpus.asked:
        signals = retriever.signals(asked.question)
        passages = generation.store.passages(signals.rows.tolist())
        right = np.array([asked.is_answered_by(p.text, [p.article]) for p in passages])
        if right.any():
            yield signals, right
    generation.close()


def fitted(found: Sequence[Judged]) -> Fusion:
    """The most likely weights, that of keywords being 1: only their proportions count."""
    from scipy.optimize import minimize
    from scipy.special import logsumexp

    def cost(weights: NDArray[np.float64]) -> float:
        total = RIDGE * float(weights @ weights)
        for signals, right in found:
            scores = signals.z_scores @ weights
            total += float(logsumexp(scores) - logsumexp(scores[right]))
        return total

    passage, sentence, keyword = minimize(cost, np.ones(3), method="L-BFGS-B").x.tolist()
    return Fusion(round(passage / keyword, 2), round(sentence / keyword, 2), 1.0)


def first(found: Sequence[Judged], fusion: Fusion) -> float:
    """The share of the questions whose best candidate is right."""
    return float(np.mean([right[fusion.scores(s).argmax()] for s, right in found]))


def main() -> None:
    """Fit on the folder named on the command line and print the weights."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("news", type=Path, help="the folder of the questions on news")
    told = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        embedder = Embedder("", Path(folder) / "models")
        found = list(judged(news_corpus(told.news), embedder, Path(folder)))
    for fusion in (Fusion(), fitted(found)):
        print(f"{fusion}: {first(found, fusion):.3f} of {len(found)} first", flush=True)


if __name__ == "__main__":
    main()
