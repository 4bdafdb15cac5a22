"""What can go wrong, in words a user can act on.

Each message is one line that names the thing and the way out. They are raised where the
trouble is known and turned into an exit code or a chat message once, in ``bot``.
"""


class VirgoletteError(Exception):
    """Something outside the program is not as it must be; the message says what to do."""


class UsageError(VirgoletteError):
    """The user asked for what cannot be, or set it so."""


class ArticleError(VirgoletteError):
    """One file cannot be an article. The others are indexed all the same."""


class CorpusError(VirgoletteError):
    """The corpus folder is missing, unreadable or holds no article."""


class FetchError(VirgoletteError):
    """An address on the web cannot be fetched, or must not be."""


class StorageError(VirgoletteError):
    """The data folder cannot be read or written, or what lies in it is damaged."""


class ServerError(StorageError):
    """The Chroma server cannot be used: what is in the data folder may well be sound."""


class BusyError(VirgoletteError):
    """Another process is writing the index."""


class ModelError(VirgoletteError):
    """The embedding model cannot be loaded."""
