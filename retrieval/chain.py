"""The one way from a question to an answer: CLI, REPL, Telegram and evaluation all call it."""

from __future__ import annotations

import asyncio
import contextvars
import os
import threading
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from index.errors import VirgoletteError
from index.generations.chroma import import_chroma
from index.generations.current import CurrentIndex
from index.generations.generation import Generation
from index.generations.manifest import needed_stamp
from index.models.embedder import Embedder
from index.models.runtime import lower_priority, trim_memory
from retrieval.answer import Answer, Intent, Question, Reason
from retrieval.answering.extractive import ExtractiveAnswer, Extractor
from retrieval.answering.reader import Reader
from retrieval.answering.requests import answered, answered_from
from retrieval.answering.weights import PLAIN, READER, Caution, Weights, load_weights
from retrieval.questions.intent import IntentClassifier
from retrieval.writing.options import AnswerOptions

if TYPE_CHECKING:
    from langchain_core.runnables import RunnableConfig

    from retrieval.writing.writer import Writer

# The intents that a chat model may serve; what else is asked for has to be complete, or needs none.
WRITTEN = frozenset({Intent.FACT, Intent.YESNO, Intent.SAID, Intent.COMPARE, Intent.SUMMARY})
WRITTEN_AT_ONCE = 16  # questions: they mostly wait for a chat model, which costs no CPU here


class AnswerChain:
    """Question in, answer out, over whatever generation is current at that moment.

    It is called like LangChain's Runnables; ``retrieval.langchain`` turns it into one. ``weights``
    default to those that ship with Virgolette; ``caution``: how sure an answer must be. A
    ``writer`` turns the quotations into prose.
    """

    def __init__(
        self,
        index: CurrentIndex,
        embedder: Embedder,
        reader: Reader | None = None,
        weights: Weights | None = None,
        writer: Writer | None = None,
        caution: Caution = Caution.BALANCED,
    ) -> None:
        self._index = index
        index.require(needed_stamp(embedder))
        self._embedder = embedder
        self._reader = reader
        self._intents = IntentClassifier(embedder)
        self._weights = weights or load_weights(READER if reader else PLAIN)
        self._writer = writer
        self._caution = caution
        self._computing = threading.Semaphore(max(1, os.cpu_count() or 1))
        # asyncio's own executor has too few threads for so many waiting questions, and others
        # need them.
        threads = WRITTEN_AT_ONCE if writer else max(1, os.cpu_count() or 1)
        self._threads = ThreadPoolExecutor(threads, "answer", lower_priority)

    @property
    def writes(self) -> bool:
        """Whether a chat model writes the answers."""
        return self._writer is not None

    def invoke(
        self,
        question: Question,
        config: RunnableConfig | None = None,
        options: AnswerOptions | None = None,
    ) -> Answer:
        """Answer one question. ``options``: how to wait for a written answer.

        Raises VirgoletteError; with a ``writer`` also GivenUpError.
        """
        options = options or AnswerOptions()
        writer = self._writer
        if writer is None or not options.written:
            return self._answer(question)
        # A single LangChain run, in which the chat model's calls are traced.
        from langchain_core.runnables import RunnableLambda

        def work(question: Question, config: RunnableConfig) -> Answer:
            return self._written(question, writer, options, config)

        return RunnableLambda(work, name=type(self).__name__).invoke(question, config)

    async def ainvoke(
        self,
        question: Question,
        config: RunnableConfig | None = None,
        options: AnswerOptions | None = None,
    ) -> Answer:
        """Do the same in a thread. Cancelling works through the ``options``."""
        # LangChain's tracing needs the context.
        work = partial(contextvars.copy_context().run, self.invoke, question, config, options)
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    def close(self) -> None:
        """Send the remaining traces and stop the threads."""
        if self._writer:
            self._writer.close()
        self._threads.shutdown(wait=False, cancel_futures=True)

    def warm_up(self) -> None:
        """Load the models and open the index, so that the first question need not wait.

        What cannot be loaded is reported to whoever asks a question.
        """
        with suppress(VirgoletteError):
            import_chroma()  # even without an index: it may be built later
            self._embedder.encode_query("")
            if self._reader:
                self._reader.load()
            self._answer(Question("Virgolette"))
        trim_memory()

    def _answer(self, question: Question) -> Answer:
        intent, probability = self._classified(question)
        with self._index.reading() as generation, self._computing:
            if generation is None or not generation.size:
                return _without_index(intent, question, generation)
            return self._extracted(intent, probability, question, generation).answer

    def _written(
        self, question: Question, writer: Writer, options: AnswerOptions, config: RunnableConfig
    ) -> Answer:
        from retrieval.writing.prose import rewritten, written_answer

        intent, probability = self._classified(question)
        if intent not in WRITTEN:
            return self._answer(question)
        deadline = writer.deadline()
        standalone = rewritten(question, writer, options, deadline, config)
        with self._index.reading() as generation:
            if generation is None or not generation.size:
                return _without_index(intent, question, generation)
            with self._computing:
                extractive = self._extracted(intent, probability, question, generation, standalone)
            return written_answer(
                question, extractive, generation, self._embedder, writer, options, deadline, config
            )

    def _extracted(
        self,
        intent: Intent,
        probability: float,
        question: Question,
        generation: Generation,
        standalone: Question | None = None,
    ) -> ExtractiveAnswer:
        """The answer in the articles' own words. ``standalone``: the question without context."""
        return answered(intent, probability, question, self._extractor(generation), standalone)

    def _extractor(self, generation: Generation) -> Extractor:
        return Extractor(generation, self._embedder, self._reader, self._weights, self._caution)

    def answer_from(
        self, question: Question, articles: Collection[str], generation: Generation
    ) -> Answer:
        """What these articles of a generation answer, in their own words; paths name them.

        The threshold and the gate are those of any question. Raises VirgoletteError.
        """
        with self._computing:
            intent, _ = self._classified(question)
            return answered_from(intent, question, articles, self._extractor(generation))

    def intent(self, question: Question) -> tuple[Intent, float]:
        """What a message asks for, and how probable that, or anything but a fact, is.

        Raises ModelError.
        """
        return self._classified(question)

    def is_talk(self, question: Question) -> bool:
        """Whether a message asks nothing of the articles. Raises ModelError."""
        return self._classified(question)[0].is_talk

    def _classified(self, question: Question) -> tuple[Intent, float]:
        if question.intent:
            return question.intent, 1.0
        return self._intents.classify(question.text, follows=bool(question.previous))


def _without_index(intent: Intent, question: Question, generation: Generation | None) -> Answer:
    name = generation.name if generation else ""
    reason = Reason.TALK if intent.is_talk else Reason.EMPTY_INDEX
    return Answer(question.text, question.text, (), 0.0, name, reason, intent=intent)
