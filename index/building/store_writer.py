"""Writes the store of a new generation: what is kept is copied, what is new is added."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path

from index.articles.article import Article
from index.generations.passages import Passage
from index.generations.store import SCHEMA, Extent, Store
from index.text.sentences import Span

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
