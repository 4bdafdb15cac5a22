"""Articles, passages and sentences of one generation, in an SQLite file."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from index.articles.article import Article
from index.errors import StorageError
from index.generations.passages import Passage, titled
from index.text.sentences import Span

# Rows count from 0 without a gap, in the order of the articles' paths. The keyword index
# (passages), the sentence vectors and the signatures (articles) have the same rows, so that a
# later generation copies ranges from all of them.
SCHEMA = """
CREATE TABLE articles (
    row INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE, text TEXT NOT NULL, title TEXT NOT NULL,
    source TEXT, date TEXT, url TEXT, language TEXT,
    first_passage INTEGER NOT NULL, first_sentence INTEGER NOT NULL
);
CREATE TABLE sentences (
    row INTEGER PRIMARY KEY, article TEXT NOT NULL, start INTEGER NOT NULL, end INTEGER NOT NULL
);
CREATE TABLE passages (
    row INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, article TEXT NOT NULL,
    start INTEGER NOT NULL, end INTEGER NOT NULL, text TEXT NOT NULL,
    first INTEGER NOT NULL, last INTEGER NOT NULL
);
CREATE TABLE twins (article TEXT PRIMARY KEY, family INTEGER NOT NULL);
CREATE INDEX families ON twins (family);
"""

PAGE = 1000  # rows read at once
_FEW = 100  # articles read at once
_ARTICLE = "SELECT path, text, title, source, date, url, language FROM articles WHERE path = ?"
_ARTICLES = """
SELECT path, text, title, source, date, url, language FROM articles
WHERE row IN ({}) ORDER BY row
"""
_HEADERS = "SELECT path, '', title, source, date, url, language FROM articles ORDER BY row"
_PASSAGE = {
    "row": "SELECT row, id, article, start, end, text, first, last FROM passages WHERE row = ?",
    "id": "SELECT row, id, article, start, end, text, first, last FROM passages WHERE id = ?",
}
_PASSAGE_ROWS = """
SELECT one.first_passage, following.first_passage FROM articles AS one
LEFT JOIN articles AS following ON following.row = one.row + 1 WHERE one.path = ?
"""
_CARRIERS = """
SELECT path, source, title FROM twins JOIN twins AS other USING (family)
JOIN articles ON path = other.article
WHERE twins.article = ? AND path <> twins.article AND instr(text, ?) > 0 ORDER BY path
"""
_TWINS = """
SELECT other.article FROM twins JOIN twins AS other USING (family)
WHERE twins.article = ? AND other.article <> twins.article ORDER BY other.article
"""
# Neighbouring rows of the old store move together: all their numbers shift by the same amount.
_COPY = (
    """
    INSERT INTO articles
    SELECT row + :articles, path, text, title, source, date, url, language,
           first_passage + :passages, first_sentence + :sentences
    FROM old.articles WHERE row >= :articles_start AND row < :articles_stop
    """,
    """
    INSERT INTO passages
    SELECT row + :passages, id, article, start, end, text, first + :sentences, last + :sentences
    FROM old.passages WHERE row >= :passages_start AND row < :passages_stop
    """,
    """
    INSERT INTO sentences
    SELECT row + :sentences, article, start, end
    FROM old.sentences WHERE row >= :sentences_start AND row < :sentences_stop
    """,
)


@dataclass(frozen=True)
class StoredPassage:
    """A stored passage: its row, and the rows of its first and last sentence."""

    row: int
    id: str
    article: str
    start: int
    end: int
    text: str
    first: int
    last: int


@dataclass(frozen=True)
class Extent:
    """The rows of a run of articles, and of their passages and sentences."""

    articles: range
    passages: range
    sentences: range


class Store:
    """The articles of a generation, to read. Safe to use from several threads."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()  # threads must not share a statement that is being executed
        with self._translating():
            self._database = sqlite3.connect(_read_only(path), uri=True, check_same_thread=False)

    def article(self, path: str) -> Article | None:
        """The article with this path, or None."""
        rows = self._rows(_ARTICLE, path)
        return Article(*rows[0]) if rows else None

    def articles(self, rows: Sequence[int]) -> Iterator[Article]:
        """The articles in these rows, which count from 0; few are in memory at a time."""
        for start in range(0, len(rows), _FEW):
            few = rows[start : start + _FEW]
            query = _ARTICLES.format(",".join("?" * len(few)))
            yield from (Article(*row) for row in self._rows(query, *few))

    def article_headers(self) -> list[Article]:
        """All articles in the order of their paths, without their texts."""
        return [Article(*row) for row in self._rows(_HEADERS)]

    def twins(self, path: str) -> list[str]:
        """The paths of the other articles that carry nearly the same text."""
        return [article for (article,) in self._rows(_TWINS, path)]

    def carriers(self, path: str, words: str) -> list[tuple[str, str | None, str]]:
        """Path, source and title of the twins of an article that contain exactly these words."""
        return self._rows(_CARRIERS, path, words)

    def known(self, field: str) -> list[str]:
        """The distinct values that the articles have for "source" or "date"."""
        if field not in {"source", "date"}:
            raise ValueError(f"no field {field!r}")
        query = f"SELECT DISTINCT {field} FROM articles WHERE {field} IS NOT NULL"  # noqa: S608
        return [value for (value,) in self._rows(f"{query} ORDER BY {field}")]

    def rows_where(self, accepts: Callable[[str | None, str | None], bool]) -> list[int]:
        """The rows of the passages whose article's source and date are accepted."""
        articles = self._rows("SELECT first_passage, source, date FROM articles ORDER BY row")
        ends = [first for first, _, _ in articles[1:]] + [self.count("passages")]
        return [
            row
            for (first, source, date), end in zip(articles, ends, strict=True)
            if accepts(source, date)
            for row in range(first, end)
        ]

    def passages(self, rows: Sequence[int]) -> list[StoredPassage]:
        """The passages in these rows, in this order."""
        return [self._passage("row", row) for row in rows]

    def passage_rows(self, articles: Iterable[str]) -> frozenset[int]:
        """The rows of the passages of the articles with these paths."""
        end = self.count("passages")
        ranges = (self._rows(_PASSAGE_ROWS, path) for path in articles)
        return frozenset(
            row
            for limits in ranges
            for first, following in limits
            for row in range(first, end if following is None else following)
        )

    @cached_property
    def first_passages(self) -> list[int]:
        """The row of each article's first passage, in the order of the articles' rows."""
        return [row for (row,) in self._rows("SELECT first_passage FROM articles ORDER BY row")]

    def rows_of(self, ids: Iterable[str]) -> dict[str, int]:
        """The row of each passage id."""
        return {i: self._passage("id", i).row for i in ids}

    def ids(self, rows: range) -> list[str]:
        """The ids of the passages in these rows."""
        query = "SELECT id FROM passages WHERE row >= ? AND row < ? ORDER BY row"
        return [i for (i,) in self._rows(query, rows.start, rows.stop)]

    def texts(self, rows: range) -> Iterator[str]:
        """The texts of the passages in these rows, as models see them: below their headings."""
        query = "SELECT article, text FROM passages WHERE row >= ? AND row < ? ORDER BY row"
        for article, text in self._with_articles(query, rows):
            yield titled(article.heading, text)

    def sentences(self, first: int, last: int) -> list[Span]:
        """The spans of the sentences in these rows, both included."""
        query = "SELECT start, end FROM sentences WHERE row BETWEEN ? AND ? ORDER BY row"
        return [Span(*row) for row in self._rows(query, first, last)]

    def sentence_texts(self, rows: range) -> Iterator[str]:
        """The texts of the sentences in these rows, as models see them: below their headings."""
        query = "SELECT article, start, end FROM sentences WHERE row >= ? AND row < ? ORDER BY row"
        for article, start, end in self._with_articles(query, rows):
            yield titled(article.heading, article.text[start:end])

    def layout(self) -> dict[str, Extent]:
        """The rows of each article, by path."""
        rows = self._rows("SELECT path, first_passage, first_sentence FROM articles ORDER BY row")
        ends = [*rows[1:], ("", self.count("passages"), self.count("sentences"))]
        return {
            path: Extent(
                range(row, row + 1), range(passage, ends[row][1]), range(sentence, ends[row][2])
            )
            for row, (path, passage, sentence) in enumerate(rows)
        }

    def count(self, table: str) -> int:
        """The number of rows of "articles", "passages", "sentences" or "twins"."""
        if table not in {"articles", "passages", "sentences", "twins"}:
            raise ValueError(f"no table {table!r}")
        ((count,),) = self._rows(f"SELECT count(*) FROM {table}")  # noqa: S608
        return int(count)

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def _with_articles(self, query: str, rows: range) -> Iterator[tuple[Any, ...]]:
        """The results of a query for rows, with articles for their paths, each read once."""
        article: Article | None = None
        for start in range(rows.start, rows.stop, PAGE):
            for path, *rest in self._rows(query, start, min(start + PAGE, rows.stop)):
                if article is None or article.path != path:
                    article = self.article(path)
                yield article, *rest

    def _passage(self, column: str, value: int | str) -> StoredPassage:
        rows = self._rows(_PASSAGE[column], value)
        if not rows:
            raise StorageError(f"{self.path} lacks passage {value}: run virgolette index --rebuild")
        return StoredPassage(*rows[0])

    def _rows(self, query: str, *values: int | str) -> list[Any]:
        with self._lock, self._translating():
            return self._database.execute(query, values).fetchall()

    @contextmanager
    def _translating(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise StorageError(
                f"{self.path} is damaged ({error}): run virgolette index --rebuild"
            ) from error


class StoreWriter:
    """A new store. Articles are added or copied in the order of their paths, then it is closed."""

    def __init__(self, path: Path, old: Store | None) -> None:
        # A URI, or ATTACH would take none where SQLite is compiled without them.
        self._database = sqlite3.connect(path.absolute().as_uri(), uri=True, isolation_level=None)
        # An unfinished generation is thrown away: nothing in it needs a journal.
        self._database.execute("PRAGMA journal_mode = OFF")
        self._database.execute("PRAGMA synchronous = OFF")
        if old is not None:
            self._database.execute("ATTACH ? AS old", (_read_only(old.path),))
        self._database.executescript(SCHEMA)
        self._database.execute("BEGIN")
        self._ends = [0, 0, 0]  # the next rows of articles, passages and sentences

    def copy(self, old: Extent) -> Extent:
        """Copy a run of articles of the old store; their rows in this one."""
        new = self._extent(len(old.articles), len(old.passages), len(old.sentences))
        values: dict[str, int] = {}
        for table in ("articles", "passages", "sentences"):
            rows: range = getattr(old, table)
            values[table] = getattr(new, table).start - rows.start
            values[f"{table}_start"], values[f"{table}_stop"] = rows.start, rows.stop
        for query in _COPY:
            self._database.execute(query, values)
        return new

    def add(self, article: Article, passages: Sequence[Passage]) -> Extent:
        """Add an article; a sentence that two passages share gets one row."""
        spans = sorted({span for passage in passages for span in passage.sentences})
        extent = self._extent(1, len(passages), len(spans))
        row_of = dict(zip(spans, extent.sentences, strict=True))
        (row,) = extent.articles
        self._database.execute(
            "INSERT INTO articles VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (row, *astuple(article), extent.passages.start, extent.sentences.start),
        )
        self._database.executemany(
            "INSERT INTO sentences VALUES (?, ?, ?, ?)",
            ((row, article.path, span.start, span.end) for span, row in row_of.items()),
        )
        self._database.executemany(
            "INSERT INTO passages VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                (row, p.id, p.article, p.start, p.end, p.text, *_ends(p, row_of))
                for row, p in zip(extent.passages, passages, strict=True)
            ),
        )
        return extent

    def add_twins(self, families: Sequence[Sequence[int]]) -> None:
        """Store which articles, by row, carry nearly the same text."""
        self._database.executemany(
            "INSERT INTO twins SELECT path, ? FROM articles WHERE row = ?",
            ((number, row) for number, rows in enumerate(families) for row in rows),
        )

    def close(self) -> None:
        """Finish the store."""
        self._database.execute("COMMIT")
        self._database.close()

    def _extent(self, *counts: int) -> Extent:
        """The next rows, as many as these counts of articles, passages and sentences."""
        starts = self._ends
        self._ends = [start + count for start, count in zip(starts, counts, strict=True)]
        return Extent(*map(range, starts, self._ends))


def _ends(passage: Passage, row_of: dict[Span, int]) -> tuple[int, int]:
    return row_of[passage.sentences[0]], row_of[passage.sentences[-1]]


def _read_only(path: Path) -> str:
    """The URI of a store that nobody changes any more."""
    return f"{path.absolute().as_uri()}?mode=ro&immutable=1"
