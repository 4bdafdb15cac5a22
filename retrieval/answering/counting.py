"""How many articles tell of something: those that have all its words."""

from __future__ import annotations

from dataclasses import replace

from retrieval.answer import Answer, Count, Question, Reason
from retrieval.answering.agreement import independent_texts
from retrieval.answering.extractive import ExtractiveAnswer, Extractor, in_scope
from retrieval.answering.quotations import quotations
from retrieval.answering.summaries import articles_with, mention
from retrieval.questions.scope import ScopedQuestion
from retrieval.questions.topic import names_or_topic, topic_words

MOST = 50  # articles that are quoted
PASSAGES = 10  # searched for other words that mean the same


def counted(
    scoped_question: ScopedQuestion, base: Answer, extractor: Extractor
) -> ExtractiveAnswer:
    """The number of articles with all words of the subject, and a sentence of each."""
    generation, scope = extractor.generation, scoped_question.scope
    subject = names_or_topic(scoped_question.question.text, scope.sources)
    wanted = topic_words(subject)
    headers = [
        header
        for header in generation.store.article_headers()
        if (not scope.sources or header.source in scope.sources)
        and (not header.date or scope.covers(header.date))
    ]
    paths = articles_with(wanted, generation) if wanted else {header.path for header in headers}
    matching = [header for header in headers if header.path in paths]
    independent = independent_texts({header.path for header in matching}, generation)
    count = Count(subject, len(matching), independent, len(headers))
    articles = (generation.store.article(header.path) for header in matching[:MOST] if wanted)
    mentions = (mention(article, wanted, generation) for article in articles if article)
    quotes = tuple(quote for quote in mentions if quote)
    answer = replace(base, quotes=quotes, count=count, confidence=float(bool(matching)))
    if matching or not wanted:
        answer = replace(answer, reason=None if matching else Reason.NOTHING_FOUND)
        return ExtractiveAnswer(answer, scoped_question, ())
    return _none(subject, answer, scoped_question, extractor)


def _none(
    words: str, answer: Answer, scoped_question: ScopedQuestion, extractor: Extractor
) -> ExtractiveAnswer:
    """The refusal where no article has the words, with the sentence that is nearest in meaning.

    The articles may tell of it in other words, or in another language than the question.
    """
    subject = replace(scoped_question, question=Question(words))
    passages = extractor.search(subject, PASSAGES)
    sentences = in_scope(extractor.sentences(subject, passages), subject)
    nearest = sorted(sentences, key=lambda scored: -scored.sentence.evidence.cosine)
    near = quotations(nearest, extractor.generation, limit=1)
    reason = Reason.NOT_ANSWERED if near else Reason.NOTHING_FOUND
    answer = replace(answer, near=near, reason=reason)
    return ExtractiveAnswer(answer, scoped_question, tuple(passages))
