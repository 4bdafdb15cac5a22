"""What people say to a bot besides questions about the articles, and what it says then."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import StrEnum
from itertools import islice, zip_longest
from threading import Lock

from bot.locales import Texts
from index.generations.current import CurrentIndex
from index.text.language import alternatives, pattern, vocabulary
from index.text.words import words
from retrieval.answer import Question
from retrieval.chain import AnswerChain
from retrieval.questions.subjects import Person, people, subjects
from retrieval.writing.options import AnswerOptions

MAX_SUBJECTS = 12
MAX_WORDS = 12  # of small talk: a longer text asks something
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


class Talk(StrEnum):
    """A greeting, thanks, or the question what the articles are about."""

    HELLO = "hello"
    THANKS = "thanks"
    SUBJECTS = "subjects"


def small_talk_kind(text: str) -> Talk | None:
    """The kind of small talk that a text is; None for a question to the articles."""
    tokens = words(text)
    if not tokens or len(tokens) > MAX_WORDS:
        return None
    said, around = set(tokens), vocabulary("courtesies")
    greetings, thanks = vocabulary("greetings"), vocabulary("thanks")
    if said & thanks and said <= thanks | greetings | around:
        return Talk.THANKS
    if said & greetings and said <= greetings | around:
        return Talk.HELLO
    is_wish = tokens[0] in vocabulary("wishes") and set(tokens[1:2]) & vocabulary("times_of_day")
    if is_wish and said <= around:  # "buon giorno a tutti"
        return Talk.HELLO
    phrase = " ".join(tokens)
    is_general = said & vocabulary("subject_words") or pattern("general_words").search(phrase)
    asked = re.fullmatch(rf"(?:e )?{alternatives('asks_subjects')}", phrase)
    return Talk.SUBJECTS if is_general and asked else None


def small_talk_reply(kind: Talk, index: CurrentIndex, say: Texts) -> str:
    """The reply to small talk. Raises StorageError if the index cannot be read."""
    if kind is not Talk.SUBJECTS:
        return say(f"talk.{kind.value}")
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
