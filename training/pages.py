"""Fits the models that find the article in a page, on pages made at random.

    python -m training.pages articles.jsonl.gz squad.json.gz

The arguments give the sentences of articles, Italian and English. ``PARTS`` and the phrases of
``written/pages.toml`` say how news sites build and word their pages; no layout of
``tests/gold/pages`` is among them.
"""

from __future__ import annotations

import argparse
import gzip
import itertools
import json
import random
import re
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from index.articles.extraction.features import block_features, text_features, wording
from index.articles.extraction.selection import context_features, first_scores
from training.page_maker import NOTICES, LabelledPage, RandomPage, Source

WRITTEN = Path(__file__).parent / "written" / "pages.toml"
_HIDDEN, _NETWORKS = 16, 4
MODEL = Path(__file__).parents[1] / "index" / "articles" / "extraction" / "model.json"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("articles", type=Path)
    parser.add_argument("squad", type=Path)
    parser.add_argument("--pages", type=int, default=3000)
    options = parser.parse_args()
    written = tomllib.loads(WRITTEN.read_text(encoding="utf-8"))
    rng = random.Random(7)  # noqa: S311 - no secret
    sources = [
        Source(
            rng,
            sentences,
            written[language],
            {**written["names"], **written["parts"]},
            list(written["parts"]),
        )
        for language, sentences in (
            ("it", _of_articles(options.articles)),
            ("en", _of_squad(options.squad)),
        )
    ]
    known = {f"word:{w}" for w in _vocabulary(written)}
    pages = [RandomPage(rng.choice(sources)).labelled() for _ in range(options.pages)]
    # From some of the phrases, so that the network learns how far words can be trusted.
    notice = _notice(written, sources, rng, 0.8)
    models = {**_fit(pages, known, notice), "kinds": _kinds(written, sources)}
    models["notice"] = _notice(written, sources, rng, 1.0)
    lines = re.sub(r"],\s*", "],\n", json.dumps(models, ensure_ascii=False, sort_keys=True))
    MODEL.write_text(re.sub(r'(, )(?="word:|"near:|"far:)', ",\n", lines) + "\n", encoding="utf-8")


def _of_articles(path: Path) -> list[str]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        articles = [json.loads(line) for line in file]
    return [a["text"][s:e] for a in articles for s, e in a["sentences"] if 8 < e - s < 400]


def _of_squad(path: Path) -> list[str]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        loaded = json.load(file)
    contexts = [p["context"] for article in loaded["data"] for p in article["paragraphs"]]
    split = (re.split(r"(?<=[.!?]) (?=[A-Z“\"])", context) for context in contexts[:4000])
    return [sentence for listed in split for sentence in listed if 8 < len(sentence) < 400]


def _vocabulary(written: dict[str, Any]) -> set[str]:
    """The words and pairs of words of the phrases: other words tell nothing."""
    from index.articles.extraction.features import words

    found: set[str] = set()
    for language in ("it", "en"):
        for phrases in written[language].values():
            for phrase in phrases:
                listed = words(re.sub(r"\{n\}", "0", re.sub(r"\{(?!n\})\w+\}", "", phrase)))
                found.update(listed)
                found.update(f"{a} {b}" for a, b in itertools.pairwise(listed))
    return found


def _fit(
    pages: list[LabelledPage],
    known: set[str],
    notice: dict[str, float],
) -> dict[str, Any]:
    """The model of single blocks, from one half of the pages, and that of their context."""
    own = [[_known(block_features(b, page.texts), known) for b in page.blocks] for page in pages]
    labels = [page.labels for page in pages]
    half = len(pages) // 2
    first = _linear(_joined(own[:half]), _joined(labels[:half]), 1.0)
    model = {"block": first, "notice": notice}
    scores = [[first_scores(features, model) for features in page] for page in own]
    context = [context_features(page.blocks, own[at], scores[at]) for at, page in enumerate(pages)]
    right = [
        (score["all"] > 0) == bool(label)
        for p, q in zip(scores[half:], labels[half:], strict=True)
        for score, label in zip(p, q, strict=True)
    ]
    print(f"block: {np.mean(right):.4f} of {len(right)} blocks right, {len(first)} weights")
    checked = half + half // 4
    return {
        "block": first,
        "context": _network(
            _joined(context[checked:]), _joined(labels[checked:]),
            _joined(context[half:checked]), _joined(labels[half:checked]),
        ),
    }  # fmt: skip


