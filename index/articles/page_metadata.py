"""What a web page tells of itself: title, outlet, date, address, language.

Only what its ``<head>``, its JSON-LD and its microdata say is taken. Trafilatura would go on
to guess: a date from any number in the text or from the address, an outlet from the host.
"""

from __future__ import annotations

import datetime
import email.utils
import html
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import urlsplit

from lxml.html import HtmlElement

from index.text.clean import one_line

_LONGEST = 500  # characters of a title or a name that can be meant
_ARTICLE = re.compile(r"(article|posting|report)$", re.IGNORECASE)
_DATES = (
    "article:published_time og:article:published_time article:published datepublished"
    " dcterms.issued dc.date.issued dcterms.date dc.date dcterms.created dc.date.created"
    " citation_publication_date parsely-pub-date sailthru.date pubdate publishdate"
    " publish-date publication_date date"
).split()
_TITLES = "og:title headline twitter:title dc.title dcterms.title citation_title title".split()
_SOURCES = "og:site_name dc.publisher dcterms.publisher citation_journal_title publisher".split()
# Microdata, and hAtom, which themes for blogs write.
_MARKED_DATES = (
    "//*[@itemprop='datePublished']"
    " | //time[@pubdate]"
    " | //*[self::time or self::abbr]"
    "[contains(concat(' ', normalize-space(@class), ' '), ' published ')"
    " or contains(concat(' ', normalize-space(@class), ' '), ' dt-published ')]"
)


def page_fields(tree: HtmlElement) -> dict[str, str]:
    """The known ones of title, source, date, url and language, each on one line.

    ``date`` is a day, YYYY-MM-DD, as the page counts it. Where a page gives several, of
    which none is plainly its own, it gives none.
    """
    metas, url = _metas(tree), _url(tree)
    articles = list(_own_articles(tree, url))
    source = _first(
        [*_named(metas, _SOURCES[:1]), *_publishers(articles), *_named(metas, _SOURCES)]
    )
    fields = {
        "title": _without_outlet(_title(tree, metas, articles), source),
        "source": source if "://" not in source else "",
        "date": _date(tree, metas, articles),
        "url": url,
        "language": _language(tree, metas, articles),
    }
    return {name: value for name, value in fields.items() if value}


def _metas(tree: HtmlElement) -> dict[str, str]:
    """What the meta elements say, by their name in small letters; the first of each counts."""
    told: dict[str, str] = {}
    for meta in tree.xpath("//meta[@content]"):
        content = _clean(meta.get("content"))
        name = meta.get("property") or meta.get("name") or ""
        if meta.get("http-equiv", "").lower() == "content-language":
            name = "content-language"
        if content and name:
            told.setdefault(name.strip().lower(), content)
    return told


def _clean(value: Any) -> str:
    """A value on one line; content managers escape some twice."""
    return one_line(html.unescape(value))[:_LONGEST] if isinstance(value, str) else ""


def _named(metas: dict[str, str], names: list[str]) -> list[str]:
    return [metas[name] for name in names if name in metas]


def _first(values: Iterable[str]) -> str:
    return next((value for value in values if value), "")


def _title(tree: HtmlElement, metas: dict[str, str], articles: list[dict[str, Any]]) -> str:
    headlines = [_clean(article.get("headline")) for article in articles]
    shown = [_clean(h.text_content()) for h in tree.xpath("//h1")]
    heads = [_clean(title.text_content()) for title in tree.xpath("//head/title")]
    return _first(
        [
            *_named(metas, _TITLES[:1]),
            *headlines,
            *_named(metas, _TITLES[1:]),
            *(shown if len(shown) == 1 else []),
            *heads,
        ]
    )


def _without_outlet(title: str, source: str) -> str:
    """The title without the outlet's name that many pages hang on it."""
    if not source:
        return title
    return re.sub(rf"\s+[-–—|·•:»]+\s+{re.escape(source)}$", "", title, flags=re.I) or title


