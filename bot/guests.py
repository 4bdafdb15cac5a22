"""Who may ask by invitation."""

from __future__ import annotations

import hashlib
import secrets
import time

from bot.state import State

DAY = 24 * 3600.0


class Guests:
    """The people who came with an invitation. Raises StorageError."""

    def __init__(self, state: State) -> None:
        self._state = state

    def invite(self, uses: int, days: float) -> str:
        """A new code for so many people and days. Only its digest is kept."""
        code = secrets.token_urlsafe(12)
        with self._state.changing() as database:
            database.execute("DELETE FROM invitations WHERE until < ?", (time.time(),))
            database.execute(
                "INSERT INTO invitations VALUES (?, ?, ?)",
                (_digest(code), uses, time.time() + days * DAY),
            )
        return code

    def admit(self, person: int, code: str) -> bool:
        """Let somebody in who has a code that holds; a guest's second time costs nothing."""
        if self.has(person):
            return True
        with self._state.changing() as database:
            used = database.execute(
                "UPDATE invitations SET uses = uses - 1 "
                "WHERE digest = ? AND uses > 0 AND until >= ?",
                (_digest(code), time.time()),
            )
            if used.rowcount:
                database.execute("INSERT INTO guests VALUES (?, ?)", (person, time.time()))
            return used.rowcount > 0

    def has(self, person: int) -> bool:
        """Whether somebody is a guest."""
        return bool(self._state.rows("SELECT 1 FROM guests WHERE person = ?", person))


def _digest(code: str) -> str:
    return hashlib.sha256(code.encode()).hexdigest()
