"""What the outlets say on a subject, beside each other: the nearest sentence of each."""

from __future__ import annotations

from dataclasses import replace

from index.text.words import stems, words
from retrieval.answer import Answer, Question, Quotation, Reason
from retrieval.answering.extractive import ExtractiveAnswer, Extractor, in_scope
from retrieval.answering.quotations import ScoredSentence, quotations
from retrieval.questions.scope import ScopedQuestion
from retrieval.questions.topic import topic, topic_words

PASSAGES = 30
KEYWORDS = 0.4  # what a sentence gains that has all words of the subject
READER = 0.02  # and for each of the log-odds that it answers the request
MAX_GAP = 0.3  # of an outlet's best sentence behind the best of all
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
    passages = extractor.search(subject, PASSAGES)
    sentences = in_scope(extractor.sentences(subject, passages), subject)
    quotes = _one_each(sentences, text, extractor)
    heard = {quote.source for quote in quotes}
    silent = tuple(source for source in scoped_question.scope.sources if source not in heard)
    reason = None if quotes else Reason.NOTHING_FOUND
    answer = replace(
        base, quotes=quotes, reason=reason, silent=silent, confidence=float(bool(quotes))
    )
    return ExtractiveAnswer(answer, scoped_question, tuple(passages))


def _one_each(
    sentences: list[ScoredSentence], subject: str, extractor: Extractor
) -> tuple[Quotation, ...]:
    """The nearest sentence of each outlet, nearest first, if it is not far behind the best."""
    wanted = set(stems(topic_words(subject)))
    scored = [replace(one, score=_nearness(one, wanted), answers=1.0) for one in sentences]
    ranked = sorted(scored, key=lambda one: (-one.score, one.sentence.key))
    best: dict[str, ScoredSentence] = {}
    for one in ranked:
        article = one.sentence.article
        if ranked[0].score - one.score <= MAX_GAP and _tells(one, wanted):
            best.setdefault(article.source or article.path, one)
    quotes: list[Quotation] = []
    for one in list(best.values())[:MOST]:
        quotes += quotations([one], extractor.generation, limit=1)
    return tuple(replace(quote, deciding=None) for quote in quotes)


def _nearness(scored: ScoredSentence, wanted: set[str]) -> float:
    evidence = scored.sentence.evidence
    return evidence.cosine + KEYWORDS * _share(scored, wanted) + READER * evidence.reader


def _tells(scored: ScoredSentence, wanted: set[str]) -> bool:
    """Whether a sentence has a word of the subject, if any sentence can have one."""
    return not wanted or _share(scored, wanted) > 0


def _share(scored: ScoredSentence, wanted: set[str]) -> float:
    """The share of the subject's words that a sentence has."""
    shared = set(stems(words(scored.sentence.shown)))
    return len(wanted & shared) / len(wanted) if wanted else 0.0
