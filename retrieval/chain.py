"""The one way from a question to an answer: CLI, REPL, Telegram and evaluation all call it."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from langchain_core.callbacks import CallbackManagerForChainRun
from langchain_core.runnables import Runnable, RunnableConfig
from langchain_core.runnables.config import patch_config, run_in_executor
from langchain_core.tracers.langchain import wait_for_all_tracers
from langsmith import tracing_context
from langsmith.utils import tracing_is_enabled

from index.chroma import import_chroma
from index.embedder import Embedder
from index.errors import VirgoletteError
from index.generation import Generation
from index.live import LiveIndex
from index.memory import give_back_memory
from index.precision import give_way
from index.stamp import needed_stamp
from retrieval.answer import Answer, Question, Reason
from retrieval.chat.asking import Asking
from retrieval.chat.rewriting import rewritten
from retrieval.chat.writer import Writer
from retrieval.chat.writing import written_answer
from retrieval.extractive import answer_extractively
from retrieval.followups import answered_in_turn
from retrieval.reader import Reader
from retrieval.weights import PLAIN, READER, Caution, Weights, load_weights

LONGEST_TRACING = 10.0  # seconds for traces to be sent at the end
WRITTEN_AT_ONCE = 16  # questions: a chat model is waited for, mostly, and costs no CPU here


class AnswerChain(Runnable[Question, Answer]):
    """Question in, answer out, over whatever generation is current at that moment.

    A LangChain Runnable: ``invoke``, ``ainvoke``, ``batch``, ``abatch``. The asynchronous
    ones work in a thread, so that the event loop stays free. ``weights`` are those that travel
    with Virgolette, unless others are given; ``caution``: how sure an answer must be. A ``writer``
    makes prose of what was found; how its answer is waited for tells the keyword ``asking``. With
    it, ``invoke`` raises GivenUpError.
    """

    def __init__(
        self,
        index: LiveIndex,
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
        self._weights = weights or load_weights(READER if reader else PLAIN)
        self._writer = writer
        self._caution = caution
        self._computing = threading.Semaphore(max(1, os.cpu_count() or 1))
        # asyncio's own has too few threads for so many that wait, and others need them.
        most = WRITTEN_AT_ONCE if writer else max(1, os.cpu_count() or 1)
        self._threads = ThreadPoolExecutor(most, "answer", give_way)

    @property
    def writes(self) -> bool:
        """Whether a chat model writes the answers."""
        return self._writer is not None

    def invoke(
        self,
        input: Question,  # noqa: A002 (LangChain's name)
        config: RunnableConfig | None = None,
        asking: Asking | None = None,
        **_: Any,
    ) -> Answer:
        """The answer to one question."""

        def answered(
            question: Question, run_manager: CallbackManagerForChainRun, config: RunnableConfig
        ) -> Answer:
            inner = patch_config(config, callbacks=run_manager.get_child())
            return self._answer(question, asking or Asking(), inner)

        # Without a chat model nothing leaves the machine, whatever is set for other programs.
        with tracing_context(enabled=None if self._writer else False):
            return self._call_with_config(answered, input, config)

    async def ainvoke(
        self,
        input: Question,  # noqa: A002 (LangChain's name)
        config: RunnableConfig | None = None,
        **told: Any,
    ) -> Answer:
        """The same in a thread. One that is cancelled is given up through its ``asking``."""
        return await run_in_executor(self._threads, self.invoke, input, config, **told)

    def close(self) -> None:
        """Have traces sent, where the user wants them, and no thread left."""
        if self._writer and tracing_is_enabled():
            # In a thread: where nobody takes the traces it would wait for ever.
            sending = threading.Thread(target=wait_for_all_tracers, daemon=True)
            sending.start()
            sending.join(LONGEST_TRACING)
        self._threads.shutdown(wait=False, cancel_futures=True)

    def warm_up(self) -> None:
        """Load the model and open the index, so that the first question finds them ready.

        What cannot be loaded is told to whoever asks.
        """
        with suppress(VirgoletteError):
            import_chroma()  # there may be no index yet, but later
            self._embedder.encode_query("")
            if self._reader:
                self._reader.load()
            self.invoke(Question("Virgolette"), asking=Asking(written=False))
        give_back_memory()

    def _answer(self, question: Question, asking: Asking, config: RunnableConfig) -> Answer:
        writer = self._writer if asking.written else None
        until = writer.deadline() if writer else 0.0
        meant = rewritten(question, writer, asking, until, config) if writer else None
        with self._index.reading() as generation:
            with self._computing:
                found = self._found(question, generation, meant)
            if not writer or generation is None:
                return found
            return written_answer(
                question, found, generation, self._embedder, writer, asking, until, config
            )

    def _found(
        self, question: Question, generation: Generation | None, meant: Question | None = None
    ) -> Answer:
        """The answer in the articles' own words. ``meant``: the question as it stands alone."""
        if generation is None or not generation.size:
            name = generation.name if generation else ""
            return Answer(question.text, question.text, (), 0.0, name, Reason.EMPTY_INDEX)

        def answered(asked: Question) -> Answer:
            return answer_extractively(
                asked, generation, self._embedder, self._reader, self._weights, self._caution
            )

        return answered_in_turn(question, answered, meant)
