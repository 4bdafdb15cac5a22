"""The quotations that people collect in a conversation, until they empty the collection."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass

from bot.state import DAY, State
from retrieval.verifying.receipts.record import Record, record_of

MAX_COLLECTED = 200  # quotations of a person
COLLECTED_KEPT = 180 * DAY  # seconds


@dataclass(frozen=True)
class Owner:
    """Whose collection it is: of a person in a chat and its topic, or 0."""

    chat: int
    topic: int
    person: int


@dataclass(frozen=True)
class Collection:
    """The collections of a bot. Raises StorageError."""

    state: State
    bot: int

    def keep(self, owner: Owner, records: Sequence[Record]) -> int:
        """Add quotations that are not there yet; how many were added: none beyond the limit."""
        now, added = time.time(), 0
        with self.state.changing() as database:
            database.execute("DELETE FROM collected WHERE at < ?", (now - COLLECTED_KEPT,))
            query = "SELECT count(*) FROM collected WHERE bot = ? AND person = ?"
            ((count,),) = database.execute(query, (self.bot, owner.person)).fetchall()
            for record in records[: max(MAX_COLLECTED - count, 0)]:
                values = (self.bot, owner.chat, owner.topic, owner.person, record.key)
                cursor = database.execute(
                    "INSERT OR IGNORE INTO collected VALUES (?, ?, ?, ?, ?, ?, ?)",
                    (*values, json.dumps(record.as_csl()), now),
                )
                added += cursor.rowcount
        return added

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
