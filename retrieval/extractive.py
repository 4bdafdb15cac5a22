"""The answerer without a chat model: the sentences that answer, or a refusal."""

from __future__ import annotations

from collections.abc import Sequence

from index.embedder import Embedder
from index.generation import Generation
from index.keywords import terms
from retrieval.answer import Answer, Question, Quotation, Reason
from retrieval.quotes import QUOTE_MARGIN, Scored, quotations, ranked
from retrieval.reader import Reader
from retrieval.search import HybridRetriever
from retrieval.sentences import weighed_sentences
from retrieval.weights import Weights

LONGEST_ANSWER = 200  # characters of the words that answer; what is longer is no short answer
NOTHING_NEAR = 0.1  # of the confidence, below which nothing is worth showing


def answer_extractively(
    question: Question,
    generation: Generation,
    embedder: Embedder,
    reader: Reader | None,
    weights: Weights,
) -> Answer:
    """The answer that the articles of a generation give in their own words."""
    retriever = HybridRetriever(generation=generation, embedder=embedder)
    documents = retriever.invoke(question.text)
    sentences = weighed_sentences(question, documents, generation, embedder, reader)
    candidates = ranked(sentences, weights.rank)
    if not candidates:
        return _refusal(question, generation, Reason.NOTHING_FOUND, 0.0)
    confidence = round(weights.probability(candidates[0].sentence.evidence), 4)
    if confidence < NOTHING_NEAR:
        return _refusal(question, generation, Reason.NOTHING_FOUND, confidence)
    quotes = quotations(candidates, generation)
    if confidence < weights.threshold or not quotes:
        near = quotations(candidates, generation, most=1)
        return _refusal(question, generation, Reason.NOT_ANSWERED, confidence, near)
    return Answer(
        question=question.text,
        query=question.text,
        quotes=quotes,
        confidence=confidence,
        generation=generation.name,
        answer=_short_answer(quotes[0], candidates),
    )


def _short_answer(quote: Quotation, candidates: Sequence[Scored]) -> str | None:
    """The words that answer, out of the first quotation, where the reader is sure of them.

    None where it is as sure of other words elsewhere: the articles may differ, or it errs.
    """
    span = quote.deciding
    if span is None or span.end - span.start > LONGEST_ANSWER:
        return None
    words = quote.text[span.start - quote.start : span.end - quote.start]
    others = (c.sentence.answer_text for c in candidates if c.score >= quote.score - QUOTE_MARGIN)
    if any(other and set(terms(other)).isdisjoint(terms(words)) for other in others):
        return None
    return words


def _refusal(
    question: Question,
    generation: Generation,
    reason: Reason,
    confidence: float,
    near: tuple[Quotation, ...] = (),
) -> Answer:
    return Answer(
        question=question.text,
        query=question.text,
        quotes=(),
        confidence=confidence,
        generation=generation.name,
        reason=reason,
        near=near,
    )
