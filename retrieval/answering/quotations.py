"""Quotations made of scored sentences, and the gate that each of them passes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from index.articles.article import Article
from index.generations.generation import Generation
from index.text.fragment import sentence_address
from index.text.sentences import Span
from retrieval.answer import Carrier, Quotation, Slice
from retrieval.answering.article_lines import MAX_PAIR_LENGTH
from retrieval.answering.candidates import Sentence, adjoin
from retrieval.answering.search import says_the_same
from retrieval.answering.weights import Weights

MAX_QUOTES = 3
LIKELY = 0.5  # the probability from which a sentence is more likely to answer than not


@dataclass(frozen=True)
class ScoredSentence:
    """A sentence with its rank score and two probabilities.

    ``answers``: that it answers, ``worded``: that the reader's words in it are the answer.
    """

    sentence: Sentence
    score: float
    answers: float
    worded: float


def ranked(sentences: Iterable[Sentence], weights: Weights) -> list[ScoredSentence]:
    """Sentences by score, best first; headings only if there is nothing else."""
    scored = [
        ScoredSentence(
            sentence,
            weights.rank(sentence.evidence),
            weights.confidence.probability(sentence.evidence),
            weights.words.probability(sentence.evidence) if sentence.answer else 0.0,
        )
        for sentence in sentences
    ]
    kept = [s for s in scored if not s.sentence.heading] or scored
    return sorted(kept, key=lambda s: (-s.score, s.sentence.key))


def quotations(
    candidates: Sequence[ScoredSentence],
    generation: Generation,
    limit: int = MAX_QUOTES,
    min_probability: float = LIKELY,
) -> tuple[Quotation, ...]:
    """Up to ``limit`` quotations: whole sentences, contiguous, none twice, all verified.

    ``candidates`` come from ``ranked``. The first one is quoted, and others that answer with at
    least ``min_probability``. A quotation is one sentence, or two neighbours of together at most
    ``candidates.MAX_PAIR_LENGTH`` characters: a sentence with one that is as likely to answer, or
    with the preceding one that it needs.
    """
    used: set[tuple[str, Span]] = set()
    quotes: list[Quotation] = []
    for candidate in candidates:
        if len(quotes) == limit:
            break
        if candidate.sentence.key in used or (quotes and candidate.answers < min_probability):
            continue
        unused = [c for c in candidates if c.sentence.key not in used]
        group = _with_neighbour(candidate, unused, min_probability)
        used.update(member.sentence.key for member in group)
        quote = _joint_quotation(group, candidate)
        if not is_verbatim(quote, generation):
            continue
        for index, earlier in enumerate(quotes):
            if _overlap(quote, earlier):
                quotes[index] = _united(earlier, quote, candidate.sentence.article, generation)
                break
            if _is_same_text(quote, earlier, generation):
                quotes[index] = _with_twin(earlier, quote)
                break
        else:
            quotes.append(_with_carriers(quote, generation))
    return tuple(quotes)


def quotation(
    article: Article, span: Span, deciding: Span | None, score: float, generation: Generation
) -> Quotation | None:
    """The verified quotation of a span of an article, and who else carries it; None if it fails.

    ``deciding``: the words in it that answer.
    """
    quote = slice_of(article, span, deciding, score)
    return _with_carriers(quote, generation) if is_verbatim(quote, generation) else None


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
        link=sentence_address(article.url, article.text, span) if article.url else None,
    )


def is_verbatim(quote: Quotation, generation: Generation) -> bool:
    """The gate: whether the quotation is exactly this slice of this article.

    The words that answer must lie in it.
    """
    article = generation.store.article(quote.article)
    deciding = quote.deciding
    return (
        article is not None
        and bool(quote.text)
        and article.sha256 == quote.sha256
        and all(article.text[s.start : s.end] == s.text for s in (quote, quote.head) if s)
        and (not deciding or quote.start <= deciding.start < deciding.end <= quote.end)
    )


def _with_neighbour(
    candidate: ScoredSentence, unused: Sequence[ScoredSentence], min_probability: float
) -> list[ScoredSentence]:
    """The candidate with the neighbour that may join it, if any, in textual order.

    What introduces or is introduced is quoted with that alone. The preceding one joins a sentence
    that refers back to it; else the best one that answers, too.
    """
    sentence = candidate.sentence
    if sentence.lead or sentence.head or sentence.whole:
        return [candidate]
    neighbours = [scored for scored in unused if adjoin(sentence, scored.sentence)]
    for neighbour in neighbours:
        if neighbour.sentence.span == sentence.before:
            return [neighbour, candidate]
    likely = [neighbour for neighbour in neighbours if neighbour.answers >= min_probability]
    best = sorted(likely, key=lambda neighbour: -neighbour.score)[:1]
    return sorted([candidate, *best], key=lambda member: member.sentence.span)


def _joint_quotation(group: Sequence[ScoredSentence], best: ScoredSentence) -> Quotation:
    first = best.sentence.lead or group[0].sentence.span
    last = best.sentence.whole or group[-1].sentence.span
    span = Span(first.start, last.end)
    answer = best.sentence.answer
    inside = answer and span.start <= answer.start and answer.end <= span.end
    quote = slice_of(best.sentence.article, span, answer if inside else None, best.score)
    head = best.sentence.head
    if head is None:
        return quote
    return replace(
        quote, head=Slice(best.sentence.article.text[head.start : head.end], head.start, head.end)
    )


def _overlap(quote: Quotation, earlier: Quotation) -> bool:
    """Whether two quotations share words of one article, as those of items of one list."""
    same = quote.article == earlier.article
    return same and quote.start < earlier.end and earlier.start < quote.end


def _united(
    earlier: Quotation, quote: Quotation, article: Article, generation: Generation
) -> Quotation:
    """One quotation of both, if it is short enough, else the earlier one."""
    span = Span(min(earlier.start, quote.start), max(earlier.end, quote.end))
    if span.end - span.start > MAX_PAIR_LENGTH:
        return earlier
    united = quotation(article, span, earlier.deciding, earlier.score, generation)
    return united or earlier


def _is_same_text(quote: Quotation, earlier: Quotation, generation: Generation) -> bool:
    """Whether two quotations are the same word for word, or nearly, from near-duplicates."""
    if quote.text == earlier.text:
        return True
    twins = generation.store.twins(quote.article)
    return earlier.article in twins and says_the_same(quote.text, earlier.text)


def _with_carriers(quote: Quotation, generation: Generation) -> Quotation:
    """The quotation, naming the near-duplicates of its article that hold its exact words."""
    carriers = generation.store.carriers(quote.article, quote.text)
    return replace(quote, also=tuple(Carrier(*carrier) for carrier in carriers))


def _with_twin(quote: Quotation, twin: Quotation) -> Quotation:
    """The quotation, naming the article of another one with the same words."""
    known = {quote.article, *(carrier.article for carrier in quote.also)}
    if twin.text != quote.text or twin.article in known:
        return quote
    carriers = [*quote.also, Carrier(twin.article, twin.source, twin.title)]
    return replace(quote, also=tuple(sorted(carriers, key=lambda carrier: carrier.article)))
