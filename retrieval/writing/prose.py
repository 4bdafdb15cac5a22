"""Answers in a chat model's prose, and follow-up questions that it rewrites."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from langchain_core.runnables import RunnableConfig

from index.generations.generation import Generation
from index.models.embedder import Embedder
from index.text.language import pattern, vocabulary
from index.text.names import words_of
from index.text.words import words
from retrieval.answer import MAX_QUESTION, Answer, Fallback, Question, Turn
from retrieval.answering.extractive import ExtractiveAnswer
from retrieval.answering.search import ScoredPassage
from retrieval.questions.interrogatives import find_interrogative
from retrieval.writing.claims import ClaimReader, WrittenClaim
from retrieval.writing.facts import unsupported
from retrieval.writing.gate import Gate, PromptPassage
from retrieval.writing.options import AnswerOptions
from retrieval.writing.prompt import rewriting_messages, writing_messages
from retrieval.writing.writer import Writer, WritingError

MAX_CLAIMS = 8
SHOWN = 5  # passages that the model sees
MAX_WORDS = 40  # of a rewritten question


def written_answer(
    question: Question,
    base: ExtractiveAnswer,
    generation: Generation,
    embedder: Embedder,
    writer: Writer,
    options: AnswerOptions,
    deadline: float,
    config: RunnableConfig | None = None,
) -> Answer:
    """The answer in prose, or the extractive one with the reason why. Raises GivenUpError.

    A refusal stays one: measurements decide that the articles do not answer, and no model is asked
    to find an answer after all.
    """
    extractive = base.answer
    if extractive.refused or not base.passages:
        return extractive
    passages = _passages(base, generation)
    gate = Gate(passages, generation, embedder, question.language)
    options.show(gate.answer(extractive, writer.name))  # writing begins
    fallback = Fallback.SILENT
    try:
        for claim in _claims(question, passages, gate.language, writer, options, deadline, config):
            if gate.admit(claim):
                options.show(gate.answer(extractive, writer.name))
            if len(gate.claims) == MAX_CLAIMS:
                break
    except WritingError as error:
        fallback = error.fallback  # earlier claims have passed the gate, and stay
    if gate.claims:
        return gate.answer(extractive, writer.name)
    if gate.dropped and fallback is Fallback.SILENT:
        fallback = Fallback.UNHELD
    return replace(extractive, fallback=fallback, dropped=tuple(gate.dropped))


def rewritten(
    question: Question,
    writer: Writer,
    options: AnswerOptions,
    deadline: float,
    config: RunnableConfig | None = None,
) -> Question | None:
    """The question as it stands alone; None if it does already, or the rewriting is unusable.

    Raises GivenUpError. A failing model is no error: ``retrieval.conversation`` reads the question
    without it.
    """
    if not question.previous:
        return None
    messages = rewriting_messages(question, question.previous)
    reply = ""
    try:
        for piece in writer.text(messages, options, deadline, config):
            reply += piece
            if len(reply) > MAX_QUESTION:
                return None
    except WritingError:
        return None
    text = " ".join(reply.split()).strip('"“”«»` ')
    if label := pattern("question_label").match(text):
        text = text[label.end() :].lstrip(": ")
    if text == question.text or not asks_the_same(text, question, question.previous):
        return None
    return Question(text, question.day)


def asks_the_same(text: str, question: Question, turns: Sequence[Turn]) -> bool:
    """Whether a rewriting asks what the question asks, without an answer or another name.

    It is a question in the same language, with the same interrogative if there is one. Its names,
    numbers and dates occur in the conversation, and those of the question occur in it.
    """
    language = question.language
    context = [question.text, *(part for t in turns for part in (t.query, t.answer, t.snippet))]
    new, own = find_interrogative(text), find_interrogative(question.text)
    return (
        text.endswith("?")
        and len(words_of(text)) <= MAX_WORDS
        and (own is None or (new is not None and _asks_alike(own[0], new[0])))
        and not unsupported(text, context, language)
        and not unsupported(question.text, [text], language)
    )


def _asks_alike(interrogative: str, other: str) -> bool:
    """Whether two interrogatives differ by a preposition at most: "da dove" and "dove"."""
    shared = set(words(interrogative)) & set(words(other))
    return bool(shared & vocabulary("interrogative_words"))


def _passages(base: ExtractiveAnswer, generation: Generation) -> list[PromptPassage]:
    """The passages from the time in question as the model sees them, quoted ones first."""
    passages = []
    for scored in sorted(base.passages, key=lambda scored: not _is_quoted(scored, base.answer)):
        passage = scored.passage
        article = generation.store.article(passage.article)
        if article is not None and base.scoped.allows(article.date, article.text):
            spans = tuple(generation.sentences(passage))
            prompt_passage = PromptPassage(
                article, passage.start, passage.text, spans, scored.score
            )
            passages.append(prompt_passage)
    return passages[:SHOWN]


def _is_quoted(scored: ScoredPassage, extractive: Answer) -> bool:
    """Whether a quotation of the extractive answer lies in a passage."""
    passage = scored.passage
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
    deadline: float,
    config: RunnableConfig | None,
) -> Iterator[WrittenClaim]:
    """The claims of the model, each as soon as it is complete.

    A model that does not fill in the form, or whose provider does not know forms, writes lines.
    """
    if writer.structured:
        reader = ClaimReader()
        messages = writing_messages(question, passages, language, structured=True)
        try:
            yield from _read(reader, writer.text(messages, options, deadline, config, form=True))
        except WritingError as error:
            if not error.form_refused:
                raise
        if reader.is_json:
            return
    messages = writing_messages(question, passages, language, structured=False)
    yield from _read(ClaimReader(), writer.text(messages, options, deadline, config))
    writer.without_form()  # the model is reachable, and writes lines


def _read(reader: ClaimReader, pieces: Iterator[str]) -> Iterator[WrittenClaim]:
    for piece in pieces:
        yield from reader.feed(piece)
        if reader.full:
            return
    if reader.is_truncated:  # a lost connection looks like the end of an answer
        raise WritingError(Fallback.UNREACHABLE)
    yield from reader.close()
