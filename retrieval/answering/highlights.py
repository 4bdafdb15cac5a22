"""The words of a quotation that are set in bold: whole phrases, and whole names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from index.text.clean import INVISIBLE, visible
from index.text.language import vocabulary
from index.text.sentences import Span, ends_a_sentence
from index.text.words import plain, terms
from retrieval.answer import Answer, Quotation

_WORD = re.compile(rf"(?:[^\W_][\u0300-\u036f{INVISIBLE}]*)+")
_HYPHENS = "-\u2010\u2011"
_JOINTS = f"{_HYPHENS} \u00a0'’"  # between two words of one phrase
_OPENERS = '“«"‘(['
_MAX_NAME = 5  # words; a longer run of capitals is a headline


def marked_words(answer: Answer, quote: Quotation) -> list[Span]:
    """The spans to highlight in what is shown: the words that answer, else the question's.

    None in a timeline, each quotation of which is on the same words.
    """
    if quote.dating:
        return []
    if quote.deciding and not answer.refused:
        offset = quote.end - len(quote.shown)
        words = Span(quote.deciding.start - offset, quote.deciding.end - offset)
        return _phrases([words], quote.shown, answer.question)
    return matching_words(answer.question, quote.shown)


def matching_words(question: str, text: str) -> list[Span]:
    """The phrases of the text whose words, or one word of a name, are in the question.

    Words are compared by their stems.
    """
    stems = set(terms(question))
    words = [Span(*m.span()) for m in _WORD.finditer(text) if stems.intersection(terms(m[0]))]
    return _phrases(words, text, question)


def _phrases(spans: Sequence[Span], text: str, question: str) -> list[Span]:
    """The spans, extended to whole names and joined where they are parts of one phrase."""
    names = list(names_in(text))
    phrases: list[Span] = []
    for span in spans:
        around = [span, *(n for n in names if n.start < span.end and span.start < n.end)]
        phrase = Span(min(s.start for s in around), max(s.end for s in around))
        if phrases and _are_joined(phrases[-1], phrase, text, question):
            phrase = Span(phrases.pop().start, phrase.end)
        phrases.append(phrase)
    return phrases


def _are_joined(first: Span, second: Span, text: str, question: str) -> bool:
    """Whether only joints are between them, or the question has it all, as "Corea del Nord"."""
    if not visible(text[first.end : second.start]).strip(_JOINTS):
        return True
    return text[first.start : second.end].casefold() in question.casefold()


def names_in(text: str) -> Iterator[Span]:
    """The runs of words in capitals in a text, as "Kim Jong-un", and the words with hyphens."""
    words = [Span(*match.span()) for match in _WORD.finditer(text)]
    run = words[:1]
    for before, word in pairwise(words):
        if not _goes_on(text, before, word):
            yield from _as_name(run)
            run = []
        run.append(word)
    yield from _as_name(run)


def _as_name(run: Sequence[Span]) -> Iterator[Span]:
    if 1 < len(run) <= _MAX_NAME:
        yield Span(run[0].start, run[-1].end)


def _goes_on(text: str, before: Span, word: Span) -> bool:
    """Whether a word belongs to the name, or to the compound, of the word before it."""
    gap = visible(text[before.end : word.start])
    if gap in _HYPHENS:
        return True
    one, other = text[before.start : before.end], text[word.start : word.end]
    return (
        gap in _JOINTS
        and _is_capitalized(one)
        and _is_capitalized(other)
        and not (_is_common(one) and _begins(text, before.start))
    )


def _is_capitalized(word: str) -> bool:
    """Whether a word is written as a part of a name is, and not as an acronym."""
    return word[0].isupper() and (len(word) == 1 or not word.isupper())


def _is_common(word: str) -> bool:
    """Whether a word is known to be none of a name."""
    return any(plain(word) in vocabulary(kind) for kind in ("stop_words", "weekdays", "months"))


def _begins(text: str, start: int) -> bool:
    """Whether a sentence begins here, so that a capital says nothing."""
    head = text[:start].rstrip(f"{_OPENERS} ")
    return not head or ends_a_sentence(head)
