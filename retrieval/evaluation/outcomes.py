"""Puts questions to the chain and records the outcome of each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from time import perf_counter

from index.generations.current import CurrentIndex
from index.generations.generation import Generation
from index.models.embedder import Embedder
from retrieval.answer import Answer, Question, Turn
from retrieval.answering.quotations import is_verbatim
from retrieval.answering.search import HybridSearch, best_rows
from retrieval.chain import AnswerChain
from retrieval.evaluation.exam import Exam, ExamQuestion

LISTED = 10  # passages that are ranked: R@k, MRR@10


@dataclass(frozen=True)
class Outcome:
    """The outcome of one question.

    ``rank``: the rank of the first passage from a gold article, from 1, None if none of the ten is;
    ``dense_rank`` and ``bm25_rank``: the same for each of the two searches alone; ``hits``: for
    each quotation whether it comes from a gold article and holds a gold answer, ignoring case;
    ``would``: the same for the first quotation or, of a refusal, for the near one; ``words``: the
    short answer, None if there is none; ``right``: whether that says the same as a gold answer;
    ``kind`` of the question; ``seconds``: how long the answer took.

    With a chat model: the number of its claims shown, why others were ``dropped``, why it does not
    answer (``fallback``), the cosine of each claim and its nearest quotation (``support``), and the
    number of quotations shown that are ``false``: not verbatim in their article.
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
    for exam_question in exam.asked:
        previous: tuple[Turn, ...] = ()
        if exam_question.first:
            previous = (Turn.of(chain.invoke(Question.parse(exam_question.first))),)
        question = Question.parse(exam_question.question, previous=previous)
        started = perf_counter()
        answer = chain.invoke(question)
        seconds = round(perf_counter() - started, 4)
        ranks: dict[str, int | None] = {"rank": None, "dense_rank": None, "bm25_rank": None}
        false = 0
        with index.reading() as generation:
            if generation:
                ranks = _ranks(exam_question, question.text, generation, embedder)
                shown = (*answer.quotes, *answer.near)
                false = sum(not is_verbatim(quote, generation) for quote in shown)
        support = _support(answer, embedder)
        yield _outcome(exam_question, answer, ranks, seconds, support, false)


def _ranks(
    exam_question: ExamQuestion, question: str, generation: Generation, embedder: Embedder
) -> dict[str, int | None]:
    """The rank of the first passage from a gold article: fused, by vectors and by BM25."""
    fused = HybridSearch(generation, embedder).passages(question, LISTED)
    vector = embedder.encode_query(question)
    nearest = generation.vectors.nearest(vector, min(LISTED, generation.size))
    bm25 = best_rows(generation.keywords.scores(question), LISTED)
    rows_of = {
        "rank": [scored.passage.row for scored in fused],
        "dense_rank": list(generation.store.rows_of(nearest).values()),
        "bm25_rank": bm25.tolist(),
    }
    articles_of = {
        name: [passage.article for passage in generation.store.passages(rows)]
        for name, rows in rows_of.items()
    }
    return {
        name: next((n for n, path in enumerate(paths, 1) if path in exam_question.articles), None)
        for name, paths in articles_of.items()
    }


def _support(answer: Answer, embedder: Embedder) -> tuple[float, ...]:
    """The cosine of each claim of a chat model and the nearest quotation that it cites."""
    cosines = []
    for claim in answer.claims:
        quoted = embedder.encode_passages([answer.quotes[number].text for number in claim.quotes])
        cosines.append(float((quoted @ embedder.encode_query(claim.text)).max()))
    return tuple(round(cosine, 4) for cosine in cosines)


def _outcome(
    exam_question: ExamQuestion,
    answer: Answer,
    ranks: dict[str, int | None],
    seconds: float,
    support: tuple[float, ...],
    false: int,
) -> Outcome:
    shown = answer.quotes or answer.near
    hits = tuple(
        exam_question.is_answered_by(
            quote.text, [quote.article, *(carrier.article for carrier in quote.also)]
        )
        for quote in shown
    )
    return Outcome(
        question=exam_question.question,
        answerable=bool(exam_question.answers),
        answers=exam_question.answers,
        refused=answer.refused,
        confidence=answer.confidence,
        rank=ranks["rank"],
        dense_rank=ranks["dense_rank"],
        bm25_rank=ranks["bm25_rank"],
        hits=() if answer.refused else hits,
        would=hits[:1] == (True,),
        words=answer.answer,
        quote=shown[0].text if shown else "",
        seconds=seconds,
        claims=len(answer.claims),
        dropped=tuple(fault.value for fault in answer.dropped),
        fallback=answer.fallback.value if answer.fallback else None,
        support=support,
        false=false,
        kind=exam_question.kind,
        right=answer.answer is not None and exam_question.is_answered_in_short(answer.answer),
    )