def _url(tree: HtmlElement) -> str:
    links = tree.xpath("//link[contains(concat(' ', @rel, ' '), ' canonical ')]/@href")
    told = tree.xpath("//meta[@property='og:url' or @name='og:url']/@content")
    return _first(_web_address(str(value)) for value in [*links, *told])


def _web_address(value: str) -> str:
    address = one_line(value)
    try:
        parts = urlsplit(address)
    except ValueError:
        return ""
    return address if parts.scheme in ("http", "https") and parts.hostname else ""


def _language(tree: HtmlElement, metas: dict[str, str], articles: list[dict[str, Any]]) -> str:
    told = [str(value) for value in tree.xpath("/html/@lang | /html/@xml:lang")]
    told += _named(metas, ["og:locale", "content-language"])
    told += [_clean(article.get("inLanguage")) for article in articles]
    matches = (re.match(r"\s*([A-Za-z]{2,3})(?![A-Za-z])", value) for value in told)
    return _first(match[1].lower() for match in matches if match)


def _own_articles(tree: HtmlElement, url: str) -> Iterator[dict[str, Any]]:
    """The JSON-LD objects about this page's article: that of its address, or the only one."""
    found = [thing for thing in _things(tree) if any(map(_ARTICLE.search, _types(thing)))]
    own = [thing for thing in found if url and url.rstrip("/") in _addresses(thing)]
    if own or len(found) == 1:
        yield from own or found


def _things(tree: HtmlElement) -> Iterator[dict[str, Any]]:
    """The objects of the page's JSON-LD: those at the top, and those of a graph."""
    for script in tree.xpath("//script[contains(@type, 'ld+json')]/text()"):
        try:
            told = json.loads(str(script), strict=False)
        except (ValueError, RecursionError):
            continue
        for thing in told if isinstance(told, list) else [told]:
            if isinstance(thing, dict):
                graph = thing.get("@graph")
                inner = graph if isinstance(graph, list) else [thing]
                yield from (one for one in inner if isinstance(one, dict))


def _types(thing: dict[str, Any]) -> list[str]:
    kind = thing.get("@type")
    return [one for one in (kind if isinstance(kind, list) else [kind]) if isinstance(one, str)]


def _addresses(thing: dict[str, Any]) -> set[str]:
    page = thing.get("mainEntityOfPage")
    values = [thing.get("url"), thing.get("@id"), page]
    if isinstance(page, dict):
        values += [page.get("@id"), page.get("url")]
    return {value.split("#")[0].rstrip("/") for value in values if isinstance(value, str)}


def _publishers(articles: list[dict[str, Any]]) -> Iterator[str]:
    for article in articles:
        publisher = article.get("publisher")
        for one in publisher if isinstance(publisher, list) else [publisher]:
            yield _clean(one.get("name") if isinstance(one, dict) else one)


def _date(tree: HtmlElement, metas: dict[str, str], articles: list[dict[str, Any]]) -> str:
    """The day from the first kind of telling that names one day and no other."""
    marked = [_marked_date(element) for element in tree.xpath(_MARKED_DATES)]
    told: list[list[Any]] = [[article.get("datePublished") for article in articles]]
    told += [[value] for value in _named(metas, _DATES)]
    for values in [*told, marked]:
        days = {day for value in values if (day := day_of(value))}
        if len(days) == 1:
            return days.pop()
    return ""


def _marked_date(element: HtmlElement) -> str:
    value = element.get("datetime") or element.get("content") or element.get("title")
    return str(value or element.text_content())


def day_of(value: Any) -> str:
    """A day in YYYY-MM-DD, or "" for what is no date, or none that anybody can have meant."""
    text = _clean(value)
    try:
        moment = datetime.datetime.fromisoformat(
            re.sub(r"^(\d{4})/(\d\d)/(\d\d)", r"\1-\2-\3", text)
        )
    except ValueError:
        try:
            moment = email.utils.parsedate_to_datetime(text)
        except (ValueError, OverflowError):
            return ""
    day = moment.date().isoformat()
    return day if day > "1900" and day != "1970-01-01" else ""  # what clocks tell that were not set
