"""Articles by number, for people, and by key, for buttons."""

from __future__ import annotations

import hashlib

from index.articles.article import Article
from index.generations.current import CurrentIndex


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


def article_key(path: str, sha256: str) -> str:
    """A key of 17 characters for an article in its present version."""
    return f"{_path_digest(path)}:{sha256[:8]}"


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
