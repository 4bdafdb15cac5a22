"""Articles, passages and sentences of one generation, in an SQLite file that is only read."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from index.articles import Article
from index.errors import StorageError
from index.passages import Passage
from index.sentences import Span

_SCHEMA = """
CREATE TABLE articles (
    path TEXT PRIMARY KEY, text TEXT NOT NULL, title TEXT NOT NULL,
    source TEXT, date TEXT, url TEXT, language TEXT
);
CREATE TABLE sentences (
    row INTEGER PRIMARY KEY, article TEXT NOT NULL, start INTEGER NOT NULL, end INTEGER NOT NULL
);
CREATE TABLE passages (
    row INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, article TEXT NOT NULL,
    start INTEGER NOT NULL, end INTEGER NOT NULL, text TEXT NOT NULL,
    first INTEGER NOT NULL, last INTEGER NOT NULL
);
"""

_ONE = {
    "row": "SELECT row, id, article, start, end, text, first, last FROM passages WHERE row = ?",
    "id": "SELECT row, id, article, start, end, text, first, last FROM passages WHERE id = ?",
}


@dataclass(frozen=True)
class Stored:
    """A passage as it was stored: its row, and the rows of its sentences from first to last."""

    row: int
    id: str
    article: str
    start: int
    end: int
    text: str
    first: int
    last: int


class Store:
    """What a generation knows about its articles. Safe to use from several threads."""

    def __init__(self, path: Path) -> None:
        self._path = path
        uri = f"{path.absolute().as_uri()}?mode=ro&immutable=1"
        with self._translating():
            self._database = sqlite3.connect(uri, uri=True, check_same_thread=False)

    def article(self, path: str) -> Article | None:
        """The article with this path, or None."""
        rows = self._rows(
            "SELECT path, text, title, source, date, url, language FROM articles WHERE path = ?",
            path,
        )
        return Article(*rows[0]) if rows else None

    def article_headers(self) -> list[Article]:
        """Every article by path, without its text."""
        rows = self._rows(
            "SELECT path, '', title, source, date, url, language FROM articles ORDER BY path"
        )
        return [Article(*row) for row in rows]

    def passages(self, rows: Sequence[int]) -> list[Stored]:
        """The passages in these rows, in this order."""
        found = {row: self._one("row", row) for row in rows}
        return [found[row] for row in rows]

    def rows_of(self, ids: Iterable[str]) -> dict[str, int]:
        """The row of each passage id."""
        return {i: self._one("id", i).row for i in ids}

    def sentences(self, first: int, last: int) -> list[Span]:
        """The spans of the sentences in these rows, both included."""
        rows = self._rows(
            "SELECT start, end FROM sentences WHERE row BETWEEN ? AND ? ORDER BY row", first, last
        )
        return [Span(*row) for row in rows]

    def count(self, table: str) -> int:
        """The number of rows of "articles", "passages" or "sentences"."""
        if table not in {"articles", "passages", "sentences"}:
            raise ValueError(f"no table {table!r}")
        ((count,),) = self._rows(f"SELECT count(*) FROM {table}")  # noqa: S608
        return int(count)

    def close(self) -> None:
        """Give the file back."""
        self._database.close()

    def _one(self, where: str, value: int | str) -> Stored:
        rows = self._rows(_ONE[where], value)
        if not rows:
            raise StorageError(
                f"{self._path} lacks passage {value}: run virgolette index --rebuild"
            )
        return Stored(*rows[0])

    def _rows(self, query: str, *values: int | str) -> list[tuple[Any, ...]]:
        with self._translating():
            return self._database.execute(query, values).fetchall()

    @contextmanager
    def _translating(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise StorageError(
                f"{self._path} is damaged ({error}): run virgolette index --rebuild"
            ) from error


def write_store(path: Path, articles: Iterable[Article], passages: Sequence[Passage]) -> list[str]:
    """Write a new store. Returns the texts of the sentences by row: the rows a vector belongs to.

    Passages come article by article; a sentence that two passages share gets one row.
    """
    rows: dict[tuple[str, Span], int] = {}
    texts: list[str] = []
    with closing(sqlite3.connect(path)) as database, database:
        database.executescript(_SCHEMA)
        database.executemany(
            "INSERT INTO articles VALUES (?, ?, ?, ?, ?, ?, ?)",
            ((a.path, a.text, a.title, a.source, a.date, a.url, a.language) for a in articles),
        )
        for row, passage in enumerate(passages):
            for span in passage.sentences:
                if (passage.article, span) not in rows:
                    rows[passage.article, span] = len(texts)
                    texts.append(passage.slice(span))
            ends = [rows[passage.article, s] for s in (passage.sentences[0], passage.sentences[-1])]
            database.execute(
                "INSERT INTO passages VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (row, passage.id, passage.article, passage.start, passage.end, passage.text, *ends),
            )
        database.executemany(
            "INSERT INTO sentences VALUES (?, ?, ?, ?)",
            ((row, article, s.start, s.end) for (article, s), row in rows.items()),
        )
    return texts
