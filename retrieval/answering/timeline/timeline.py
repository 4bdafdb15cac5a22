"""What the articles tell on a subject, an event each, in the order of days."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache

from index.articles.article import Article
from index.text.language import MAIN
from index.text.mentioned_days import CalendarDay, Precision, mentioned_days
from index.text.sentences import Span
from index.text.words import language_of, terms
from retrieval.answer import Answer, Quotation, Reason, Scope
from retrieval.answering.article_lines import MAX_PAIR_LENGTH
from retrieval.answering.candidates import refers_back
from retrieval.answering.extractive import ExtractiveAnswer, Extractor
from retrieval.answering.highlights import names_in
from retrieval.answering.lists import LIKELY, members, rarities, share_of_rarities
from retrieval.answering.summaries import (
    article_sentences,
    central_sentences,
    newest_in_scope,
    stored,
)
from retrieval.answering.timeline.event_day import event_day, yearless_day
from retrieval.answering.timeline.events import Event, in_order, merged
from retrieval.questions.scope import ScopedQuestion
from retrieval.questions.topic import names_or_topic, topic

PASSAGES = 60  # in which the articles on a subject are looked for
NAMED = 0.5  # the share of the subject's words, by rarity, from which a sentence is on it
ABOUT = 0.75  # from which an article is, by its title and the sentence that carries it
RECENT = 366  # days around an article in which it tells of its subject without naming it
FEWEST, MOST = 2, 40  # events
ENOUGH = 3  # events with a day, from which those without one are left out


def timeline(
    scoped_question: ScopedQuestion, base: Answer, extractor: Extractor
) -> ExtractiveAnswer:
    """The events on a subject; without one, those of the articles of the days in question.

    Under FEWEST, it is refused.
    """
    gathered = members(scoped_question, extractor)
    likely = {
        one.sentence.key: one.answers
        for one in gathered.sentences
        if gathered.answer(extractor) and one.answers >= LIKELY and not one.sentence.heading
    }
    asked = scoped_question.timeless or scoped_question.question
    about = topic(asked.text, scoped_question.scope.sources)
    if about:
        passages = extractor.search(scoped_question, PASSAGES)
        paths = dict.fromkeys(scored.passage.article for scored in passages)
        articles = stored(paths, extractor.generation)
    else:
        articles = newest_in_scope(scoped_question, extractor.generation)
    is_foreign = asked.language != MAIN  # the articles have its names at most
    named = names_or_topic(about) if is_foreign else about
    subject = _Subject(rarities(named, extractor.generation), likely)
    events = [
        event
        for article in articles
        for event in subject.events(article, extractor)
        if _in_scope(event, scoped_question.scope)
    ]
    quotes = _quotes(events, extractor)
    answer = replace(base, confidence=round(gathered.confidence, 4))
    if len(quotes) < FEWEST:
        reason = Reason.FEW_EVENTS if quotes else Reason.NOTHING_FOUND
        answer = replace(answer, reason=reason, near=tuple(quotes))
    else:
        answer = replace(answer, quotes=tuple(quotes))
    return ExtractiveAnswer(answer, scoped_question, gathered.passages)


def _quotes(events: Sequence[Event], extractor: Extractor) -> list[Quotation]:
    generation = extractor.generation
    events = merged(events)
    dated = [event for event in events if event.day or event.yearless]
    best = sorted(dated if len(dated) >= ENOUGH else events, key=lambda e: e.rank, reverse=True)
    ordered = in_order(best[:MOST])
    return [quote for event in ordered if (quote := event.quoted(generation))]


@dataclass(frozen=True)
class _Subject:
    """What a timeline is about: the ``rarity`` of its words, and the sentences found likely."""

    rarity: dict[str, float]
    likely: dict[tuple[str, Span], float]

    def events(self, article: Article, extractor: Extractor) -> Iterator[Event]:
        """The sentences of an article that tell the day of an event, and one without that.

        They are on the subject, or the whole article is.
        """
        spans, vectors = article_sentences(article, extractor.generation)

        @cache
        def central() -> list[Span]:
            return central_sentences(article, extractor.generation, extractor.embedder, 1)

        @cache
        def is_about() -> bool:
            """Whether the article is on the subject; most do not even have its words."""
            if self._share(f"{article.title} {article.text}") < ABOUT:
                return False
            carrying = " ".join(article.text[span.start : span.end] for span in central())
            return self._share(f"{article.title} {carrying}") >= ABOUT

        published, main = _day(article), language_of(article.text)
        undated: list[Event] = []
        for span, vector in zip(spans, vectors, strict=True):
            text = article.text[span.start : span.end]
            if language_of(text) != main:
                continue  # the caption of a picture from elsewhere
            score = max(self._share(text), self.likely.get((article.path, span), 0.0))
            day = event_day(text, published)
            yearless = yearless_day(text) if not (day or published) else ""
            is_told = bool(day or yearless)
            is_near = is_told and _is_recent(day, published)
            if score < NAMED and not (is_near and is_about()):
                continue
            whole, meant = _with_referent(article.text, span, spans), _terms(text, published)
            event = Event(article, whole, vector, meant, day, is_told, score, yearless)
            if is_told:
                yield event
            else:
                day = CalendarDay(published) if published else None
                undated.append(replace(event, day=day, score=score + (span in central())))
        if undated:
            yield max(undated, key=lambda event: event.score)

    def _share(self, text: str) -> float:
        """The share of the subject's words that a text has; without a subject, all."""
        if not self.rarity:
            return 1.0
        for name in reversed(list(names_in(text))):
            if self._is_namesake(text[name.start : name.end]):
                text = f"{text[: name.start]} {text[name.end :]}"
        return share_of_rarities(self.rarity, text)

    def _is_namesake(self, name: str) -> bool:
        """Whether a name shares a word with the subject, and is somebody else's: "George Bush"."""
        from simplemma import is_known

        own = [not self.rarity.keys().isdisjoint(terms(part)) for part in name.split()]
        others = (p for p, is_own in zip(name.split(), own, strict=True) if not is_own)
        return any(own) and any(terms(p) and not is_known(p.lower(), lang=MAIN) for p in others)


def _is_recent(day: CalendarDay | None, published: datetime.date | None) -> bool:
    """Whether a day is near enough to an article's for what that is about, as far as is known."""
    if published is None or day is None:
        return day is None or day.precision is not Precision.YEAR
    return abs((day.first - published).days) <= RECENT


def _in_scope(event: Event, scope: Scope) -> bool:
    if not (scope.since or scope.until):
        return True
    return event.day is not None and scope.covers(event.day.first.isoformat())


def _terms(sentence: str, published: datetime.date | None) -> frozenset[str]:
    """The terms of a sentence but for those that name days."""
    rest, end = "", 0
    for one in mentioned_days(sentence, published):
        rest, end = f"{rest} {sentence[end : one.span.start]}", one.span.end
    return frozenset(terms(f"{rest} {sentence[end:]}"))


def _day(article: Article) -> datetime.date | None:
    return datetime.date.fromisoformat(article.date[:10]) if article.date else None


def _with_referent(text: str, span: Span, spans: Sequence[Span]) -> Span:
    """The sentence after the one that it refers back to, if they are short enough together."""
    before = max((one for one in spans if one.end <= span.start), default=None)
    if before is None or not refers_back(text[span.start : span.end]):
        return span
    gap = text[before.end : span.start]
    fits = not gap.strip() and "\n" not in gap and span.end - before.start <= MAX_PAIR_LENGTH
    return Span(before.start, span.end) if fits else span
