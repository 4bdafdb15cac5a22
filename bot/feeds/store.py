"""The feeds that are followed and the articles that they name, in one SQLite file.

Why not a library: `reader` (lemon24/reader 3.26, BSD-3-Clause, well kept) has what a program for
reading feeds needs, in nine tables with the texts of all entries. It fetches with requests, behind
the guard of ``index/articles/web/network.py``; another retriever can be set only in a part of it
that it calls unstable. It knows no robots.txt, no pause of a host and no permanent redirect, and
brings four libraries. What is left for it would be the table below.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from bot.feeds.due import FEEDS_FILE
from bot.feeds.revisits import Revisits
from bot.state import State
from index.articles.web.addresses import normalized
from index.errors import FetchError

if TYPE_CHECKING:  # status needs neither
    from index.articles.add import AddResult
    from index.articles.web.feeds import FeedEntry

MAX_TRIES = 3  # visits that try to fetch an article
_KEPT = 30 * 24 * 3600.0  # seconds after an entry has left its feed
_MIGRATIONS = (
    """
    CREATE TABLE feeds (
        number INTEGER PRIMARY KEY AUTOINCREMENT, address TEXT NOT NULL UNIQUE, url TEXT NOT NULL,
        title TEXT NOT NULL, folder TEXT NOT NULL, configured INTEGER NOT NULL,
        etag TEXT NOT NULL, modified TEXT NOT NULL, success REAL NOT NULL, due REAL NOT NULL,
        paused REAL NOT NULL, failures INTEGER NOT NULL, error TEXT NOT NULL,
        ended INTEGER NOT NULL, articles INTEGER NOT NULL
    );
    CREATE TABLE entries (
        feed INTEGER NOT NULL, address TEXT NOT NULL, url TEXT NOT NULL, title TEXT NOT NULL,
        date TEXT NOT NULL, updated REAL NOT NULL, seen REAL NOT NULL, state TEXT NOT NULL,
        path TEXT NOT NULL, reason TEXT NOT NULL, tries INTEGER NOT NULL, fetched REAL NOT NULL,
        fetched_updated REAL NOT NULL, PRIMARY KEY (feed, address)
    );
    CREATE TABLE robots (origin TEXT PRIMARY KEY, rules TEXT NOT NULL, at REAL NOT NULL);
    """,
    """
    CREATE TABLE revisits (
        address TEXT PRIMARY KEY, url TEXT NOT NULL, path TEXT NOT NULL, sha256 TEXT NOT NULL,
        fetched REAL NOT NULL, due REAL, gone REAL NOT NULL
    );
    """,
    """
    CREATE TABLE pauses (host TEXT PRIMARY KEY, until REAL NOT NULL);
    ALTER TABLE feeds DROP COLUMN paused;
    """,
)


@dataclass(frozen=True)
class Feed:
    """A feed that is followed. Times are in seconds since the epoch, 0 for never.

    ``address``: as it was added, normalized; ``url``: where it is by now. ``configured``: it is in
    VIRGOLETTE_FEEDS. ``due``: when it is visited next; ``failures``: of visits since the last
    ``success``; ``error``: the reason of the last one, in English. ``ended``: it is visited no
    more. ``articles``: those of it in the corpus.
    """

    number: int
    address: str
    url: str
    title: str = ""
    folder: str = ""
    configured: bool = False
    etag: str = ""
    modified: str = ""
    success: float = 0.0
    due: float = 0.0
    failures: int = 0
    error: str = ""
    ended: bool = False
    articles: int = 0

    @property
    def name(self) -> str:
        """Its title, or else its address."""
        return self.title or self.url


_COLUMNS = ", ".join(column.name for column in fields(Feed))


class FeedStore:
    """The file, open. Raises StorageError."""

    def __init__(self, state: State) -> None:
        self._state = state
        self.revisits = Revisits(state)

    def feeds(self) -> list[Feed]:
        """All feeds, in the order in which they were added."""
        rows = self._state.select(f"SELECT {_COLUMNS} FROM feeds ORDER BY number")  # noqa: S608
        return [_feed(row) for row in rows]

    def find(self, name: str) -> Feed | None:
        """The feed with this address or number, None if there is none."""
        key = normalized(name)
        for feed in self.feeds():
            if key in (feed.address, normalized(feed.url)) or name.strip() == str(feed.number):
                return feed
        return None

    def by_number(self, number: int) -> Feed | None:
        """The feed with this number, None if it is gone."""
        return next((feed for feed in self.feeds() if feed.number == number), None)

    def add(
        self, address: str, folder: str = "", *, title: str = "", configured: bool = False
    ) -> Feed:
        """Follow a feed, due at once, unless it is followed already. Raises FetchError.

        One that has ended begins again.
        """
        checked_address(address)
        known = self.find(address)
        if known and not known.ended:
            return known
        with self._state.changing() as database:
            if known:
                database.execute("DELETE FROM entries WHERE feed = ?", (known.number,))
                database.execute("DELETE FROM feeds WHERE number = ?", (known.number,))
            number = database.execute(
                f"INSERT INTO feeds ({_COLUMNS}) "  # noqa: S608
                "VALUES (NULL, ?, ?, ?, ?, ?, '', '', 0, 0, 0, '', 0, 0)",
                (normalized(address), address.strip(), title, folder, configured),
            ).lastrowid
        return self.by_number(number or 0) or Feed(0, address, address)

    def remove(self, feed: Feed) -> None:
        """Follow a feed no more. Its articles stay in the corpus."""
        with self._state.changing() as database:
            database.execute("DELETE FROM feeds WHERE number = ?", (feed.number,))
            database.execute("DELETE FROM entries WHERE feed = ?", (feed.number,))

    def configure(self, addresses: Iterable[str]) -> None:
        """Follow exactly these, beside those that people added. Raises FetchError."""
        wanted = {normalized(address): address for address in addresses}
        known = {feed.address: feed for feed in self.feeds()}
        for key, address in wanted.items():
            if key not in known:
                self.add(address, configured=True)
        for key, feed in known.items():
            if feed.configured and key not in wanted:
                self.remove(feed)

    def save(self, feed: Feed) -> None:
        """Store what is known of a feed by now, unless it was removed meanwhile."""
        names = [column.name for column in fields(Feed)][1:]
        changes = ", ".join(f"{name} = ?" for name in names)
        with self._state.changing() as database:
            database.execute(
                f"UPDATE feeds SET {changes} WHERE number = ?",  # noqa: S608
                (*astuple(feed)[1:], feed.number),
            )

    def note_entries(self, feed: Feed, entries: Iterable[FeedEntry], now: float) -> None:
        """Keep what the feed says of its articles. Those that left it long ago are forgotten."""
        values = [
            (feed.number, normalized(entry.url), entry.url, entry.fields.get("title", ""),
             entry.fields.get("date", ""), entry.updated, now)
            for entry in entries
        ]  # fmt: skip
        with self._state.changing() as database:
            database.executemany(
                "INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?, ?, 'new', '', '', 0, 0, 0) "
                "ON CONFLICT DO UPDATE SET updated = max(updated, excluded.updated), "
                "seen = excluded.seen",
                values,
            )
            database.execute(
                "DELETE FROM entries WHERE feed = ? AND seen < ? AND state <> 'new'",
                (feed.number, now - _KEPT),
            )

    def new_entries(self, feed: Feed) -> list[FeedEntry]:
        """The articles of a feed that are to be fetched, in its order."""
        return self._entries(feed, "state = 'new'")

    def updated_entries(self, feed: Feed) -> list[FeedEntry]:
        """The articles in the corpus that the feed says have changed since they were fetched."""
        return self._entries(feed, "state IN ('added', 'known') AND updated > fetched_updated")

    def path_of(self, feed: Feed, entry: FeedEntry) -> str:
        """The article in the corpus of an entry, "" if there is none."""
        query = "SELECT path FROM entries WHERE feed = ? AND address = ?"
        rows = self._state.select(query, feed.number, normalized(entry.url))
        return str(rows[0][0]) if rows else ""

    def note_looked(self, feed: Feed, entry: FeedEntry, now: float) -> None:
        """An article that the feed says was updated has been looked at again."""
        with self._state.changing() as database:
            database.execute(
                "UPDATE entries SET fetched = ?, fetched_updated = updated "
                "WHERE feed = ? AND address = ?",
                (now, feed.number, normalized(entry.url)),
            )

    def _entries(self, feed: Feed, condition: str) -> list[FeedEntry]:
        from index.articles.web.feeds import FeedEntry

        rows = self._state.select(
            "SELECT url, title, date, updated FROM entries "  # noqa: S608
            f"WHERE feed = ? AND {condition} ORDER BY rowid",
            feed.number,
        )
        return [FeedEntry(url, _fields(title, date), updated) for url, title, date, updated in rows]

    def note_result(self, feed: Feed, result: AddResult, now: float, *, final: bool) -> None:
        """Keep what became of an article; unless that is ``final``, other visits try it again.

        ``fetched_updated`` is when the feed said, by then, that the article last changed: a later
        ``updated`` tells of a correction.
        """
        with self._state.changing() as database:
            database.execute(
                "UPDATE entries SET tries = tries + 1, path = ?, reason = ?, fetched = ?, "
                "fetched_updated = updated, "
                "state = CASE WHEN ? OR tries + 1 >= ? THEN ? ELSE 'new' END "
                "WHERE feed = ? AND address = ?",
                (result.path or "", result.reason or "", now, final, MAX_TRIES, result.state,
                 feed.number, normalized(result.origin)),
            )  # fmt: skip

    def paused(self, host: str) -> float:
        """Until when a host wants no requests, in seconds since the epoch; 0 if it never said."""
        ((until,),) = self._state.select("SELECT max(until) FROM pauses WHERE host = ?", host)
        return float(until or 0.0)

    def pause(self, host: str, until: float) -> None:
        """Keep until when a host wants no requests."""
        with self._state.changing() as database:
            database.execute("INSERT OR REPLACE INTO pauses VALUES (?, ?)", (host, until))

    def robots(self, origin: str) -> tuple[str, float] | None:
        """The rules of a host for programs, and when they were fetched."""
        rows = self._state.select("SELECT rules, at FROM robots WHERE origin = ?", origin)
        return rows[0] if rows else None

    def keep_robots(self, origin: str, rules: str, now: float) -> None:
        """Keep the rules of a host."""
        with self._state.changing() as database:
            database.execute("INSERT OR REPLACE INTO robots VALUES (?, ?, ?)", (origin, rules, now))


@contextmanager
def feed_store(data_dir: Path) -> Iterator[FeedStore]:
    """The store of a data folder for the length of a ``with``; it is made if there is none."""
    with closing(State(data_dir / FEEDS_FILE, _MIGRATIONS)) as state:
        yield FeedStore(state)


def followed_feeds(data_dir: Path) -> list[Feed]:
    """The feeds that a data folder knows; makes no file. Raises StorageError."""
    if not (data_dir / FEEDS_FILE).exists():
        return []
    with feed_store(data_dir) as store:
        return store.feeds()


def checked_address(address: str) -> str:
    """The address, if it can be one of a feed. Raises FetchError."""
    try:
        parts = urlsplit(address.strip())
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
        raise FetchError(f"{address} is no address of a feed: it begins with https:// or http://")
    return address.strip()


def _feed(row: tuple[object, ...]) -> Feed:
    feed = Feed(*row)  # type: ignore[arg-type]
    return Feed(**{**vars(feed), "configured": bool(feed.configured), "ended": bool(feed.ended)})


def _fields(title: str, date: str) -> dict[str, str]:
    return {name: value for name, value in (("title", title), ("date", date)) if value}
