"""What the bot keeps beside the index: one SQLite file, safe against kills."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from index.errors import StorageError

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

    def rows(self, query: str, *values: float | str) -> list[tuple[Any, ...]]:
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
