"""What the quotations say together: the answer in short, who agrees, and who tells otherwise."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from index.generations.generation import Generation
from index.text.sentences import Span
from index.text.words import terms, words
from retrieval.answer import Quotation
from retrieval.answering.candidates import Sentence
from retrieval.answering.quotations import FURTHER, Scored
from retrieval.answering.weights import Weights

# The cosine of two sentences, each below its article's title, from which they are taken to tell of
# one event: docs/quality.md.
SAME_EVENT = 0.75
LONGEST_ANSWER = 200  # characters of the words that answer; what is longer is no short answer

AnswerKey = tuple[str, Span | None]  # an article's path, and the words in it that answer


@dataclass(frozen=True)
class Agreement:
    """``quotes`` in their order, ``answer``, ``agreeing`` and ``differing``: see Answer."""

    quotes: tuple[Quotation, ...]
    answer: str | None = None
    agreeing: int = 0
    differing: bool = False


def undecided(quotes: tuple[Quotation, ...]) -> Agreement:
    """The verdict on a question of yes or no, to which no words of a text are the answer."""
    return Agreement(tuple(replace(quote, deciding=None) for quote in quotes))


def verdict(
    quotes: tuple[Quotation, ...],
    candidates: Sequence[Scored],
    generation: Generation,
    weights: Weights,
) -> Agreement:
    """Compare the words that answer, where a reader is sure of some.

    Only articles that tell of the same event and hold an answer of their own are counted: a
    sentence that is likely to answer, in the same words, or in others of which the reader is sure.
    Of articles that contradict each other, the newest is quoted first, and answers. Where it is not
    known which that is, there is no short answer: the articles may differ, or the reader errs.
    """
    sure = {_key(one.sentence): one.sentence for one in candidates if _is_sure(one, weights)}
    quotes = _newest_first(_set_off(quotes, sure), sure)
    first = quotes[0]
    lead = sure.get((first.article, first.deciding))
    if lead is None or len(lead.answer_text) > LONGEST_ANSWER:
        return Agreement(quotes)
    family = {first.article, *generation.store.twins(first.article)}
    elsewhere = (one for one in sure.values() if one.article.path not in family)
    against = [one for one in elsewhere if _contradict(lead, one)]
    if any(not _is_newer(first.date, one.article.date) for one in against):
        return Agreement((replace(first, deciding=None), *quotes[1:]), differing=True)
    others = (one.sentence for one in candidates if one.answers >= FURTHER)
    agreeing = {one.article.path for one in others if _agree(lead, one)} - family
    count = 1 + _texts(agreeing, generation)
    return Agreement(quotes, lead.answer_text, count, differing=bool(against))


def _key(sentence: Sentence) -> AnswerKey:
    return sentence.article.path, sentence.answer


def _is_sure(one: Scored, weights: Weights) -> bool:
    return one.worded >= weights.sure and one.answers >= FURTHER


def _set_off(quotes: Sequence[Quotation], sure: Collection[AnswerKey]) -> tuple[Quotation, ...]:
    """The quotations, with the words that answer only where the reader is sure of them."""
    return tuple(
        quote if (quote.article, quote.deciding) in sure else replace(quote, deciding=None)
        for quote in quotes
    )


def _newest_first(
    quotes: tuple[Quotation, ...], sure: Mapping[AnswerKey, Sentence]
) -> tuple[Quotation, ...]:
    """The newest of those that contradict the first one before it."""
    first = quotes[0]
    newer = []
    for quote in quotes[1:]:
        one, other = (sure.get((q.article, q.deciding)) for q in (first, quote))
        if one and other and _is_newer(quote.date, first.date) and _contradict(one, other):
            newer.append(quote)
    if not newer:
        return quotes
    newest = max(newer, key=lambda quote: quote.date or "")
    rest = (quote for quote in quotes if quote is not newest)
    return (replace(newest, score=first.score), *rest)


def _is_newer(one: str | None, other: str | None) -> bool:
    return bool(one and other) and str(one)[:10] > str(other)[:10]


def _tell_of_one_event(one: Sentence, other: Sentence) -> bool:
    if one.vector is None or other.vector is None:
        return False
    return float(one.vector @ other.vector) >= SAME_EVENT


def _agree(one: Sentence, other: Sentence) -> bool:
    """Whether one sentence's answer says all that the other's says, of the same event."""
    some, more = sorted((_terms(one.answer_text), _terms(other.answer_text)), key=len)
    return bool(some) and some <= more and _tell_of_one_event(one, other)


def _contradict(one: Sentence, other: Sentence) -> bool:
    """Whether two answers about one event share no word, or no number where both have one."""
    words_apart = _apart(_terms(one.answer_text), _terms(other.answer_text))
    numbers_apart = _apart(_numbers(one.answer_text), _numbers(other.answer_text))
    return (words_apart or numbers_apart) and _tell_of_one_event(one, other)


def _apart(some: set[str], more: set[str]) -> bool:
    return bool(some and more) and some.isdisjoint(more)


def _terms(text: str) -> set[str]:
    return set(terms(text))


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
