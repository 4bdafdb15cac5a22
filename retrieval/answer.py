"""Questions and answers."""

from __future__ import annotations

import datetime
import re
import unicodedata
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from index.errors import UsageError
from index.text.clean import typed_line, visible
from index.text.language import languages, pattern, vocabulary
from index.text.sentences import Span
from index.text.words import language_of, words

MAX_QUESTION = 1000  # characters
_WORD_TYPED = re.compile(r"[^\W\d_]+(?:['’](?!\w))?")  # "perche'" too

QuotedSpan = tuple[str, int, int]  # an article's path, and start and end of a quotation in it


class QuestionError(UsageError):
    """The input is not a question. ``problem`` is "empty" or "too_long"."""

    def __init__(self, problem: str, message: str) -> None:
        super().__init__(message)
        self.problem = problem


def _spelt_out(text: str) -> str:
    """The text as it would be written with time: "xke" is "perché", "chi e Kim" "chi è Kim"."""
    if text.isupper() and len(text.split()) > 1:
        text = text.lower()
    full = {short: word for one in languages() for short, word in one.spellings.items()}
    has_accents = unicodedata.normalize("NFD", text) != text
    text = _WORD_TYPED.sub(lambda match: _like(match[0], full.get(_plain(match[0]), "")), text)
    if has_accents:
        return text  # whoever writes "perché" writes "è"
    return pattern("plain_is").sub(lambda match: "È" if match[0][0] == "E" else "è", text)


def _plain(typed: str) -> str:
    """A typed word without the apostrophe that stands for its accent, in lower case."""
    return typed.rstrip("'’").lower()


def _like(typed: str, word: str) -> str:
    """A word with the capital of what was typed, which stays if it may be a name: "Sara"."""
    if not typed[0].isupper():
        return word or typed
    asks = vocabulary("interrogative_words").intersection(words(word))
    return word.capitalize() if asks else typed


class Intent(StrEnum):
    """What a message asks for. ``training/written/README.md`` tells the intents apart."""

    FACT = "fact"
    YESNO = "yesno"
    LIST = "list"
    COUNT = "count"  # of articles
    SAID = "said"  # what somebody said
    COMPARE = "compare"  # what the outlets say
    SUMMARY = "summary"
    NEWEST = "newest"
    TIMELINE = "timeline"
    SOURCE = "source"  # who says what was just answered
    MORE = "more"  # than what was just answered
    BEYOND = "beyond"  # no article can be quoted on it: an opinion, a sum, the weather
    FOREIGN = "foreign"  # a language that is not understood
    HELLO = "hello"
    THANKS = "thanks"
    OK = "ok"
    HELP = "help"
    SUBJECTS = "subjects"  # of all articles
    CONFUSED = "confused"

    @property
    def is_talk(self) -> bool:
        """Whether nothing is asked of the articles."""
        return self in _TALK


_TALK = frozenset(
    {Intent.HELLO, Intent.THANKS, Intent.OK, Intent.HELP, Intent.SUBJECTS, Intent.CONFUSED}
)


class Reason(StrEnum):
    """Why there is no answer."""

    EMPTY_INDEX = "empty_index"
    NOTHING_FOUND = "nothing_found"
    NOT_ANSWERED = "not_answered"
    NO_MORE = "no_more"  # than what was shown before
    BEYOND = "beyond"  # what no article can be quoted on
    FOREIGN = "foreign"
    TALK = "talk"  # nothing was asked
    FEW_EVENTS = "few_events"  # for a timeline


class Fallback(StrEnum):
    """Why an answer has only the articles' words although there is a chat model."""

    UNREACHABLE = "unreachable"  # it failed, or failed so often that it is left alone for a while
    TOO_SLOW = "too_slow"
    SILENT = "silent"  # it found no answer in the passages
    UNHELD = "unheld"  # the passages support nothing that it wrote
    SPENT = "spent"  # a token limit is reached


class Fault(StrEnum):
    """Why a chat model's claim is dropped."""

    NO_QUOTATION = "no_quotation"
    NO_PASSAGE = "no_passage"  # no passage in the prompt has this number
    FALSE_QUOTATION = "false_quotation"  # its words are not verbatim in the passage
    UNSUPPORTED = "unsupported"  # names, numbers or dates that are not in its quotations
    UNRELATED = "unrelated"  # it has nothing in common with its quotations
    OTHER_LANGUAGE = "other_language"  # not the language of the question


