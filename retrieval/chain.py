"""The one way from a question to an answer: CLI, REPL, Telegram and evaluation all call it."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from langchain_core.runnables import Runnable, RunnableConfig

from index.chroma import import_chroma
from index.embedder import Embedder
from index.errors import VirgoletteError
from index.live import LiveIndex
from index.stamp import needed_stamp
from retrieval.answer import Answer, Question, Reason
from retrieval.extractive import answer_extractively
from retrieval.followups import answered_in_turn
from retrieval.reader import Reader
from retrieval.weights import PLAIN, READER, Weights, load_weights


class AnswerChain(Runnable[Question, Answer]):
    """Question in, answer out, over whatever generation is current at that moment.

    A LangChain Runnable: ``invoke``, ``ainvoke``, ``batch``, ``abatch``. The asynchronous
    ones work in a thread, so that the event loop stays free. ``weights`` are those that travel
    with Virgolette, unless others are given.
    """

    def __init__(
        self,
        index: LiveIndex,
        embedder: Embedder,
        reader: Reader | None = None,
        weights: Weights | None = None,
    ) -> None:
        self._index = index
        index.require(needed_stamp(embedder))
        self._embedder = embedder
        self._reader = reader
        self._weights = weights or load_weights(READER if reader else PLAIN)

    def invoke(
        self,
        input: Question,  # noqa: A002 (LangChain's name)
        config: RunnableConfig | None = None,
        **_: Any,
    ) -> Answer:
        """The answer to one question."""
        return self._call_with_config(self._answer, input, config)

    def warm_up(self) -> None:
        """Load the model and open the index, so that the first question finds them ready.

        What cannot be loaded is told to whoever asks.
        """
        with suppress(VirgoletteError):
            import_chroma()  # there may be no index yet, but later
            self._embedder.encode_query("")
            if self._reader:
                self._reader.load()
            self._answer(Question("Virgolette"))

    def _answer(self, question: Question) -> Answer:
        with self._index.reading() as generation:
            if generation is None or not generation.size:
                name = generation.name if generation else ""
                return Answer(question.text, question.text, (), 0.0, name, Reason.EMPTY_INDEX)

            def answered(asked: Question) -> Answer:
                return answer_extractively(
                    asked, generation, self._embedder, self._reader, self._weights
                )

            return answered_in_turn(question, answered)
