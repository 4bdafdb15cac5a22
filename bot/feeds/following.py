"""Puts together what visits feeds, out of the settings."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from bot.feeds.due import FEEDS_FILE
from bot.feeds.lists import addresses_of
from bot.feeds.politeness import Politeness
from bot.feeds.revisiting import Revisitor
from bot.feeds.schedule import MINUTE, Schedule
from bot.feeds.store import FeedStore, feed_store
from bot.feeds.visits import Visitor
from bot.feeds.workers import Workers
from bot.settings import Settings
from index.articles.add import Adder, Catalogue
from index.articles.versions.correction import Corrector
from index.articles.versions.history import History
from index.articles.web.fetch import Fetcher
from index.generations.known import known_articles

_MAX_RULES = 1_000_000  # bytes of a robots.txt
_RULES_SECONDS = 10.0


def configure_feeds(settings: Settings) -> None:
    """Follow the feeds of VIRGOLETTE_FEEDS. Raises UsageError, FetchError or StorageError."""
    if settings.feeds or (settings.data_dir / FEEDS_FILE).exists():
        with feed_store(settings.data_dir) as store:
            store.configure(addresses_of(settings.feeds))


@contextmanager
def feed_visitor(settings: Settings) -> Iterator[Visitor]:
    """What visits the feeds of these settings, for the length of a ``with``."""
    with feed_store(settings.data_dir) as store:
        schedule, workers = Schedule(settings.feed_minutes * MINUTE), Workers()
        rules = Fetcher(settings.fetch_allow, _MAX_RULES, _RULES_SECONDS)
        turn = Politeness(store, rules, schedule, workers).turn
        fetcher = Fetcher(settings.fetch_allow, settings.max_file_bytes, turn=turn)

        def adder() -> Adder:
            known = known_articles(settings.data_dir)
            return Adder(settings.corpus_dir, fetcher, {}, known=known, whole=True)

        looking = revisitor(settings, store, fetcher)
        yield Visitor(store, fetcher, schedule, adder, workers, looking)


def revisitor(settings: Settings, store: FeedStore, fetcher: Fetcher) -> Revisitor:
    """What looks again at the pages of articles."""
    corrector = Corrector(settings.corpus_dir, History(settings.data_dir))

    def catalogue() -> Catalogue:
        known = known_articles(settings.data_dir)
        return Catalogue(settings.corpus_dir, settings.max_file_bytes, known)

    return Revisitor(store.revisits, corrector, fetcher, catalogue)
