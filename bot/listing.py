"""Articles by number, path or title, for people; by key, and spans of them, for buttons."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from index.articles.article import Article
from index.text.clean import shown
from index.text.dates import ranking_day
from index.text.sentences import Span
from index.text.words import words
from retrieval.answer import Quotation

if TYPE_CHECKING:
    from index.generations.current import CurrentIndex
    from index.generations.store import Store

_MAX_MATCHES, _MAX_TITLE = 10, 100  # shown of articles to choose from; characters of a title
_REFERENCE = re.compile(r"([0-9a-f]{8}:[0-9a-f]{8}):(\d{1,9}):(\d{1,9})", re.ASCII)


@dataclass(frozen=True)
class NumberedArticle:
    """An article that a name fits, without its text, and its number."""

    number: int
    article: Article


@dataclass(frozen=True)
class Lookup:
    """What a name fits: none, one or several; if one, ``article`` is it, with its text."""

    matches: list[NumberedArticle]
    article: Article | None = None


@dataclass(frozen=True)
class Reference:
    """A span of an article in its present version; as a text it has at most 37 characters."""

    key: str
    span: Span

    @classmethod
    def of(cls, quote: Quotation) -> Reference:
        """The reference to a quotation."""
        return cls(article_key(quote.article, quote.sha256), Span(quote.start, quote.end))

    @classmethod
    def parse(cls, text: str) -> Reference | None:
        """The reference that ``str`` wrote; None for another text."""
        match = _REFERENCE.fullmatch(text)
        return cls(match[1], Span(int(match[2]), int(match[3]))) if match else None

    def __str__(self) -> str:
        return f"{self.key}:{self.span.start}:{self.span.end}"

    def article(self, index: CurrentIndex) -> Article | None:
        """The article; None if it is gone or has changed, or has no such span."""
        article = article_by_key(index, self.key)
        inside = article and self.span.start <= self.span.end <= len(article.text)
        return article if inside else None


def listed_articles(index: CurrentIndex) -> list[Article]:
    """The articles without their texts, newest first, undated ones and those of days to come last.

    The number of an article is its position here, from 1.
    """
    with index.reading() as generation:
        return _listed(generation.store) if generation else []


def article_by_number(index: CurrentIndex, number: int) -> Article | None:
    """The article with this number, with its text, or None."""
    articles = listed_articles(index)
    if not 1 <= number <= len(articles):
        return None
    with index.reading() as generation:
        return generation.store.article(articles[number - 1].path) if generation else None


def find_article(index: CurrentIndex, name: str) -> Lookup:
    """What ``find_in_store`` finds in the index; nothing without one."""
    with index.reading() as generation:
        return find_in_store(generation.store, name) if generation else Lookup([])


def find_in_store(store: Store, name: str) -> Lookup:
    """The article that a name fits, or those that it fits.

    A name is a number, a path, a file name, a title, the beginning of a title, or words of it, in
    this order; case and accents do not matter in titles, nor the form of accents in names. The
    first of them that fits decides.
    """
    listed = [NumberedArticle(number, article) for number, article in enumerate(_listed(store), 1)]
    for fits in _tests(name):
        if matches := [match for match in listed if fits(match)]:
            only = matches[0].article.path if len(matches) == 1 else None
            return Lookup(matches, store.article(only) if only else None)
    return Lookup([])


def several(matches: list[NumberedArticle], separator: str = "; ") -> str:
    """Numbers and titles of articles to choose from."""
    entries = [
        f"{match.number} {match.article.title[:_MAX_TITLE]}" for match in matches[:_MAX_MATCHES]
    ]
    return separator.join([*entries, "…"] if len(matches) > _MAX_MATCHES else entries)


def _tests(name: str) -> Iterator[Callable[[NumberedArticle], bool]]:
    if name.strip().isdecimal():
        yield lambda match: match.number == int(name.strip()[:9])
    yield lambda match: match.article.path == name
    typed = _as_typed(name)
    yield lambda match: _as_typed(match.article.path) == typed
    yield lambda match: _as_typed(match.article.path.rpartition("/")[2]) == typed
    sought = words(name)
    if not sought:
        return
    yield lambda match: words(match.article.title) == sought
    yield lambda match: " ".join(words(match.article.title)).startswith(" ".join(sought))
    yield lambda match: set(sought) <= set(words(match.article.title))


def _as_typed(name: str) -> str:
    """The name of a file as a keyboard writes it: macOS stores accents beside their letters.

    White space counts as one space, and none where the name begins and ends.
    """
    return " ".join(unicodedata.normalize("NFC", shown(name)).split())


def _listed(store: Store) -> list[Article]:
    by_path = sorted(store.article_headers(), key=lambda article: article.path)
    return sorted(by_path, key=lambda article: ranking_day(article.date), reverse=True)


def number_of(index: CurrentIndex, article: Article) -> int:
    """The number of an article; 0 if it is gone."""
    paths = [listed.path for listed in listed_articles(index)]
    return paths.index(article.path) + 1 if article.path in paths else 0


def article_key(path: str, sha256: str) -> str:
    """A key of 17 characters for an article in its present version."""
    return f"{_path_digest(path)}:{sha256[:8]}"


def article_keys(index: CurrentIndex, listed: Sequence[Article]) -> list[str]:
    """The keys of articles without their texts; "" for those that are gone."""
    with index.reading() as generation:
        found = [generation.store.article(a.path) if generation else None for a in listed]
    return [article_key(article.path, article.sha256) if article else "" for article in found]


def article_by_key(index: CurrentIndex, key: str) -> Article | None:
    """The article with this key, with its text; None if it is gone or has changed."""
    with index.reading() as generation:
        if generation is None:
            return None
        headers = generation.store.article_headers()
        path = next((a.path for a in headers if _path_digest(a.path) == key[:8]), None)
        article = generation.store.article(path) if path else None
    return article if article and article_key(article.path, article.sha256) == key else None


def _path_digest(path: str) -> str:
    return hashlib.sha256(path.encode(errors="surrogatepass")).hexdigest()[:8]
