"""What people say to a bot that is no question to the articles."""

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

MOST_SUBJECTS = 12
LONGEST = 12  # words; what is longer has something to ask
EXAMPLES = 3
TRIED = 12  # questions that are asked to find them
SURE = 0.55  # confidence


class Examples:
    """Three questions for each generation and language: asked once, and kept."""

    def __init__(self, chain: AnswerChain, index: CurrentIndex) -> None:
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
            answer = self._chain.invoke(Question(text), options=AnswerOptions(written=False))
            if not answer.refused and answer.confidence >= SURE:
                yield text


def _questions(found: list[Person], say: Texts) -> Iterator[str]:
    """What people said, and who they are, in turn; about each one once."""
    said = [say("telegram.example_said", name=one.name) for one in found if one.speaks]
    who = [say("telegram.example_who", name=one.name) for one in found if not one.speaks]
    for pair in zip_longest(said, who):
        yield from filter(None, pair)


class Talk(StrEnum):
    """What is said: a greeting, thanks, or what the articles are about at all."""

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


def talk(text: str) -> Talk | None:
    """What is said where nothing is asked of the articles' words; None for a question."""
    found = words(text)
    if not found or len(found) > LONGEST:
        return None
    said = set(found)
    if said & _THANKS and said <= _THANKS | _GREETINGS | _AROUND:
        return Talk.THANKS
    if (said & _GREETINGS and said <= _GREETINGS | _AROUND) or _is_wish(found):
        return Talk.HELLO
    asked = " ".join(found)
    general = _SUBJECTS.fullmatch(asked)
    whole = said & _MEANT or re.search(
        r"\b(?:sai|conosci|chieder|puoi|hai|know|ask|parlano)", asked
    )
    return Talk.SUBJECTS if general and whole else None


def talked_back(said: Talk, index: CurrentIndex, say: Texts) -> str:
    """What is said to that. Raises StorageError where the index cannot be read."""
    if said is not Talk.SUBJECTS:
        return say(f"talk.{said.value}")
    with index.reading() as generation:
        if generation is None or not generation.size:
            return say("chat.no_articles")
        names = subjects(generation, MOST_SUBJECTS)
        count, dates = generation.store.count("articles"), generation.dates
    told = [say("talk.subjects", count=count)]
    if dates:
        told.append(say("talk.subjects_dates", first=min(dates)[:10], last=max(dates)[:10]))
    if names:
        told.append(say("talk.subjects_names", names=", ".join(names)))
    return "\n".join([*told, say("talk.subjects_hint")])


def _is_wish(found: list[str]) -> bool:
    """Whether it is "buon giorno", "good evening" or the like, and no more."""
    kinds = {"buon", "buona", "good"}
    times = {"giorno", "sera", "pomeriggio", "notte", "morning", "evening", "afternoon", "night"}
    return found[0] in kinds and len(found) > 1 and found[1] in times and set(found) <= _AROUND
