"""Which quotations a chat was shown, by whom they were asked for, and in which message."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the state imports this module, and status shows nothing
    from bot.state import State
    from retrieval.answer import Quotation

SHOWN_KEPT = 30 * 24 * 3600.0  # seconds; those of a followed question stay as long as that does


@dataclass(frozen=True)
class Where:
    """The topic of a chat, or 0, whether it is of direct messages, and a language: "it", "en"."""

    topic: int = 0
    direct: bool = False
    language: str = "it"


NOWHERE = Where()


@dataclass(frozen=True)
class Showing:
    """Where quotations are shown, and to whom.

    ``question``: the number of the message that they answer; ``reply``: that of the message they
    are in, if it is sent. ``follow`` and ``outbox``: the rows of a message that nobody asked for.
    """

    bot: int
    chat: int
    person: int
    question: int | None = None
    reply: int | None = None
    follow: int | None = None
    outbox: int | None = None
    where: Where = NOWHERE


def note_shown(
    database: sqlite3.Connection, showing: Showing, quotes: Iterable[Quotation], now: float
) -> None:
    """Keep which quotations are shown, in a transaction; ``now``: seconds since the epoch.

    They replace those of an earlier answer to the same message.
    """
    where = (showing.bot, showing.chat, showing.question)
    database.execute("DELETE FROM shown WHERE bot = ? AND chat = ? AND question = ?", where)
    database.execute("DELETE FROM shown WHERE follow IS NULL AND at < ?", (now - SHOWN_KEPT,))
    who = (showing.bot, showing.chat, showing.person, showing.question, showing.reply)
    about = (showing.follow, showing.outbox)
    database.executemany(
        "INSERT INTO shown VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0)",
        (
            (*who, *about, *quote.key, quote.text, quote.sha256, now, *astuple(showing.where))
            for quote in quotes
        ),
    )


def shown_in(state: State, bot: int, chats: Iterable[int], topic: int) -> list[tuple[str, str]]:
    """Path and text of what a topic of a chat was shown, under any of the chat's numbers."""
    query = "SELECT DISTINCT article, text FROM shown WHERE bot = ? AND chat = ? AND topic = ?"
    return [row for chat in chats for row in state.select(query, bot, chat, topic)]
