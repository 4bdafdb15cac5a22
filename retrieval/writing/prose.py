"""Answers in a chat model's prose, and follow-up questions that it rewrites."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from langchain_core.runnables import RunnableConfig

from index.generations.generation import Generation
from index.models.embedder import Embedder
from index.text.words import words
from retrieval.answer import MAX_QUESTION, Answer, Fallback, Question, Turn
from retrieval.answering.extractive import ExtractiveAnswer
from retrieval.answering.search import ScoredPassage
from retrieval.questions.interrogatives import find_interrogative
from retrieval.writing.claims import ClaimReader, Written
from retrieval.writing.facts import Facts, unsupported
from retrieval.writing.gate import Gate, PromptPassage, prompt_passages
from retrieval.writing.options import AnswerOptions
from retrieval.writing.prompt import rewriting_messages, writing_messages
from retrieval.writing.writer import Writer, WritingError

MOST_CLAIMS = 8
SHOWN = 5  # passages, to the model


def written_answer(
    question: Question,
    base: ExtractiveAnswer,
    generation: Generation,
    embedder: Embedder,
    writer: Writer,
    options: AnswerOptions,
    until: float,
    config: RunnableConfig | None = None,
) -> Answer:
    """The answer in prose, or the extractive one, which then tells why. Raises GivenUpError.

    A refusal stays one: that the articles do not answer is decided by what was measured, and no
    model is asked to find something after all.
    """
    extractive = base.answer
    if extractive.refused:
        return extractive
    passages = _passages(base, generation)
    gate = Gate(passages, generation, embedder, "en" if question.is_english else "it")
    options.show(gate.answer(extractive, writer.name))  # it begins to write
    try:
        for written in _claims(question, passages, gate.language, writer, options, until, config):
            if gate.admit(written):
                options.show(gate.answer(extractive, writer.name))
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


def _passages(base: ExtractiveAnswer, generation: Generation) -> list[PromptPassage]:
    """The passages from the time asked for; those that are quoted come first."""
    ordered = sorted(base.passages, key=lambda one: not _quoted(one, base.answer))
    allowed = [
        passage
        for passage in prompt_passages(ordered, generation)
        if base.scoped.allows(passage.article.date, passage.article.text)
    ]
    return allowed[:SHOWN]


def _quoted(found: ScoredPassage, extractive: Answer) -> bool:
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
    passages: list[PromptPassage],
    language: str,
    writer: Writer,
    options: AnswerOptions,
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
            yield from _read(reader, writer.text(messages, options, until, config, form=True))
        except WritingError as error:
            if not error.refused:
                raise
        if reader.is_form:
            return
    messages = writing_messages(question, passages, language, structured=False)
    yield from _read(ClaimReader(), writer.text(messages, options, until, config))
    writer.without_form()  # it is up, and takes lines


def _read(reader: ClaimReader, pieces: Iterator[str]) -> Iterator[Written]:
    for piece in pieces:
        yield from reader.feed(piece)
        if reader.full:
            return
    if reader.is_cut:  # a connection that ends looks like an answer that does
        raise WritingError(Fallback.UNREACHABLE)
    yield from reader.close()


MOST_WORDS = 40  # of a question that was rewritten

_INTERROGATIVES = frozenset(
    """
    chi che cosa dove quando come perche qual quale quali quanto quanta quanti quante
    who whom whose what which where when why how
    """.split()
)
_LABEL = re.compile(r"^(?:(?:rewritten|stand-?alone|last)?\s*(?:question|domanda))\s*:\s*", re.I)


def rewritten(
    question: Question,
    writer: Writer,
    options: AnswerOptions,
    until: float,
    config: RunnableConfig | None = None,
) -> Question | None:
    """The question as it stands alone; None where it does already, or what came cannot be used.

    Raises GivenUpError. A failing model is no error: the rules of
    ``retrieval.conversation.followups`` remain.
    """
    if not question.previous:
        return None
    messages = rewriting_messages(question, question.previous)
    told = ""
    try:
        for piece in writer.text(messages, options, until, config):
            told += piece
            if len(told) > MAX_QUESTION:
                return None
    except WritingError:
        return None
    text = _LABEL.sub("", " ".join(told.split()).strip('"“”«»` '))
    if text == question.text or not asks_the_same(text, question, question.previous):
        return None
    return Question(text, question.day)


def asks_the_same(text: str, question: Question, turns: Sequence[Turn]) -> bool:
    """Whether a rewriting asks what the question asks: it does not answer, nor change a name.

    It is a question in the same language, with the same interrogative where there is one. Every
    name, number and date in it was said before, and those of the question are in it.
    """
    language = "en" if question.is_english else "it"
    said = [question.text, *(part for t in turns for part in (t.query, t.answer, t.snippet))]
    asked, own = find_interrogative(text), find_interrogative(question.text)
    return (
        text.endswith("?")
        and len(Facts(text).words) <= MOST_WORDS
        and (own is None or (asked is not None and _asks_alike(own[0], asked[0])))
        and not unsupported(text, said, language)
        and not unsupported(question.text, [text], language)
    )


def _asks_alike(one: str, other: str) -> bool:
    """Whether two interrogatives are the same but for a preposition: "da dove" and "dove"."""
    return bool(_INTERROGATIVES & set(words(one)) & set(words(other)))
