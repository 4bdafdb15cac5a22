"""What the chat model has cost: today, and for the last answer."""

from __future__ import annotations

import datetime
import logging
import threading
from collections import Counter
from dataclasses import dataclass

from bot.settings import Settings
from bot.state import FILE, State
from index.errors import StorageError
from retrieval.writing.asking import Account, Usage

KEPT = 31  # days
Price = tuple[float, float, str] | None  # of a million tokens sent and received, and in what

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Spent:
    """Tokens of the last answer and of today, in UTC, and their price, if that is told."""

    last: Usage
    today: Usage
    price: Price

    def told(self, usage: Usage) -> str:
        """Tokens, and their cost where the price is known."""
        tokens = f"{_tokens(usage)} tokens"
        if self.price is None:
            return tokens
        sent, received, unit = self.price
        cost = (usage.sent * sent + usage.received * received) / 1_000_000
        return f"{tokens}, {cost:.4f} {unit}".rstrip()


class Spending:
    """The account of the chat model, in the bot's file, which is opened when it is needed.

    The file holds the sums of days. Who spent how much is nobody's business after a restart: that
    is in memory only. Safe for several threads and processes. Where the file cannot be used nothing
    may be spent: a limit that nobody can count is none.
    """

    def __init__(self, settings: Settings) -> None:
        self._file = settings.data_dir / FILE
        self._per_user = settings.chat_tokens_per_user
        self._per_day = settings.chat_tokens_per_day
        self._lock = threading.Lock()
        self._state: State | None = None
        self._day = ""
        self._of_person: Counter[str] = Counter()

    def account(self) -> Account:
        """As a writer needs it."""
        return Account(self.may_spend, self.spent)

    def may_spend(self, person: str) -> bool:
        """Whether neither the limit of the person nor that of the day is reached."""
        if self._per_user and self._persons()[person] >= self._per_user:
            return False
        try:
            return not self._per_day or _tokens(_today(self._opened())) < self._per_day
        except StorageError as error:
            _log.error("%s", error)
            return False

    def spent(self, person: str, usage: Usage) -> None:
        """Note what was spent for a person."""
        with self._lock:
            self._persons()[person] += _tokens(usage)
        now = datetime.datetime.now(datetime.UTC)
        oldest = (now - datetime.timedelta(days=KEPT)).date().isoformat()
        try:
            with self._opened().changing() as database:
                database.execute("DELETE FROM spending WHERE day < ?", (oldest,))
                database.execute(
                    "INSERT INTO spending VALUES (?, ?, ?, ?, ?) ON CONFLICT (day) DO UPDATE SET "
                    "sent = sent + excluded.sent, received = received + excluded.received, "
                    "last_sent = excluded.last_sent, last_received = excluded.last_received",
                    (_day(), *2 * (usage.sent, usage.received)),
                )
        except StorageError as error:
            _log.error("%s", error)

    def close(self) -> None:
        """Give the file back."""
        with self._lock:
            if self._state:
                self._state.close()
            self._state = None

    def _persons(self) -> Counter[str]:
        """Tokens of today by person."""
        if self._day != _day():
            self._day, self._of_person = _day(), Counter()
        return self._of_person

    def _opened(self) -> State:
        with self._lock:
            if self._state is None:
                self._state = State(self._file)
            return self._state


def spent_of(state: State, price: Price) -> Spent:
    """What the last answer and those of today cost. Raises StorageError."""
    query = "SELECT last_sent, last_received FROM spending ORDER BY day DESC LIMIT 1"
    last = state.rows(query) or [(0, 0)]
    return Spent(Usage(*last[0]), _today(state), price)


def _today(state: State) -> Usage:
    rows = state.rows("SELECT sent, received FROM spending WHERE day = ?", _day())
    return Usage(*rows[0]) if rows else Usage()


def _day() -> str:
    return datetime.datetime.now(datetime.UTC).date().isoformat()


def _tokens(usage: Usage) -> int:
    return usage.sent + usage.received
