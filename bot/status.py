"""The state of the index, the bot and the chat model, without loading a model or Chroma."""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.compose import calibrated
from bot.listing import find_in_store, several
from bot.settings import Settings
from bot.state import DAY, FILE, State
from index.articles.article import Article
from index.errors import StorageError, VirgoletteError
from index.generations.layout import STORE
from index.generations.manifest import read_manifest
from index.generations.pointer import held_current
from index.generations.store import Store


@dataclass(frozen=True)
class Health:
    """``handled``: when the last update was handled, in seconds since the epoch, or None.

    ``waiting``: the updates not yet handled; ``errors``: those of the last day. ``follows``: the
    questions that people follow; ``queued``: the messages about them that are not sent yet.
    """

    handled: float | None
    waiting: int
    errors: int
    follows: int
    queued: int

    @property
    def last(self) -> str:
        """When the last update was handled, in UTC; a dash if none was."""
        if self.handled is None:
            return "–"
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self.handled))

    def line(self) -> str:
        """All of it in one line."""
        return (
            f"last update {self.last}, {self.waiting} waiting, {self.errors} errors in a day, "
            f"{self.follows} questions followed, {self.queued} messages to be sent"
        )


def bot_health(data_dir: Path) -> Health | None:
    """The health of the bot with this data folder; None if none has run. Raises StorageError."""
    if not (data_dir / FILE).exists():
        return None
    with closing(State(data_dir / FILE)) as state:
        return health_of(state)


def health_of(state: State) -> Health:
    """The same from an open file. Raises StorageError."""
    ((handled, pending),) = state.select("SELECT max(dealt), count(body) FROM inbox")
    ((errors,),) = state.select("SELECT count(*) FROM errors WHERE at > ?", time.time() - DAY)
    ((follows, queued),) = state.select(
        "SELECT (SELECT count(*) FROM follows), (SELECT count(*) FROM outbox)"
    )
    return Health(handled, pending, errors, follows, queued)


def note_error(state: State) -> None:
    """Count an error and drop those older than a day. Raises StorageError."""
    now = time.time()
    with state.changing() as database:
        database.execute("DELETE FROM errors WHERE at < ?", (now - DAY,))
        database.execute("INSERT INTO errors VALUES (?)", (now,))


def read_status(settings: Settings) -> dict[str, Any]:
    """The state of the index, with one line each on the bot and the chat model, or None."""
    return {
        **index_status(settings),
        "bot": _bot_line(settings.data_dir),
        "chat": _chat_line(settings) if settings.chat_model else None,
    }


def index_status(settings: Settings) -> dict[str, Any]:
    """Counts, model and time of the current generation; None or 0 if there is none."""
    status: dict[str, Any] = {
        "generation": None,
        "created": None,
        "model": None,
        "calibrated": calibrated(settings),
        "articles": 0,
        "passages": 0,
        "sentences": 0,
        "near_twins": 0,
        "skipped": 0,
        "corpus": str(settings.corpus_dir),
        "data": str(settings.data_dir),
    }
    with held_current(settings.data_dir) as directory:
        if directory is None:
            return status
        manifest = read_manifest(directory)
        with closing(_open(directory / STORE)) as store:
            counts = {table: store.count(table) for table in ("articles", "passages", "sentences")}
            counts["near_twins"] = store.count("twins")
        stamp = {"created": manifest.created, "model": manifest.stamp["model"]}
        skipped = len(manifest.skipped)
        return {**status, "generation": directory.name, **stamp, **counts, "skipped": skipped}


def stored_article(data_dir: Path, name: str) -> Article:
    """The article that ``name`` fits, as ``matches`` reads it. Raises VirgoletteError."""
    with held_current(data_dir) as directory:
        if directory is None:
            raise StorageError(f"there is no index in {data_dir}: run virgolette index")
        with closing(_open(directory / STORE)) as store:
            found = find_in_store(store, name)
            paths = [header.path for header in store.article_headers()]
    if found.article is not None:
        return found.article
    if found.matches:
        raise VirgoletteError(
            f"“{name}” fits several articles; name one by its number: {several(found.matches)}"
        )
    shown = ", ".join(paths[:5]) + (", …" if len(paths) > 5 else "")
    raise VirgoletteError(f"there is no article “{name}” in the index; there are: {shown}")


def _bot_line(data_dir: Path) -> str | None:
    """The health of the bot, or why it is unknown: the state of the index matters all the same."""
    try:
        health = bot_health(data_dir)
    except StorageError as error:
        return str(error)
    return health.line() if health else None


def _chat_line(settings: Settings) -> str:
    """The chat model and its cost."""
    from bot.chat_model import spent_of

    file = settings.data_dir / FILE
    if not file.exists():
        return f"{settings.chat_model}, not asked yet"
    try:
        with closing(State(file)) as state:
            spent = spent_of(state, settings.chat_price)
    except StorageError as error:
        return f"{settings.chat_model}; {error}"
    last, today = spent.describe(spent.last), spent.describe(spent.today)
    return f"{settings.chat_model}, last answer {last}; today {today}"


def _open(path: Path) -> Store:
    if not path.exists():
        raise StorageError(f"the index lacks {path}: run virgolette index --rebuild")
    return Store(path)
