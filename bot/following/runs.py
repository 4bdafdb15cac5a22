"""Which articles are new or changed since some run of the index, across restarts of the bot."""

from __future__ import annotations

from collections.abc import Mapping

from bot.state import State


class Runs:
    """The generations that a bot has seen, numbered, and the articles of the last one.

    Raises StorageError. Clocks play no part: they may be set back.
    """

    def __init__(self, state: State, bot: int) -> None:
        self._state = state
        self._bot = bot

    def of(self, generation: str) -> int:
        """The number of the run with this generation; 0 if it is unknown."""
        query = "SELECT run FROM runs WHERE bot = ? AND generation = ?"
        rows = self._state.select(query, self._bot, generation)
        return int(rows[0][0]) if rows else 0

    @property
    def last(self) -> int:
        """The number of the last run; 0 before the first one."""
        ((run,),) = self._state.select("SELECT max(run) FROM runs WHERE bot = ?", self._bot)
        return run or 0

    def register(self, generation: str, digests: Mapping[str, str]) -> int:
        """Note a new generation with the digests of its articles' files, by path; its number.

        A file that was only moved, or copied, is not new.
        """
        query = "SELECT path, digest, run FROM indexed WHERE bot = ?"
        before = {path: (digest, run) for path, digest, run in self._state.select(query, self._bot)}
        run_of = dict(before.values())
        run = self.last + 1
        gone = [(self._bot, path) for path in before.keys() - digests.keys()]
        new = [
            (self._bot, path, digest, run_of.get(digest, run))
            for path, digest in digests.items()
            if before.get(path, ("",))[0] != digest
        ]
        with self._state.changing() as database:
            database.execute("INSERT INTO runs VALUES (?, ?, ?)", (self._bot, run, generation))
            database.executemany("DELETE FROM indexed WHERE bot = ? AND path = ?", gone)
            database.executemany("INSERT OR REPLACE INTO indexed VALUES (?, ?, ?, ?)", new)
        return run

    def articles_since(self, run: int) -> frozenset[str]:
        """The paths of the articles that are new or changed since a run."""
        query = "SELECT path FROM indexed WHERE bot = ? AND run > ?"
        return frozenset(path for (path,) in self._state.select(query, self._bot, run))
