"""Articles, passages and sentences of one generation, in an SQLite file."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from index.articles.article import Article
from index.errors import StorageError
from index.generations.passages import Passage, titled
from index.text.sentences import Span

# Rows count from 0 without a gap, in the order of the articles' paths. They are the rows of
# the keyword index (passages), of the sentence vectors and of the signatures (articles) too,
# so that what a later generation keeps is copied from all of them as ranges.
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
_ARTICLE = "SELECT path, text, title, source, date, url, language FROM articles WHERE path = ?"
_HEADERS = "SELECT path, '', title, source, date, url, language FROM articles ORDER BY row"
_PASSAGE = {
    "row": "SELECT row, id, article, start, end, text, first, last FROM passages WHERE row = ?",
    "id": "SELECT row, id, article, start, end, text, first, last FROM passages WHERE id = ?",
}
_CARRIERS = """
SELECT path, source, title FROM twins JOIN twins AS other USING (family)
JOIN articles ON path = other.article
WHERE twins.article = ? AND path <> twins.article AND instr(text, ?) > 0 ORDER BY path
"""
_TWINS = """
SELECT other.article FROM twins JOIN twins AS other USING (family)
WHERE twins.article = ? AND other.article <> twins.article ORDER BY other.article
"""


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


@dataclass(frozen=True)
class Extent:
    """A run of articles in the store: their rows, and those of their passages and sentences."""

    articles: range
    passages: range
    sentences: range


class Store:
    """What a generation knows about its articles. Safe to use from several threads."""

    def __init__(self, path: Path) -> None:
        self.path = path
        uri = f"{path.absolute().as_uri()}?mode=ro&immutable=1"
        with self._translating():
            self._database = sqlite3.connect(uri, uri=True, check_same_thread=False)

    def article(self, path: str) -> Article | None:
        """The article with this path, or None."""
        rows = self._rows(_ARTICLE, path)
        return Article(*rows[0]) if rows else None

    def article_headers(self) -> list[Article]:
        """Every article by path, without its text."""
        return [Article(*row) for row in self._rows(_HEADERS)]

    def twins(self, path: str) -> list[str]:
        """The paths of the other articles that carry nearly the same text."""
        return [article for (article,) in self._rows(_TWINS, path)]

    def carriers(self, path: str, words: str) -> list[tuple[str, str | None, str]]:
        """Path, source and title of the twins of an article that hold these very words."""
        return [(p, source, title) for p, source, title in self._rows(_CARRIERS, path, words)]

    def known(self, field: str) -> list[str]:
        """What the articles have as "source" or "date", each once; those without are left out."""
        if field not in {"source", "date"}:
            raise ValueError(f"no field {field!r}")
        query = f"SELECT DISTINCT {field} FROM articles WHERE {field} IS NOT NULL"  # noqa: S608
        return [value for (value,) in self._rows(f"{query} ORDER BY {field}")]

    def rows_where(self, wanted: Callable[[str | None, str | None], bool]) -> list[int]:
        """The rows of the passages of the articles whose source and date are wanted."""
        articles = self._rows("SELECT first_passage, source, date FROM articles ORDER BY row")
        ends = [first for first, _, _ in articles[1:]] + [self.count("passages")]
        return [
            row
            for (first, source, date), end in zip(articles, ends, strict=True)
            if wanted(source, date)
            for row in range(first, end)
        ]

    def passages(self, rows: Sequence[int]) -> list[Stored]:
        """The passages in these rows, in this order."""
        found = {row: self._one("row", row) for row in rows}
        return [found[row] for row in rows]

    def passage_rows(self, articles: Iterable[str]) -> frozenset[int]:
        """The rows of the passages of the articles with these paths."""
        query = "SELECT row FROM passages WHERE article = ?"
        return frozenset(row for path in articles for (row,) in self._rows(query, path))

    def rows_of(self, ids: Iterable[str]) -> dict[str, int]:
        """The row of each passage id."""
        return {i: self._one("id", i).row for i in ids}

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
        rows = self._rows(
            "SELECT start, end FROM sentences WHERE row BETWEEN ? AND ? ORDER BY row", first, last
        )
        return [Span(*row) for row in rows]

    def sentence_texts(self, rows: range) -> Iterator[str]:
        """The texts of the sentences in these rows, as models see them: below their headings."""
        query = "SELECT article, start, end FROM sentences WHERE row >= ? AND row < ? ORDER BY row"
        for article, start, end in self._with_articles(query, rows):
            yield titled(article.heading, article.text[start:end])

    def layout(self) -> dict[str, Extent]:
        """Where each article lies, by path."""
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
        """Give the file back."""
        self._database.close()

    def _with_articles(self, query: str, rows: range) -> Iterator[tuple[Any, ...]]:
        """What a query for rows finds, with articles in the place of paths, each read once."""
        path, article = "", None
        for page in _pages(rows):
            for found, *rest in self._rows(query, page.start, page.stop):
                if found != path:
                    path, article = found, self.article(found)
                yield article, *rest

    def _one(self, where: str, value: int | str) -> Stored:
        rows = self._rows(_PASSAGE[where], value)
        if not rows:
            raise StorageError(f"{self.path} lacks passage {value}: run virgolette index --rebuild")
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
                f"{self.path} is damaged ({error}): run virgolette index --rebuild"
            ) from error


def _pages(rows: range) -> Iterator[range]:
    for start in range(rows.start, rows.stop, PAGE):
        yield range(start, min(start + PAGE, rows.stop))


# Rows of the old store that lie side by side move together: all their numbers shift alike.
_COPY = (
    """
    INSERT INTO articles
    SELECT row + :articles, path, text, title, source, date, url, language,
           first_passage + :passages, first_sentence + :sentences
    FROM old.articles WHERE row >= :first_article AND row < :end_article
    """,
    """
    INSERT INTO passages
    SELECT row + :passages, id, article, start, end, text, first + :sentences, last + :sentences
    FROM old.passages WHERE row >= :first_passage AND row < :end_passage
    """,
    """
    INSERT INTO sentences
    SELECT row + :sentences, article, start, end
    FROM old.sentences WHERE row >= :first_sentence AND row < :end_sentence
    """,
)


class StoreWriter:
    """A new store. Articles are added or copied in the order of their paths, then it is closed."""

    def __init__(self, path: Path, old: Store | None) -> None:
        # As an address, or ATTACH would take none where SQLite was compiled without them.
        self._database = sqlite3.connect(path.absolute().as_uri(), uri=True, isolation_level=None)
        # A generation that is not finished is thrown away: nothing in it needs a journal.
        self._database.execute("PRAGMA journal_mode = OFF")
        self._database.execute("PRAGMA synchronous = OFF")
        if old is not None:
            uri = f"{old.path.absolute().as_uri()}?mode=ro&immutable=1"
            self._database.execute("ATTACH ? AS old", (uri,))
        self._database.executescript(SCHEMA)
        self._database.execute("BEGIN")
        self._articles = self._passages = self._sentences = 0

    def copy(self, old: Extent) -> Extent:
        """Copy a run of articles of the old store; where they lie now."""
        new = self._extent(len(old.articles), len(old.passages), len(old.sentences))
        values = {
            "articles": new.articles.start - old.articles.start,
            "passages": new.passages.start - old.passages.start,
            "sentences": new.sentences.start - old.sentences.start,
            "first_article": old.articles.start,
            "end_article": old.articles.stop,
            "first_passage": old.passages.start,
            "end_passage": old.passages.stop,
            "first_sentence": old.sentences.start,
            "end_sentence": old.sentences.stop,
        }
        for query in _COPY:
            self._database.execute(query, values)
        return new

    def add(self, article: Article, passages: Sequence[Passage]) -> Extent:
        """Add an article; a sentence that two passages share gets one row."""
        spans = sorted({span for passage in passages for span in passage.sentences})
        extent = self._extent(1, len(passages), len(spans))
        row_of = dict(zip(spans, extent.sentences, strict=True))
        self._add_article(article, extent)
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
        """Tell which articles, by row, carry nearly the same text."""
        self._database.executemany(
            "INSERT INTO twins SELECT path, ? FROM articles WHERE row = ?",
            ((number, row) for number, rows in enumerate(families) for row in rows),
        )

    def close(self) -> None:
        """Finish the store."""
        self._database.execute("COMMIT")
        self._database.close()

    def _add_article(self, article: Article, extent: Extent) -> None:
        told = (article.path, article.text, article.title, article.source, article.date)
        starts = (extent.passages.start, extent.sentences.start)
        self._database.execute(
            "INSERT INTO articles VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (extent.articles.start, *told, article.url, article.language, *starts),
        )

    def _extent(self, articles: int, passages: int, sentences: int) -> Extent:
        """The next rows."""
        extent = Extent(
            range(self._articles, self._articles + articles),
            range(self._passages, self._passages + passages),
            range(self._sentences, self._sentences + sentences),
        )
        self._articles += articles
        self._passages += passages
        self._sentences += sentences
        return extent


def _ends(passage: Passage, row_of: dict[Span, int]) -> tuple[int, int]:
    return row_of[passage.sentences[0]], row_of[passage.sentences[-1]]
