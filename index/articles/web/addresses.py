"""The addresses of pages on the web: which are one, and which of a page's two is its own."""

from __future__ import annotations

from urllib.parse import SplitResult, urlsplit

_CAMPAIGN = "utm_"  # begins the names of what tells where a reader comes from


def normalized(url: str) -> str:
    """An address without fragment, default port and campaign, its host in lower case."""
    parts = _split(url)
    if parts is None:
        return url.strip()
    return f"{parts.scheme}://{parts.netloc}{parts.path}?{parts.query}".rstrip("?")


def host_of(url: str) -> str:
    """The host of an address, in lower case, with a port that is not the usual one."""
    parts = _split(url)
    return parts.netloc if parts else ""


def same_page(url: str, other: str) -> bool:
    """Whether two addresses differ in no more than scheme, host and a last slash."""
    one, two = _split(url), _split(other)
    return one is not None and two is not None and _page(one) == _page(two)


def is_home(url: str) -> bool:
    """Whether this is the address of a whole site."""
    parts = _split(url)
    return parts is not None and _page(parts) == ("", "")


def own_address(canonical: str, fetched: str) -> str:
    """The address of a page that was fetched: its canonical one, if that can be its own.

    Sites give all pages the address of one: their home page, a section, another article, or the
    address without the query that names the article. On another host it is where a text was first
    published, unless it is the beginning of the fetched one.
    """
    told, own = _split(canonical), _split(fetched)
    if told is None or own is None:
        return fetched
    is_short = own.path.startswith(f"{told.path.rstrip('/')}/") or own.path == told.path
    elsewhere = told.hostname != own.hostname and not is_short
    return canonical if elsewhere or same_page(canonical, fetched) else normalized(fetched)


def _page(parts: SplitResult) -> tuple[str, str]:
    return parts.path.rstrip("/"), parts.query


def _split(url: str) -> SplitResult | None:
    """The parts of a normalized address, None if it is none."""
    try:
        parts = urlsplit(url.strip())
        default_port = {"http": 80, "https": 443}.get(parts.scheme)
        port = "" if parts.port in (None, default_port) else f":{parts.port}"
    except ValueError:
        return None
    if not parts.hostname:
        return None
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    named = [pair for pair in parts.query.split("&") if not pair.lower().startswith(_CAMPAIGN)]
    return SplitResult(parts.scheme, f"{host}{port}", parts.path or "/", "&".join(named), "")
