"""The messages that nobody has asked for just now, each kept until it is sent.

It is the mirror of the inbox: a message is queued in the transaction that notes why, and its row
goes when Telegram has taken it. A kill loses none. It doubles one at most: the message that
Telegram had taken when the bot was killed before it could note that, as the Bot API has no key by
which it would recognize a message that comes again.
"""

from __future__ import annotations

import datetime
import json
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from bot.state import State

DAILY_HOUR = 8  # of this machine's clock, when messages come that come once a day
Parts = list[dict[str, Any]]


@dataclass(frozen=True)
class Destination:
    """A chat by its first number, and a topic of it, or 0; ``direct``: of direct messages."""

    chat: int
    topic: int = 0
    direct: bool = False


@dataclass(frozen=True)
class Outgoing:
    """A message to be sent. ``content`` is what the sender makes messages of.

    ``follow``: what it is about, ``reply_to``: the message below which it belongs. Once it is
    queued, ``at`` is when it was, in seconds since the epoch, and ``sent`` how many of its messages
    are sent already.
    """

    to: Destination
    person: int
    content: Parts = field(repr=False)
    follow: int | None = None
    reply_to: int | None = None
    at: float = 0.0
    sent: int = 0
    id: int = 0


class Outbox:
    """The messages that a bot has to send, oldest first. Raises StorageError.

    ``clock`` gives seconds since the epoch.
    """

    def __init__(self, state: State, bot: int, clock: Callable[[], float] = time.time) -> None:
        self._state = state
        self._bot = bot  # another token is another bot
        self._clock = clock

    def queue(self, database: sqlite3.Connection, message: Outgoing) -> int:
        """Queue a message in a transaction, or add it to one on the same that is not due yet.

        What is due may be on its way: the clock is read when nobody else can look at it, and
        whether messages on the same come once a day.
        """
        now = self._clock()
        rows = database.execute(
            "SELECT id, content FROM outbox WHERE follow = ? AND sent = 0 AND due > ?",
            (message.follow, now),
        ).fetchall()
        for number, content in rows:
            joined = json.dumps([*json.loads(content), *message.content])
            database.execute("UPDATE outbox SET content = ? WHERE id = ?", (joined, number))
            return int(number)
        to, content = message.to, json.dumps(message.content)
        query = "SELECT 1 FROM follows WHERE id = ? AND daily"
        is_daily = bool(database.execute(query, (message.follow,)).fetchall())
        cursor = database.execute(
            "INSERT INTO outbox (bot, chat, topic, direct, person, follow, reply_to, content, sent,"
            " due, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?)",
            (
                self._bot, to.chat, to.topic, to.direct, message.person, message.follow,
                message.reply_to, content, next_daily(now) if is_daily else now, now,
            ),
        )  # fmt: skip
        return int(cursor.lastrowid or 0)

    def next(self) -> Outgoing | None:
        """The oldest message that is due, if one is."""
        query = (
            "SELECT chat, topic, direct, person, content, follow, reply_to, at, sent, id "
            "FROM outbox WHERE bot = ? AND due <= ? ORDER BY id LIMIT 1"
        )
        rows = self._state.select(query, self._bot, self._clock())
        for chat, topic, direct, person, content, follow, reply_to, *queued in rows:
            to = Destination(chat, topic, bool(direct))
            return Outgoing(to, person, json.loads(content), follow, reply_to, *queued)
        return None

    def next_due(self) -> float | None:
        """When the next message is due, in seconds since the epoch; None if there is none."""
        ((due,),) = self._state.select("SELECT min(due) FROM outbox WHERE bot = ?", self._bot)
        return None if due is None else float(due)

    def note_sent(self, message: Outgoing, number: int, *, is_last: bool) -> None:
        """One more of its messages is sent, and has this number."""
        with self._state.changing() as database:
            if is_last:
                database.execute("DELETE FROM outbox WHERE id = ?", (message.id,))
            else:
                database.execute("UPDATE outbox SET sent = sent + 1 WHERE id = ?", (message.id,))
            database.execute(
                "UPDATE shown SET reply = ? WHERE outbox = ? AND reply IS NULL",
                (number, message.id),
            )

    def postpone(self, chat: int, until: float) -> None:
        """Send nothing to a chat before this time."""
        with self._state.changing() as database:
            database.execute(
                "UPDATE outbox SET due = max(due, ?) WHERE bot = ? AND chat = ?",
                (until, self._bot, chat),
            )

    def drop(self, message: Outgoing) -> None:
        """Remove a message that cannot be sent."""
        with self._state.changing() as database:
            database.execute("DELETE FROM outbox WHERE id = ?", (message.id,))


def next_daily(now: float) -> float:
    """When the next messages come that come once a day, in seconds since the epoch."""
    moment = datetime.datetime.fromtimestamp(now)
    due = moment.replace(hour=DAILY_HOUR, minute=0, second=0, microsecond=0)
    return (due if due > moment else due + datetime.timedelta(days=1)).timestamp()
