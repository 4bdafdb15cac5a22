"""What the bot keeps beside the index, in one SQLite file that survives kills."""

from __future__ import annotations

import json
import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from index.errors import StorageError
from retrieval.answer import Answer

FILE = "bot.sqlite"  # in DATA_DIR
# Each brings the file from the version that is its place here to the next one.
MIGRATIONS = (
    """
    CREATE TABLE inbox (
        bot INTEGER NOT NULL, update_id INTEGER NOT NULL, body TEXT,
        tries INTEGER NOT NULL DEFAULT 0, arrived REAL NOT NULL, PRIMARY KEY (bot, update_id)
    );
    """,
    """
    CREATE TABLE given (
        bot INTEGER NOT NULL, chat INTEGER NOT NULL, message INTEGER NOT NULL,
        person INTEGER NOT NULL, replies TEXT NOT NULL, question TEXT, answer TEXT,
        generation TEXT, at REAL NOT NULL, PRIMARY KEY (bot, chat, message)
    );
    CREATE TABLE votes (
        bot INTEGER NOT NULL, chat INTEGER NOT NULL, message INTEGER NOT NULL,
        person INTEGER NOT NULL, good INTEGER NOT NULL, question TEXT NOT NULL,
        answer TEXT NOT NULL, generation TEXT NOT NULL, at REAL NOT NULL,
        PRIMARY KEY (bot, chat, message, person)
    );
    CREATE TABLE invitations (digest TEXT PRIMARY KEY, uses INTEGER NOT NULL, until REAL NOT NULL);
    CREATE TABLE guests (person INTEGER PRIMARY KEY, since REAL NOT NULL);
    CREATE TABLE errors (at REAL NOT NULL);
    ALTER TABLE inbox ADD COLUMN dealt REAL;
    """,
    """
    CREATE TABLE spending (
        day TEXT PRIMARY KEY, sent INTEGER NOT NULL, received INTEGER NOT NULL,
        last_sent INTEGER NOT NULL, last_received INTEGER NOT NULL
    );
    """,
)


class State:
    """The file, open. Safe to use from several threads; what is committed survives a kill.

    Raises StorageError where it cannot be opened, read or written, or is of a later version.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lock = threading.Lock()
        with self._translating():
            file.parent.mkdir(parents=True, exist_ok=True)
            os.close(os.open(file, os.O_CREAT | os.O_RDWR, 0o600))  # what people write is in it
            self._database = sqlite3.connect(
                file, timeout=30, isolation_level=None, check_same_thread=False
            )
            self._database.execute("PRAGMA journal_mode = WAL")
            self._database.execute("PRAGMA synchronous = FULL")
            self._migrate()

    @contextmanager
    def changing(self) -> Iterator[sqlite3.Connection]:
        """The database for a change that is made whole or not at all."""
        with self._lock, self._translating():
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield self._database
            except BaseException:
                self._database.execute("ROLLBACK")
                raise
            self._database.execute("COMMIT")

    def select(self, query: str, *values: float | str) -> list[tuple[Any, ...]]:
        """What a question to the database gives."""
        with self._lock, self._translating():
            return self._database.execute(query, values).fetchall()

    def close(self) -> None:
        """Give the file back."""
        with self._lock:
            self._database.close()

    def _migrate(self) -> None:
        ((version,),) = self._database.execute("PRAGMA user_version").fetchall()
        if version > len(MIGRATIONS):
            raise StorageError(
                f"{self._file} was made by a later version of Virgolette: use that one"
            )
        for number, migration in enumerate(MIGRATIONS[version:], version + 1):
            self._database.executescript(
                f"BEGIN IMMEDIATE; {migration} PRAGMA user_version = {number}; COMMIT;"
            )

    @contextmanager
    def _translating(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise StorageError(
                f"{self._file} cannot be used ({error}): make room, or move it away; the bot then "
                "begins a new one"
            ) from error


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
        found = self._state.select(query, self._bot, *place)
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
    for question, answer, generation, at in state.select(query, good):
        told = json.loads(answer)
        yield {
            "question": question,
            "articles": [],
            "answers": [],
            "given": {name: told[name] for name in ("answer", "refused", "quotes")},
            "generation": generation,
            "at": time.strftime("%Y-%m-%d", time.gmtime(at)),
        }
