"""What there is to say of feeds and of visits, as JSON and in English sentences."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from bot.feeds.schedule import moment
from bot.feeds.store import Feed

if TYPE_CHECKING:  # status visits nothing
    from bot.feeds.visits import Visit
    from index.articles.add import AddResult


def feed_json(feed: Feed) -> dict[str, Any]:
    """The documented content of ``virgolette feeds --json`` on a feed."""
    return {
        "number": feed.number,
        "url": feed.url,
        "title": feed.title or None,
        "folder": feed.folder,
        "configured": feed.configured,
        "articles": feed.articles,
        "last_success": _iso(feed.success),
        "next": None if feed.ended else _iso(feed.due),
        "failures": feed.failures,
        "error": feed.error or None,
        "ended": feed.ended,
    }


def visit_json(visit: Visit) -> dict[str, Any]:
    """The documented content of ``virgolette feeds fetch --json`` on a feed."""
    outcomes = results_json(visit.results)
    return {**feed_json(visit.feed), **outcomes, "notes": list(visit.notes), "left": visit.left}


def results_json(results: Iterable[AddResult]) -> dict[str, list[dict[str, Any]]]:
    """What became of articles, by outcome."""
    states = ("added", "known", "failed", "changed", "unchanged", "withdrawn")
    by_state: dict[str, list[dict[str, Any]]] = {state: [] for state in states}
    for result in results:
        if result.state == "failed":
            shown: dict[str, Any] = {"reason": result.reason}
        else:
            shown = {"path": result.path, "notes": list(result.notes)}
        by_state[result.state].append({"origin": result.origin, **shown})
    return by_state


def health(feed: Feed) -> Iterator[str]:
    """How a feed is: its articles and visits; then what is wrong, if anything is."""
    if feed.ended:
        yield f"articles: {feed.articles}, last visit {moment(feed.success)}, ended"
    else:
        due = moment(feed.due) if feed.due else "at once"
        yield f"articles: {feed.articles}, last visit {moment(feed.success)}, next {due}"
    if feed.failures > 1:
        yield f"{feed.failures} visits in a row failed: it is visited less and less often"
    if feed.error:
        yield feed.error


def _iso(seconds: float) -> str | None:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds)) if seconds else None
