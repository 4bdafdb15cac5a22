"""Quotations made of scored sentences, the gate that each of them passes, and their highlights."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from index.articles.article import Article
from index.generations.generation import Generation
from index.text.sentences import Span
from index.text.words import terms
from retrieval.answer import Answer, Carrier, Quotation
from retrieval.answering.candidates import Sentence, adjoin
from retrieval.answering.search import SAME_TEXT, share_of_terms
from retrieval.answering.weights import Weights

MOST_QUOTES = 3
FURTHER = 0.5  # the probability from which a further sentence is quoted: more likely right than not


@dataclass(frozen=True)
class Scored:
    """A sentence with its rank score and two probabilities.

    ``answers``: that it answers, ``worded``: that a reader's words in it are the answer.
    """

    sentence: Sentence
    score: float
    answers: float
    worded: float


def ranked(sentences: Iterable[Sentence], weights: Weights) -> list[Scored]:
    """Sentences by score, best first; headings only where there is nothing else."""
    scored = [
        Scored(
            one,
            weights.rank(one.evidence),
            weights.confidence.probability(one.evidence),
            weights.words.probability(one.evidence) if one.answer else 0.0,
        )
        for one in sentences
    ]
    kept = [s for s in scored if not s.sentence.heading] or scored
    return sorted(kept, key=lambda s: (-s.score, s.sentence.article.path, s.sentence.span))


def quotations(
    candidates: Sequence[Scored],
    generation: Generation,
    most: int = MOST_QUOTES,
    further: float = FURTHER,
) -> tuple[Quotation, ...]:
    """Up to ``most`` quotations: whole sentences, contiguous, none twice, all verified.

    ``candidates`` come from ``ranked``. The first one is quoted, and others that answer with a
    probability of ``further``. A quotation is one sentence, or two neighbours of together at most
    ``sentences.LONGEST`` characters: a sentence with one that is as likely to answer, or with the
    one before it that it needs.
    """
    taken: set[tuple[str, Span]] = set()
    quotes: list[Quotation] = []
    for candidate in candidates:
        if len(quotes) == most:
            break
        if _key(candidate) in taken or (quotes and candidate.answers < further):
            continue
        group = _with_neighbour(candidate, candidates, taken, further)
        taken.update(_key(member) for member in group)
        quote = _verified(_quotation(group, candidate), generation)
        if quote is None:
            continue
        told = next(
            (at for at, other in enumerate(quotes) if _tell_the_same(quote, other, generation)),
            None,
        )
        if told is None:
            quotes.append(_with_carriers(quote, generation))
        else:
            quotes[told] = _with_twin(quotes[told], quote)
    return tuple(quotes)


def quotation(
    article: Article, span: Span, deciding: Span | None, score: float, generation: Generation
) -> Quotation | None:
    """The quotation of a span of an article, verified, and who else carries it; None if it fails.

    ``deciding``: the words in it that answer.
    """
    quote = _verified(slice_of(article, span, deciding, score), generation)
    return quote and _with_carriers(quote, generation)


def is_verbatim(quote: Quotation, generation: Generation) -> bool:
    """The gate: whether the quotation is this slice of this article, to the letter.

    The words that answer must lie in it.
    """
    article = generation.store.article(quote.article)
    return (
        article is not None
        and bool(quote.text)
        and article.sha256 == quote.sha256
        and article.text[quote.start : quote.end] == quote.text
        and (quote.deciding is None or _holds(quote, quote.deciding))
    )


def _holds(quote: Quotation, span: Span) -> bool:
    return quote.start <= span.start < span.end <= quote.end


def _verified(quote: Quotation, generation: Generation) -> Quotation | None:
    return quote if is_verbatim(quote, generation) else None


def _with_neighbour(
    candidate: Scored,
    candidates: Sequence[Scored],
    taken: set[tuple[str, Span]],
    further: float,
) -> list[Scored]:
    """The candidate with one of its neighbours, if one may join, in textual order.

    The one before joins a sentence that points back to it; else the better one that answers, too.
    """
    around = [
        other
        for other in candidates
        if _key(other) not in taken and adjoin(candidate.sentence, other.sentence)
    ]
    before = [other for other in around if other.sentence.span == candidate.sentence.before]
    if before:
        return [before[0], candidate]
    allowed = [other for other in around if other.answers >= further]
    if not allowed:
        return [candidate]
    best = max(allowed, key=lambda other: other.score)
    return sorted([candidate, best], key=lambda member: member.sentence.span)


def _key(scored: Scored) -> tuple[str, Span]:
    return scored.sentence.article.path, scored.sentence.span


def _quotation(group: Sequence[Scored], best: Scored) -> Quotation:
    span = Span(group[0].sentence.span.start, group[-1].sentence.span.end)
    answer = best.sentence.answer
    inside = answer and span.start <= answer.start and answer.end <= span.end
    return slice_of(best.sentence.article, span, answer if inside else None, best.score)


def slice_of(
    article: Article, span: Span, deciding: Span | None = None, score: float = 0.0
) -> Quotation:
    """A slice of an article as a quotation, which has not passed the gate yet."""
    return Quotation(
        text=article.text[span.start : span.end],
        article=article.path,
        source=article.source,
        title=article.title,
        date=article.date,
        url=article.url,
        start=span.start,
        end=span.end,
        sha256=article.sha256,
        score=round(score, 4),
        deciding=deciding,
    )


def _tell_the_same(one: Quotation, other: Quotation, generation: Generation) -> bool:
    """Whether two quotations are one text: word for word, or nearly, out of near-duplicates."""
    if one.text == other.text:
        return True
    twins = generation.store.twins(one.article)
    return other.article in twins and share_of_terms(one.text, other.text) >= SAME_TEXT


def _with_carriers(quote: Quotation, generation: Generation) -> Quotation:
    """The quotation, naming the near-duplicates of its article that hold it to the letter."""
    found = generation.store.carriers(quote.article, quote.text)
    return replace(quote, also=tuple(Carrier(*carrier) for carrier in found))


def _with_twin(quote: Quotation, twin: Quotation) -> Quotation:
    """The quotation, naming the article of another one with the same words."""
    known = {quote.article, *(carrier.article for carrier in quote.also)}
    if twin.text != quote.text or twin.article in known:
        return quote
    carriers = [*quote.also, Carrier(twin.article, twin.source, twin.title)]
    return replace(quote, also=tuple(sorted(carriers, key=lambda carrier: carrier.article)))


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
