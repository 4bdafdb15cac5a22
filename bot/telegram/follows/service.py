"""Looks at every new index for what people follow, and sends what they are told."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

from telegram.ext import ExtBot

from bot.access import Access
from bot.compose import Parts
from bot.corrections.quoted import Correction, Corrections
from bot.following.follows import Follows, Last
from bot.following.news import News, NewsFinder
from bot.following.outbox import Outbox
from bot.following.runs import Runs
from bot.following.shown import Showing, Where, note_shown
from bot.locales import texts
from bot.state import State
from bot.telegram.answering import Answering
from bot.telegram.corrections.notices import correction_notice, with_correction
from bot.telegram.follows.delivery import Delivery
from bot.telegram.follows.handlers import Following
from bot.telegram.follows.notices import notice
from index.errors import VirgoletteError

_LOOK = 2.0  # seconds between looks for a new index
_PAUSE = 60.0  # seconds after an error
_GRACE = 10.0  # seconds for the message that is being sent when the bot ends

_log = logging.getLogger(__name__)


class FollowService:
    """The two tasks: one finds news and queues messages, the other sends them."""

    def __init__(
        self,
        parts: Parts,
        state: State,
        bot: int,
        access: Access,
        clock: Callable[[], float] = time.time,
        corrections_days: float = 30,
    ) -> None:
        self._parts = parts
        self._state = state
        self._number = bot
        self._access = access
        self._clock = clock
        self._follows, self._outbox = Follows(state, bot), Outbox(state, bot, clock)
        self._finder = NewsFinder(
            state, bot, parts.index, parts.chain, parts.embedder, access.supergroups
        )
        self._corrections = Corrections(state, bot, parts.index, corrections_days, clock)
        self._delivery = Delivery(self._outbox, self._follows, clock)
        self._woken = asyncio.Event()
        self._ending = threading.Event()
        self._has_queued = self._has_failed = False  # in the last look
        self._tasks: list[asyncio.Task[None]] = []

    def wake(self) -> None:
        """Look for news, and at the outbox, now."""
        self._woken.set()
        self._delivery.wake()

    def handlers(self, answering: Answering, most: int) -> Following:
        """The handlers of commands and buttons."""
        runs, embedder = Runs(self._state, self._number), self._parts.embedder
        return Following(self._follows, runs, answering, embedder, most, self.wake, self._clock)

    async def begin(self, bot: ExtBot[Any]) -> None:
        """Start both tasks. Articles that are there at the first start are not new."""
        try:
            await asyncio.to_thread(self._finder.register)
        except VirgoletteError as error:
            _log.error("%s", error)
        self._tasks.append(asyncio.create_task(self._follow(bot)))
        self._tasks.append(asyncio.create_task(self._delivery.run(bot)))

    async def end(self) -> None:
        """End both: nothing is lost, and what is being sent is noted."""
        self._ending.set()
        self._delivery.end()
        self.wake()
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=_GRACE)
            for task in late:
                task.cancel()

    async def _follow(self, bot: ExtBot[Any]) -> None:
        while not self._ending.is_set():
            pause = await asyncio.to_thread(self._look, inline=bool(bot.supports_inline_queries))
            if self._has_queued:
                self._has_queued = False
                self._delivery.wake()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), pause)
            self._woken.clear()

    def _look(self, *, inline: bool) -> float:
        """Queue news and corrections; the seconds until the next look.

        What fails keeps nothing else from being queued, and is tried again.
        """
        corrections, self._has_failed = list[Correction](), False
        with self._trying():
            corrections = self._corrections.find()
        with self._trying():
            tell = partial(self._queue, corrections=corrections, inline=inline)
            self._has_failed |= not self._finder.check(tell, self._ending)
        for correction in corrections:
            with self._trying():
                self._queue_correction(correction, inline=inline)
        if self._has_failed:
            self._corrections.find_again()
        return _PAUSE if self._has_failed else _LOOK

    @contextmanager
    def _trying(self) -> Iterator[None]:
        try:
            yield
        except VirgoletteError as error:
            _log.error("new articles could not be looked at for questions: %s", error)
            self._has_failed = True
        except Exception:  # noqa: BLE001 (whatever it is, the next look tries again)
            _log.exception("new articles could not be looked at for questions")
            self._has_failed = True

    def _queue(
        self, news: News, run: int, *, corrections: Sequence[Correction], inline: bool
    ) -> None:
        """Queue a message in the transaction that notes what it tells.

        What became of what was told about the same question, out of the same article, is told with
        it. Whoever may not ask any more is not told, and nothing is said about it.
        """
        follow, say = news.follow, texts(news.follow.language)
        if not self._access.admits(follow.person, follow.to.chat):
            return
        message, own = notice(news, say, inline=inline), _same_article(news, corrections)
        with self._state.changing() as database:
            if not self._follows.note_told(database, follow, run, Last.of(news.answer)):
                return
            if own and self._corrections.note(database, own):
                message = with_correction(message, own, say)
            number = self._outbox.queue(database, message)
            where = Where(follow.to.topic, follow.to.direct, follow.language)
            showing = Showing(
                self._number, follow.to.chat, follow.person, None, None, follow.id, number, where
            )
            note_shown(database, showing, news.answer.quotes, self._clock())
        self._has_queued = True

    def _queue_correction(self, correction: Correction, *, inline: bool) -> None:
        """The same for what became of quotations."""
        if not self._access.admits(correction.person, correction.to.chat):
            return
        message = correction_notice(correction, texts(correction.language), inline=inline)
        with self._state.changing() as database:
            if self._corrections.note(database, correction):
                self._outbox.queue(database, message)
                self._has_queued = True


def _same_article(news: News, corrections: Sequence[Correction]) -> Correction | None:
    """The correction of what was told about the same question, out of the same article.

    What comes once a day waits too long for it.
    """
    if news.follow.daily:
        return None
    articles = {quote.article for quote in news.answer.quotes}
    own = (each for each in corrections if each.follow == news.follow.id)
    return next((c for c in own if articles & {x.now.article for x in c.changes if x.now}), None)
