"""Fit what tells the intent of a message, and write ``retrieval/questions/intents.npz``.

    python -m training.intents ../shared/data/news

The messages in ``training/written/messages.jsonl`` are weighed like those of one kind each; the
questions on news stand for the many facts that are asked. Each is learnt from as it is and
misspelt: otherwise Italian that is typed in haste looks like another language. First it prints how
many messages of each kind a classifier finds that has learnt from four fifths of the others, and
how many of the questions that it calls by a kind are of that kind; then the same, misspelt.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from pathlib import Path
from random import Random

import numpy as np
from numpy.typing import NDArray

from index.models.embedder import Embedder
from index.models.encoder import Vectors
from retrieval.answer import Intent
from retrieval.questions.intent import WEIGHTS, message_features, most_likely, phrases, softmax

MESSAGES = Path(__file__).parent / "written" / "messages.jsonl"
FACT_WEIGHT = 0.2  # of a question on news, where a message counts 1
NEWS_STEP = 3  # every third question on news is learnt from: all take long, and change nothing
INVERSE_RIDGE = 30.0  # scikit-learn's C
MIN_MESSAGES = 5  # that have a phrase, for it to be known
MISSPELT = 0.5  # weight of a misspelt copy, beside that of what it copies
MISSPELT_WORDS = 0.5  # share of the words of MIN_LETTERS or more that are misspelt in it
MIN_LETTERS = 4
FOLDS = 5
SEED = 20261129

Examples = tuple[Vectors, NDArray[np.str_], NDArray[np.float64]]  # features, kinds, weights
Layer = tuple[Vectors, Vectors]  # matrix and bias


def examples(
    messages: list[dict[str, str]], known: dict[str, int], news: Path, embedder: Embedder
) -> tuple[Examples, Vectors]:
    """All messages, then the questions on news but those that ask what somebody said or why.

    Beside them, the features of the same, misspelt.
    """
    lines = (news / "train.jsonl").read_text("utf-8").splitlines()
    facts = [q["q"] for q in map(json.loads, lines) if q["kind"] != "explain"][::NEWS_STEP]
    texts = [message["text"] for message in messages] + facts
    chance = Random(SEED)  # noqa: S311
    features, misspelt = (
        np.stack([message_features(embedder.encode_query(text), text, known) for text in written])
        for written in (texts, [_misspelt(text, chance) for text in texts])
    )
    kinds = np.array([message["kind"] for message in messages] + [Intent.FACT.value] * len(facts))
    weights = np.array([1.0] * len(messages) + [FACT_WEIGHT] * len(facts))
    return (features, kinds, weights), misspelt


def _misspelt(text: str, chance: Random) -> str:
    """The text with a letter left out of, or changed for its neighbour in, some of its words."""
    return " ".join(
        _mistyped(word, chance)
        if len(word) >= MIN_LETTERS and chance.random() < MISSPELT_WORDS
        else word
        for word in text.split(" ")
    )


def _mistyped(word: str, chance: Random) -> str:
    doubled = [n for n in range(1, len(word)) if word[n] == word[n - 1]]
    at = chance.choice(doubled) if doubled else chance.randrange(1, len(word) - 1)
    if doubled or chance.random() < 0.5:
        return word[:at] + word[at + 1 :]
    return word[:at] + word[at + 1] + word[at] + word[at + 2 :]


def known_phrases(messages: list[dict[str, str]]) -> dict[str, int]:
    """The place of each phrase that several messages have."""
    counts = Counter(phrase for message in messages for phrase in phrases(message["text"]))
    common = sorted(phrase for phrase, count in counts.items() if count >= MIN_MESSAGES)
    return {phrase: n for n, phrase in enumerate(common)}


def fitted(
    features: Vectors, misspelt: Vectors, kinds: NDArray[np.str_], weights: NDArray[np.float64]
) -> Layer:
    """The layer that makes the kinds most likely, its rows in the order of ``Intent``."""
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=INVERSE_RIDGE, max_iter=2000)
    both = np.concatenate([weights, MISSPELT * weights])
    model.fit(np.concatenate([features, misspelt]), np.tile(kinds, 2), sample_weight=both)
    rows = [list(model.classes_).index(intent.value) for intent in Intent]
    return model.coef_[rows].astype(np.float32), model.intercept_[rows].astype(np.float32)


def predicted(layer: Layer, features: Vectors) -> list[str]:
    """The kind of each message."""
    matrix, bias = layer
    return [most_likely(softmax(matrix @ row + bias))[0].value for row in features]


def report(kinds: NDArray[np.str_], predictions: NDArray[np.str_]) -> None:
    """Print recall and precision of each kind, and the share of all that are right."""
    for intent in Intent:
        is_kind, is_called = kinds == intent.value, predictions == intent.value
        right = int((is_kind & is_called).sum())
        recall, precision = right / is_kind.sum(), right / max(int(is_called.sum()), 1)
        print(f"{intent.value:10} {is_kind.sum():4} found {recall:.2f} right {precision:.2f}")
    print(f"all {len(kinds)}: {(kinds == predictions).mean():.3f}", flush=True)


def main() -> None:
    """Cross-validate, fit on everything, and write the layer."""
    from sklearn.model_selection import StratifiedKFold

    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("news", type=Path, help="the folder of the questions on news")
    options = parser.parse_args()
    messages = [json.loads(line) for line in MESSAGES.read_text("utf-8").splitlines()]
    known = known_phrases(messages)
    (features, kinds, weights), misspelt = examples(messages, known, options.news, Embedder())
    predictions, of_misspelt = kinds.copy(), kinds.copy()
    for learnt, tested in StratifiedKFold(FOLDS, shuffle=True, random_state=SEED).split(
        features, kinds
    ):
        layer = fitted(features[learnt], misspelt[learnt], kinds[learnt], weights[learnt])
        predictions[tested] = predicted(layer, features[tested])
        of_misspelt[tested] = predicted(layer, misspelt[tested])
    written = weights == 1.0
    report(kinds[written], predictions[written])
    print("misspelt:")
    report(kinds[written], of_misspelt[written])
    print(f"news: {(predictions[~written] == Intent.FACT.value).mean():.3f} called facts")
    matrix, bias = fitted(features, misspelt, kinds, weights)
    matrix = matrix.astype(np.float16)
    np.savez_compressed(WEIGHTS, matrix=matrix, bias=bias, phrases=list(known))


if __name__ == "__main__":
    main()
