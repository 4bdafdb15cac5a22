"""How the bot is, told from what it keeps."""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from bot.state import FILE, State

DAY = 24 * 3600.0


@dataclass(frozen=True)
class Health:
    """``handled``: when the last update was dealt with, in seconds of the epoch, or None.

    ``waiting``: updates that are kept and not dealt with; ``errors``: of the last day.
    """

    handled: float | None
    waiting: int
    errors: int

    @property
    def last(self) -> str:
        """When the last update was dealt with, in UTC; a dash where none was."""
        if self.handled is None:
            return "–"
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self.handled))

    def line(self) -> str:
        """All of it in a line."""
        return f"last update {self.last}, {self.waiting} waiting, {self.errors} errors in a day"


def bot_health(data_dir: Path) -> Health | None:
    """How the bot with this data folder is; None where none has run. Raises StorageError."""
    if not (data_dir / FILE).exists():
        return None
    with closing(State(data_dir / FILE)) as state:
        return health_of(state)


def health_of(state: State) -> Health:
    """The same out of an open file. Raises StorageError."""
    inbox = "SELECT max(dealt), count(body) FROM inbox"
    ((handled, waiting),) = state.rows(inbox)
    ((errors,),) = state.rows("SELECT count(*) FROM errors WHERE at > ?", time.time() - DAY)
    return Health(handled, waiting, errors)


def note_error(state: State) -> None:
    """Count an error; those of other days are forgotten. Raises StorageError."""
    now = time.time()
    with state.changing() as database:
        database.execute("DELETE FROM errors WHERE at < ?", (now - DAY,))
        database.execute("INSERT INTO errors VALUES (?)", (now,))
