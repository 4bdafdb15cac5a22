"""The sentences that carry an article, and the articles that a request is about."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from index.articles.article import Article
from index.generations.generation import Generation
from index.models.embedder import Embedder
from index.models.encoder import Vectors
from index.text.dates import ranking_day
from index.text.language import MAIN
from index.text.sentences import Span
from index.text.words import language_of, stems, terms, words
from retrieval.answer import Answer, Intent, Question, Quotation, Reason, Turn
from retrieval.answering.article_lines import ArticleLines
from retrieval.answering.candidates import refers_back
from retrieval.answering.extractive import ExtractiveAnswer, Extractor
from retrieval.answering.lists import rarities, share_of_rarities
from retrieval.answering.quotations import quotation
from retrieval.answering.search import ScoredPassage
from retrieval.answering.weights import Linear
from retrieval.conversation import Interpretation
from retrieval.questions.scope import ScopedQuestion
from retrieval.questions.topic import topic, topic_words

PASSAGES = 30  # in which the articles on a subject are looked for
MAX_BEHIND = 3.0  # of an article on a subject, in fused scores behind the best one
MOST_ARTICLES = 5
SENTENCES = 4  # of an article that is summarized alone
SHARED_SENTENCES = 2  # of each of a few articles
FEW = 3
NAMED = 0.6  # the share of the subject's words, by rarity, from which a passage is on it
HALF = 0.5  # of its names
# The cosine from which it may be, too: the nearest of many passages is nearer than that of few.
NEAR, NEARER = 0.523, 0.019  # for the logarithm of how many there are
MIN_TITLE = 3  # words of a request that name an article if its title has them all
SAME = 0.9  # the cosine from which two sentences say the same
LONG, SHORT = 40, 8  # words of a sentence
MAX_JOINED = 600  # characters of sentences that are quoted together


@dataclass(frozen=True)
class CentralEvidence:
    """The evidence that a sentence carries its article.

    ``depth``: its place, from 0 for the first to 1; ``title``: the cosine with the title;
    ``length``: its words, as a share of LONG, at most 1; ``short``: 1 if they are fewer than SHORT.
    """

    depth: float
    title: float
    length: float
    short: float


# ``training.central`` fits it. Of articles that it has not seen, its first sentence is one of an
# editor's two in .80, the article's first in .70.
CENTRAL = Linear({"depth": -3.4, "title": 1.66, "length": 1.54, "short": -1.59})
# Beside the share of the article that a further sentence covers. Chosen by reading: four sentences
# ranked by CENTRAL are from the first third of the article. Of an editor's two, .82 are among them
# (.84 without).
FURTHER = Linear({"depth": -0.07, "title": 0.1, "length": 0.09, "short": -0.095})


@dataclass(frozen=True)
class _Subject:
    """The words of the subject that was asked for, none if there is none, and its unit vector.

    ``names``: those that begin with a capital letter.
    """

    words: tuple[str, ...]
    names: str
    vector: Vectors

    @classmethod
    def of(cls, about: str, extractor: Extractor) -> _Subject:
        names = " ".join(word for word in about.split() if word[0].isupper())
        return cls(tuple(topic_words(about)), names, extractor.embedder.encode_query(about))


def summarized(
    intent: Intent,
    scoped_question: ScopedQuestion,
    base: Answer,
    extractor: Extractor,
    turn: Turn | None,
) -> ExtractiveAnswer:
    """The sentences that carry the articles in question, article by article, newest first."""
    passages: list[ScoredPassage] = []
    about = topic(scoped_question.question.text, scoped_question.scope.sources)
    subject = _Subject.of(about, extractor)
    if about:
        alone = replace(scoped_question.question, text=about)
        passages = extractor.search(replace(scoped_question, question=alone), PASSAGES)
        named = articles_with(subject.words, extractor.generation)
        naming = [scored for scored in passages if scored.passage.article in named]
        is_foreign = scoped_question.question.language != MAIN
        fitting = naming or list(_fitting(passages, subject, is_foreign, extractor.generation))
        articles = _on_subject(fitting, about, extractor.generation)
    elif turn and turn.articles and intent is Intent.SUMMARY and not scoped_question.scope.sources:
        articles = stored(turn.articles, extractor.generation)
    else:
        articles = newest_in_scope(scoped_question, extractor.generation)
    if intent is Intent.SUMMARY and about:
        articles = articles[:FEW]
    if intent is Intent.NEWEST or not about:
        articles = sorted(articles, key=lambda article: ranking_day(article.date), reverse=True)
    articles = articles[:MOST_ARTICLES]
    quotes = tuple(_carrying(articles, intent, subject, extractor))
    reason = None if quotes else Reason.NOTHING_FOUND
    answer = replace(base, quotes=quotes, reason=reason, confidence=float(bool(quotes)))
    return ExtractiveAnswer(answer, scoped_question, tuple(passages))


def mentioned(question: Question, articles: Collection[str], extractor: Extractor) -> Answer:
    """What these articles, by their paths, say on a subject: a sentence of each that has it."""
    scoped_question = extractor.scoped(Interpretation(question))
    about = topic(scoped_question.question.text, scoped_question.scope.sources)
    subject, is_foreign = _Subject.of(about, extractor), question.language != MAIN
    passages = extractor.search_in(scoped_question, articles)
    fitting = _fitting(passages, subject, is_foreign, extractor.generation)
    paths = dict.fromkeys(scored.passage.article for scored in fitting)
    found = _independent(stored(paths, extractor.generation), extractor.generation)
    quotes = tuple(_carrying(found[:MOST_ARTICLES], Intent.NEWEST, subject, extractor))
    return replace(
        extractor.base(question, scoped_question),
        quotes=quotes,
        reason=None if quotes else Reason.NOTHING_FOUND,
        confidence=float(bool(quotes)),
        intent=Intent.NEWEST,
    )


def central_sentences(
    article: Article, generation: Generation, embedder: Embedder, count: int
) -> list[Span]:
    """The ``count`` sentences that carry an article, in the order of the text.

    None says what another says, and none needs the one before it, unless that is there too. If
    they are many, each after the first covers what those before it do not.
    """
    spans, vectors = article_sentences(article, generation)
    if not spans:
        return []
    evidence = central_evidence(article, spans, vectors, embedder)
    scores = np.array([CENTRAL(one) for one in evidence])
    texts = [article.text[span.start : span.end] for span in spans]
    main, lead = language_of(article.text), int(scores.argmax())
    candidates = [n for n, text in enumerate(texts) if language_of(text) == main]
    chosen: list[int] = []
    while len(chosen) < count:
        if chosen and count > SHARED_SENTENCES:
            scores = _coverage(vectors, chosen) + [FURTHER(one) for one in evidence]
        suitable = [
            n
            for n in candidates
            if not any(n == other or vectors[n] @ vectors[other] >= SAME for other in chosen)
            and (not refers_back(texts[n]) or n - 1 in chosen)
        ]
        if not suitable:
            break
        chosen.append(max(suitable, key=lambda n: float(scores[n])))
    return [spans[number] for number in sorted(chosen or [lead])]


def _coverage(vectors: Vectors, chosen: Sequence[int]) -> Vectors:
    """How much nearer each sentence, beside those chosen, brings the mean one of the article.

    Source: Lin and Bilmes, "A Class of Submodular Functions for Document Summarization", 2011.
    """
    centred = vectors - vectors.mean(axis=0)
    centred /= np.linalg.norm(centred, axis=1, keepdims=True) + 1e-9
    similarity = np.maximum(centred @ centred.T, 0)
    gain = np.maximum(similarity - similarity[list(chosen)].max(axis=0), 0).mean(axis=1)
    return np.asarray(gain, np.float32)


def article_sentences(article: Article, generation: Generation) -> tuple[list[Span], Vectors]:
    """The sentences of an article but its headlines, and their vectors, in order."""
    lines = ArticleLines(article)
    vector_of: dict[Span, Vectors] = {}
    rows = sorted(generation.store.passage_rows([article.path]))
    for passage in generation.store.passages(rows):
        spans = generation.sentences(passage)
        vector_of.update(zip(spans, generation.sentence_vectors(passage), strict=True))
    spans = sorted(s for s in vector_of if not (lines.is_heading(s) or lines.asks(s)))
    return spans, np.array([vector_of[span] for span in spans], np.float32)


def central_evidence(
    article: Article, spans: Sequence[Span], vectors: Vectors, embedder: Embedder
) -> list[CentralEvidence]:
    """The evidence of each sentence."""
    titles = (vectors @ embedder.encode_passages([article.title])[0]).tolist()
    evidence = []
    for number, (span, title) in enumerate(zip(spans, titles, strict=True)):
        count = len(words(article.text[span.start : span.end]))
        length, short = min(count, LONG) / LONG, float(count < SHORT)
        evidence.append(CentralEvidence(number / len(spans), title, length, short))
    return evidence


def mention(article: Article, wanted: Sequence[str], generation: Generation) -> Quotation | None:
    """The first sentence of an article with most of these words; None if it has no sentence."""
    spans, _ = article_sentences(article, generation)
    best = max(spans, key=lambda s: (_shared(s, article, wanted), -s.start), default=None)
    return quotation(article, best, None, 0.0, generation) if best else None


def articles_with(wanted: Sequence[str], generation: Generation) -> set[str]:
    """The paths of the articles with all these words, in any form."""
    common: set[str] | None = None
    for word in wanted:
        rows = [row for term in terms(word) for row in generation.keywords.rows_with(term)]
        paths = {passage.article for passage in generation.store.passages(rows)}
        common = paths if common is None else common & paths
    return common or set()


def _shared(span: Span, article: Article, wanted: Sequence[str]) -> int:
    """How many of these words a sentence has, in any form."""
    return len(set(stems(list(wanted))) & set(stems(words(article.text[span.start : span.end]))))


def _telling(
    spans: list[Span], article: Article, subject: _Subject, generation: Generation
) -> list[Span]:
    """The sentences of an article that tell of a subject: these, if they or its title are on it.

    Otherwise, those that name it, or, as in another language, that are nearest in meaning.
    """
    naming = [span for span in spans if _shared(span, article, subject.words)]
    if not subject.words or 2 * len(naming) >= len(spans):
        return spans
    everything, vectors = article_sentences(article, generation)
    shares = [_shared(span, article, subject.words) for span in everything]
    scores = shares if any(shares) else (vectors @ subject.vector).tolist()
    least = max(shares) if any(shares) else sorted(scores)[-len(spans)]
    named = [span for span, score in zip(everything, scores, strict=True) if score >= least]
    if not set(stems(list(subject.words))) & set(stems(words(article.title))):
        return named[: len(spans)] or spans
    return spans if naming or not named else sorted({*spans[:-1], named[0]})


def _carrying(
    articles: Sequence[Article], intent: Intent, subject: _Subject, extractor: Extractor
) -> Iterable[Quotation]:
    """The quotations of the sentences that carry each article; neighbours are one quotation."""
    count = SENTENCES if len(articles) == 1 else SHARED_SENTENCES if len(articles) <= FEW else 1
    if intent is Intent.NEWEST:
        count = 1
    for article in articles:
        spans = central_sentences(article, extractor.generation, extractor.embedder, count)
        spans = _telling(spans, article, subject, extractor.generation)
        for span in joined_neighbours(article.text, spans):
            quote = quotation(article, span, None, 0.0, extractor.generation)
            if quote:
                yield quote


def joined_neighbours(text: str, spans: Sequence[Span]) -> list[Span]:
    """The spans; those with only a blank between them are one, up to MAX_JOINED characters."""
    joined: list[Span] = []
    for span in spans:
        last = joined[-1] if joined else span
        between = text[last.end : span.start]
        is_near = not between.strip() and "\n" not in between
        if joined and is_near and span.end - last.start <= MAX_JOINED:
            joined[-1] = Span(last.start, span.end)
        else:
            joined.append(span)
    return joined


def _fitting(
    passages: Sequence[ScoredPassage], subject: _Subject, is_foreign: bool, generation: Generation
) -> Iterator[ScoredPassage]:
    """The passages that have enough of the subject's words, or some, and are near it in meaning.

    Those of a foreign subject may be others. Otherwise, they have its names.
    """
    rarity, names = (
        rarities(text, generation) for text in (" ".join(subject.words), subject.names)
    )
    vectors = generation.vectors.stored([scored.passage.id for scored in passages])
    near = NEAR + NEARER * math.log(max(generation.size, 1))
    for scored in passages:
        share = share_of_rarities(rarity, scored.passage.text)
        if names and not is_foreign and share_of_rarities(names, scored.passage.text) < HALF:
            continue
        vector = vectors.get(scored.passage.id)
        is_near = vector is not None and float(vector @ subject.vector) >= near
        if share >= NAMED or ((share or is_foreign) and is_near):
            yield scored


def _on_subject(
    passages: Sequence[ScoredPassage], about: str, generation: Generation
) -> list[Article]:
    """The articles of the passages that are near the best one, nearest first, without twins.

    If the request names one by its title, only that.
    """
    least = min((scored.behind for scored in passages), default=0.0)
    near = [s.passage.article for s in passages if s.behind - least <= MAX_BEHIND]
    wanted = set(terms(about))
    for article in stored(dict.fromkeys(s.passage.article for s in passages), generation):
        if len(wanted) >= MIN_TITLE and wanted <= set(terms(article.title)):
            return [article]
    return _independent(stored(dict.fromkeys(near), generation), generation)


def newest_in_scope(scoped_question: ScopedQuestion, generation: Generation) -> list[Article]:
    """The newest articles of the outlets and the days in question, without near-duplicates."""
    scope = scoped_question.scope
    headers = [
        article
        for article in generation.store.article_headers()
        if (not scope.sources or article.source in scope.sources)
        and (not (scope.since or scope.until) or (article.date and scope.covers(article.date)))
    ]
    newest = sorted(headers, key=lambda article: ranking_day(article.date), reverse=True)
    paths = [article.path for article in newest[: 3 * MOST_ARTICLES]]
    return _independent(stored(paths, generation), generation)


def stored(paths: Iterable[str], generation: Generation) -> list[Article]:
    """The articles with these paths, in order; those that are gone are left out."""
    return [article for path in paths if (article := generation.store.article(path))]


def _independent(articles: Sequence[Article], generation: Generation) -> list[Article]:
    """The articles without those that nearly repeat an earlier one."""
    kept: list[Article] = []
    for article in articles:
        if not {one.path for one in kept} & set(generation.store.twins(article.path)):
            kept.append(article)
    return kept
