"""Put questions to the chain, and see what comes of each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from time import perf_counter

from index.embedder import Embedder
from index.generation import Generation
from index.live import LiveIndex
from retrieval.answer import Answer, Question
from retrieval.chain import AnswerChain
from retrieval.evaluation.exam import Asked, Exam
from retrieval.search import PASSAGES, HybridRetriever


@dataclass(frozen=True)
class Outcome:
    """What was answered to one question.

    ``rank``: the place of the first passage found from a gold article, from 1, None if none of
    ten is; ``hits``: for each quotation whether it comes from a gold article and holds a gold
    answer, ignoring case; ``would``: the same for the first quotation or, of a refusal, for what
    was shown as near; ``words``: the short answer, None if there is none; ``seconds``: how long
    the answer took.
    """

    question: str
    answerable: bool
    answers: tuple[str, ...]
    refused: bool
    confidence: float
    rank: int | None
    hits: tuple[bool, ...]
    would: bool
    words: str | None
    quote: str
    seconds: float


def outcomes(
    exam: Exam, index: LiveIndex, chain: AnswerChain, embedder: Embedder
) -> Iterator[Outcome]:
    """The outcome of each question, in order. Raises what the chain raises."""
    chain.warm_up()
    for asked in exam.asked:
        question = Question.parse(asked.question)
        started = perf_counter()
        answer = chain.invoke(question)
        seconds = perf_counter() - started
        with index.reading() as generation:
            rank = _rank(asked, question, generation, embedder) if generation else None
        yield _outcome(asked, answer, rank, seconds)


def _rank(
    asked: Asked, question: Question, generation: Generation, embedder: Embedder
) -> int | None:
    retriever = HybridRetriever(generation=generation, embedder=embedder, k=PASSAGES)
    found = [document.metadata["article"] for document in retriever.invoke(question.text)]
    return next((at for at, article in enumerate(found, 1) if article in asked.articles), None)


def _outcome(asked: Asked, answer: Answer, rank: int | None, seconds: float) -> Outcome:
    shown = answer.quotes or answer.near
    hits = tuple(
        asked.is_answered_by(quote.text, [quote.article, *(other.article for other in quote.also)])
        for quote in shown
    )
    return Outcome(
        question=asked.question,
        answerable=bool(asked.answers),
        answers=asked.answers,
        refused=answer.refused,
        confidence=answer.confidence,
        rank=rank,
        hits=() if answer.refused else hits,
        would=hits[:1] == (True,),
        words=answer.answer,
        quote=shown[0].text if shown else "",
        seconds=round(seconds, 4),
    )
