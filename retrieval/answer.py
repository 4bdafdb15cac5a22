"""What is asked and what is answered."""

from __future__ import annotations

import datetime
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from index.errors import UsageError
from index.text.clean import typed_line
from index.text.language import language
from index.text.sentences import Span
from index.text.words import words

MAX_QUESTION = 1000  # characters


class QuestionError(UsageError):
    """What was asked cannot be a question. ``problem`` is "empty" or "too_long"."""

    def __init__(self, problem: str, message: str) -> None:
        super().__init__(message)
        self.problem = problem


def leaning(text: str) -> int:
    """How many function words of a text are English, minus those that are Italian."""
    english, italian = language("en").function_words, language("it").function_words
    return sum((word in english) - (word in italian) for word in words(text))


class Reason(StrEnum):
    """Why there is no answer."""

    EMPTY_INDEX = "empty_index"
    NOTHING_FOUND = "nothing_found"
    NOT_ANSWERED = "not_answered"


class Fallback(StrEnum):
    """Why an answer is in the articles' words alone although there is a chat model."""

    UNREACHABLE = "unreachable"  # it failed, or failed so often that it is not asked for a while
    TOO_SLOW = "too_slow"
    SILENT = "silent"  # it found no answer in the passages
    UNHELD = "unheld"  # nothing of what it wrote is held by them
    SPENT = "spent"  # a limit of tokens is reached


class Fault(StrEnum):
    """Why a claim of a chat model is dropped."""

    NO_QUOTATION = "no_quotation"
    NO_PASSAGE = "no_passage"  # none that it was shown has this number
    FALSE_QUOTATION = "false_quotation"  # words that are not in the passage, to the letter
    UNSUPPORTED = "unsupported"  # names, numbers or dates that are not in what is quoted
    UNRELATED = "unrelated"  # it has nothing in common with what it quotes
    OTHER_LANGUAGE = "other_language"  # than that of the question


@dataclass(frozen=True)
class Question:
    """A question as it is searched: one line, not empty, at most MAX_QUESTION characters.

    ``day`` is the day on which it is asked: what "last week" counts from. ``previous``: the turns
    of the conversation before it, the last one last, to which "and when?" may refer.
    """

    text: str
    day: datetime.date = field(default_factory=datetime.date.today, compare=False)
    previous: tuple[Turn, ...] = field(default=(), compare=False)

    @classmethod
    def parse(
        cls, raw: str, day: datetime.date | None = None, previous: tuple[Turn, ...] = ()
    ) -> Question:
        """The question that somebody wrote, today or on a given day. Raises QuestionError."""
        text = typed_line(raw)
        if not text:
            raise QuestionError("empty", "the question is empty: write what you want to know")
        if len(text) > MAX_QUESTION:
            raise QuestionError(
                "too_long",
                f"the question has {len(text)} characters: ask it in {MAX_QUESTION} or fewer",
            )
        return cls(text, day or datetime.date.today(), previous)

    @property
    def is_english(self) -> bool:
        """Whether it reads more like English than like Italian."""
        return leaning(self.text) > 0


@dataclass(frozen=True)
class Carrier:
    """Another article that holds the words of a quotation."""

    article: str
    source: str | None
    title: str


@dataclass(frozen=True)
class Quotation:
    """``stored text of article[start:end] == text``, in Unicode code points: checked.

    ``sha256`` is of the article's stored text in UTF-8. ``also`` tells the other articles that
    hold the same words: an agency's text counts once, however many outlets carry it.
    ``deciding``: the words in it that answer, as a span of the stored text, if they are known.
    """

    text: str
    article: str
    source: str | None
    title: str
    date: str | None
    url: str | None
    start: int
    end: int
    sha256: str
    score: float
    also: tuple[Carrier, ...] = ()
    deciding: Span | None = None


