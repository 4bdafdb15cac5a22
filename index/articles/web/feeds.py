"""Reads feeds: RSS, Atom and RDF."""

from __future__ import annotations

import html
import io
from urllib.parse import urljoin

from index.errors import FetchError
from index.text.clean import one_line


def feed_entries(data: bytes, url: str) -> dict[str, dict[str, str]]:
    """The title and date, if known, of the articles in the feed from ``url``, by their address.

    Raises FetchError if it is no feed or has no entry with an address.
    """
    import feedparser

    from index.articles.page_metadata import day_of

    # A stream, because feedparser opens bytes that look like an address or a path.
    feed = feedparser.parse(io.BytesIO(data), response_headers={"content-location": url})
    entries: dict[str, dict[str, str]] = {}
    for item in feed.entries:
        if link := one_line(str(item.get("link") or "")):
            title = one_line(html.unescape(str(item.get("title") or "")))
            fields = {"title": title, "date": day_of(item.get("published"))}
            known = {name: value for name, value in fields.items() if value}
            entries.setdefault(urljoin(url, link), known)
    if not entries:
        raise FetchError(f"{url} is no feed with articles: give the address of an RSS or Atom feed")
    return entries
