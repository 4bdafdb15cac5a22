"""Fetches pages and feeds from the web, trusting neither the address nor the server."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from index.articles.web.media_types import FEED_TYPES, PAGE_TYPES, media_type
from index.articles.web.refresh import page_refresh, refresh_target
from index.errors import FetchError
from index.text.clean import one_line

if TYPE_CHECKING:
    import httpx2

    from index.articles.web.network import PublicTransport

_MAX_REDIRECTS = 5
_COMPRESSIONS = ("", "identity", "gzip", "deflate")
_MAX_ADDRESS = 8000  # characters; RFC 9110 has servers take as many
_SHOWN = 200  # characters of an address in an error
_PERMANENT = (301, 308)
_NOT_MODIFIED = 304
_CONDITIONS = frozenset({"if-none-match", "if-modified-since"})
_NO_DOCUMENTS = ("image/", "audio/", "video/", "font/")  # not worth a look inside


@dataclass(frozen=True)
class Fetched:
    """The data behind an address.

    ``url`` is the address after redirects, without a fragment; ``content_type`` is what the
    data are, in lower case, without parameters; ``charset`` is the encoding that the server
    declares, if any. ``headers`` have names in lower case. ``moved`` is where redirects lead that
    hold for good, "" if the first one does not. ``is_unchanged``: the conditions of the request
    hold, and there are no data.
    """

    url: str
    content_type: str
    charset: str | None
    data: bytes
    headers: Mapping[str, str] = field(default_factory=dict, compare=False)
    moved: str = ""
    is_unchanged: bool = False


@dataclass(frozen=True)
class Fetcher:
    """Fetches from public addresses, over http and https.

    ``allowed`` are hosts, addresses and networks that may be reached besides. ``max_bytes``
    limits the decompressed data, ``seconds`` one address with all its redirects. ``turn`` gets each
    address before it is asked, redirects too, and may raise FetchError, or wait, which does not
    count; the request lasts as long as what it returns.
    """

    allowed: Collection[str] = ()
    max_bytes: int = 20_000_000
    seconds: float = 30.0
    turn: Callable[[str], AbstractContextManager[None]] = lambda _: nullcontext()

    def get(
        self, url: str, types: Collection[str], conditions: Mapping[str, str] | None = None
    ) -> Fetched:
        """Fetch ``url`` if its content type is among ``types``. Raises FetchError.

        Redirects are followed, also those in a page that is only a signpost ("meta refresh").
        ``conditions`` are headers such as If-None-Match.
        """
        try:
            if len(url) > _MAX_ADDRESS:
                raise FetchError(f"the address has {len(url)} characters, {_MAX_ADDRESS} are taken")
            return self._get(url.strip(), types, conditions or {})
        except FetchError as error:
            raise FetchError(
                one_line(f"{shortened(url)} was not fetched: {error}"),
                error.status,
                error.headers,
                error.until,
            ) from error

    def _get(self, url: str, types: Collection[str], conditions: Mapping[str, str]) -> Fetched:
        import httpcore2
        import httpx2

        from index.articles.web.network import PublicTransport

        transport = PublicTransport(self.allowed, self.seconds)
        try:
            with httpx2.Client(
                transport=transport,
                headers={**_headers(), **conditions},
                timeout=self.seconds,
                trust_env=False,
            ) as client:
                return self._follow(client, transport, _checked(httpx2.URL(url)), types)
        except (httpx2.TimeoutException, httpcore2.TimeoutException):
            raise FetchError(f"it took longer than {self.seconds:g} seconds") from None
        except (
            httpx2.HTTPError, httpx2.InvalidURL, httpcore2.NetworkError, httpcore2.ProtocolError,
            httpcore2.UnsupportedProtocol, OSError, UnicodeError,
        ) as error:  # fmt: skip
            raise FetchError(str(error) or type(error).__name__) from error

    def _follow(
        self,
        client: httpx2.Client,
        transport: PublicTransport,
        url: httpx2.URL,
        types: Collection[str],
    ) -> Fetched:
        moved, holds = "", True
        for _ in range(_MAX_REDIRECTS + 1):
            with self._turn(str(url), transport), client.stream("GET", url) as response:
                if response.has_redirect_location:
                    target = response.headers["location"]
                    holds = holds and response.status_code in _PERMANENT
                else:
                    fetched = self._read(response, url, types)
                    target = refresh_target(response.headers.get("refresh", ""))
                    if not target and fetched.content_type in PAGE_TYPES:
                        target = page_refresh(fetched.data)
                    if not target or url.join(target) == url:  # it loads itself again
                        return replace(fetched, moved=moved)
                    holds = False
            url = _checked(url.join(target))
            moved = str(url.copy_with(fragment=None)) if holds else moved
        raise FetchError(f"it redirects more than {_MAX_REDIRECTS} times, last to {url}")

    @contextmanager
    def _turn(self, url: str, transport: PublicTransport) -> Iterator[None]:
        asked = time.monotonic()
        with self.turn(url):
            transport.prolong(time.monotonic() - asked)
            yield
            asked = time.monotonic()
        transport.prolong(time.monotonic() - asked)

    def _read(self, response: httpx2.Response, url: httpx2.URL, types: Collection[str]) -> Fetched:
        status, headers = response.status_code, dict(response.headers)
        final_url = str(url.copy_with(fragment=None))
        if status == _NOT_MODIFIED and not _CONDITIONS.isdisjoint(response.request.headers):
            return Fetched(final_url, "", None, b"", headers, is_unchanged=True)
        if status != 200:
            message = f"the server answered {status} {response.reason_phrase}"
            raise FetchError(message, status, headers)
        label = response.headers.get("content-type", "").split(";")[0].strip().lower()
        if label.startswith(_NO_DOCUMENTS):
            raise _wrong_type(label, types)
        compression = response.headers.get("content-encoding", "").strip().lower()
        if compression not in _COMPRESSIONS:
            raise FetchError(f"it is compressed as {compression}; gzip and deflate are read", 200)
        data = self._body(response)
        content_type = media_type(data, label, url.path)
        if content_type not in types:
            raise _wrong_type(content_type, types)
        return Fetched(final_url, content_type, response.charset_encoding, data, headers)

    def _body(self, response: httpx2.Response) -> bytes:
        data = bytearray()
        for chunk in response.iter_bytes():
            data += chunk
            if len(data) > self.max_bytes:
                raise FetchError(
                    f"it is larger than {self.max_bytes / 1e6:g} MB: VIRGOLETTE_MAX_FILE_MB", 200
                )
        return bytes(data)


def shortened(address: str) -> str:
    """An address, or the beginning of a long one, to show in a line."""
    return address if len(address) <= _SHOWN else f"{address[:_SHOWN]}…"


def _wrong_type(content_type: str, types: Collection[str]) -> FetchError:
    if content_type in FEED_TYPES and not content_type.endswith(("/xml", "/json")):
        return FetchError("it is a feed: virgolette add --feed adds its articles", 200)
    return FetchError(f"it is of the type {content_type}; read are {', '.join(types)}", 200)


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
