"""What people say to a bot besides questions about the articles, and what it says then."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice, zip_longest
from threading import Lock

from bot.locales import Texts
from index.generations.current import CurrentIndex
from retrieval.answer import Answer, Intent, Question
from retrieval.chain import AnswerChain
from retrieval.questions.subjects import Person, people, subjects
from retrieval.writing.options import AnswerOptions

MAX_SUBJECTS = 12
EXAMPLES = 3
MAX_TRIED = 12  # questions that are asked to find the examples
MIN_CONFIDENCE = 0.55  # of an example's answer


class Examples:
    """Questions that the articles answer, found once per generation and language."""

    def __init__(self, chain: AnswerChain, index: CurrentIndex) -> None:
        self._chain = chain
        self._index = index
        self._lock = Lock()
        self._cache: dict[str, tuple[str, list[str]]] = {}  # generation and questions by language

    def of(self, say: Texts) -> list[str]:
        """Up to ``EXAMPLES`` questions in the language of the texts.

        Takes seconds when the index is new. Raises what the chain raises.
        """
        with self._lock, self._index.reading() as generation:
            if generation is None:
                return []
            language = say("telegram.example_who", name="")
            if self._cache.get(language, ("",))[0] != generation.name:
                questions = _questions(people(generation), say)
                answered = list(islice(self._answered(questions), EXAMPLES))
                self._cache[language] = generation.name, answered
            return self._cache[language][1]

    def _answered(self, questions: Iterator[str]) -> Iterator[str]:
        for text in islice(questions, MAX_TRIED):
            answer = self._chain.invoke(Question(text), options=AnswerOptions(written=False))
            if not answer.refused and answer.confidence >= MIN_CONFIDENCE:
                yield text


def _questions(persons: list[Person], say: Texts) -> Iterator[str]:
    """One question per person, by turns what somebody said and who somebody is."""
    said = [say("telegram.example_said", name=person.name) for person in persons if person.speaks]
    who = [say("telegram.example_who", name=person.name) for person in persons if not person.speaks]
    for pair in zip_longest(said, who):
        yield from filter(None, pair)


def small_talk_reply(answer: Answer, index: CurrentIndex, say: Texts) -> str:
    """The reply to a message that asks nothing. Raises StorageError if the index cannot be read."""
    if answer.intent is Intent.SUBJECTS:
        return _subjects_reply(index, say)
    if answer.intent is Intent.HELP:
        return _help_reply(index, say)
    if answer.intent in (Intent.MORE, Intent.SOURCE):
        return say("talk.nothing_before")
    if answer.intent is Intent.CONFUSED:
        before = answer.follows
        return say("talk.confused", query=before) if before else say("talk.confused_alone")
    return say(f"talk.{answer.intent.value}")


def _help_reply(index: CurrentIndex, say: Texts) -> str:
    with index.reading() as generation:
        names = subjects(generation, 1) if generation and generation.size else []
    example = [say("talk.help_example", name=name) for name in names]
    return "\n\n".join([say("talk.help"), *example])


def _subjects_reply(index: CurrentIndex, say: Texts) -> str:
    with index.reading() as generation:
        if generation is None or not generation.size:
            return say("chat.no_articles")
        names = subjects(generation, MAX_SUBJECTS)
        count, dates = generation.store.count("articles"), generation.dates
    lines = [say("talk.subjects", count=count)]
    if dates:
        lines.append(say("talk.subjects_dates", first=min(dates)[:10], last=max(dates)[:10]))
    if names:
        lines.append(say("talk.subjects_names", names=", ".join(names)))
    return "\n".join([*lines, say("talk.subjects_hint")])
