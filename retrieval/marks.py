"""Which words of a quotation are words of the question."""

from __future__ import annotations

import re

from index.keywords import terms
from index.sentences import Span

_WORD = re.compile(r"[^\W_]+")


def matching_words(question: str, text: str) -> list[Span]:
    """The spans of the words in the text that have the stem of a word asked for."""
    asked = set(terms(question))
    return [Span(*m.span()) for m in _WORD.finditer(text) if asked.intersection(terms(m[0]))]