def _network(
    features: list[Any], labels: list[int], other: list[Any], other_labels: list[int]
) -> dict[str, Any]:
    from sklearn.feature_extraction import DictVectorizer
    from sklearn.neural_network import MLPClassifier

    vectorizer = DictVectorizer(sparse=False)
    inputs = vectorizer.fit_transform(features)
    # The mean of several networks is one with all their hidden units, and varies less.
    models = [
        MLPClassifier((_HIDDEN,), alpha=0.3, max_iter=25, early_stopping=True, random_state=seed)
        for seed in range(_NETWORKS)
    ]
    for model in models:
        model.fit(inputs, labels)
        score = model.score(vectorizer.transform(other), other_labels)
        print(f"context: {score:.4f} of {len(other)} blocks right")
    return {
        "names": list(vectorizer.feature_names_),
        "hidden": np.hstack([model.coefs_[0] for model in models]).round(3).tolist(),
        "hidden_bias": np.hstack([model.intercepts_[0] for model in models]).round(3).tolist(),
        "output": (np.vstack([m.coefs_[1] for m in models])[:, 0] / _NETWORKS).round(4).tolist(),
        "output_bias": round(float(np.mean([m.intercepts_[1][0] for m in models])), 3),
    }


def _notice(
    written: dict[str, Any], sources: Sequence[Source], rng: random.Random, share: float
) -> dict[str, float]:
    """What tells the words of notices from those of articles."""
    phrases = [t for it in ("it", "en") for texts in written[it].values() for t in texts]
    phrases = [text for text in phrases if rng.random() < share]
    fills = {
        "name": sources[0].name,
        "n": lambda: str(rng.randint(1, 2030)),
        "head": sources[0].headline,
    }
    phrases = [re.sub(r"\{(\w+)\}", lambda slot: fills[slot[1]](), text) for text in phrases]
    texts = phrases + [s.sentence() for s in sources for _ in range(3000)]
    texts += [s.heading() for s in sources for _ in range(800)]
    labels = [int(at < len(phrases)) for at in range(len(texts))]
    features = [{"bias": 1.0, **text_features(text)} for text in texts]
    return _linear(features, labels, 10.0, 0.3, balanced=True)


def _kinds(written: dict[str, Any], sources: Sequence[Source]) -> dict[str, dict[str, float]]:
    """For each kind of notice, what tells it from the other phrases and from articles."""
    phrases = [
        (kind, text) for it in ("it", "en") for kind, texts in written[it].items() for text in texts
    ]
    texts = [text for _, text in phrases] + [s.sentence() for s in sources for _ in range(1000)]
    features = [{"bias": 1.0, **wording(re.sub(r"\{\w+\}", "0", text))} for text in texts]
    models = {}
    for kind in NOTICES:
        labels = [int(at < len(phrases) and phrases[at][0] == kind) for at in range(len(texts))]
        models[kind] = _linear(features, labels, 30.0, 0.5)
    return models


def _known(features: dict[str, float], known: set[str]) -> dict[str, float]:
    return {n: v for n, v in features.items() if not n.startswith("word:") or n in known}


def _joined(listed: Sequence[Sequence[Any]]) -> list[Any]:
    return [item for items in listed for item in items]


def _linear(
    features: list[dict[str, float]],
    labels: list[int],
    strength: float,
    least: float = 0.15,
    balanced: bool = False,
) -> dict[str, float]:
    from sklearn.feature_extraction import DictVectorizer
    from sklearn.linear_model import LogisticRegression

    vectorizer = DictVectorizer()
    matrix = vectorizer.fit_transform(features)
    model = LogisticRegression(
        C=strength, max_iter=2000, class_weight="balanced" if balanced else None
    ).fit(matrix, labels)
    weights = zip(vectorizer.feature_names_, model.coef_[0], strict=True)
    kept = {name: round(float(w), 2) for name, w in weights if abs(w) >= least}
    kept["bias"] = round(kept.get("bias", 0.0) + float(model.intercept_[0]), 2)
    return kept


if __name__ == "__main__":
    main()
