"""What the quotations say together: the answer in short, who agrees, and who tells otherwise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from index.analysis import terms, words
from index.generation import Generation
from index.sentences import Span
from retrieval.answer import Quotation
from retrieval.quotes import QUOTE_MARGIN, Scored
from retrieval.reader import SURE
from retrieval.sentences import Sentence

LONGEST_ANSWER = 200  # characters of the words that answer; what is longer is no short answer
CLOSE = 1.0  # log-odds; sure words that lack so much to the shown ones still contradict them

_Odds = Mapping[tuple[str, Span | None], float]  # of the words that answer, by article and place


@dataclass(frozen=True)
class Verdict:
    """``quotes`` in their order, ``answer``, ``agreeing`` and ``differing``: see Answer."""

    quotes: tuple[Quotation, ...]
    answer: str | None = None
    agreeing: int = 0
    differing: bool = False


def verdict(
    quotes: tuple[Quotation, ...], candidates: Sequence[Scored], generation: Generation
) -> Verdict:
    """Compare the words that answer, where a reader has found some.

    An article agrees where it has these words in a sentence that is likely to answer. Of articles
    that contradict each other, the newest is quoted first, and answers. Where it is not known
    which that is, there is no short answer: the articles may differ, or the reader errs.
    """
    odds = {(s.article.path, s.answer): s.evidence.reader for s in (c.sentence for c in candidates)}
    quotes = _newest_first(quotes, odds)
    first = quotes[0]
    told = _words(first)
    if not told or len(told) > LONGEST_ANSWER:
        return Verdict(_set_off(quotes, odds, None))
    own = odds[first.article, first.deciding]
    family = {first.article, *generation.store.twins(first.article)}
    good = [c.sentence for c in candidates if c.score >= first.score - QUOTE_MARGIN]
    others = [sentence for sentence in good if _differ(told, sentence.answer_text)]
    against = [sentence for sentence in others if _weighs(sentence.evidence.reader, own)]
    agreeing = {
        candidate.sentence.article.path
        for candidate in candidates
        if _agrees(candidate.sentence, told)
    } - family
    answered = all(_is_newer(first.date, sentence.article.date) for sentence in against)
    sure = [s for s in against if min(s.evidence.reader, own) >= SURE]  # else the reader may err
    return Verdict(
        _set_off(quotes, odds, first if answered else None),
        told if answered else None,
        1 + _texts(agreeing, generation) if answered else 0,
        differing=any(sentence.article.path not in family for sentence in sure),
    )


def _set_off(
    quotes: tuple[Quotation, ...],
    odds: _Odds,
    answering: Quotation | None,
) -> tuple[Quotation, ...]:
    """The quotations with the words that answer where they are the answer, or sure."""
    return tuple(
        quote if quote is answering or _is_sure(quote, odds) else replace(quote, deciding=None)
        for quote in quotes
    )


def _is_sure(quote: Quotation, odds: _Odds) -> bool:
    return odds.get((quote.article, quote.deciding), 0.0) >= SURE


def _weighs(other: float, own: float) -> bool:
    """Whether other words speak against these: surer ones, or sure ones that are nearly as sure."""
    return other >= own or (other >= SURE and other >= own - CLOSE)


def _agrees(sentence: Sentence, told: str) -> bool:
    """Whether a sentence has these words, and more likely than not words that answer."""
    asked = set(terms(told))
    return bool(asked) and sentence.evidence.reader > 0 and asked <= set(terms(sentence.shown))


def _newest_first(quotes: tuple[Quotation, ...], odds: _Odds) -> tuple[Quotation, ...]:
    """The newest of those that surely contradict the first one before it, as good as it."""

    first = quotes[0]
    newer = [
        quote
        for quote in quotes[1:]
        if _is_sure(first, odds)
        and _is_sure(quote, odds)
        and _is_newer(quote.date, first.date)
        and _differ(_words(first), _words(quote))
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
