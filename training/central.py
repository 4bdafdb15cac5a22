"""Fit what tells the sentences that carry an article, and print the weights.

    python -m training.central ../shared/data/news

``tests/gold/news/central.jsonl`` names the sentences that an editor would choose for each of sixty
articles. First it prints how well they are found with weights fitted to the other articles.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from index.articles.article import Article
from index.models.embedder import Embedder
from retrieval.answering.summaries import CentralEvidence, central_evidence
from retrieval.evaluation.datasets import NewsArticle, read_articles

CENTRAL = Path(__file__).parents[1] / "tests" / "gold" / "news" / "central.jsonl"
ACCEPTABLE = 0.3  # the weight of a sentence that would do as well


@dataclass(frozen=True)
class Marked:
    """The evidence of an article's sentences, shape (sentences, fields of ``CentralEvidence``).

    ``best`` and ``acceptable``: the numbers of the sentences that an editor chooses or accepts.
    """

    evidence: NDArray[np.float64]
    best: frozenset[int]
    acceptable: frozenset[int]


def marked(line: dict[str, list[int]], article: NewsArticle, embedder: Embedder) -> Marked:
    """The evidence for a line of the file."""
    stored = Article(article.id, article.text, article.title)
    texts = [article.text[span.start : span.end] for span in article.sentences]
    vectors = embedder.encode_passages(texts)
    evidence = central_evidence(stored, article.sentences, vectors, embedder)
    values = np.array([list(asdict(one).values()) for one in evidence])
    return Marked(values, frozenset(line["best"]), frozenset(line["acceptable"]))


def fitted(articles: Sequence[Marked]) -> NDArray[np.float64]:
    """The weights that make the best sentences most likely."""
    from sklearn.linear_model import LogisticRegression

    best = [number in one.best for one in articles for number in range(len(one.evidence))]
    weights = [
        ACCEPTABLE if number in one.acceptable else 1.0
        for one in articles
        for number in range(len(one.evidence))
    ]
    model = LogisticRegression()
    model.fit(np.concatenate([one.evidence for one in articles]), best, sample_weight=weights)
    coefficients: NDArray[np.float64] = model.coef_[0]
    return coefficients


def first(one: Marked, weights: NDArray[np.float64]) -> int:
    """The number of the sentence that is ranked first."""
    return int((one.evidence @ weights).argmax())


def main() -> None:
    """Compare with the first sentence of each article, and fit."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("news", type=Path, help="the folder of the articles")
    options = parser.parse_args()
    embedder, articles = Embedder(), read_articles(options.news)
    lines = map(json.loads, CENTRAL.read_text(encoding="utf-8").splitlines())
    all_marked = [marked(line, articles[line["id"]], embedder) for line in lines]
    held_out = [first(o, fitted([x for x in all_marked if x is not o])) for o in all_marked]
    for name, numbers in (("lead", [0] * len(all_marked)), ("held out", held_out)):
        pairs = list(zip(numbers, all_marked, strict=True))
        best = np.mean([number in one.best for number, one in pairs])
        right = np.mean([number in one.best | one.acceptable for number, one in pairs])
        print(f"{name}: {best:.3f} best, {right:.3f} acceptable, of {len(pairs)}")
    names = [field.name for field in fields(CentralEvidence)]
    print(dict(zip(names, fitted(all_marked).round(2).tolist(), strict=True)))


if __name__ == "__main__":
    main()
