"""What people say to a bot besides questions about the articles, and what it says then."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import StrEnum
from itertools import islice, zip_longest
from threading import Lock

from bot.locales import Texts
from index.generations.current import CurrentIndex
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


_GREETINGS = frozenset(
    "ciao salve buongiorno buonasera buonanotte buondi hello hi hey ehi arrivederci bye".split()
)
_THANKS = frozenset("grazie ringrazio thanks thank thx".split())
_AROUND = frozenset(
    """
    buon giorno sera pomeriggio buona notte a tutti te voi lei come stai va sta tutto bene good
    morning evening afternoon night how are you there virgolette bot caro cara amico mille tante
    molte infinite ti vi di e ma ok okay perfetto ottimo bravo gentile gentilissimo cuore tutto so
    very much many lot all for the your help great perfect per l aiuto la risposta dell and again
    presto domani dopo
    """.split()
)
_SUBJECTS = re.compile(
    r"(?:e )?(?:"
    r"(?:di )?(?:che|che cosa|cosa|cos|quali argomenti|quali temi|quali cose) "
    r"(?:parlano|trattano|si parla|si occupano|raccontano|ci sono|c e|contengono|e)(?: in| negli)?"
    r"(?: (?:gli|i|questi|tuoi|i tuoi))?(?: (?:articoli|testi|documenti|giornali|archivio))?"
    r"|(?:quali|che)(?: sono)?(?: gli| i)? (?:argomenti|temi|soggetti)"
    r"(?: (?:ci sono|conosci|trattano|degli|negli|gli|hai|tratti))*(?: articoli)?"
    r"|(?:che cosa|cosa|che) (?:sai|conosci|posso chieder(?:e|ti)|puoi dirmi|hai)"
    r"|what (?:are|is) (?:the|these|your) (?:articles?|texts?|news) about"
    r"|what (?:topics|subjects)(?: (?:are there|do the articles cover|do you (?:know|cover|have)"
    r"|are covered))?"
    r"|what do (?:you know|the articles (?:say|talk about|cover))(?: about)?"
    r"|what can i ask(?: you)?"
    r")"
)
_MEANT = frozenset("articoli testi documenti argomenti temi articles texts topics subjects".split())
_GENERAL = re.compile(r"\b(?:sai|conosci|chieder|puoi|hai|know|ask|parlano)")
# The two words of "buon giorno", "good evening" and the like.
_WISHES = frozenset("buon buona good".split())
_TIMES = frozenset("giorno sera pomeriggio notte morning evening afternoon night".split())


def small_talk_kind(text: str) -> Talk | None:
    """The kind of small talk that a text is; None for a question to the articles."""
    tokens = words(text)
    if not tokens or len(tokens) > MAX_WORDS:
        return None
    vocabulary = set(tokens)
    if vocabulary & _THANKS and vocabulary <= _THANKS | _GREETINGS | _AROUND:
        return Talk.THANKS
    if vocabulary & _GREETINGS and vocabulary <= _GREETINGS | _AROUND:
        return Talk.HELLO
    if vocabulary <= _AROUND and tokens[0] in _WISHES and set(tokens[1:2]) & _TIMES:
        return Talk.HELLO
    phrase = " ".join(tokens)
    is_general = vocabulary & _MEANT or _GENERAL.search(phrase)
    return Talk.SUBJECTS if is_general and _SUBJECTS.fullmatch(phrase) else None


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
