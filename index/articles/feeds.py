"""RSS and Atom feeds."""

from __future__ import annotations

import html
import io
from dataclasses import dataclass
from urllib.parse import urljoin

from index.errors import FetchError
from index.text.clean import one_line


@dataclass(frozen=True)
class Entry:
    """An entry of a feed: where its article lies, and what the feed tells of it."""

    url: str
    fields: dict[str, str]


def feed_entries(data: bytes, url: str) -> list[Entry]:
    """The entries of the feed that came from ``url``, in its order, each address once.

    Raises FetchError when it is no feed, or holds no entry with an address.
    """
    import feedparser

    from index.articles.page_metadata import day_of

    # A stream, for feedparser would take bytes that look like an address or a path for one.
    feed = feedparser.parse(io.BytesIO(data), response_headers={"content-location": url})
    entries: dict[str, Entry] = {}
    for told in feed.entries:
        link = one_line(str(told.get("link") or ""))
        if link:
            address = urljoin(url, link)
            fields = {
                "title": one_line(html.unescape(str(told.get("title") or ""))),
                "date": day_of(told.get("published")),
            }
            known = {name: value for name, value in fields.items() if value}
            entries.setdefault(address, Entry(address, known))
    if not entries:
        raise FetchError(f"{url} is no feed with articles: give the address of an RSS or Atom feed")
    return list(entries.values())
