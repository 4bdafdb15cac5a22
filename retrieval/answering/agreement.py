"""What the quotations say together: the short answer, who agrees with it, and who differs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Protocol

from index.generations.generation import Generation
from index.models.encoder import Vectors
from index.text.dates import ranking_day
from index.text.sentences import Span
from index.text.words import terms, words
from retrieval.answer import Quotation
from retrieval.answering.candidates import Sentence
from retrieval.answering.quotations import LIKELY, ScoredSentence
from retrieval.answering.weights import Weights

# The cosine of two sentences, each below its article's title, from which they are taken to be about
# the same event: docs/quality.md.
SAME_EVENT = 0.75
# The probability that words are the answer from which they stand against those that are shown. It
# is lower than that of a short answer: what may be told otherwise is not shown as sure.
RIVAL = 0.6
LONGEST_ANSWER = 200  # characters of the words that answer; a longer text is no short answer

AnswerKey = tuple[str, Span | None]  # an article's path, and the words in it that answer


class Worded(Protocol):
    """Words that answer, "" if none are known, and the unit vector of the sentence they are in."""

    @property
    def answer_text(self) -> str:
        """The words."""

    @property
    def vector(self) -> Vectors | None:
        """Of the sentence below its article's title, shape (dimensions,)."""


class Relation(StrEnum):
    """How an answer stands to the one before it."""

    NEW = "new"
    AGREES = "agrees"
    CONTRADICTS = "contradicts"


def relation(before: Worded, now: Worded) -> Relation:
    """Whether a later answer agrees with the one before, as articles do; NEW if neither is known.

    Without short answers, or about another event, nothing is said of it.
    """
    if _contradict(before, now):
        return Relation.CONTRADICTS
    return Relation.AGREES if _agree(before, now) else Relation.NEW


@dataclass(frozen=True)
class Agreement:
    """``quotes`` in their order, ``answer``, ``agreeing`` and ``differing``: see Answer."""

    quotes: tuple[Quotation, ...]
    answer: str | None = None
    agreeing: int = 0
    differing: bool = False


def undecided(quotes: tuple[Quotation, ...]) -> Agreement:
    """The verdict on a yes-or-no question, to which no words of a text are the answer."""
    return Agreement(tuple(replace(quote, deciding=None) for quote in quotes))


def verdict(
    quotes: tuple[Quotation, ...],
    candidates: Sequence[ScoredSentence],
    generation: Generation,
    weights: Weights,
) -> Agreement:
    """Compare the words that answer, if the reader is sure of any.

    Only articles about the same event with an answer of their own are counted: a sentence that is
    likely to answer, in the same words, or in others of which the reader is sure. If articles
    contradict each other, the newest is quoted first, and answers. If their order in time is
    unknown, there is no short answer: the articles may differ, or the reader errs.
    """
    likely = [candidate for candidate in candidates if candidate.answers >= LIKELY]
    sure = _worded(likely, weights.sure)
    rivals = _worded(likely, min(RIVAL, weights.sure))
    quotes = _newest_first(quotes, rivals)
    quotes = tuple(q if _key(q) in sure else replace(q, deciding=None) for q in quotes)
    first = quotes[0]
    lead = sure.get(_key(first))
    if lead is None or len(lead.answer_text) > LONGEST_ANSWER:
        return Agreement(quotes)
    elsewhere = [one for one in rivals.values() if one.article.path != first.article]
    opposing = [sentence for sentence in elsewhere if _contradict(lead, sentence)]
    if any(not _is_newer(first.date, sentence.article.date) for sentence in opposing):
        return Agreement((replace(first, deciding=None), *quotes[1:]), differing=True)
    agreeing = {c.sentence.article.path for c in likely if _agree(lead, c.sentence)}
    agreeing -= {first.article, *generation.store.twins(first.article)}
    count = 1 + independent_texts(agreeing, generation)
    return Agreement(quotes, lead.answer_text, count, differing=bool(opposing))


def _key(quote: Quotation) -> AnswerKey:
    return quote.article, quote.deciding


def _worded(likely: Sequence[ScoredSentence], least: float) -> dict[AnswerKey, Sentence]:
    """The sentences whose words are the answer with at least this probability."""
    return {
        (scored.sentence.article.path, scored.sentence.answer): scored.sentence
        for scored in likely
        if scored.worded >= least
    }


def _newest_first(
    quotes: tuple[Quotation, ...], rivals: Mapping[AnswerKey, Sentence]
) -> tuple[Quotation, ...]:
    """The quotations; the newest that contradicts the first one comes before it."""
    first = quotes[0]
    newer = []
    for quote in quotes[1:]:
        lead, rival = rivals.get(_key(first)), rivals.get(_key(quote))
        if lead and rival and _is_newer(quote.date, first.date) and _contradict(lead, rival):
            newer.append(quote)
    if not newer:
        return quotes
    newest = max(newer, key=lambda quote: ranking_day(quote.date))
    rest = (quote for quote in quotes if quote is not newest)
    return (replace(newest, score=first.score), *rest)


def _is_newer(date: str | None, other: str | None) -> bool:
    """Whether both days are known, and the other is older or to come."""
    return bool(other) and ranking_day(date) > ranking_day(other)


def _agree(lead: Worded, sentence: Worded) -> bool:
    """Whether one sentence's answer says all that the other's says, about the same event."""
    few, many = sorted((set(terms(s.answer_text)) for s in (lead, sentence)), key=len)
    return bool(few) and few <= many and _same_event(lead, sentence)


def _contradict(lead: Worded, sentence: Worded) -> bool:
    """Whether two answers about one event share no word, or no number if both have one."""
    answers = lead.answer_text, sentence.answer_text
    disjoint_terms = _disjoint(*(set(terms(answer)) for answer in answers))
    disjoint_numbers = _disjoint(*({w for w in words(a) if w[0].isdigit()} for a in answers))
    return (disjoint_terms or disjoint_numbers) and _same_event(lead, sentence)


def _disjoint(first: set[str], second: set[str]) -> bool:
    return bool(first and second) and first.isdisjoint(second)


def _same_event(sentence: Worded, other: Worded) -> bool:
    if sentence.vector is None or other.vector is None:
        return False
    return float(sentence.vector @ other.vector) >= SAME_EVENT


def independent_texts(articles: set[str], generation: Generation) -> int:
    """The number of independent texts among the articles: near-duplicates are one."""
    count, left = 0, set(articles)
    while left:
        article = left.pop()
        left -= set(generation.store.twins(article))
        count += 1
    return count
