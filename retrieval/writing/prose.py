"""An answer in a chat model's prose, every sentence of it held by quotations."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from langchain_core.runnables import RunnableConfig

from index.generations.generation import Generation
from index.models.embedder import Embedder
from retrieval.answer import Answer, Fallback, Question
from retrieval.answering.extractive import Extracted
from retrieval.answering.search import Found
from retrieval.writing.asking import Asking
from retrieval.writing.claims import ClaimReader, Written
from retrieval.writing.gate import Gate, Offered, offered
from retrieval.writing.prompt import writing_messages
from retrieval.writing.writer import Writer, WritingError

MOST_CLAIMS = 8
SHOWN = 5  # passages, to the model


def written_answer(
    question: Question,
    extracted: Extracted,
    generation: Generation,
    embedder: Embedder,
    writer: Writer,
    asking: Asking,
    until: float,
    config: RunnableConfig | None = None,
) -> Answer:
    """The answer in prose, or the extractive one, which then tells why. Raises GivenUpError.

    A refusal stays one: that the articles do not answer is decided by what was measured, and no
    model is asked to find something after all.
    """
    extractive = extracted.answer
    if extractive.refused:
        return extractive
    passages = _passages(extracted, generation)
    gate = Gate(passages, generation, embedder, "en" if question.is_english else "it")
    asking.show(gate.answer(extractive, writer.name))  # it begins to write
    try:
        for written in _claims(question, passages, gate.language, writer, asking, until, config):
            if gate.admit(written):
                asking.show(gate.answer(extractive, writer.name))
            if len(gate.claims) == MOST_CLAIMS:
                break
    except WritingError as error:
        # What came before it failed has passed the gate: it stands.
        return _finished(gate, extractive, writer, error.why)
    return _finished(gate, extractive, writer, Fallback.SILENT)


def _finished(gate: Gate, extractive: Answer, writer: Writer, why: Fallback) -> Answer:
    if gate.claims:
        return gate.answer(extractive, writer.name)
    if gate.dropped and why == Fallback.SILENT:
        why = Fallback.UNHELD
    return replace(extractive, fallback=why, dropped=tuple(gate.dropped))


def _passages(extracted: Extracted, generation: Generation) -> list[Offered]:
    """The passages found, of the time that is asked for; quoted ones first."""
    found = sorted(extracted.found, key=lambda one: not _quoted(one, extracted.answer))
    allowed = [
        passage
        for passage in offered(found, generation)
        if extracted.asked.allows(passage.article.date, passage.article.text)
    ]
    return allowed[:SHOWN]


def _quoted(found: Found, extractive: Answer) -> bool:
    """Whether a quotation of the extractive answer lies in a passage."""
    passage = found.passage
    return any(
        quote.article == passage.article
        and passage.start <= quote.start
        and quote.end <= passage.end
        for quote in extractive.quotes
    )


def _claims(
    question: Question,
    passages: list[Offered],
    language: str,
    writer: Writer,
    asking: Asking,
    until: float,
    config: RunnableConfig | None,
) -> Iterator[Written]:
    """The claims that the model makes, each as soon as it is complete.

    One that does not fill in the form, or whose provider does not know it, is asked for lines.
    """
    if writer.structured:
        reader = ClaimReader()
        messages = writing_messages(question, passages, language, structured=True)
        try:
            yield from _read(reader, writer.text(messages, asking, until, config, form=True))
        except WritingError as error:
            if not error.refused:
                raise
        if reader.is_form:
            return
    messages = writing_messages(question, passages, language, structured=False)
    yield from _read(ClaimReader(), writer.text(messages, asking, until, config))
    writer.without_form()  # it is up, and takes lines


def _read(reader: ClaimReader, pieces: Iterator[str]) -> Iterator[Written]:
    for piece in pieces:
        yield from reader.feed(piece)
        if reader.full:
            return
    if reader.is_cut:  # a connection that ends looks like an answer that does
        raise WritingError(Fallback.UNREACHABLE)
    yield from reader.close()
