"""Keeps the former versions of articles, and which of them were withdrawn where they came from.

DATA_DIR/history/
    PATH/20261129T221042Z.txt    the file of the article PATH as it was until that moment, in UTC
    withdrawn.json               when articles were withdrawn, in seconds since the epoch, by path
"""

from __future__ import annotations

import datetime
import json
import logging
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from index.articles.add import FIELDS, compose
from index.articles.article import Article, as_article, read_article
from index.articles.document import Document
from index.disk import replace_bytes, replace_file
from index.errors import ArticleError, StorageError

HISTORY = "history"  # in DATA_DIR
MOST_VERSIONS = 20  # of an article; the oldest go
_WITHDRAWN = "withdrawn.json"
_NAME = "%Y%m%dT%H%M%SZ"

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Version:
    """What an article was ``until`` a moment, in seconds since the epoch."""

    file: Path
    until: float
    article: Article


class History:
    """The former versions of the articles of a data folder. Raises StorageError."""

    def __init__(self, data_dir: Path) -> None:
        self._folder = data_dir / HISTORY

    def keep(self, path: str, data: bytes, suffix: str, now: float) -> Path:
        """Keep the bytes of an article's file, which is about to change; where they are."""
        moment = max(int(now), int(self.corrected(path) or 0) + 1)
        file = self._folder / path / f"{_name(moment)}{suffix}"
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            replace_bytes(file, data)
            for old in self._files(path)[:-MOST_VERSIONS]:
                old.unlink()
        except OSError as error:
            raise self._unusable(error) from error
        return file

    def keep_article(self, article: Article, now: float, since: float) -> None:
        """Keep an article that has changed already, unless that was done ``since`` a moment."""
        kept = (version for version in self.versions(article.path) if version.until >= since)
        if all(version.article.text != article.text for version in kept):
            known = {name: str(getattr(article, name) or "") for name in FIELDS}
            if as_article(Document(article.text), "").title == article.title:  # it has none
                del known["title"]
            self.keep(article.path, compose(known, article.text), ".txt", now)

    def versions(self, path: str) -> list[Version]:
        """The former versions of an article, the oldest first."""
        return list(self._versions(path))

    def rename(self, before: str, after: str) -> None:
        """The file of an article has another path now.

        Raises nothing, as an index may have that path by now: what cannot be written is logged.
        """
        try:
            if (self._folder / before).is_dir() and not (self._folder / after).exists():
                (self._folder / after).parent.mkdir(parents=True, exist_ok=True)
                shutil.move(self._folder / before, self._folder / after)
            withdrawn = self.withdrawn()
            if (at := withdrawn.pop(before, None)) is not None:
                self._write({**withdrawn, after: at})
        except (OSError, StorageError) as error:
            _log.warning(
                "the history of %s stays under that name, not %s: %s", before, after, error
            )

    def corrected(self, path: str) -> float | None:
        """When an article last changed, in seconds since the epoch; None if it never did."""
        return max((_until(file) for file in self._files(path)), default=None)

    def withdrawn(self) -> dict[str, float]:
        """When articles were withdrawn, in seconds since the epoch, by path."""
        try:
            content = json.loads((self._folder / _WITHDRAWN).read_text(encoding="utf-8"))
            return {str(path): float(at) for path, at in content.items()}
        except (OSError, ValueError, AttributeError, TypeError):
            return {}

    def set_withdrawn(self, path: str, at: float | None) -> None:
        """Note when an article was withdrawn; None: it is there."""
        withdrawn = self.withdrawn()
        if at is None and path not in withdrawn:
            return
        others = {other: then for other, then in withdrawn.items() if other != path}
        self._write(others if at is None else {**others, path: at})

    @property
    def stamp(self) -> int:
        """Another number whenever an article is withdrawn, or there again."""
        try:
            return (self._folder / _WITHDRAWN).stat().st_mtime_ns
        except OSError:
            return 0

    def _write(self, withdrawn: dict[str, float]) -> None:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            content = json.dumps(withdrawn, ensure_ascii=False, indent=1)
            replace_file(self._folder / _WITHDRAWN, content, durable=True)
        except OSError as error:
            raise self._unusable(error) from error

    def _versions(self, path: str) -> Iterator[Version]:
        for file in self._files(path):
            with suppress(OSError, ArticleError):  # somebody has changed it
                yield Version(
                    file, _until(file), read_article(file.read_bytes(), f"a{file.suffix}")
                )

    def _files(self, path: str) -> list[Path]:
        folder = self._folder / path
        found = folder.iterdir() if folder.is_dir() else ()
        return sorted(file for file in found if file.is_file() and _until(file))

    def _unusable(self, error: OSError) -> StorageError:
        return StorageError(
            f"{self._folder} cannot be written ({error.strerror or error}): make room there, or "
            "set VIRGOLETTE_DATA_DIR to a folder that can be written"
        )


def _name(moment: float) -> str:
    return datetime.datetime.fromtimestamp(moment, datetime.UTC).strftime(_NAME)


def _until(file: Path) -> float:
    """The moment in the name of a version; 0 for another file."""
    try:
        moment = datetime.datetime.strptime(file.stem, _NAME)
    except ValueError:
        return 0.0
    return moment.replace(tzinfo=datetime.UTC).timestamp()
