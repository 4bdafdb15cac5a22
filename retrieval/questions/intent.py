"""What somebody wants who sends a message: one fact, a list, a summary, or only to say hello."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

import numpy as np

from index.models.embedder import Embedder
from index.models.encoder import Vectors, unreadable
from index.text.language import codes
from index.text.words import words
from retrieval.answer import Intent
from retrieval.questions.topic import topic_words

WEIGHTS = Path(__file__).with_name("intents.npz")
PHRASE = 0.2  # beside a vector whose length is 1
MAX_KNOWN = 0.7  # share of known words of a message in a language that is not understood
_WORD = re.compile(r"[^\W\d_]+")
_LATIN = re.compile(r"[A-Za-zÀ-ɏ]")
_LOOKING_BACK = (Intent.SOURCE, Intent.MORE)


class IntentClassifier:
    """A linear layer on a message's vector and its phrases, loaded when first used.

    The vector is the default embedding model's. ``training.intents`` fits the layer to messages
    that were written by hand.
    """

    def __init__(self, embedder: Embedder, weights: Path = WEIGHTS) -> None:
        self._embedder = embedder if embedder.is_default else Embedder()
        self._path = weights

    def classify(self, text: str, *, follows: bool = False) -> tuple[Intent, float]:
        """The intent of a message, and how probable it is that a fact is wanted, or that none is.

        ``follows``: whether there is an answer before it, which it may be about. Raises ModelError
        if a model cannot be loaded.
        """
        matrix, bias, known = self._weights
        features = message_features(self._embedder.encode_query(text), text, known)
        probabilities = softmax(matrix @ features + bias)
        intent, _ = most_likely(probabilities)
        if intent is Intent.FOREIGN and not _may_be_foreign(text):
            probabilities[_index(Intent.FOREIGN)] = 0.0
        if intent in _LOOKING_BACK and not follows and topic_words(text):
            probabilities[[_index(one) for one in _LOOKING_BACK]] = 0.0
        return most_likely(probabilities)

    @cached_property
    def _weights(self) -> tuple[Vectors, Vectors, dict[str, int]]:
        """Shapes (intents, dimensions + phrases) and (intents,); the place of each known phrase."""
        try:
            with np.load(self._path) as file:
                known = {phrase: n for n, phrase in enumerate(file["phrases"].tolist())}
                return file["matrix"].astype(np.float32), file["bias"].astype(np.float32), known
        except (OSError, ValueError, KeyError) as error:
            raise unreadable(self._path, error) from error


def phrases(text: str) -> set[str]:
    """The words of a text and each two neighbours, with its beginning and its end."""
    ordered = ["^", *words(text), "$"]
    return {*ordered[1:-1], *map(" ".join, itertools.pairwise(ordered))}


def message_features(vector: Vectors, text: str, known: Mapping[str, int]) -> Vectors:
    """What the layer weighs: the vector, then PHRASE for each known phrase that the text has."""
    features = np.zeros(len(vector) + len(known), np.float32)
    features[: len(vector)] = vector
    features[[len(vector) + known[phrase] for phrase in phrases(text) & known.keys()]] = PHRASE
    return features


def _index(intent: Intent) -> int:
    return list(Intent).index(intent)


def softmax(scores: Vectors) -> Vectors:
    """Probabilities out of log-odds, shape (n,)."""
    odds = np.exp(scores - scores.max())
    return np.asarray(odds / odds.sum(), np.float32)


def most_likely(probabilities: Vectors) -> tuple[Intent, float]:
    """The likeliest of the intents, whose probabilities have the shape (intents,).

    Beside it, the probability that the message wants a fact, or that it does not.

    A fact that is wanted may be told as yes or no: the two are more likely together.
    """
    by_intent: dict[Intent, float] = dict(zip(Intent, probabilities.tolist(), strict=True))
    facts = {intent: by_intent.pop(intent) for intent in (Intent.FACT, Intent.YESNO)}
    total, fact = float(probabilities.sum()), sum(facts.values())
    if 2 * fact > total:
        return max(facts, key=facts.__getitem__), fact / total
    intent = max(by_intent, key=by_intent.__getitem__)
    return intent, 1.0 - fact / total


def _may_be_foreign(text: str) -> bool:
    """Whether a text has letters, and few words that are known: names need not be."""
    from simplemma import is_known

    if not _LATIN.search(text):
        return _WORD.search(text) is not None
    words = _WORD.findall(text.lower())
    known = sum(any(is_known(word, lang=code) for code in codes()) for word in words)
    return len(words) > 1 and known <= MAX_KNOWN * len(words)
