"""What a corpus holds already: the addresses and the texts of its articles."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from index.articles import Article, read_article
from index.errors import ArticleError
from index.files import scan


class Catalogue:
    """The articles of a corpus by address and by text.

    Raises CorpusError when there is no such folder. Files over ``max_bytes`` and those that
    are no articles are left out.
    """

    def __init__(self, corpus: Path, max_bytes: int) -> None:
        self._urls: dict[str, str] = {}
        self._texts: dict[str, str] = {}
        readable = (file.path for file in scan(corpus, max_bytes) if not file.trouble)
        for path in readable:
            try:
                self.note(read_article((corpus / path).read_bytes(), path))
            except (ArticleError, OSError):
                continue  # the index tells of it

    def note(self, article: Article) -> None:
        """Take an article in. The first one with an address or a text is the one that is found."""
        self._texts.setdefault(article.sha256, article.path)
        if article.url:
            self._urls.setdefault(_normal(article.url), article.path)

    def with_url(self, url: str | None) -> str | None:
        """The path of the article from this address."""
        return self._urls.get(_normal(url)) if url else None

    def with_text_of(self, article: Article) -> str | None:
        """The path of an article with the same stored text."""
        return self._texts.get(article.sha256)


def _normal(url: str) -> str:
    """An address without what makes no difference: the fragment, an empty path, the host's case."""
    try:
        parts = urlsplit(url.strip())
        port = (
            "" if parts.port in (None, {"http": 80, "https": 443}.get(parts.scheme)) else parts.port
        )
    except ValueError:
        return url.strip()
    host = f"{parts.hostname or ''}:{port}".rstrip(":")
    return f"{parts.scheme}://{host}{parts.path or '/'}?{parts.query}".rstrip("?")
