"""What the quotations say together: the answer in short, who agrees, and who tells otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from index.analysis import terms, words
from index.generation import Generation
from retrieval.answer import Quotation
from retrieval.quotes import FURTHER, Scored
from retrieval.weights import Weights

LONGEST_ANSWER = 200  # characters of the words that answer; what is longer is no short answer


@dataclass(frozen=True)
class Verdict:
    """``quotes`` in their order, ``answer``, ``agreeing`` and ``differing``: see Answer."""

    quotes: tuple[Quotation, ...]
    answer: str | None = None
    agreeing: int = 0
    differing: bool = False


def undecided(quotes: tuple[Quotation, ...]) -> Verdict:
    """The verdict on a question of yes or no, to which no words of a text are the answer."""
    return Verdict(tuple(replace(quote, deciding=None) for quote in quotes))


def verdict(
    quotes: tuple[Quotation, ...],
    candidates: Sequence[Scored],
    generation: Generation,
    weights: Weights,
) -> Verdict:
    """Compare the words that answer, where a reader is sure of some.

    Only articles that hold an answer of their own are counted: a sentence that is likely to
    answer, in the same words, or in others of which the reader is sure. Of articles that contradict
    each other, the newest is quoted first, and answers. Where it is not known which that is, there
    is no short answer: the articles may differ, or the reader errs.
    """
    sure = [one for one in candidates if _is_sure(one, weights)]
    quotes = _newest_first(_set_off(quotes, sure))
    first = quotes[0]
    told = _words(first)
    if not told or len(told) > LONGEST_ANSWER:
        return Verdict(quotes)
    family = {first.article, *generation.store.twins(first.article)}
    elsewhere = [one.sentence for one in sure if one.sentence.article.path not in family]
    against = [one for one in elsewhere if _differ(told, one.answer_text)]
    if any(not _is_newer(first.date, one.article.date) for one in against):
        return Verdict((replace(first, deciding=None), *quotes[1:]), differing=True)
    others = (one.sentence for one in candidates if one.answers >= FURTHER)
    agreeing = {one.article.path for one in others if _agree(told, one.answer_text)} - family
    return Verdict(quotes, told, 1 + _texts(agreeing, generation), differing=bool(against))


def _is_sure(one: Scored, weights: Weights) -> bool:
    return one.worded >= weights.sure and one.answers >= FURTHER


def _set_off(quotes: Sequence[Quotation], sure: Sequence[Scored]) -> tuple[Quotation, ...]:
    """The quotations, with the words that answer only where the reader is sure of them."""
    places = {(one.sentence.article.path, one.sentence.answer) for one in sure}
    return tuple(
        quote if (quote.article, quote.deciding) in places else replace(quote, deciding=None)
        for quote in quotes
    )


def _newest_first(quotes: tuple[Quotation, ...]) -> tuple[Quotation, ...]:
    """The newest of those that contradict the first one before it."""
    first = quotes[0]
    newer = [
        quote
        for quote in quotes[1:]
        if _is_newer(quote.date, first.date) and _differ(_words(first), _words(quote))
    ]
    if not newer:
        return quotes
    newest = max(newer, key=lambda quote: quote.date or "")
    rest = (quote for quote in quotes if quote is not newest)
    return (replace(newest, score=first.score), *rest)


def _words(quote: Quotation) -> str:
    """The words of a quotation that answer, "" where none are known."""
    if quote.deciding is None:
        return ""
    return quote.text[quote.deciding.start - quote.start : quote.deciding.end - quote.start]


def _is_newer(one: str | None, other: str | None) -> bool:
    return bool(one and other) and str(one)[:10] > str(other)[:10]


def _agree(one: str, other: str) -> bool:
    """Whether one answer says all that the other says."""
    some, more = sorted((set(terms(one)), set(terms(other))), key=len)
    return bool(some) and some <= more


def _differ(one: str, other: str) -> bool:
    """Whether two answers share no word, or no number where both have one."""
    numbers, others = _numbers(one), _numbers(other)
    if numbers and others and numbers.isdisjoint(others):
        return True
    some, more = set(terms(one)), set(terms(other))
    return bool(some and more) and some.isdisjoint(more)


def _numbers(text: str) -> set[str]:
    return {word for word in words(text) if word[0].isdigit()}


def _texts(articles: set[str], generation: Generation) -> int:
    """How many independent texts these articles are: near-duplicates are one."""
    count, left = 0, set(articles)
    while left:
        article = left.pop()
        left -= set(generation.store.twins(article))
        count += 1
    return count
