"""Reads the metadata of a web page: title, outlet, date, address, language.

Only ``<head>``, JSON-LD and microdata count. Trafilatura also guesses: a date from any number in
the text or from the address, an outlet from the host.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from lxml.html import HtmlElement

from index.articles.datelines import day_beside
from index.articles.outlets import outlet_name, without_outlet
from index.articles.page_dates import day_of, days_between, is_utc, publication_zone
from index.text.clean import one_line

_MAX_LENGTH = 500  # characters of a title or a name
_ARTICLES = ("article", "posting", "report")  # ends of types in JSON-LD
_DATES = (
    "article:published_time og:article:published_time article:published datepublished"
    " dcterms.issued dc.date.issued dcterms.date dc.date dcterms.created dc.date.created"
    " citation_publication_date parsely-pub-date sailthru.date pubdate publishdate"
    " publish-date publication_date date"
).split()
_TITLES = "og:title headline twitter:title dc.title dcterms.title citation_title title".split()
_SOURCES = "og:site_name dc.publisher dcterms.publisher citation_journal_title publisher".split()
# Microdata, and the hAtom of blog themes.
_MARKED_DATES = (
    "//*[@itemprop='datePublished']"
    " | //time[@pubdate]"
    " | //*[self::time or self::abbr]"
    "[contains(concat(' ', normalize-space(@class), ' '), ' published ')"
    " or contains(concat(' ', normalize-space(@class), ' '), ' dt-published ')]"
)


def page_fields(tree: HtmlElement) -> dict[str, str]:
    """The known ones of title, source, date, url and language, each on one line.

    ``date`` is a day, YYYY-MM-DD, in the page's own time zone; it is left out if the page gives
    several and none is clearly its own.
    """
    metas, url = _metas(tree), _url(tree)
    host = urlsplit(url).hostname or ""
    articles = _own_articles(tree, url)
    named = [*_named(metas, _SOURCES[:1]), *_publishers(articles), *_named(metas, _SOURCES)]
    title, language = _title(tree, metas, articles), _language(tree, metas, articles)
    titles = [title, *(_clean(one.text_content()) for one in tree.xpath("//head/title"))]
    source = outlet_name([name for name in named if name and "://" not in name], titles, host)
    fields = {
        "title": without_outlet(title, source, host),
        "source": source,
        "date": _date(tree, metas, articles, publication_zone(language, host)),
        "url": url,
        "language": language,
    }
    return {name: value for name, value in fields.items() if value}


def _metas(tree: HtmlElement) -> dict[str, str]:
    """The first content of each meta element, by its name in lower case."""
    metas: dict[str, str] = {}
    for meta in tree.xpath("//meta[@content]"):
        content = _clean(meta.get("content"))
        name = meta.get("property") or meta.get("name") or ""
        if meta.get("http-equiv", "").lower() == "content-language":
            name = "content-language"
        if content and name:
            metas.setdefault(name.strip().lower(), content)
    return metas


def _clean(value: Any) -> str:
    """A value on one line; content management systems escape some twice."""
    return one_line(html.unescape(value))[:_MAX_LENGTH] if isinstance(value, str) else ""


def _first(values: Iterable[str]) -> str:
    return next(filter(None, values), "")


def _named(metas: dict[str, str], names: list[str]) -> list[str]:
    return [metas[name] for name in names if name in metas]


def _title(tree: HtmlElement, metas: dict[str, str], articles: list[dict[str, Any]]) -> str:
    headlines = [_clean(article.get("headline")) for article in articles]
    headings = [_clean(heading.text_content()) for heading in tree.xpath("//h1")]
    titles = [_clean(title.text_content()) for title in tree.xpath("//head/title")]
    only_heading = headings if len(headings) == 1 else []
    named = _named(metas, _TITLES)
    return _first([*_named(metas, _TITLES[:1]), *headlines, *named, *only_heading, *titles])


def _language(tree: HtmlElement, metas: dict[str, str], articles: list[dict[str, Any]]) -> str:
    values = [str(value) for value in tree.xpath("/html/@lang | /html/@xml:lang")]
    values += _named(metas, ["og:locale", "content-language"])
    values += [_clean(article.get("inLanguage")) for article in articles]
    matches = (re.match(r"\s*([A-Za-z]{2,3})(?![A-Za-z])", value) for value in values)
    return _first(match[1].lower() for match in matches if match)


def _date(
    tree: HtmlElement,
    metas: dict[str, str],
    articles: list[dict[str, Any]],
    zone: ZoneInfo | None,
) -> str:
    """The day from the first kind of markup that gives exactly one, or from the page as read."""
    groups = [[value for one in articles for value in _as_list(one.get("datePublished"))]]
    groups += [[value] for value in _named(metas, _DATES)]
    groups.append([_marked_date(element) for element in tree.xpath(_MARKED_DATES)])
    for values in groups:
        days = {day for value in values if (day := day_of(_clean(value), zone))}
        if len(days) == 1:
            in_utc = any(is_utc(_clean(value)) for value in values)
            return _shown_day(tree, zone, days.pop()) if in_utc else days.pop()
    return _shown_day(tree, zone)


def _shown_day(tree: HtmlElement, zone: ZoneInfo | None, stated: str = "") -> str:
    """The day that readers see; the one stated, where they see none or one that is far from it.

    What is stated in UTC may be of the day before or after.
    """
    headings = tree.xpath("//h1") or tree.xpath("//h2")
    shown = day_beside(headings[0], zone) if headings else ""
    return shown if shown and (not stated or days_between(shown, stated) <= 1) else stated


def _url(tree: HtmlElement) -> str:
    links = tree.xpath("//link[contains(concat(' ', @rel, ' '), ' canonical ')]/@href")
    links += tree.xpath("//meta[@property='og:url' or @name='og:url']/@content")
    return _first(_web_address(str(link)) for link in links)


def _web_address(value: str) -> str:
    address = one_line(value)
    try:
        parts = urlsplit(address)
    except ValueError:
        return ""
    return address if parts.scheme in ("http", "https") and parts.hostname else ""


def _own_articles(tree: HtmlElement, url: str) -> list[dict[str, Any]]:
    """The JSON-LD objects of this page's article: those with its address, or the only one."""
    articles = [
        item
        for item in json_ld(tree)
        if any(name.lower().endswith(_ARTICLES) for name in _types(item))
    ]
    own = [item for item in articles if url and url.rstrip("/") in _addresses(item)]
    return own or (articles if len(articles) == 1 else [])


