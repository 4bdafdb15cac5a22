"""Reads feeds: RSS, Atom and RDF."""

from __future__ import annotations

import html
import io
from urllib.parse import urljoin, urlsplit

from index.articles.page_dates import day_of, publication_zone
from index.errors import FetchError
from index.text.clean import one_line

MAX_LENGTH = 500  # characters of a title
MAX_TAGS = 300_000  # ten seconds, if none is closed; 10,000 entries have half as many


def feed_entries(data: bytes, url: str) -> dict[str, dict[str, str]]:
    """The title and date, if known, of the articles in the feed from ``url``, by their address.

    Raises FetchError if it is no feed, has no entry with an address, or too many tags.
    """
    if data.count(b"<") > MAX_TAGS:
        raise FetchError(f"{url} has more than {MAX_TAGS} tags, too many for a feed")
    import feedparser

    # A stream, because feedparser opens bytes that look like an address or a path. Only titles and
    # dates are read: cleaning the texts between takes half of the time.
    feed = feedparser.parse(
        io.BytesIO(data),
        response_headers={"content-location": url},
        sanitize_html=False,
        resolve_relative_uris=False,
    )
    language = str(feed.feed.get("language") or "")[:2].lower()
    zone = publication_zone(language, urlsplit(url).hostname or "")
    entries: dict[str, dict[str, str]] = {}
    for item in feed.entries:
        if link := one_line(str(item.get("link") or "")):
            title = _plain(str(item.get("title") or ""))[:MAX_LENGTH]
            fields = {"title": title, "date": day_of(str(item.get("published") or ""), zone)}
            known = {name: value for name, value in fields.items() if value}
            entries.setdefault(urljoin(url, link), known)
    if not entries:
        raise FetchError(f"{url} is no feed with articles: give the address of an RSS or Atom feed")
    return entries


def _plain(title: str) -> str:
    """A title on one line; some feeds escape it twice, and some put markup into it."""
    text = html.unescape(title)
    if "</" in text:
        from lxml.html import fromstring

        text = fromstring(f"<p>{text}</p>").text_content()
    return one_line(text)
