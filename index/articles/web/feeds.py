"""Reads feeds: RSS, Atom, RDF and JSON Feed (https://www.jsonfeed.org/version/1.1/)."""

from __future__ import annotations

import calendar
import datetime
import html
import io
import json
import time
from codecs import BOM_UTF8
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit
from xml.sax import SAXParseException

from index.articles.page_dates import day_of, publication_zone
from index.errors import FetchError
from index.text.clean import one_line

MAX_LENGTH = 500  # characters of a title
_MINUTE = 60.0
_FEED_LINKS = (
    "//link[contains(concat(' ', normalize-space(@rel), ' '), ' alternate ')]"
    "[contains(@type, 'rss') or contains(@type, 'atom') or contains(@type, 'feed+json')]/@href"
)
MAX_TAGS = 300_000  # or objects; ten seconds, if none is closed; 10,000 entries have half as many


@dataclass(frozen=True)
class FeedEntry:
    """An article that a feed names: its address, and the known ones of title and date.

    ``updated``: when the feed says that it last changed, in seconds since the epoch; 0 if it says
    nothing of it.
    """

    url: str
    fields: Mapping[str, str]
    updated: float = 0.0


@dataclass(frozen=True)
class FeedContent:
    """What a feed says. ``ttl``: seconds for which it asks not to be fetched again, 0 if none."""

    title: str
    ttl: float
    entries: tuple[FeedEntry, ...]


def read_feed(data: bytes, url: str) -> FeedContent:
    """The content of the feed from ``url``, its entries with an address, each address once.

    Raises FetchError if it is no feed, is broken before its first entry, or has too
    many tags.
    """
    if max(data.count(b"<"), data.count(b"{")) > MAX_TAGS:
        raise FetchError(f"{url} has more than {MAX_TAGS} tags, too many for a feed")
    try:
        return _content(data, url)
    except (ValueError, OverflowError) as error:  # of characters and numbers that there are not
        raise FetchError(f"{url} is no feed that can be read: {error}") from error


def _content(data: bytes, url: str) -> FeedContent:
    is_json = data.removeprefix(BOM_UTF8).lstrip().startswith(b"{")
    parsed = _json_feed(data) if is_json else _xml_feed(data, url)
    is_broken = isinstance(parsed.get("bozo_exception"), SAXParseException)
    if not parsed["entries"] and (is_broken or not parsed.get("version")):
        raise FetchError(f"{url} is no feed with articles: give the address of an RSS or Atom feed")
    language = str(parsed["feed"].get("language") or "")[:2].lower()
    zone = publication_zone(language, urlsplit(url).hostname or "")
    entries: dict[str, FeedEntry] = {}
    for item in parsed["entries"]:
        link = one_line(str(item.get("link") or ""))
        if link and (address := _joined(url, link)):
            title = _plain(str(item.get("title") or ""))[:MAX_LENGTH]
            fields = {"title": title, "date": day_of(str(item.get("published") or ""), zone)}
            known = {name: value for name, value in fields.items() if value}
            entries.setdefault(address, FeedEntry(address, known, _updated(item)))
    if parsed["entries"] and not entries:
        raise FetchError(f"{url} is a feed whose entries name no page: there is nothing to fetch")
    ttl = str(parsed["feed"].get("ttl") or "")
    seconds = float(ttl[:9]) * _MINUTE if ttl.isdecimal() else 0.0
    title = _plain(str(parsed["feed"].get("title") or ""))[:MAX_LENGTH]
    return FeedContent(title, seconds, tuple(entries.values()))


def _xml_feed(data: bytes, url: str) -> Mapping[str, Any]:
    import feedparser

    # A stream, because feedparser opens bytes that look like an address or a path. Only titles and
    # dates are read: cleaning the texts between takes half of the time.
    parsed: Mapping[str, Any] = feedparser.parse(
        io.BytesIO(data),
        response_headers={"content-location": url},
        sanitize_html=False,
        resolve_relative_uris=False,
    )
    return parsed


def _json_feed(data: bytes) -> Mapping[str, Any]:
    """A JSON Feed with the names that feedparser gives to what others say.

    Raises ValueError if it is none.
    """
    try:
        content = json.loads(data)
    except RecursionError as error:
        raise ValueError("it is nested too deep") from error
    if "jsonfeed.org/version" not in str(content.get("version")):
        return {"feed": {}, "entries": []}
    items = content.get("items")
    entries = [
        {
            "link": item.get("url") or item.get("external_url"),
            "title": item.get("title"),
            "published": item.get("date_published"),
            "updated_parsed": _moment(str(item.get("date_modified") or "")),
        }
        for item in (items if isinstance(items, list) else [])
        if isinstance(item, dict)
    ]
    return {"feed": content, "entries": entries, "version": "json"}


def _moment(date: str) -> time.struct_time | None:
    """A date and time of RFC 3339 in UTC, None if it is none."""
    try:
        return datetime.datetime.fromisoformat(date).utctimetuple()
    except (ValueError, OverflowError):
        return None


def _updated(item: Any) -> float:
    moment = dict.get(item, "updated_parsed")  # its own "get" takes "published" instead
    try:
        return float(calendar.timegm(moment)) if moment else 0.0
    except (ValueError, OverflowError, TypeError):
        return 0.0


def feeds_of_page(data: bytes, url: str) -> list[str]:
    """The addresses of the feeds that a page from ``url`` names for programs."""
    from lxml.etree import LxmlError
    from lxml.html import document_fromstring

    try:
        links = document_fromstring(data).xpath(_FEED_LINKS)
    except (LxmlError, ValueError, AssertionError):
        return []
    joined = (_joined(url, str(link).strip()) for link in links)
    return list(dict.fromkeys(filter(None, joined)))


def _joined(base: str, link: str) -> str:
    """The address of a link; "" if it is none."""
    try:
        return urljoin(base, link)
    except ValueError:
        return ""


def _plain(title: str) -> str:
    """A title on one line; some feeds escape it twice, and some put markup into it."""
    text = html.unescape(title)
    if "</" in text:
        from lxml.html import fromstring

        text = fromstring(f"<p>{text}</p>").text_content()
    return one_line(text)
