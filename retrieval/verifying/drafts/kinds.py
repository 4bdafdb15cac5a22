"""Tells whether words in quotation marks are somebody's, or a title, a term or irony."""

from __future__ import annotations

import math
from collections.abc import Sequence

from index.text.language import pattern, vocabulary
from index.text.sentences import Span
from index.text.wording import wording
from index.text.words import plain
from retrieval.verifying.drafts.scanner import Quoted

MAX_TITLE = 7  # words; a longer one is judged, whatever it looks like
_NEAR = 60  # characters beside a quotation
_BESIDE = 25
# Of a logistic regression: training.quoted prints them. The first is the constant.
WEIGHTS = (
    1.09, 1.33, -1.23, -2.02, -1.57, 0.46, 0.05, 1.17, 1.58,
    0.88, -0.56, -1.23, -1.08, 1.81, 0.06, -1.53,
)  # fmt: skip


def is_speech(quoted: Quoted, draft: str, sentence: Span) -> bool:
    """Whether a quotation is likelier somebody's words than a title, a term or irony.

    ``sentence``: the one of the draft that it stands in.
    """
    if not quoted.marked or len(wording(quoted.words(draft))) > MAX_TITLE:
        return True
    values = features(quoted, draft, sentence)
    return WEIGHTS[0] + sum(w * v for w, v in zip(WEIGHTS[1:], values, strict=True)) > 0


def features(quoted: Quoted, draft: str, sentence: Span) -> list[float]:
    """What tells them apart, each about 0–1: see ``training.quoted``."""
    text = quoted.words(draft)
    words = [text[word.start : word.end] for word in wording(text)]
    before = draft[max(sentence.start, quoted.start - 1 - _NEAR) : quoted.start - 1]
    after = draft[quoted.end + 1 : min(quoted.end + 1 + _NEAR, sentence.end)]
    last = before.split()[-1:] if before[-1:].isspace() else []
    return [
        math.log(max(len(words), 1)) / 3,
        float(len(words) <= 1),
        float(text[:1].isupper()),
        _share([word[:1].isupper() for word in words[1:]]),
        _share([plain(word) in vocabulary("stop_words") for word in words]),
        float(text.rstrip()[-1:] in (".", "!", "?", ",")),
        float(before.rstrip()[-1:] == ":"),
        float(bool(pattern("speaks").search(before) or pattern("speaks").search(after))),
        float(bool(pattern("speaks").search(before[-_BESIDE:] + " | " + after[:_BESIDE]))),
        float(before[-1:] in ("’", "'") or any(plain(w) in vocabulary("stop_words") for w in last)),
        float(bool(pattern("works").search(before[-_BESIDE:]))),
        float(after[:1] == ","),
        float(not before.strip()),
        float(any(mark in text.rstrip()[:-1] for mark in ",;:.?!")),
        float(after[:1].isspace() and after[1:2].isalpha()),
    ]


def _share(values: Sequence[bool]) -> float:
    return sum(values) / len(values) if values else 0.0
