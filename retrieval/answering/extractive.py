"""The answerer without a chat model: the sentences that answer, or a refusal."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from index.generations.generation import Generation
from index.models.embedder import Embedder
from retrieval.answer import Answer, Question, Quotation, Reason, Scope
from retrieval.answering.agreement import undecided, verdict
from retrieval.answering.candidates import gather_sentences
from retrieval.answering.quotations import FURTHER, Scored, quotations, ranked
from retrieval.answering.reader import Reader
from retrieval.answering.search import ScoredPassage, find, newness
from retrieval.answering.weights import Caution, Weights
from retrieval.conversation import Reading
from retrieval.questions.interrogatives import asks_whether
from retrieval.questions.scope import ScopedQuestion, scoped

IN_TIME = 1.5  # of a sentence's score, for being of the time asked for
NEWER = 3.0  # of a sentence's score, for being of the newest article of all


def timed(candidates: Sequence[Scored], asked: ScopedQuestion) -> list[Scored]:
    """The candidates that may answer in the time that is asked for, best first."""
    allowed = [
        candidate
        for candidate in candidates
        if asked.allows(candidate.sentence.article.date, candidate.sentence.article.text)
    ]
    dates = {candidate.sentence.article.date for candidate in allowed}
    scored = [
        replace(candidate, score=candidate.score + _bonus(candidate, asked, dates))
        for candidate in allowed
    ]
    return sorted(scored, key=lambda candidate: -candidate.score)


def _bonus(candidate: Scored, asked: ScopedQuestion, dates: Collection[str | None]) -> float:
    date = candidate.sentence.article.date
    if date is None:
        return 0.0
    limited = asked.scope.since or asked.scope.until
    in_time = IN_TIME if limited and asked.scope.covers(date) else 0.0
    return in_time + (NEWER * newness(date, dates) if asked.scope.newest else 0.0)


NOTHING_NEAR = 0.1  # of the confidence, below which nothing is worth showing
READ_AT_ONCE = 2  # passages; fewer would leave a core idle
MOST_NEAR = 1  # quotations that are shown where nothing answers


@dataclass(frozen=True)
class ExtractiveAnswer:
    """An answer in the articles' own words, with the passages found for what was asked."""

    answer: Answer
    scoped: ScopedQuestion
    passages: tuple[ScoredPassage, ...]


def answer_extractively(
    reading: Reading,
    generation: Generation,
    embedder: Embedder,
    reader: Reader | None,
    weights: Weights,
    caution: Caution = Caution.BALANCED,
) -> ExtractiveAnswer:
    """The answer that the articles of a generation give in their own words.

    The passages found are read from the nearest one on, until an answer is sure.
    """
    question = reading.question
    asked = scoped(question, generation.sources, generation.dates)
    if reading.sources and not asked.scope.sources:
        asked = replace(asked, scope=replace(asked.scope, sources=reading.sources))
    found = find(asked, generation, embedder, reading)
    read = _read(asked, found, generation, embedder, reader, weights)
    answer = _answer(question, asked, read, generation, weights, caution)
    return ExtractiveAnswer(answer, asked, tuple(found))


def _answer(
    question: Question,
    asked: ScopedQuestion,
    every: Sequence[Scored],
    generation: Generation,
    weights: Weights,
    caution: Caution,
) -> Answer:
    """What the sentences that were read say."""
    candidates = timed(every, asked)
    if not every:
        return _refusal(question, asked, generation, Reason.NOTHING_FOUND, 0.0)
    best = candidates[0] if candidates else None
    confidence = round(best.answers, 4) if best else 0.0
    least = weights.thresholds[caution]
    if best and confidence < min(NOTHING_NEAR, least):
        return _refusal(question, asked, generation, Reason.NOTHING_FOUND, confidence)
    quotes = quotations(candidates, generation, further=max(FURTHER, least))
    if confidence < least or not quotes:
        near = quotations(candidates or every, generation, most=MOST_NEAR)
        return _refusal(question, asked, generation, Reason.NOT_ANSWERED, confidence, near)
    if asks_whether(asked.question.text):
        found = undecided(quotes)
    else:
        found = verdict(quotes, candidates, generation, weights)
    return Answer(
        question=question.text,
        query=asked.question.text,
        quotes=found.quotes,
        confidence=confidence,
        generation=generation.name,
        answer=found.answer,
        scope=asked.scope,
        agreeing=found.agreeing,
        differing=found.differing,
    )


def _read(
    asked: ScopedQuestion,
    found: Sequence[ScoredPassage],
    generation: Generation,
    embedder: Embedder,
    reader: Reader | None,
    weights: Weights,
) -> list[Scored]:
    """The sentences of the passages that are read, best first: of all found, unless one is sure.

    How sure does not depend on the setting: the same question has the same confidence with each.
    """
    sure = weights.thresholds[Caution.CAUTIOUS]
    sentences: list[Scored] = []
    for count in _counts(asked.scope, len(found)):
        read = gather_sentences(asked, found[:count], generation, embedder, reader)
        sentences = ranked(read, weights)
        if any(one.answers >= sure for one in timed(sentences, asked)[:1]):
            break
    return sentences


def _counts(scope: Scope, found: int) -> Iterator[int]:
    """How many passages to have read before each look at how sure the answer is."""
    if not _is_of_a_time(scope):
        yield from range(READ_AT_ONCE, found, READ_AT_ONCE)
    yield found


def _is_of_a_time(scope: Scope) -> bool:
    """Whether articles of some days are preferred: all that is found has to be compared."""
    return bool(scope.newest or scope.since or scope.until)


def _refusal(
    question: Question,
    asked: ScopedQuestion,
    generation: Generation,
    reason: Reason,
    confidence: float,
    near: tuple[Quotation, ...] = (),
) -> Answer:
    return Answer(
        question=question.text,
        query=asked.question.text,
        quotes=(),
        confidence=confidence,
        generation=generation.name,
        reason=reason,
        near=near,
        scope=asked.scope,
    )