@dataclass(frozen=True)
class Scope:
    """Which articles may answer, as far as the question says: any, where it says nothing.

    ``sources``: these outlets' only. ``since`` and ``until``: those of these days, both included,
    and those that tell of these days by name. ``newest``: the newest first.
    """

    sources: tuple[str, ...] = ()
    since: datetime.date | None = None
    until: datetime.date | None = None
    newest: bool = False

    def covers(self, date: str) -> bool:
        """Whether a date, in ISO 8601, is one of these days."""
        day = datetime.date.fromisoformat(date[:10])
        return (self.since or day) <= day <= (self.until or day)


@dataclass(frozen=True)
class Claim:
    """A sentence that a chat model wrote, and the places, from 0, of the quotations it leans on."""

    text: str
    quotes: tuple[int, ...]

    @property
    def cited(self) -> str:
        """It with the numbers of its quotations."""
        return f"{self.text} {''.join(f'[{place + 1}]' for place in self.quotes)}"


@dataclass(frozen=True)
class Answer:
    """The quotations that answer a question, or a refusal with its reason.

    ``query`` is what was really searched. ``answer`` is a slice of the first quotation or None;
    of a chat model (``answerer``), its claims with the numbers of the quotations.
    ``confidence`` is the estimated probability that the quotations answer, 0–1. ``near`` holds
    what is close but no answer, and only a refusal has it. ``generation`` names the index that
    was read, "" when there is none. ``agreeing``: how many articles of independent texts answer
    in the words of ``answer``; ``differing``: whether another one answers otherwise. ``claims``
    are what a chat model wrote and the gate let through, ``dropped`` why others did not pass;
    ``fallback``: why it is not the chat model that answers. ``follows``: the question before this
    one, where this one was read together with it.
    """

    question: str
    query: str
    quotes: tuple[Quotation, ...]
    confidence: float
    generation: str
    reason: Reason | None = None
    answer: str | None = None
    answerer: str = "extractive"
    near: tuple[Quotation, ...] = ()
    scope: Scope = Scope()
    agreeing: int = 0
    differing: bool = False
    claims: tuple[Claim, ...] = ()
    dropped: tuple[Fault, ...] = ()
    fallback: Fallback | None = None
    follows: str = ""

    @property
    def refused(self) -> bool:
        """Whether the articles do not answer."""
        return self.reason is not None

    def as_json(self) -> dict[str, Any]:
        """The keys that ``virgolette ask --json`` promises; with a chat model, two more."""
        keys = (
            "question", "query", "answer", "refused", "reason", "confidence", "answerer",
            "quotes", "near", "generation",
            *(("claims", "fallback") if self.claims or self.fallback else ()),
        )  # fmt: skip
        fields = {**asdict(self), "refused": self.refused}
        for claim in fields["claims"]:
            claim["quotes"] = [place + 1 for place in claim["quotes"]]
        for quote in (*fields["quotes"], *fields["near"]):
            quote["also"] = [carrier["article"] for carrier in quote["also"]]
            del quote["deciding"]
        return {key: fields[key] for key in keys}


@dataclass(frozen=True)
class Turn:
    """A question that was answered, as far as the next one may refer to it.

    ``query`` is what was searched, ``sources`` the outlets that it kept to, which ``query`` leaves
    out. ``answer`` is the short answer, ``told`` the first quotation, or for a refusal what came
    nearest; "" where there is none. ``articles`` are the paths of the articles quoted.
    """

    query: str
    answer: str = ""
    told: str = ""
    sources: tuple[str, ...] = ()
    articles: tuple[str, ...] = ()

    @classmethod
    def of(cls, answer: Answer) -> Turn:
        """The turn that ended with an answer or a refusal."""
        shown = answer.quotes or answer.near
        told = shown[0].text if shown else ""
        short = "" if answer.claims else answer.answer or ""
        articles = tuple(dict.fromkeys(quote.article for quote in shown))
        return cls(answer.query, short, told, answer.scope.sources, articles)