@dataclass(frozen=True)
class Scope:
    """Which articles may answer, according to the question: any, unless it says otherwise.

    ``sources``: only those of these outlets. ``since`` and ``until``: those of these days, both
    included, and those that name these days. ``newest``: the newest first.
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
class Question:
    """A question for the search: one line, not empty, at most MAX_QUESTION characters.

    ``day`` is the day on which it is asked: "last week" counts from it. ``previous``: the turns of
    the conversation before it, oldest first, to which "and when?" may refer. ``intent``: what it
    asks for, if a command says so; its words need not. ``whole``: a list is wanted on one page.
    ``limits``: the articles that may answer, beside what the text says of them.
    """

    text: str
    day: datetime.date = field(default_factory=datetime.date.today, compare=False)
    previous: tuple[Turn, ...] = field(default=(), compare=False)
    intent: Intent | None = field(default=None, compare=False)
    whole: bool = field(default=False, compare=False)
    limits: Scope = Scope()

    @classmethod
    def parse(
        cls,
        raw: str,
        day: datetime.date | None = None,
        previous: tuple[Turn, ...] = (),
        intent: Intent | None = None,
    ) -> Question:
        """The question that somebody wrote, today or on a given day. Raises QuestionError.

        Capitals that say nothing become small letters, and spellings of chats are written out. What
        nobody sees is left out. Punctuation alone is no question, except "?": "what do you mean".
        """
        text = _spelt_out(unicodedata.normalize("NFC", typed_line(visible(raw))))
        if "?" not in text and not any(unicodedata.category(c)[0] in "LNS" for c in text):
            raise QuestionError("empty", "the question is empty: write what you want to know")
        if len(text) > MAX_QUESTION:
            raise QuestionError(
                "too_long",
                f"the question has {len(text)} characters: ask it in {MAX_QUESTION} or fewer",
            )
        return cls(text, day or datetime.date.today(), previous, intent)

    @property
    def language(self) -> str:
        """The code of its language, as "it"."""
        return language_of(self.text)


@dataclass(frozen=True)
class Carrier:
    """Another article that holds the words of a quotation."""

    article: str
    source: str | None
    title: str


@dataclass(frozen=True)
class Slice:
    """``stored text of article[start:end] == text``, in Unicode code points."""

    text: str
    start: int
    end: int


GAP = "[…]"  # stands between two slices of one article that are shown together


@dataclass(frozen=True)
class Dating:
    """When that happened which a quotation of a timeline tells.

    ``day`` is in ISO 8601, of a ``precision`` as "day": "2024-06-12", "2024-W24", "2024-06",
    "2024", or "--06-12" without its year; "" if it is unknown. ``of_event``: the sentence tells the
    day, else it is that of publication. ``disputed``: another one says the same of another day.
    ``also``: the other articles that tell it, in other words.
    """

    day: str = ""
    precision: str = ""
    of_event: bool = False
    disputed: bool = False
    also: tuple[Carrier, ...] = ()


@dataclass(frozen=True)
class Quotation:
    """``stored text of article[start:end] == text``, in Unicode code points: checked.

    ``sha256`` is of the article's stored text in UTF-8. ``also`` names the other articles that hold
    the same words: an agency's text counts once, however many outlets carry it. ``deciding``: the
    words in it that answer, as a span of the stored text, if they are known. ``link``: the address
    with the place of the quotation in the page, if that is known, or else ``url``. ``head``: the
    head of its table, or what introduces its list, if that stands further above: checked likewise.
    ``dating``: in a timeline.
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
    link: str | None = None
    head: Slice | None = None
    dating: Dating | None = None

    @property
    def shown(self) -> str:
        """The text as it is shown: below its head, with a GAP for what stands between them."""
        return f"{self.head.text}\n{GAP}\n{self.text}" if self.head else self.text

    @property
    def key(self) -> QuotedSpan:
        """What identifies it: its article's path, its start and its end."""
        return self.article, self.start, self.end


@dataclass(frozen=True)
class Count:
    """How many articles hold all ``words``, "" for any: ``independent`` of them no near-duplicates.

    ``total``: the number of all articles in question.
    """

    words: str
    articles: int
    independent: int
    total: int


