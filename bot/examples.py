"""Questions to begin with, which the articles really answer."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice, zip_longest
from threading import Lock

from bot.locales import Texts
from index.live import LiveIndex
from retrieval.answer import Question
from retrieval.chain import AnswerChain
from retrieval.chat.asking import Asking
from retrieval.subjects import Person, people

EXAMPLES = 3
TRIED = 12  # questions that are asked to find them
SURE = 0.55  # confidence


class Examples:
    """Three questions for each generation and language: asked once, and kept."""

    def __init__(self, chain: AnswerChain, index: LiveIndex) -> None:
        self._chain = chain
        self._index = index
        self._lock = Lock()
        self._kept: dict[str, tuple[str, list[str]]] = {}

    def of(self, say: Texts) -> list[str]:
        """Questions in the language of the texts; none where the articles answer none of ours.

        Takes seconds when the index is new. Raises what keeps the chain from answering.
        """
        with self._lock, self._index.reading() as generation:
            if generation is None:
                return []
            language = say("telegram.example_who", name="")
            if self._kept.get(language, ("",))[0] != generation.name:
                questions = _questions(people(generation), say)
                chosen = list(islice(self._answered(questions), EXAMPLES))
                self._kept[language] = generation.name, chosen
            return self._kept[language][1]

    def _answered(self, questions: Iterator[str]) -> Iterator[str]:
        for text in islice(questions, TRIED):
            answer = self._chain.invoke(Question(text), asking=Asking(written=False))
            if not answer.refused and answer.confidence >= SURE:
                yield text


def _questions(found: list[Person], say: Texts) -> Iterator[str]:
    """What people said, and who they are, in turn; about each one once."""
    said = [say("telegram.example_said", name=one.name) for one in found if one.speaks]
    who = [say("telegram.example_who", name=one.name) for one in found if not one.speaks]
    for pair in zip_longest(said, who):
        yield from filter(None, pair)
