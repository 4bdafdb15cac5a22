"""Requests for all that the articles tell: every sentence that answers, once each."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from index.generations.generation import Generation
from index.text.language import pattern
from index.text.words import stems, terms, words
from retrieval.answer import Answer, Intent, Quotation, Reason
from retrieval.answering.extractive import ExtractiveAnswer, Extractor, in_scope
from retrieval.answering.quotations import ScoredSentence, quotations
from retrieval.answering.search import ScoredPassage
from retrieval.answering.weights import Linear
from retrieval.questions.scope import ScopedQuestion
from retrieval.questions.topic import topic_words

PASSAGES = 20  # read for a list
LIKELY = 0.45  # the probability from which a sentence is listed
ALL = 0.99  # the share of the words asked for from which a sentence has them all
NAMED = 0.2  # how likely it is at least that a list is answered if a sentence has all its words
MOST = 50  # quotations of a list
# How much less sure of its best sentence a list must be than the answer to a question: of lists
# that the articles answer .93 are, of questions without an answer .23.
CAUTION = 0.56


@dataclass(frozen=True)
class ListEvidence:
    """The evidence that a sentence belongs to a list.

    ``reader`` and ``cosine`` as in ``Evidence``; ``rank`` of its article among those found, from 0;
    ``reader_gap``, ``cosine_gap``: by how much they are below the best sentence's, at most 0;
    ``keywords``: the share of the words asked for that it has, weighed by how rare they are.
    """

    reader: float
    cosine: float
    rank: float
    reader_gap: float
    cosine_gap: float
    keywords: float


# ``training.lists`` fits it. Of lists that it has not seen, .66 of what it takes is right, and it
# finds .66 of what there is.
MEMBER = Linear(
    {
        "reader": 0.0934,
        "cosine": 1.9318,
        "rank": -0.3578,
        "reader_gap": 0.0765,
        "cosine_gap": 4.4918,
        "keywords": 1.5459,
    },
    0.1052,
)


@dataclass(frozen=True)
class Members:
    """The sentences of a list, likeliest first, and the passages that were read for it."""

    sentences: tuple[ScoredSentence, ...]
    passages: tuple[ScoredPassage, ...]
    confidence: float

    def answer(self, extractor: Extractor) -> bool:
        """Whether they surely enough answer at all."""
        return self.confidence >= CAUTION * extractor.weights.thresholds[extractor.caution]


def members(scoped_question: ScopedQuestion, extractor: Extractor) -> Members:
    """Every sentence of the passages found, with the probability that it belongs to the list."""
    passages = extractor.search(scoped_question, PASSAGES)
    sentences = in_scope(extractor.sentences(scoped_question, passages), scoped_question)
    if not sentences:
        return Members((), tuple(passages), 0.0)
    ranks = article_ranks(passages)
    evidence = list_evidence(sentences, ranks, scoped_question, extractor)
    probabilities = [MEMBER.probability(one) for one in evidence]
    is_named = any(one.keywords > ALL for one in evidence)
    scored = [
        replace(sentence, answers=probability, score=probability)
        for sentence, probability in zip(sentences, probabilities, strict=True)
    ]
    confidence = max(sentence.answers for sentence in sentences)
    confidence = max(confidence, NAMED) if is_named else confidence
    return Members(
        tuple(sorted(scored, key=lambda s: (-s.score, s.sentence.key))), tuple(passages), confidence
    )


def article_ranks(passages: Sequence[ScoredPassage]) -> dict[str, int]:
    """The place of each article's first passage, from 0."""
    ranks: dict[str, int] = {}
    for rank, scored in enumerate(passages):
        ranks.setdefault(scored.passage.article, rank)
    return ranks


def list_evidence(
    sentences: Sequence[ScoredSentence],
    ranks: dict[str, int],
    scoped_question: ScopedQuestion,
    extractor: Extractor,
) -> list[ListEvidence]:
    """The evidence of each sentence. ``ranks``: see ``article_ranks``."""
    rarity = rarities(scoped_question.question.text, extractor.generation)
    evidence = [scored.sentence.evidence for scored in sentences]
    reader, cosine = max(e.reader for e in evidence), max(e.cosine for e in evidence)
    return [
        ListEvidence(
            e.reader,
            e.cosine,
            float(ranks.get(scored.sentence.article.path, len(ranks))),
            e.reader - reader,
            e.cosine - cosine,
            share_of_rarities(rarity, scored.sentence.shown),
        )
        for e, scored in zip(evidence, sentences, strict=True)
    ]


def rarities(question: str, generation: Generation) -> dict[str, float]:
    """How rare each term of a question is: the logarithm of the passages for one that has it."""
    stemmed = {term for word in topic_words(question) for term in terms(word)}
    having = {term: len(generation.keywords.rows_with(term)) for term in stemmed}
    return {term: math.log((1 + generation.size) / (1 + n)) for term, n in having.items()}


def share_of_rarities(rarity: Mapping[str, float], text: str) -> float:
    """The share of the terms that a text has, weighed by how rare they are: 0–1."""
    shared = rarity.keys() & set(terms(text))
    return sum(rarity[term] for term in shared) / max(sum(rarity.values()), 1e-9)


def listed(
    intent: Intent, scoped_question: ScopedQuestion, base: Answer, extractor: Extractor
) -> ExtractiveAnswer:
    """All that answers: in the order of time if the articles have dates, else article by article.

    Of what somebody said, only sentences that report it.
    """
    gathered = members(scoped_question, extractor)
    sentences = list(gathered.sentences)
    if intent is Intent.SAID:
        sentences = reported(sentences, scoped_question.question.text)
    likely = [scored for scored in sentences if scored.answers >= LIKELY]
    if not gathered.answer(extractor) or not likely:
        near = quotations(sentences, extractor.generation, limit=1)
        reason = Reason.NOT_ANSWERED if near else Reason.NOTHING_FOUND
        answer = replace(base, reason=reason, near=near)
        return ExtractiveAnswer(answer, scoped_question, gathered.passages)
    quotes = quotations(likely, extractor.generation, MOST, min_probability=0.0)
    sure = {
        (scored.sentence.article.path, scored.sentence.answer)
        for scored in likely
        if scored.worded >= extractor.weights.sure
    }
    quotes = tuple(
        q if (q.article, q.deciding) in sure else replace(q, deciding=None) for q in quotes
    )
    answer = replace(base, quotes=in_order(quotes), confidence=round(gathered.confidence, 4))
    return ExtractiveAnswer(answer, scoped_question, gathered.passages)


def in_order(quotes: Sequence[Quotation]) -> tuple[Quotation, ...]:
    """By date, if all have one and they differ, else by article, best first; then by place."""
    dates = {quote.date for quote in quotes}
    rank: dict[str, int] = {}
    for quote in quotes:
        rank.setdefault(quote.article, len(rank))
    if None in dates or len(dates) == 1:
        return tuple(sorted(quotes, key=lambda q: (rank[q.article], q.start)))
    return tuple(sorted(quotes, key=lambda q: (str(q.date)[:10], rank[q.article], q.start)))


def reported(sentences: Sequence[ScoredSentence], question: str) -> list[ScoredSentence]:
    """The sentences in which somebody speaks whom the question names, all if there are none."""
    named = set(stems(topic_words(question)))
    speaking = [
        scored
        for scored in sentences
        if named & set(stems(words(scored.sentence.shown))) and _speaks(scored.sentence.shown)
    ]
    return speaking or list(sentences)


def _speaks(text: str) -> bool:
    """Whether a text reports words: in quotation marks, or after a verb of speech."""
    return any(mark in text for mark in '«“"') or pattern("says").search(text) is not None