@dataclass(frozen=True)
class Claim:
    """A sentence by a chat model, and the indices, from 0, of the quotations that it cites."""

    text: str
    quotes: tuple[int, ...]

    @property
    def cited(self) -> str:
        """The claim followed by the numbers of its quotations."""
        return f"{self.text} {''.join(f'[{index + 1}]' for index in self.quotes)}"


@dataclass(frozen=True)
class Answer:
    """The quotations that answer a question, or a refusal with its reason.

    ``query`` is the text that was searched. ``answer`` is a slice of the first quotation or None;
    with a chat model (``answerer``), its claims with the numbers of the quotations.
    ``confidence`` is the estimated probability that the quotations answer, 0–1. ``near``, in
    refusals only, holds quotations that are close but do not answer. ``generation`` names the
    index, "" if there is none. ``agreeing``: the number of independent articles that answer in the
    words of ``answer``; ``differing``: whether another one answers differently. ``claims`` are the
    chat model's that passed the gate, ``dropped`` why others did not; ``fallback``: why the chat
    model does not answer. ``follows``: the question that this one was read with,
    if it was a follow-up. ``intent``: what was asked for. ``total``: how many quotations there are,
    if there are more than ``quotes``; ``seen``: those shown before. ``missing``: names in the
    question that no article has; ``silent``: outlets that it names and that say nothing.
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
    intent: Intent = Intent.FACT
    total: int = 0
    seen: tuple[QuotedSpan, ...] = ()
    count: Count | None = None
    missing: tuple[str, ...] = ()
    silent: tuple[str, ...] = ()

    @property
    def refused(self) -> bool:
        """Whether the articles do not answer."""
        return self.reason is not None

    def as_json(self) -> dict[str, Any]:
        """The keys that ``virgolette ask --json`` guarantees, and others that only some have."""
        keys = (
            "question", "query", "answer", "refused", "reason", "confidence", "answerer",
            "quotes", "near", "generation", "intent", "total", "missing",
            *(("count",) if self.count else ()),
            *(("follows",) if self.follows else ()),
            *(("claims", "fallback") if self.claims or self.fallback else ()),
        )  # fmt: skip
        fields = {**asdict(self), "refused": self.refused}
        for claim in fields["claims"]:
            claim["quotes"] = [index + 1 for index in claim["quotes"]]
        for quote in (*fields["quotes"], *fields["near"]):
            quote["also"] = [carrier["article"] for carrier in quote["also"]]
            dating = quote.pop("dating")
            del quote["deciding"], quote["link"]
            if quote["head"] is None:
                del quote["head"]
            if dating:
                dating["also"] = [carrier["article"] for carrier in dating["also"]]
                quote["dating"] = dating
        return {key: fields[key] for key in keys}


@dataclass(frozen=True)
class Turn:
    """An answered question, with what the next one may refer to.

    ``query`` is the text that was searched, ``sources`` the outlets that it was limited to, which
    ``query`` omits. ``answer``: the short answer, ``snippet``: the first quotation, or the near one
    of a refusal; "" if there is none. ``articles``: the paths of the articles quoted.
    ``intent``: what was asked for, ``shown``: the quotations so far, none of a refusal;
    ``follows``: see Answer.
    """

    query: str
    answer: str = ""
    snippet: str = ""
    sources: tuple[str, ...] = ()
    articles: tuple[str, ...] = ()
    intent: Intent = Intent.FACT
    shown: tuple[QuotedSpan, ...] = ()
    follows: str = ""

    @property
    def about(self) -> str:
        """The question that somebody wrote and that this one refers to, or this one."""
        return self.follows or self.query

    @classmethod
    def of(cls, answer: Answer) -> Turn:
        """The turn that ended with an answer or a refusal."""
        shown = answer.quotes or answer.near
        snippet = shown[0].text if shown else ""
        short = "" if answer.claims else answer.answer or ""
        articles = tuple(dict.fromkeys(quote.article for quote in shown))
        so_far = (*answer.seen, *(quote.key for quote in answer.quotes))
        return cls(
            answer.query,
            short,
            snippet,
            answer.scope.sources,
            articles,
            answer.intent,
            so_far,
            answer.follows,
        )
