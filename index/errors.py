"""Errors that a user can act on.

Each message is one line that names the cause and the remedy. ``bot`` alone turns them into exit
codes and chat messages.
"""

from __future__ import annotations

from collections.abc import Mapping


class VirgoletteError(Exception):
    """Something outside the program is wrong; the message says what to do."""


class UsageError(VirgoletteError):
    """A request or a setting of the user is impossible."""


class ArticleError(VirgoletteError):
    """A file is not a readable article. The others are still indexed."""


class CorpusError(VirgoletteError):
    """The corpus folder is missing, unreadable or holds no article."""


class FetchError(VirgoletteError):
    """A web address cannot or must not be fetched.

    ``status`` and ``headers``, with names in lower case, are those of the server's answer; 0 and
    none where it gave none. ``until``: nothing of its host is to be fetched before, in seconds
    since the epoch; 0 if anything may be.
    """

    def __init__(
        self,
        message: str,
        status: int = 0,
        headers: Mapping[str, str] | None = None,
        until: float = 0.0,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers or {}
        self.until = until


class StorageError(VirgoletteError):
    """The data folder cannot be read or written, or its contents are damaged."""


class ServerError(StorageError):
    """The Chroma server cannot be used; the data folder may be sound."""


class BusyError(VirgoletteError):
    """Another process is writing the index."""


class ModelError(VirgoletteError):
    """The embedding model cannot be loaded."""
