"""Which quotations that were shown no longer stand in their articles, and to whom they were."""

from __future__ import annotations

import datetime
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial
from itertools import groupby

from bot.following.outbox import Destination
from bot.state import DAY, State
from index.articles.article import Article
from index.articles.versions.history import History
from index.generations.current import CurrentIndex
from index.generations.generation import Generation
from index.text.wording import same_letters
from retrieval.answer import Quotation
from retrieval.verifying.occurrences import Occurrence, sentence_around
from retrieval.verifying.receipts.judging import Judged, Standing, judge, slice_in
from retrieval.verifying.receipts.record import Record

_INTERVAL = 3600.0  # seconds between looks where nothing has changed; what was queued is sent then
_MOST_REPLIES = 3  # of one look, in one topic, about one article
_QUERY = (
    "SELECT chat, reply, topic, direct, person, language, follow, at, rowid, article, start, "
    '"end", text, sha256 FROM shown '
    "WHERE bot = ? AND corrected = 0 AND reply IS NOT NULL AND at > ? ORDER BY chat, reply, rowid"
)


class Outcome(StrEnum):
    """What became of a quotation that was shown."""

    CORRECTED = "corrected"  # the article has other words for it
    REMOVED = "removed"  # the article has it no longer
    WITHDRAWN = "withdrawn"  # the page of the article is gone
    GONE = "gone"  # there is no such article any more


@dataclass(frozen=True)
class Change:
    """What became of a quotation: ``before``, and the sentence that is ``now`` in its place.

    ``row``: where it is noted; ``path``: of the article then. ``article``: as it is now, None if
    it is gone.
    """

    row: int
    path: str
    before: str
    outcome: Outcome
    article: Article | None = None
    now: Quotation | None = None


@dataclass(frozen=True)
class Correction:
    """What became of quotations in one message, the number of which is ``reply``.

    ``to`` has the number that the chat had then. ``follow``: the question that the message was
    about, if nobody asked for it. ``answers``: how many messages it is about; where there are
    several, they are earlier ones on an article that other replies tell of, and ``reply`` is None.
    """

    to: Destination
    reply: int | None
    person: int
    language: str
    follow: int | None
    changes: tuple[Change, ...]
    answers: int = 1


@dataclass(frozen=True)
class _Shown:
    row: int
    quote: Quotation
    at: float


