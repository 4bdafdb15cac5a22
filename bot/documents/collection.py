"""The quotations that people collect in a conversation, until they empty the collection."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass

from bot.state import DAY, State
from retrieval.verifying.receipts.record import Record, record_of

MAX_COLLECTED = 200  # quotations of a person, in all chats
COLLECTED_KEPT = 180 * DAY  # seconds


@dataclass(frozen=True)
class Owner:
    """Whose collection it is: of a person in a chat and its topic, or 0."""

    chat: int
    topic: int
    person: int


@dataclass(frozen=True)
class Kept:
    """How many quotations were added, how many had no room, and how many the collection has."""

    added: int
    left_out: int
    count: int


@dataclass(frozen=True)
class Collection:
    """The collections of a bot. Raises StorageError."""

    state: State
    bot: int

    def keep(self, owner: Owner, records: Sequence[Record]) -> Kept:
        """Add quotations that are not there yet, as long as their person has fewer than allowed."""
        now, whose = time.time(), (self.bot, owner.chat, owner.topic, owner.person)
        with self.state.changing() as database:
            database.execute("DELETE FROM collected WHERE at < ?", (now - COLLECTED_KEPT,))
            query = "SELECT chat, topic, key FROM collected WHERE bot = ? AND person = ?"
            rows = database.execute(query, (self.bot, owner.person)).fetchall()
            known = {key for chat, topic, key in rows if (chat, topic) == (owner.chat, owner.topic)}
            new = {record.key: record for record in records if record.key not in known}
            added = list(new.items())[: max(MAX_COLLECTED - len(rows), 0)]
            database.executemany(
                "INSERT INTO collected VALUES (?, ?, ?, ?, ?, ?, ?)",
                ((*whose, key, json.dumps(record.as_csl()), now) for key, record in added),
            )
        return Kept(len(added), len(new) - len(added), len(known) + len(added))

    def records(self, owner: Owner) -> list[Record]:
        """The quotations in the order in which they were added."""
        query = (
            "SELECT item FROM collected WHERE bot = ? AND chat = ? AND topic = ? AND person = ? "
            "ORDER BY rowid"
        )
        rows = self.state.select(query, self.bot, owner.chat, owner.topic, owner.person)
        return [record_of(json.loads(item)) for (item,) in rows]

    def empty(self, owner: Owner) -> int:
        """Remove all of them; how many there were."""
        query = "DELETE FROM collected WHERE bot = ? AND chat = ? AND topic = ? AND person = ?"
        with self.state.changing() as database:
            values = (self.bot, owner.chat, owner.topic, owner.person)
            return database.execute(query, values).rowcount
