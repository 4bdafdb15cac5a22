"""Fit what tells the sentences of a list, and print the weights for ``retrieval.answering.lists``.

    python -m training.lists ../shared/data/news

The lists in ``tests/gold/news/lists.jsonl`` are asked of all news in one folder. First it prints
how well each list is found with weights fitted to the others.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from index.generations.generation import Generation
from index.models.embedder import Embedder
from retrieval.answer import Question
from retrieval.answering.extractive import Extractor, in_scope
from retrieval.answering.lists import (
    LIKELY,
    PASSAGES,
    ListEvidence,
    article_ranks,
    list_evidence,
)
from retrieval.answering.reader import Reader
from retrieval.answering.weights import READER, Linear, load_weights
from retrieval.conversation import Interpretation
from retrieval.evaluation.datasets import NewsArticle, read_articles
from retrieval.evaluation.exam import indexed, news_path, read_exam

LISTS = Path(__file__).parents[1] / "tests" / "gold" / "news" / "lists.jsonl"
INVERSE_RIDGE = 10.0  # scikit-learn's C


@dataclass(frozen=True)
class Asked:
    """A list with the sentences found for it, shape (sentences, fields of ``ListEvidence``).

    ``items``: for each sentence the gold sentences that it is; ``right``: whether it may be listed;
    ``gold``: the number of gold sentences.
    """

    evidence: NDArray[np.float64]
    items: list[set[int]]
    right: NDArray[np.bool_]
    gold: int


def asked(line: dict[str, object], articles: dict[str, NewsArticle], extractor: Extractor) -> Asked:
    """What is found for a line of the file of lists."""
    scoped_question = extractor.scoped(Interpretation(Question(str(line["q"]))))
    passages = extractor.search(scoped_question, PASSAGES)
    sentences = in_scope(extractor.sentences(scoped_question, passages), scoped_question)
    evidence = list_evidence(sentences, article_ranks(passages), scoped_question, extractor)
    gold, also = (_places(line[name], articles) for name in ("answers", "also"))
    keys = [(s.sentence.article.path, s.sentence.text) for s in sentences]
    items = [{n for n, place in enumerate(gold) if _same(key, place)} for key in keys]
    right = [
        bool(found) or any(_same(key, place) for place in also)
        for key, found in zip(keys, items, strict=True)
    ]
    values = np.array([list(asdict(one).values()) for one in evidence])
    return Asked(values, items, np.array(right), len(gold))


def _places(entries: object, articles: dict[str, NewsArticle]) -> list[tuple[str, str]]:
    """Path and text of each sentence that is named."""
    places = []
    for entry in entries if isinstance(entries, list) else ():
        article = articles[entry["article"]]
        span = article.sentences[entry["sentence"]]
        places.append((news_path(article.id), article.text[span.start : span.end].strip()))
    return places


def _same(key: tuple[str, str], place: tuple[str, str]) -> bool:
    return key[0] == place[0] and (key[1] in place[1] or place[1] in key[1])


def fitted(lists: Sequence[Asked], names: Sequence[str]) -> Linear:
    """The weights that make the right sentences most likely."""
    from sklearn.linear_model import LogisticRegression

    values = np.concatenate([one.evidence for one in lists])
    scale = np.maximum(np.abs(values).max(axis=0), 1e-9)
    model = LogisticRegression(C=INVERSE_RIDGE, max_iter=1000)
    model.fit(values / scale, np.concatenate([one.right for one in lists]))
    weights = (model.coef_[0] / scale).round(4).tolist()
    return Linear(dict(zip(names, weights, strict=True)), round(float(model.intercept_[0]), 4))


def judged(one: Asked, weights: Linear) -> tuple[float, float]:
    """Precision and recall of the sentences that are listed."""
    scores = one.evidence @ np.array(list(weights.weights.values())) + weights.intercept
    listed = np.flatnonzero(1 / (1 + np.exp(-scores)) >= LIKELY)
    precision = float(one.right[listed].mean()) if len(listed) else 0.0
    found = set[int]().union(*(one.items[n] for n in listed))
    return precision, len(found) / one.gold


def report(results: Sequence[tuple[float, float]]) -> str:
    """Means over the lists."""
    f1 = [2 * p * r / max(p + r, 1e-9) for p, r in results]
    precision, recall = np.mean(results, axis=0)
    return f"precision {precision:.3f}, recall {recall:.3f}, F1 {np.mean(f1):.3f} of {len(results)}"


def all_asked(generation: Generation, embedder: Embedder, news: Path) -> list[Asked]:
    """The lists of the file, asked of a generation."""
    reader = Reader(embedder.encoder)
    extractor = Extractor(generation, embedder, reader, load_weights(READER))
    articles = read_articles(news)
    lines = LISTS.read_text(encoding="utf-8").splitlines()
    return [asked(json.loads(line), articles, extractor) for line in lines]


def main() -> None:
    """Ask the lists, and fit."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("news", type=Path, help="the folder of the articles")
    options = parser.parse_args()
    names = [field.name for field in fields(ListEvidence)]
    texts = read_exam(options.news / "train.jsonl").texts or {}
    embedder = Embedder()
    with tempfile.TemporaryDirectory() as work, indexed(texts, embedder, Path(work)) as generation:
        lists = all_asked(generation, embedder, options.news)
    held_out = [judged(one, fitted([o for o in lists if o is not one], names)) for one in lists]
    print(f"held out: {report(held_out)}")
    print(fitted(lists, names))


if __name__ == "__main__":
    main()
