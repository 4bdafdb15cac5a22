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
from bot.following.follows import Follows, Last
from bot.following.news import News, NewsFinder
from bot.following.outbox import Outbox
from bot.following.runs import Runs
from bot.following.shown import Showing, note_shown
from bot.locales import texts
from bot.settings import Settings
from bot.state import AnswerLog, State
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
        check = await asyncio.to_thread(self._finder.check, self._ending)
        if check is None:
            return
        for news in check.news:
            # Whoever may not ask any more is not told, and nothing is said about it.
            if await self._access.admits(news.follow.person, news.follow.to.chat):
                inline = bool(bot.supports_inline_queries)
                await asyncio.to_thread(self._queue, news, check.run, inline=inline)
        await asyncio.to_thread(self._follows.note_checked, check.nearest, check.run)
        self._delivery.wake()

    def _queue(self, news: News, run: int, *, inline: bool) -> None:
        """Queue a message in the transaction that notes what it tells."""
        follow, now = news.follow, self._clock()
        message = notice(news, texts(follow.language), now, inline=inline)
        with self._state.changing() as database:
            if not self._follows.note_told(database, follow, run, Last.of(news.answer)):
                return
            number = self._outbox.queue(database, message)
            showing = Showing(
                self._number, follow.to.chat, follow.person, follow=follow.id, outbox=number
            )
            note_shown(database, showing, news.answer.quotes, now)
