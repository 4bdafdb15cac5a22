"""The events of a timeline: sentences with their day, those that tell the same one together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from index.articles.article import Article
from index.generations.generation import Generation
from index.models.encoder import Vectors
from index.text.mentioned_days import CalendarDay, Precision
from index.text.sentences import Span
from retrieval.answer import Carrier, Dating, Quotation
from retrieval.answering.quotations import quotation
from retrieval.answering.search import SAME_TEXT

SAME = 0.9  # the cosine from which two sentences tell the same
ALIKE = 0.8  # from which they do if one has SAME_TEXT of the other's terms


@dataclass(frozen=True)
class Event:
    """A sentence that tells of an event, its unit vector, and when that was, if it is known.

    ``terms``: its terms, but for those that name days. ``of_event``: the sentence tells the day,
    which is that of publication otherwise. ``yearless``: the day that it tells as "--06-12", in an
    article without a date. ``score``: how well it fits the timeline. ``others``:
    further ones that tell the same; ``disputed``: whether another one tells it of another day.
    """

    article: Article
    span: Span
    vector: Vectors
    terms: frozenset[str]
    day: CalendarDay | None
    of_event: bool
    score: float
    yearless: str = ""
    others: tuple[Event, ...] = ()
    disputed: bool = False

    @property
    def text(self) -> str:
        """The sentence."""
        return self.article.text[self.span.start : self.span.end]

    @property
    def month_and_day(self) -> str:
        """The day that the sentence tells, as "--06-12"; "" if it tells no day."""
        is_exact = self.of_event and self.day and self.day.precision is Precision.DAY
        return f"-{self.day.iso[4:]}" if self.day and is_exact else self.yearless

    @property
    def rank(self) -> tuple[bool, bool, float]:
        """By which the best one of those that tell the same is shown."""
        is_exact = bool(self.of_event and self.day and self.day.precision is Precision.DAY)
        return is_exact, self.of_event, self.score

    def quoted(self, generation: Generation) -> Quotation | None:
        """The verified quotation of it, with its day; None if it fails."""
        quote = quotation(self.article, self.span, None, self.score, generation)
        if quote is None:
            return None
        known = {self.article.path, *(carrier.article for carrier in quote.also)}
        others = {one.article.path: one.article for one in self.others}
        also = [Carrier(a.path, a.source, a.title) for a in others.values() if a.path not in known]
        day = self.day
        dating = Dating(
            day.iso if day else self.yearless,
            day.precision.value if day else Precision.DAY.value if self.yearless else "",
            of_event=self.of_event,
            disputed=self.disputed,
            also=tuple(also),
        )
        return replace(quote, dating=dating)


def merged(events: Iterable[Event]) -> list[Event]:
    """One event for those that tell the same of days that fit."""
    kept: list[Event] = []
    by_date = sorted(events, key=lambda one: one.article.date or "")
    for event in sorted(by_date, key=lambda one: one.rank, reverse=True):
        for number, other in enumerate(kept):
            if _fit(event, other) and _say_the_same(event, other):
                kept[number] = replace(other, others=(*other.others, event))
                break
        else:
            kept.append(event)
    return kept


def in_order(events: Iterable[Event]) -> list[Event]:
    """By day, those without a year or a day last; what is told of two days is side by side."""
    left = sorted(events, key=_order)
    ordered: list[Event] = []
    while left:
        event = left.pop(0)
        rivals = [one for one in left if _contradict(event, one)]
        group = [event, *rivals] if rivals else [event]
        ordered += [replace(one, disputed=one.disputed or bool(rivals)) for one in group]
        left = [one for one in left if one not in rivals]
    return ordered


def _order(event: Event) -> tuple[bool, bool, str, bool, str, str, int]:
    day, article = event.day, event.article
    told = day.first.isoformat() if day else event.yearless
    return (
        day is None,
        not told,
        told,
        event.of_event,
        article.date or "",
        article.path,
        event.span.start,
    )


def _fit(one: Event, other: Event) -> bool:
    """Whether two days may be the same: one holds the other, or not both are told."""
    if (one.yearless or other.yearless) and one.month_and_day and other.month_and_day:
        return one.month_and_day == other.month_and_day
    if not (one.of_event and other.of_event and one.day and other.day):
        return True
    return one.day.holds(other.day) or other.day.holds(one.day)


def _contradict(one: Event, other: Event) -> bool:
    """Whether both tell the same, as past or as to come, of days that do not fit."""
    if _fit(one, other) or one.article.path == other.article.path:
        return False
    return _say_the_same(one, other) and len({*_tenses(one, other), *_tenses(other, one)}) <= 1


def _tenses(one: Event, other: Event) -> Iterator[bool]:
    """Whether the day of an event had come when each of two articles appeared, as far as known."""
    for date in filter(None, (one.article.date, other.article.date)):
        if one.day:
            yield one.day.first.isoformat() <= date[:10]


def _say_the_same(one: Event, other: Event) -> bool:
    cosine = float(one.vector @ other.vector)
    smaller, larger = sorted((one.terms, other.terms), key=len)
    share = len(smaller & larger) / max(len(smaller), 1)
    return one.text == other.text or cosine >= SAME or (cosine >= ALIKE and share >= SAME_TEXT)
