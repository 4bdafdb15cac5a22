"""What the bot keeps besides the index, in one SQLite file that survives kills."""

from __future__ import annotations

import json
import os
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from bot.following.shown import NOWHERE, Showing, Where, note_shown
from index.errors import StorageError

if TYPE_CHECKING:  # status answers nothing
    from retrieval.answer import Answer

FILE = "bot.sqlite"  # in DATA_DIR
DAY = 24 * 3600.0
KEPT = 7 * DAY  # seconds; after them editing a question has no effect
VOTES_KEPT = 180 * DAY
# The migration at position n brings the file from version n to n + 1.
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
    """
    ALTER TABLE given RENAME TO answers;
    ALTER TABLE guests RENAME TO invited;
    """,
    """
    CREATE TABLE supergroups (number INTEGER PRIMARY KEY, origin INTEGER NOT NULL);
    """,
    """
    CREATE TABLE runs (
        bot INTEGER NOT NULL, run INTEGER NOT NULL, generation TEXT NOT NULL,
        PRIMARY KEY (bot, run)
    );
    CREATE TABLE indexed (
        bot INTEGER NOT NULL, path TEXT NOT NULL, digest TEXT NOT NULL, run INTEGER NOT NULL,
        PRIMARY KEY (bot, path)
    );
    CREATE TABLE follows (
        id INTEGER PRIMARY KEY AUTOINCREMENT, bot INTEGER NOT NULL, chat INTEGER NOT NULL,
        topic INTEGER NOT NULL, direct INTEGER NOT NULL, person INTEGER NOT NULL,
        question TEXT NOT NULL, key TEXT NOT NULL, language TEXT NOT NULL,
        daily INTEGER NOT NULL, since REAL NOT NULL, run INTEGER NOT NULL, last TEXT,
        model TEXT NOT NULL, vector BLOB NOT NULL, near REAL, near_article TEXT,
        UNIQUE (bot, chat, topic, key)
    );
    CREATE TABLE outbox (
        id INTEGER PRIMARY KEY AUTOINCREMENT, bot INTEGER NOT NULL, chat INTEGER NOT NULL,
        topic INTEGER NOT NULL, direct INTEGER NOT NULL, person INTEGER NOT NULL,
        follow INTEGER, reply_to INTEGER, content TEXT NOT NULL,
        sent INTEGER NOT NULL, due REAL NOT NULL, at REAL NOT NULL
    );
    CREATE TABLE shown (
        bot INTEGER NOT NULL, chat INTEGER NOT NULL, person INTEGER NOT NULL,
        question INTEGER, reply INTEGER, follow INTEGER, outbox INTEGER,
        article TEXT NOT NULL, start INTEGER NOT NULL, end INTEGER NOT NULL,
        text TEXT NOT NULL, sha256 TEXT NOT NULL, at REAL NOT NULL
    );
    CREATE INDEX shown_in_chats ON shown (bot, chat);
    CREATE INDEX shown_of_articles ON shown (bot, article);
    CREATE TABLE collected (
        bot INTEGER NOT NULL, chat INTEGER NOT NULL, topic INTEGER NOT NULL,
        person INTEGER NOT NULL, key TEXT NOT NULL, item TEXT NOT NULL, at REAL NOT NULL,
        UNIQUE (bot, chat, topic, person, key)
    );
    """,
    """
    ALTER TABLE shown ADD COLUMN topic INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE shown ADD COLUMN direct INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE shown ADD COLUMN language TEXT NOT NULL DEFAULT 'it';
    ALTER TABLE shown ADD COLUMN corrected INTEGER NOT NULL DEFAULT 0;
    """,
)