class Corrections:
    """Looks for the quotations of the last ``days`` that changed; 0: for none.

    ``clock`` gives seconds since the epoch. Raises VirgoletteError.
    """

    def __init__(
        self,
        state: State,
        bot: int,
        index: CurrentIndex,
        days: float,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._state = state
        self._bot = bot
        self._index = index
        self._days = days
        self._clock = clock
        self._history = History(index.data_dir)
        self._before: tuple[str, int] | None = None  # the index and the history at the last look
        self._next = 0.0

    def find(self) -> list[Correction]:
        """What is to be told, if there is a new index, or an article was withdrawn.

        The same is found again until ``note`` has noted it.
        """
        if not self._days:
            return []
        with self._index.reading() as generation:
            if generation is None:
                return []
            now, versions = self._clock(), (generation.name, self._history.stamp)
            if versions == self._before and now < self._next:
                return []
            found = list(_capped(self._corrections(generation, now - self._days * DAY)))
        self._before, self._next = versions, now + _INTERVAL
        return found

    def find_again(self) -> None:
        """Not all that was found is noted."""
        self._before = None

    def note(self, database: sqlite3.Connection, correction: Correction) -> bool:
        """Note in a transaction that it is told; False if it was, or is forgotten meanwhile."""
        query = "UPDATE shown SET corrected = 1 WHERE rowid = ? AND text = ? AND corrected = 0"
        noted = [
            database.execute(query, (change.row, change.before)).rowcount
            for change in correction.changes
        ]
        return any(noted)

    def _corrections(self, generation: Generation, since: float) -> Iterator[Correction]:
        judging = _Judging(generation, self._history.withdrawn())
        rows = self._state.select(_QUERY, self._bot, since)
        for (chat, reply), group in groupby(rows, key=lambda row: (row[0], row[1])):
            messages = list(group)
            _, _, topic, direct, person, language, follow, *_ = messages[0]
            shown = [_shown(*row[7:]) for row in messages]
            changes = tuple(filter(None, map(judging.change, shown)))
            if changes:
                to = Destination(chat, topic, bool(direct))
                yield Correction(to, reply, person, language, follow, changes)
        self._note_standing(judging.standing)

    def _note_standing(self, standing: Iterable[tuple[int, Quotation]]) -> None:
        """Note where quotations stand in the new text: they are judged against that from now on."""
        query = (
            'UPDATE shown SET article = ?, start = ?, "end" = ?, sha256 = ? '
            "WHERE rowid = ? AND text = ?"
        )
        with self._state.changing() as database:
            database.executemany(
                query, ((*quote.key, quote.sha256, row, quote.text) for row, quote in standing)
            )


class _Judging:
    """Judges quotations by a generation. ``standing``: where those stand whose article changed."""

    def __init__(self, generation: Generation, withdrawn: dict[str, float]) -> None:
        self.standing: list[tuple[int, Quotation]] = []
        self._generation = generation
        self._withdrawn = withdrawn
        self._articles: dict[str, Article | None] = {}
        self._judged: dict[Quotation, Judged] = {}

    def change(self, shown: _Shown) -> Change | None:
        """What became of a quotation; None if it stands, or if nobody knows."""
        quote = shown.quote
        if quote.article not in self._articles:
            self._articles[quote.article] = self._generation.store.article(quote.article)
        article = self._articles[quote.article]
        if self._withdrawn.get(quote.article, 0.0) > shown.at:
            return Change(shown.row, quote.article, quote.text, Outcome.WITHDRAWN, article)
        if article and article.sha256 == quote.sha256:
            return None
        if quote.article in self._generation.manifest.skipped:  # it cannot be read for now
            return None
        if quote not in self._judged:
            record = Record(quote, datetime.date.today())
            self._judged[quote] = judge(record, self._generation)
        return self._outcome(shown, self._judged[quote], article)

    def _outcome(self, shown: _Shown, judged: Judged, article: Article | None) -> Change | None:
        before, now = shown.quote.text, judged.now
        change = partial(Change, shown.row, shown.quote.article, before)
        if judged.standing.stands:
            if now:
                self.standing.append((shown.row, now))
            return None
        if judged.standing is Standing.GONE:
            return change(Outcome.GONE)
        article = self._generation.store.article(now.article) if now else article
        if article is None or now is None:
            return change(Outcome.REMOVED, article)
        if same_letters(before, now.text):
            return None
        span = sentence_around(Occurrence(article, now.start, now.end), self._generation)
        whole = slice_in(article, span, self._generation)
        return change(Outcome.CORRECTED, article, whole or now)


def _capped(corrections: Iterable[Correction]) -> Iterator[Correction]:
    """The newest ones on an article in a topic; one stands for the others, if they are several.

    What else the others quoted is found by the next look.
    """
    groups: dict[tuple[Destination, str], list[Correction]] = {}
    for correction in corrections:
        groups.setdefault((correction.to, correction.changes[0].path), []).append(correction)
    for (_, path), group in groups.items():
        others, newest = group[:-_MOST_REPLIES], group[-_MOST_REPLIES:]
        if len(others) > 1:
            every = (change for other in others for change in other.changes)
            changes = tuple(change for change in every if change.path == path)
            one = replace(others[-1], reply=None, follow=None, changes=changes)
            others = [replace(one, answers=len(others))]
            group = [*newest, *others]
        yield from group


def _shown(
    at: float, row: int, article: str, start: int, end: int, text: str, sha256: str
) -> _Shown:
    return _Shown(row, Quotation(text, article, None, "", None, None, start, end, sha256, 0.0), at)
