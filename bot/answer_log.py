"""The answers that the bot gave, kept a while: for edits, and for what people say of them."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

from bot.state import State
from retrieval.answer import Answer

DAY = 24 * 3600.0
KEPT = 7 * DAY  # seconds; after them a question can be edited without effect
VOTES_KEPT = 180 * DAY


class AnswerLog:
    """What a bot answered, by chat and message of the question. Raises StorageError."""

    def __init__(self, state: State, bot: int) -> None:
        self._state = state
        self._bot = bot

    def keep(
        self, place: tuple[int, int], person: int, replies: list[int], answer: Answer | None
    ) -> None:
        """Keep which messages answer a question. ``place``: its chat and message."""
        told = (answer.question, json.dumps(answer.as_json()), answer.generation) if answer else ()
        values = (self._bot, *place, person, json.dumps(replies), *(told or (None,) * 3))
        with self._state.changing() as database:
            database.execute("DELETE FROM given WHERE at < ?", (time.time() - KEPT,))
            database.execute("DELETE FROM votes WHERE at < ?", (time.time() - VOTES_KEPT,))
            database.execute(
                "INSERT OR REPLACE INTO given VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (*values, time.time()),
            )

    def replies(self, place: tuple[int, int]) -> list[int] | None:
        """The messages that answer a question; None for one that is not known, or not any more."""
        query = "SELECT replies FROM given WHERE bot = ? AND chat = ? AND message = ?"
        found = self._state.rows(query, self._bot, *place)
        return [int(number) for number in json.loads(found[0][0])] if found else None

    def vote(self, place: tuple[int, int], person: int, *, good: bool) -> bool:
        """Keep what somebody says of an answer, once; False where the answer is not known."""
        query = (
            "INSERT OR REPLACE INTO votes "
            "SELECT bot, chat, message, ?, ?, question, answer, generation, ? FROM given "
            "WHERE bot = ? AND chat = ? AND message = ? AND answer IS NOT NULL"
        )
        with self._state.changing() as database:
            done = database.execute(query, (person, good, time.time(), self._bot, *place))
            return done.rowcount > 0

    def forget(self, person: int) -> None:
        """Remove all that is kept of somebody. What is just being answered goes with its answer."""
        with self._state.changing() as database:
            for table in ("given", "votes", "guests"):
                database.execute(f"DELETE FROM {table} WHERE person = ?", (person,))  # noqa: S608


def voted(state: State, *, good: bool) -> Iterator[dict[str, Any]]:
    """The answers that people found good, or bad: lines as ``virgolette eval`` reads them.

    What the right answer is nobody has said: ``articles`` and ``answers`` are empty, as of a
    question to be refused, until somebody fills them in. ``given`` is the answer that was given.
    """
    query = (
        "SELECT question, answer, generation, max(at) FROM votes WHERE good = ? "
        "GROUP BY question, answer, generation ORDER BY max(at)"
    )
    for question, answer, generation, at in state.rows(query, good):
        told = json.loads(answer)
        yield {
            "question": question,
            "articles": [],
            "answers": [],
            "given": {name: told[name] for name in ("answer", "refused", "quotes")},
            "generation": generation,
            "at": time.strftime("%Y-%m-%d", time.gmtime(at)),
        }