def json_ld(tree: HtmlElement) -> Iterator[dict[str, Any]]:
    """The JSON-LD objects of the page: those at the top level, and those of a graph."""
    for script in tree.xpath("//script[contains(@type, 'ld+json')]/text()"):
        try:
            loaded = json.loads(str(script), strict=False)
        except (ValueError, RecursionError):
            continue
        for item in _objects(loaded):
            graph = item.get("@graph")
            yield from _objects(graph) if isinstance(graph, list) else [item]


def _objects(value: Any) -> list[dict[str, Any]]:
    return [item for item in _as_list(value) if isinstance(item, dict)]


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _types(item: dict[str, Any]) -> list[str]:
    return [name for name in _as_list(item.get("@type")) if isinstance(name, str)]


def _addresses(item: dict[str, Any]) -> set[str]:
    page = item.get("mainEntityOfPage")
    values = [item.get("url"), item.get("@id"), page]
    if isinstance(page, dict):
        values += [page.get("@id"), page.get("url")]
    return {value.split("#")[0].rstrip("/") for value in values if isinstance(value, str)}


def _publishers(articles: list[dict[str, Any]]) -> Iterator[str]:
    for article in articles:
        for publisher in _as_list(article.get("publisher")):
            yield _clean(publisher.get("name") if isinstance(publisher, dict) else publisher)


def _marked_date(element: HtmlElement) -> str:
    value = element.get("datetime") or element.get("content") or element.get("title")
    return str(value or element.text_content())