class State:
    """The file, open. Thread-safe; what is committed survives a kill.

    ``migrations``: those of its tables; the one at position n brings it from version n to n + 1. A
    file that may only be read is opened to read. Raises StorageError if it cannot be opened, read
    or written, or is of a later version.
    """

    def __init__(self, file: Path, migrations: Sequence[str] = MIGRATIONS) -> None:
        self._file = file
        self._migrations = migrations
        self._lock = threading.Lock()
        with self._translating():
            self._database = _read_only(file) if _is_read_only(file) else _writable(file)
        if self._version() != len(migrations):
            with self.changing():  # another process may be about to do the same
                self._migrate()

    @contextmanager
    def changing(self) -> Iterator[sqlite3.Connection]:
        """The database in a transaction, which an exception rolls back."""
        with self._lock, self._translating():
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield self._database
            except BaseException:
                self._database.execute("ROLLBACK")
                raise
            self._database.execute("COMMIT")

    def select(self, query: str, *values: float | str) -> list[tuple[Any, ...]]:
        """The rows of a query."""
        with self._lock, self._translating():
            return self._database.execute(query, values).fetchall()

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._database.close()

    def _version(self) -> int:
        ((version,),) = self.select("PRAGMA user_version")
        return int(version)

    def _migrate(self) -> None:
        ((version,),) = self._database.execute("PRAGMA user_version").fetchall()
        if version > len(self._migrations):
            raise StorageError(
                f"{self._file} was made by a later version of Virgolette: use that one"
            )
        for statement in ";".join(self._migrations[version:]).split(";"):
            self._database.execute(statement)
        self._database.execute(f"PRAGMA user_version = {len(self._migrations)}")

    @contextmanager
    def _translating(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise StorageError(
                f"{self._file} cannot be used ({error}): make room or let it be written, or move "
                "it away; Virgolette then begins a new one"
            ) from error


def _writable(file: Path) -> sqlite3.Connection:
    file.parent.mkdir(parents=True, exist_ok=True)
    os.close(os.open(file, os.O_CREAT | os.O_RDWR, 0o600))  # it holds what people write
    database = sqlite3.connect(file, timeout=30, isolation_level=None, check_same_thread=False)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = FULL")
    return database


def _is_read_only(file: Path) -> bool:
    return file.exists() and not (os.access(file, os.W_OK) and os.access(file.parent, os.W_OK))


def _read_only(file: Path) -> sqlite3.Connection:
    """Where no process writes, SQLite could not make the files beside it that it shares."""
    is_shared = file.with_name(f"{file.name}-shm").exists()
    uri = f"{file.absolute().as_uri()}?{'mode=ro' if is_shared else 'immutable=1'}"
    return sqlite3.connect(uri, uri=True, timeout=30, isolation_level=None, check_same_thread=False)


class Votes(NamedTuple):
    """How many people voted an answer good and bad, and how one of them did, if at all."""

    good: int
    bad: int
    own: bool | None


class AnswerLog:
    """What a bot answered. Raises StorageError.

    Each answer has a key: the chat and the message of its question.
    """

    def __init__(self, state: State, bot: int) -> None:
        self._state = state
        self._bot = bot

    @property
    def bot(self) -> int:
        """The number of the bot."""
        return self._bot

    def keep(
        self,
        key: tuple[int, int],
        person: int,
        replies: list[int],
        answer: Answer | None,
        where: Where = NOWHERE,
    ) -> None:
        """Keep the messages that reply to a question, with their answer if there is one."""
        content: tuple[str | None, ...] = (None, None, None)
        if answer:
            content = (answer.question, json.dumps(answer.as_json()), answer.generation)
        now = time.time()
        with self._state.changing() as database:
            database.execute("DELETE FROM answers WHERE at < ?", (now - KEPT,))
            database.execute("DELETE FROM votes WHERE at < ?", (now - VOTES_KEPT,))
            database.execute(
                "INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (self._bot, *key, person, json.dumps(replies), *content, now),
            )
            chat, question = key
            reply = replies[0] if replies else None
            showing = Showing(self._bot, chat, person, question, reply, where=where)
            note_shown(database, showing, answer.quotes if answer else (), now)

    def replies(self, key: tuple[int, int]) -> list[int] | None:
        """The messages that reply to a question; None if it is unknown or too old."""
        query = "SELECT replies FROM answers WHERE bot = ? AND chat = ? AND message = ?"
        rows = self._state.select(query, self._bot, *key)
        return [int(number) for number in json.loads(rows[0][0])] if rows else None

    def answer(self, key: tuple[int, int]) -> dict[str, Any] | None:
        """The answer to a question, as ``Answer.as_json`` gives it; None without one."""
        query = (
            "SELECT answer FROM answers "
            "WHERE bot = ? AND chat = ? AND message = ? AND answer IS NOT NULL"
        )
        rows = self._state.select(query, self._bot, *key)
        return dict(json.loads(rows[0][0])) if rows else None

    def question_of(self, chat: int, reply: int) -> tuple[int, int] | None:
        """The key of the answer that a message is part of; None if it is unknown or too old."""
        query = (
            "SELECT message FROM answers, json_each(replies) "
            "WHERE bot = ? AND chat = ? AND json_each.value = ?"
        )
        rows = self._state.select(query, self._bot, chat, reply)
        return (chat, int(rows[0][0])) if rows else None

    def vote(self, key: tuple[int, int], person: int, *, good: bool | None) -> bool:
        """Keep a person's latest vote on an answer, or remove it (None).

        False if the answer is unknown, or if there is no vote to remove.
        """
        if good is None:
            with self._state.changing() as database:
                cursor = database.execute(
                    "DELETE FROM votes WHERE bot = ? AND chat = ? AND message = ? AND person = ?",
                    (self._bot, *key, person),
                )
                return cursor.rowcount > 0
        query = (
            "INSERT OR REPLACE INTO votes "
            "SELECT bot, chat, message, ?, ?, question, answer, generation, ? FROM answers "
            "WHERE bot = ? AND chat = ? AND message = ? AND answer IS NOT NULL"
        )
        with self._state.changing() as database:
            cursor = database.execute(query, (person, good, time.time(), self._bot, *key))
            return cursor.rowcount > 0

    def votes(self, key: tuple[int, int], person: int) -> Votes:
        """The votes on an answer; those on an answer that it has replaced do not count."""
        query = (
            "SELECT votes.good, count(*), max(votes.person = ?) "
            "FROM votes JOIN answers USING (bot, chat, message, question, answer) "
            "WHERE bot = ? AND chat = ? AND message = ? GROUP BY votes.good"
        )
        counts, own = {False: 0, True: 0}, None
        for good, count, is_own in self._state.select(query, person, self._bot, *key):
            counts[bool(good)] = count
            own = bool(good) if is_own else own
        return Votes(counts[True], counts[False], own)

    def forget(self, person: int) -> None:
        """Remove all that is kept of a person, except an answer that is still being made."""
        followed = "(SELECT id FROM follows WHERE person = ?)"
        with self._state.changing() as database:
            query = f"UPDATE shown SET follow = NULL WHERE follow IN {followed}"  # noqa: S608
            database.execute(query, (person,))  # also below an answer that somebody else got
            for table in ("answers", "votes", "invited", "follows", "outbox", "shown", "collected"):
                database.execute(f"DELETE FROM {table} WHERE person = ?", (person,))  # noqa: S608


def voted(state: State, *, good: bool) -> Iterator[dict[str, Any]]:
    """The answers that people voted good, or bad: lines as ``virgolette eval`` reads them.

    ``articles`` and ``answers`` are empty, as for an unanswerable question, until somebody fills
    in the right answer. ``given`` is the answer that the bot gave.
    """
    query = (
        "SELECT question, answer, generation, max(at) FROM votes WHERE good = ? "
        "GROUP BY question, answer, generation ORDER BY max(at)"
    )
    for question, answer, generation, at in state.select(query, good):
        given = json.loads(answer)
        yield {
            "question": question,
            "articles": [],
            "answers": [],
            "given": {name: given[name] for name in ("answer", "refused", "quotes")},
            "generation": generation,
            "at": time.strftime("%Y-%m-%d", time.gmtime(at)),
        }
