"""What the outlets say on a subject, beside each other: the likeliest sentence of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from retrieval.answer import Answer, Question, Quotation, Reason
from retrieval.answering.agreement import verdict
from retrieval.answering.extractive import ExtractiveAnswer, Extractor
from retrieval.answering.lists import LIKELY, Members, members
from retrieval.answering.quotations import ScoredSentence, quotations
from retrieval.questions.scope import ScopedQuestion
from retrieval.questions.topic import topic

MOST = 8  # outlets


def compared(
    scoped_question: ScopedQuestion, base: Answer, extractor: Extractor
) -> ExtractiveAnswer:
    """A sentence for each outlet that tells of the subject; articles without one count as one each.

    If the request names outlets, only those; ``silent`` are those of them that say nothing.
    """
    text = topic(scoped_question.question.text, scoped_question.scope.sources)
    if not text:
        answer = replace(base, reason=Reason.NOTHING_FOUND)
        return ExtractiveAnswer(answer, scoped_question, ())
    subject = replace(scoped_question, question=Question(text, scoped_question.question.day))
    result = members(subject, extractor)
    quotes = _one_each(result.sentences, extractor)
    heard = {quote.source for quote in quotes}
    silent = tuple(source for source in scoped_question.scope.sources if source not in heard)
    reason = None if quotes else Reason.NOTHING_FOUND
    answer = replace(
        base, quotes=quotes, reason=reason, silent=silent, confidence=round(result.confidence, 4)
    )
    return ExtractiveAnswer(_compared(answer, result, extractor), scoped_question, result.passages)


def _compared(answer: Answer, result: Members, extractor: Extractor) -> Answer:
    """The answer, with what the outlets agree on or differ in, where the reader is sure."""
    if not answer.quotes:
        return answer
    generation, weights = extractor.generation, extractor.weights
    agreement = verdict(answer.quotes, result.sentences, generation, weights)
    agreeing, differing = agreement.agreeing, agreement.differing
    return replace(answer, quotes=agreement.quotes, agreeing=agreeing, differing=differing)


def _one_each(sentences: Sequence[ScoredSentence], extractor: Extractor) -> tuple[Quotation, ...]:
    """The likeliest sentence of each outlet, likeliest first, with its neighbour if that is."""
    by_outlet: dict[str, list[ScoredSentence]] = {}
    for one in sentences:
        article = one.sentence.article
        by_outlet.setdefault(article.source or article.path, []).append(one)
    likely = [group for group in by_outlet.values() if group[0].answers >= LIKELY][:MOST]
    quotes: list[Quotation] = []
    for group in likely:
        quotes += quotations(group, extractor.generation, limit=1, min_probability=LIKELY)
    return tuple(quotes)
