"""The questions that people follow."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any

import numpy as np

from bot.following.outbox import Destination, Outgoing
from bot.state import State
from index.models.embedder import Embedder
from index.models.encoder import Vectors
from index.text.words import words
from retrieval.answer import MAX_QUESTION, Answer
from retrieval.following.preselection import Nearest
from retrieval.questions.interrogatives import joined

_FIELDS = (
    "id, chat, topic, direct, person, question, language, daily, since, run, last, near, "
    "near_article"
)


class Refusal(StrEnum):
    """Why a question is not followed."""

    KNOWN = "known"  # it is, in this chat
    TOO_MANY = "too_many"


@dataclass(frozen=True)
class Last:
    """What a chat was last told: the short answer or "", and the quotation and its title."""

    answer: str
    text: str
    title: str

    @classmethod
    def of(cls, answer: Answer) -> Last | None:
        """What an answer tells; None for a refusal."""
        if not answer.quotes:
            return None
        short = "" if answer.claims else answer.answer or ""
        return cls(short, answer.quotes[0].text, answer.quotes[0].title)


@dataclass(frozen=True)
class Asked:
    """A question to be followed, with what it was answered, out of which generation of the index.

    ``generation``: "" if it was not asked before.
    """

    question: str
    generation: str = ""
    last: Last | None = None

    @classmethod
    def of(cls, answer: dict[str, Any]) -> Asked:
        """The question of a kept answer, on its own: "e quando?" after "Dove va il treno?"."""
        before, question, quotes = answer.get("follows"), answer["question"], answer["quotes"]
        if before and answer["query"] != question:
            question = answer["query"]
        elif before:
            question = joined(question, before)
        last = None
        if quotes:
            short = "" if answer.get("claims") else answer["answer"] or ""
            last = Last(short, quotes[0]["text"], quotes[0]["title"])
        return cls(question[:MAX_QUESTION], answer["generation"], last)


@dataclass(frozen=True)
class Follow:
    """A question that stays asked. ``id``: 0 until it is stored.

    ``language`` is that of the person; ``daily``: whether its messages come once a day. ``since``:
    seconds since the epoch. Articles of later runs than ``run`` were not looked at yet; of the
    others ``nearest`` is the nearest to it.
    """

    to: Destination
    person: int
    question: str
    language: str
    since: float
    run: int
    last: Last | None = None
    daily: bool = False
    nearest: Nearest | None = None
    id: int = 0


class Follows:
    """The questions that the people of a bot follow. Raises StorageError."""

    def __init__(self, state: State, bot: int) -> None:
        self._state = state
        self._bot = bot

    def add(
        self, follow: Follow, embedder: Embedder, most: int, below: tuple[int, int] | None = None
    ) -> Follow | Refusal:
        """Follow a question, unless its chat does, or its person follows ``most``; 0: any number.

        ``below``: the key of the answer with what was told so far. Raises ModelError, too.
        """
        vector = embedder.encode_query(follow.question).astype(np.float32).tobytes()
        to, key = follow.to, " ".join(words(follow.question))
        last = json.dumps(asdict(follow.last)) if follow.last else None
        values = (
            self._bot, to.chat, to.topic, to.direct, follow.person, follow.question, key,
            follow.language, follow.daily, follow.since, follow.run, last, embedder.fingerprint,
            vector,
        )  # fmt: skip
        with self._state.changing() as database:
            same = "SELECT 1 FROM follows WHERE bot = ? AND chat = ? AND topic = ? AND key = ?"
            if database.execute(same, (self._bot, to.chat, to.topic, key)).fetchall():
                return Refusal.KNOWN
            query = "SELECT count(*) FROM follows WHERE bot = ? AND person = ?"
            ((count,),) = database.execute(query, (self._bot, follow.person)).fetchall()
            if most and count >= most:
                return Refusal.TOO_MANY
            cursor = database.execute(
                "INSERT INTO follows (bot, chat, topic, direct, person, question, key, language, "
                "daily, since, run, last, model, vector) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                values,
            )
            number = int(cursor.lastrowid or 0)
            if below:
                query = "UPDATE shown SET follow = ? WHERE bot = ? AND chat = ? AND question = ?"
                database.execute(query, (number, self._bot, *below))
            return replace(follow, id=number)

    def get(self, number: int) -> Follow | None:
        """The question with this number, if it is still followed."""
        return next(iter(self._where("id = ?", number)), None)

    def of_person(self, person: int) -> list[Follow]:
        """What a person follows, in all chats, the oldest first."""
        return self._where("person = ?", person)

    def in_chat(self, chat: int) -> list[Follow]:
        """What is followed in a chat, the oldest first."""
        return self._where("chat = ?", chat)

    def behind(self, run: int) -> list[Follow]:
        """The questions for which later articles than these were not looked at yet."""
        return self._where("run < ?", run)

    def encode(self, embedder: Embedder) -> None:
        """Encode the questions again that were encoded with another model. Raises ModelError."""
        query = "SELECT id, question FROM follows WHERE bot = ? AND model <> ?"
        rows = self._state.select(query, self._bot, embedder.fingerprint)
        if not rows:
            return
        vectors = embedder.encode_queries([question for _, question in rows])
        query = "UPDATE follows SET model = ?, vector = ?, near = NULL WHERE id = ?"
        with self._state.changing() as database:
            database.executemany(
                query,
                (
                    (embedder.fingerprint, vector.astype(np.float32).tobytes(), number)
                    for (number, _), vector in zip(rows, vectors, strict=True)
                ),
            )

    def vectors(self) -> dict[int, Vectors]:
        """The unit vector of each question, by its number, shape (dimensions,)."""
        rows = self._state.select("SELECT id, vector FROM follows WHERE bot = ?", self._bot)
        return {number: np.frombuffer(vector, np.float32) for number, vector in rows}

    def set_daily(self, number: int, now: float, *, daily: bool) -> None:
        """Send its messages once a day, or at once, also those that are queued."""
        with self._state.changing() as database:
            database.execute("UPDATE follows SET daily = ? WHERE id = ?", (daily, number))
            if not daily:
                database.execute("UPDATE outbox SET due = ? WHERE follow = ?", (now, number))

    def end(self, number: int) -> None:
        """Follow a question no longer, and send nothing more about it."""
        with self._state.changing() as database:
            _end(database, "id = ?", (number,))

    def note_checked(self, nearest: Mapping[int, Nearest | None], run: int) -> None:
        """The articles up to this run were looked at for these questions, by their numbers."""
        with self._state.changing() as database:
            query = "UPDATE follows SET run = ?, near = ?, near_article = ? WHERE id = ?"
            database.executemany(
                query,
                (
                    (run, near.score if near else None, near.article if near else None, number)
                    for number, near in nearest.items()
                ),
            )

    def note_told(
        self, database: sqlite3.Connection, follow: Follow, run: int, last: Last | None
    ) -> bool:
        """The same in a transaction, with what is told now; False if it ended meanwhile.

        A short answer stays the last one until there is another.
        """
        if last and follow.last and follow.last.answer and not last.answer:
            last = follow.last
        values = (run, json.dumps(asdict(last)) if last else None, follow.id)
        query = "UPDATE follows SET run = ?, last = ? WHERE id = ?"
        return database.execute(query, values).rowcount > 0

    def forget_chat(self, message: Outgoing, *, topic_alone: bool) -> None:
        """Forget the chat of a message, or its topic: what is followed there, queued and shown."""
        chat, topic = (self._bot, message.to.chat), message.to.topic
        with self._state.changing() as database:
            if topic_alone:
                _end(database, "bot = ? AND chat = ? AND topic = ?", (*chat, topic))
                query = "DELETE FROM outbox WHERE bot = ? AND chat = ? AND topic = ?"
                database.execute(query, (*chat, topic))
                return
            for table in ("follows", "outbox", "shown"):
                database.execute(f"DELETE FROM {table} WHERE bot = ? AND chat = ?", chat)  # noqa: S608

    def _where(self, condition: str, value: float) -> list[Follow]:
        query = f"SELECT {_FIELDS} FROM follows WHERE bot = ? AND {condition} ORDER BY id"  # noqa: S608
        return [_follow(*row) for row in self._state.select(query, self._bot, value)]


def _follow(
    number: int, chat: int, topic: int, direct: int, person: int, question: str, language: str,
    daily: int, since: float, run: int, last: str | None, near: float | None, article: str | None,
) -> Follow:  # fmt: skip
    to = Destination(chat, topic, bool(direct))
    known: dict[str, Any] | None = json.loads(last) if last else None
    told = Last(**known) if known else None
    nearest = None if near is None or article is None else Nearest(near, article)
    return Follow(to, person, question, language, since, run, told, bool(daily), nearest, number)


def _end(database: sqlite3.Connection, condition: str, values: tuple[int, ...]) -> None:
    which = f"(SELECT id FROM follows WHERE {condition})"  # noqa: S608
    database.execute(f"UPDATE shown SET follow = NULL WHERE follow IN {which}", values)  # noqa: S608
    database.execute(f"DELETE FROM outbox WHERE follow IN {which}", values)  # noqa: S608
    database.execute(f"DELETE FROM follows WHERE {condition}", values)  # noqa: S608
