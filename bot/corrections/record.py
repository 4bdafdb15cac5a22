"""What is known of an article's former versions."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bot.captions import moment_in_words
from bot.corrections.changes import Part, changes, text_differences
from bot.locales import Texts
from index.articles.article import Article
from index.articles.versions.history import History, Version


@dataclass(frozen=True)
class Record:
    """The history of an article: its versions, the oldest first, and what it is now.

    ``article``: None if it is in the index no more. ``withdrawn``: when it was, in seconds since
    the epoch.
    """

    path: str
    article: Article | None
    versions: list[Version]
    withdrawn: float | None

    def steps(self) -> Iterator[tuple[Version, Article | None]]:
        """Each former version with the one after it, the newest first."""
        texts = [*(version.article for version in self.versions), self.article]
        return reversed(list(zip(self.versions, texts[1:], strict=True)))

    def as_json(self) -> dict[str, Any]:
        """The documented content of ``virgolette history --json``."""
        return {
            "article": self.path,
            "title": self.article.title if self.article else None,
            "sha256": self.article.sha256 if self.article else None,
            "withdrawn": None if self.withdrawn is None else _iso(self.withdrawn),
            "versions": [
                {
                    "until": _iso(version.until),
                    "file": str(version.file),
                    "sha256": version.article.sha256,
                    "differences": [
                        asdict(difference)
                        for difference in text_differences(version.article.text, after.text)
                    ]
                    if after
                    else None,
                }
                for version, after in self.steps()
            ],
        }


def record_of(data_dir: Path, path: str, article: Article | None) -> Record:
    """The history of the article with this path. Raises StorageError."""
    history = History(data_dir)
    return Record(path, article, history.versions(path), history.withdrawn().get(path))


def state_lines(data_dir: Path, path: str, say: Texts) -> Iterator[str]:
    """When an article was last corrected, and when it was withdrawn, if ever."""
    history = History(data_dir)
    if (corrected := history.corrected(path)) is not None:
        yield say("chat.corrected", moment=moment_of(corrected, say))
    if (withdrawn := history.withdrawn().get(path)) is not None:
        yield say("chat.withdrawn", moment=moment_of(withdrawn, say))


def version_changes(version: Version, after: Article | None) -> Iterator[list[Part]]:
    """What has changed between a version and the one after it."""
    return changes(version.article.text, after.text) if after else iter(())


def moment_of(seconds: float, say: Texts) -> str:
    """A moment in seconds since the epoch, by this machine's clock, as people write it."""
    return moment_in_words(datetime.datetime.fromtimestamp(seconds, datetime.UTC), say)


def _iso(seconds: float) -> str:
    return f"{datetime.datetime.fromtimestamp(seconds, datetime.UTC):%Y-%m-%dT%H:%M:%SZ}"
