"""Put questions to the chain, and see what comes of each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from time import perf_counter

from index.generations.current import CurrentIndex
from index.generations.generation import Generation
from index.models.embedder import Embedder
from retrieval.answer import Answer, Question
from retrieval.answering.quotations import is_verbatim
from retrieval.answering.search import HybridSearch, best_rows
from retrieval.chain import AnswerChain
from retrieval.evaluation.exam import Exam, ExamQuestion

Ranks = tuple[int | None, int | None, int | None]
NOWHERE: Ranks = (None, None, None)
LISTED = 10  # passages of which ranks are told: R@k, MRR@10


def dense(question: str, generation: Generation, embedder: Embedder) -> list[str]:
    """The articles of the passages whose vectors are nearest, as Chroma gives them."""
    vector = embedder.encode_query(question)
    found = list(generation.vectors.nearest(vector, min(LISTED, generation.size)))
    row_of = generation.store.rows_of(found)
    return _articles([row_of[i] for i in found], generation)


def bm25(question: str, generation: Generation) -> list[str]:
    """The articles of the passages with the best BM25 scores, as long as they share a word."""
    scores = generation.keywords.scores(question)
    return _articles(best_rows(scores, LISTED).tolist(), generation)


def _articles(rows: list[int], generation: Generation) -> list[str]:
    return [passage.article for passage in generation.store.passages(rows)]


@dataclass(frozen=True)
class Outcome:
    """What was answered to one question.

    ``rank``: the place of the first passage found from a gold article, from 1, None if none of
    ten is; ``dense_rank`` and ``bm25_rank``: the same for each of the two searches alone;
    ``hits``: for each quotation whether it comes from a gold article and holds a gold answer,
    ignoring case; ``would``: the same for the first quotation or, of a refusal, for what was shown
    as near; ``words``: the short answer, None if there is none; ``right``: whether that says what
    a gold answer says; ``kind`` of the question; ``seconds``: how long the answer took.

    Of a chat model: how many of its claims were shown, why others were ``dropped``, why it does not
    answer (``fallback``), how near each claim is to what it quotes (``support``, a
    cosine), and how many quotations shown are ``false``: not to the letter in their article.
    """

    question: str
    answerable: bool
    answers: tuple[str, ...]
    refused: bool
    confidence: float
    rank: int | None
    dense_rank: int | None
    bm25_rank: int | None
    hits: tuple[bool, ...]
    would: bool
    words: str | None
    quote: str
    seconds: float
    claims: int = 0
    dropped: tuple[str, ...] = ()
    fallback: str | None = None
    support: tuple[float, ...] = ()
    false: int = 0
    kind: str = ""
    right: bool = False


def outcomes(
    exam: Exam, index: CurrentIndex, chain: AnswerChain, embedder: Embedder
) -> Iterator[Outcome]:
    """The outcome of each question, in order. Raises what the chain raises."""
    chain.warm_up()
    for asked in exam.asked:
        question = Question.parse(asked.question)
        started = perf_counter()
        answer = chain.invoke(question)
        seconds = perf_counter() - started
        with index.reading() as generation:
            ranks = _ranks(asked, question, generation, embedder) if generation else NOWHERE
            false = _false(answer, generation) if generation else 0
        yield _outcome(asked, answer, ranks, seconds, _support(answer, embedder), false)


def _support(answer: Answer, embedder: Embedder) -> tuple[float, ...]:
    """How near each claim of a chat model is to the nearest quotation that it leans on."""
    found = []
    for claim in answer.claims:
        quoted = embedder.encode_passages([answer.quotes[place].text for place in claim.quotes])
        found.append(float((quoted @ embedder.encode_query(claim.text)).max()))
    return tuple(round(cosine, 4) for cosine in found)


def _false(answer: Answer, generation: Generation) -> int:
    """How many quotations are no slice of their article, which the gate should have seen."""
    shown = (*answer.quotes, *answer.near)
    return sum(not is_verbatim(quote, generation) for quote in shown)


def _ranks(
    asked: ExamQuestion, question: Question, generation: Generation, embedder: Embedder
) -> Ranks:
    found = HybridSearch(generation, embedder).passages(question.text, LISTED)
    fused = [one.passage.article for one in found]
    alone = dense(question.text, generation, embedder), bm25(question.text, generation)
    by_search = [
        next((at for at, article in enumerate(articles, 1) if article in asked.articles), None)
        for articles in (fused, *alone)
    ]
    return by_search[0], by_search[1], by_search[2]


def _outcome(
    asked: ExamQuestion,
    answer: Answer,
    ranks: Ranks,
    seconds: float,
    support: tuple[float, ...],
    false: int,
) -> Outcome:
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
        rank=ranks[0],
        dense_rank=ranks[1],
        bm25_rank=ranks[2],
        hits=() if answer.refused else hits,
        would=hits[:1] == (True,),
        words=answer.answer,
        quote=shown[0].text if shown else "",
        seconds=round(seconds, 4),
        claims=len(answer.claims),
        dropped=tuple(fault.value for fault in answer.dropped),
        fallback=answer.fallback.value if answer.fallback else None,
        support=support,
        false=false,
        kind=asked.kind,
        right=answer.answer is not None and asked.is_answered_in_short(answer.answer),
    )
