"""Looks at every new index for what people follow, and sends what they are told."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from telegram.ext import ExtBot

from bot.access import Access
from bot.compose import Parts
from bot.corrections.quoted import Correction, Corrections
from bot.following.follows import Follows, Last
from bot.following.news import Check, News, NewsFinder
from bot.following.outbox import Outbox
from bot.following.runs import Runs
from bot.following.shown import Showing, Where, note_shown
from bot.locales import texts
from bot.settings import Settings
from bot.state import AnswerLog, State
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
        self._follows, self._outbox = Follows(state, bot), Outbox(state, bot)
        self._finder = NewsFinder(
            state, bot, parts.index, parts.chain, parts.embedder, access.supergroups
        )
        self._corrections = Corrections(state, bot, parts.index, corrections_days, clock)
        self._delivery = Delivery(self._outbox, self._follows, clock)
        self._woken = asyncio.Event()
        self._ending = threading.Event()
        self._tasks: list[asyncio.Task[None]] = []

    def wake(self) -> None:
        """Look for news, and at the outbox, now."""
        self._woken.set()
        self._delivery.wake()

    def handlers(self, answer_log: AnswerLog, settings: Settings) -> Following:
        """The handlers of commands and buttons."""
        return Following(
            self._follows,
            Runs(self._state, self._number),
            answer_log,
            self._parts.chain,
            self._parts.embedder,
            self._access.supergroups,
            settings.telegram_admins,
            settings.follows,
            self.wake,
            self._clock,
        )

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
            pause = _LOOK
            try:
                await self._look(bot)
            except VirgoletteError as error:
                _log.error("new articles could not be looked at for questions: %s", error)
                pause = _PAUSE
            except Exception:  # noqa: BLE001 (whatever it is, the next round tries again)
                _log.exception("new articles could not be looked at for questions")
                pause = _PAUSE
            with suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), pause)
            self._woken.clear()

    async def _look(self, bot: ExtBot[Any]) -> None:
        inline = bool(bot.supports_inline_queries)
        corrections = await asyncio.to_thread(self._corrections.find)
        try:
            check = await asyncio.to_thread(self._finder.check, self._ending)
            if check:
                corrections = await self._queue_news(check, corrections, inline=inline)
            for correction in corrections:
                if await self._access.admits(correction.person, correction.to.chat):
                    await asyncio.to_thread(self._queue_correction, correction, inline=inline)
        except BaseException:
            self._corrections.find_again()
            raise
        if check or corrections:
            self._delivery.wake()

    async def _queue_news(
        self, check: Check, corrections: list[Correction], *, inline: bool
    ) -> list[Correction]:
        """Queue news, with the corrections that belong to them; the other corrections."""
        for news in check.news:
            # Whoever may not ask any more is not told, and nothing is said about it.
            if await self._access.admits(news.follow.person, news.follow.to.chat):
                own = _same_article(news, corrections)
                await asyncio.to_thread(self._queue, news, check.run, own, inline=inline)
                corrections = [other for other in corrections if other is not own]
        await asyncio.to_thread(self._follows.note_checked, check.nearest, check.run)
        return corrections

    def _queue(self, news: News, run: int, own: Correction | None, *, inline: bool) -> None:
        """Queue a message in the transaction that notes what it tells.

        ``own``: what became of what was told about the same question; it is told with it.
        """
        follow, now, say = news.follow, self._clock(), texts(news.follow.language)
        message = notice(news, say, now, inline=inline)
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
            note_shown(database, showing, news.answer.quotes, now)

    def _queue_correction(self, correction: Correction, *, inline: bool) -> None:
        """The same for what became of quotations."""
        say = texts(correction.language)
        message = correction_notice(correction, say, self._clock(), inline=inline)
        with self._state.changing() as database:
            if self._corrections.note(database, correction):
                self._outbox.queue(database, message)


def _same_article(news: News, corrections: list[Correction]) -> Correction | None:
    """The correction of what was told about the same question, out of the same article.

    What comes once a day waits too long for it.
    """
    if news.follow.daily:
        return None
    articles = {quote.article for quote in news.answer.quotes}
    own = (each for each in corrections if each.follow == news.follow.id)
    return next((c for c in own if articles & {x.now.article for x in c.changes if x.now}), None)
