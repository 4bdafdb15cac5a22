"""Fetches pages and feeds from the web, trusting neither the address nor the server."""

from __future__ import annotations

import html
import io
from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urljoin

from index.errors import FetchError
from index.text.clean import one_line

if TYPE_CHECKING:
    import httpx2

ARTICLE_TYPES = {
    "text/html": ".html",
    "application/xhtml+xml": ".html",
    "text/plain": ".txt",
    "text/markdown": ".md",
    "text/x-markdown": ".md",
    "application/pdf": ".pdf",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": ".docx",
    "application/vnd.oasis.opendocument.text": ".odt",
    "application/epub+zip": ".epub",
    "application/rtf": ".rtf",
    "text/rtf": ".rtf",
}
FEED_TYPES = frozenset(
    "application/rss+xml application/atom+xml application/rdf+xml application/xml text/xml".split()
)
_MAX_REDIRECTS = 5
_COMPRESSIONS = ("", "identity", "gzip", "deflate")


@dataclass(frozen=True)
class Fetched:
    """The data behind an address.

    ``url`` is the address after redirects, without a fragment; ``content_type`` is in lower
    case, without parameters; ``charset`` is the encoding that the server declares, if any.
    """

    url: str
    content_type: str
    charset: str | None
    data: bytes


@dataclass(frozen=True)
class Fetcher:
    """Fetches from public addresses, over http and https.

    ``allowed`` are hosts, addresses and networks that may be reached besides. ``max_bytes``
    limits the decompressed data, ``seconds`` one address with all its redirects.
    """

    allowed: Collection[str] = ()
    max_bytes: int = 20_000_000
    seconds: float = 30.0

    def get(self, url: str, types: Collection[str]) -> Fetched:
        """Fetch ``url`` if its content type is among ``types``. Raises FetchError."""
        try:
            return self._get(url.strip(), types)
        except FetchError as error:
            raise FetchError(one_line(f"{url} was not fetched: {error}")) from error

    def _get(self, url: str, types: Collection[str]) -> Fetched:
        import httpcore2
        import httpx2

        from index.articles.network import PublicTransport

        try:
            with httpx2.Client(
                transport=PublicTransport(self.allowed, self.seconds),
                headers=_headers(),
                timeout=self.seconds,
                trust_env=False,
            ) as client:
                return self._follow(client, _checked(httpx2.URL(url)), types)
        except (httpx2.TimeoutException, httpcore2.TimeoutException):
            raise FetchError(f"it took longer than {self.seconds:g} seconds") from None
        except (
            httpx2.HTTPError, httpx2.InvalidURL, httpcore2.NetworkError, httpcore2.ProtocolError,
            httpcore2.UnsupportedProtocol, OSError, UnicodeError,
        ) as error:  # fmt: skip
            raise FetchError(str(error) or type(error).__name__) from error

    def _follow(self, client: httpx2.Client, url: httpx2.URL, types: Collection[str]) -> Fetched:
        for _ in range(_MAX_REDIRECTS + 1):
            with client.stream("GET", url) as response:
                if not response.has_redirect_location:
                    return self._read(response, url, types)
                location = response.headers["location"]
            url = _checked(url.join(location))
        raise FetchError(f"it redirects more than {_MAX_REDIRECTS} times, last to {url}")

    def _read(self, response: httpx2.Response, url: httpx2.URL, types: Collection[str]) -> Fetched:
        if response.status_code != 200:
            raise FetchError(f"the server answered {response.status_code} {response.reason_phrase}")
        content_type = response.headers.get("content-type", "").split(";")[0].strip().lower()
        if content_type not in types:
            name = content_type or "that nobody tells"
            raise FetchError(f"it is of the type {name}; read are {', '.join(types)}")
        compression = response.headers.get("content-encoding", "").strip().lower()
        if compression not in _COMPRESSIONS:
            raise FetchError(f"it is compressed as {compression}; gzip and deflate are read")
        final_url = str(url.copy_with(fragment=None))
        data = self._body(response)
        return Fetched(final_url, content_type, response.charset_encoding, data)

    def _body(self, response: httpx2.Response) -> bytes:
        data = bytearray()
        for chunk in response.iter_bytes():
            data += chunk
            if len(data) > self.max_bytes:
                raise FetchError(
                    f"it is larger than {self.max_bytes / 1e6:g} MB: VIRGOLETTE_MAX_FILE_MB"
                )
        return bytes(data)


def _checked(url: httpx2.URL) -> httpx2.URL:
    if url.scheme not in ("http", "https"):
        raise FetchError(f"only http and https are fetched, not {url.scheme or 'this'}")
    if url.userinfo:
        raise FetchError("an address with a user name in it is refused")
    if not url.host:
        raise FetchError("the address names no host")
    return url


def _headers() -> dict[str, str]:
    from importlib.metadata import version

    return {
        "User-Agent": f"Virgolette/{version('virgolette')} (fetches single articles for a reader)",
        "Accept": "text/html, application/xhtml+xml, text/plain, text/markdown, application/pdf, "
        "application/rss+xml, application/atom+xml, */*;q=0.1",
        "Accept-Encoding": "gzip, deflate",
    }


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
