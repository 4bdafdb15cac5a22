"""Articles by number, for people, and by key, for buttons; spans of them, for buttons too."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass

from index.articles.article import Article
from index.generations.current import CurrentIndex
from index.text.sentences import Span
from retrieval.answer import Quotation

_REFERENCE = re.compile(r"([0-9a-f]{8}:[0-9a-f]{8}):(\d{1,9}):(\d{1,9})", re.ASCII)


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
    """The articles without their texts, newest first, undated ones last.

    The number of an article is its position here, from 1.
    """
    with index.reading() as generation:
        articles = generation.store.article_headers() if generation else []
    by_path = sorted(articles, key=lambda article: article.path)
    return sorted(by_path, key=lambda article: article.date or "", reverse=True)


def article_by_number(index: CurrentIndex, number: int) -> Article | None:
    """The article with this number, with its text, or None."""
    articles = listed_articles(index)
    if not 1 <= number <= len(articles):
        return None
    with index.reading() as generation:
        return generation.store.article(articles[number - 1].path) if generation else None


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
