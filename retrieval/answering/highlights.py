"""Which words of a quotation are set off."""

from __future__ import annotations

import re

from index.text.sentences import Span
from index.text.words import terms
from retrieval.answer import Answer, Quotation

_WORD = re.compile(r"[^\W_]+")


def marked_words(answer: Answer, quote: Quotation) -> list[Span]:
    """The spans in a quotation's text of the words that answer, or else of the words asked for."""
    if quote.deciding and not answer.refused:
        return [Span(quote.deciding.start - quote.start, quote.deciding.end - quote.start)]
    return matching_words(answer.question, quote.text)


def matching_words(question: str, text: str) -> list[Span]:
    """The spans of the words in the text that have the stem of a word asked for."""
    asked = set(terms(question))
    return [Span(*m.span()) for m in _WORD.finditer(text) if asked.intersection(terms(m[0]))]
