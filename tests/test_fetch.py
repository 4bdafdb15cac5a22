"""Fetching: what is refused, and that everything ends."""

from __future__ import annotations

import gzip
import ipaddress
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from index.articles.web.addresses import host_of, normalized
from index.articles.web.fetch import Fetched, Fetcher
from index.articles.web.media_types import ARTICLE_TYPES, FEED_TYPES
from index.articles.web.network import is_public
from index.errors import FetchError
from tests.office import docx, epub, odt, paragraph, zipped
from tests.web import Page, Site, Write, site

HERE = Fetcher(allowed=["127.0.0.1"], seconds=10)


@pytest.fixture
def web() -> Iterator[Site]:
    with site() as running:
        yield running


def get(url: str, fetcher: Fetcher = HERE) -> Fetched:
    return fetcher.get(url, ARTICLE_TYPES)


def test_waiting_for_a_turn_does_not_count(web: Site) -> None:
    @contextmanager
    def turn(_: str) -> Iterator[None]:
        time.sleep(0.6)
        yield

    web.pages["/a"] = Page("<p>Uno.</p>")
    web.redirect("/b", "/a")
    assert get(web.url("/b"), Fetcher(["127.0.0.1"], seconds=0.5, turn=turn)).url == web.url("/a")


def test_a_page_comes_with_its_type_and_its_address(web: Site) -> None:
    web.pages["/a?b=%20c"] = Page("<p>Perché</p>", "Text/HTML; Charset=ISO-8859-1")
    got = get(web.url("/a?b=%20c") + "#part")
    assert got == Fetched(web.url("/a?b=%20c"), "text/html", "iso-8859-1", "<p>Perché</p>".encode())
    ((_, headers),) = web.asked
    assert headers["user-agent"].startswith("Virgolette/")
    assert headers["host"] == f"127.0.0.1:{web.port}"


@pytest.mark.parametrize(
    "address",
    "127.0.0.1 10.1.2.3 172.16.0.1 192.168.1.1 169.254.169.254 100.64.0.1 0.0.0.0 224.0.0.1"
    " 240.0.0.1 255.255.255.255 192.0.2.1 198.18.0.1 ::1 :: fe80::1 fc00::1 fec0::1 ff02::1"
    " ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::127.0.0.1 64:ff9b::7f00:1 64:ff9b:1::1 2002:7f00:1::"
    " 2001:0:102:304::1 2001:db8::1 5f00::1 100::1".split(),
)
def test_addresses_that_are_not_public(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))


def test_an_address_of_ipv6_keeps_its_brackets() -> None:
    assert host_of("http://[2001:DB8::1]:8080/a") == "[2001:db8::1]:8080"
    assert normalized("http://[2001:DB8::1]:80/a?utm_x=1") == "http://[2001:db8::1]/a"


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8"])
def test_addresses_that_are(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("host", "127.0.0.1 localhost LOCALHOST [::1] [::ffff:127.0.0.1]".split())
def test_this_machine_is_refused_under_all_its_names(web: Site, host: str) -> None:
    with pytest.raises(FetchError, match=r"no public address; VIRGOLETTE_FETCH_ALLOW"):
        get(web.url(host=host), Fetcher())
    assert web.asked == []


@pytest.mark.parametrize("allowed", ["127.0.0.1", "127.0.0.0/8", "localhost", "LocalHost."])
def test_exceptions_are_hosts_addresses_and_networks(web: Site, allowed: str) -> None:
    web.pages["/"] = Page("x")
    host = "127.0.0.1" if allowed[0].isdigit() else "localhost"
    fetcher = Fetcher([allowed])
    assert get(web.url(host=host), fetcher).data == b"x"
    ((_, headers),) = web.asked
    assert headers["host"] == f"{host}:{web.port}"
    if host == "localhost":
        with pytest.raises(FetchError, match="no public address"):
            get(web.url(), fetcher)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("ftp://example.org/a", "only http and https"),
        ("file:///etc/passwd", "only http and https"),
        ("HTTP://ada:word@127.0.0.1/", "user name in it"),
        ("http:///a", "names no host"),
        ("http://[::1", "was not fetched"),
        ("http://127.0.0.1:99999/", "was not fetched"),
        ("http://a b/", "was not fetched"),
    ],
)
def test_other_addresses_are_refused(url: str, reason: str) -> None:
    with pytest.raises(FetchError, match=reason):
        get(url)


def test_redirects_are_followed_and_counted(web: Site) -> None:
    for number in range(1, 7):
        web.redirect(f"/{number}", f"{number - 1}")
    web.pages["/0"] = Page("fine")
    assert get(web.url("/5")).url == web.url("/0")
    with pytest.raises(FetchError, match="redirects more than 5 times"):
        get(web.url("/6"))


@pytest.mark.parametrize(
    ("to", "reason"),
    [
        ("http://169.254.169.254/latest/meta-data", "169.254.169.254 is no public address"),
        ("file:///etc/passwd", "only http and https"),
        ("//a:b@127.0.0.1:{port}/secret", "user name in it"),
    ],
)
def test_a_redirect_is_checked_anew(web: Site, to: str, reason: str) -> None:
    web.redirect("/", to.format(port=web.port))
    web.pages["/secret"] = Page("secret")
    with pytest.raises(FetchError, match=reason):
        get(web.url(), Fetcher(["127.0.0.1/32"]))


def test_a_name_is_allowed_and_where_it_leads_is_not(web: Site) -> None:
    web.redirect("/", web.url("/secret"))
    web.pages["/secret"] = Page("secret")
    with pytest.raises(FetchError, match=r"127\.0\.0\.1 is no public address"):
        get(web.url(host="localhost"), Fetcher(["localhost"]))
    assert [path for path, _ in web.asked] == ["/"]


@pytest.mark.parametrize(
    ("page", "reason"),
    [
        (Page("x", "image/png"), "it is of the type image/png; read are text/html"),
        (Page("x\0", None), "type application/octet-stream"),
        (Page(zipped({"a.txt": "Ciao"}), "application/zip"), "type application/octet-stream"),
        (Page("{}", "application/json"), "type application/json"),
        (Page("<urlset></urlset>", "text/xml"), "type text/xml"),
        (Page("<rss></rss>"), "it is a feed: virgolette add --feed"),
        (Page("x", status=404), "answered 404 Not Found"),
        (Page("x", status=500), "answered 500"),
        (Page("x", headers={"Content-Encoding": "gzip, gzip"}), "compressed as gzip, gzip"),
        (Page("x", headers={"Content-Encoding": "zstd"}), "compressed as zstd"),
        (Page("not packed", headers={"Content-Encoding": "gzip"}), "was not fetched"),
    ],
)
def test_what_is_no_article_is_refused(web: Site, page: Page, reason: str) -> None:
    web.pages["/"] = page
    with pytest.raises(FetchError, match=reason):
        get(web.url())


def test_a_compressed_page_is_read(web: Site) -> None:
    web.pages["/"] = Page(gzip.compress(b"Ciao"), headers={"Content-Encoding": "gzip"})
    assert get(web.url()).data == b"Ciao"


@pytest.mark.parametrize("encoding", ["", "gzip"])
def test_size_is_counted_after_decompression(web: Site, encoding: str) -> None:
    body = b"x" * 1_000_001
    packed = gzip.compress(body) if encoding else body
    web.pages["/"] = Page(packed, headers={"Content-Encoding": encoding} if encoding else {})
    small = Fetcher(["127.0.0.1"], max_bytes=1_000_000)
    with pytest.raises(FetchError, match="larger than 1 MB: VIRGOLETTE_MAX_FILE_MB"):
        get(web.url(), small)
    web.pages["/"] = Page(body[1:])
    assert len(get(web.url(), small).data) == 1_000_000


DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
ODT = "application/vnd.oasis.opendocument.text"
FEED = "\n <?xml version='1.0'?><!-- a --><rss version='2.0'></rss>"


@pytest.mark.parametrize(
    ("page", "content_type"),
    [
        (Page("<!doctype html><p>Ciao", None), "text/html"),
        (Page("<!-- a --><html>Ciao", "application/octet-stream"), "text/html"),
        (Page("<html>Ciao", "text/plain"), "text/html"),
        (Page("<p>Ciao", ""), "text/html"),
        (Page("<h1>Ciao</h1>", "text/markdown"), "text/markdown"),
        (Page("Ciao", None), "text/plain"),
        (Page("Ciao".encode("utf-16"), None), "text/plain"),
        (Page("%PDF-1.4", "binary/octet-stream"), "application/pdf"),
        (Page("%PDF-1.4", "text/html"), "application/pdf"),
        (Page(docx(paragraph("Ciao")), "application/octet-stream"), DOCX),
        (Page(odt("<text:p>Ciao</text:p>"), "application/zip"), ODT),
        (Page(epub("<p>Ciao</p>"), None), "application/epub+zip"),
        (Page(FEED), "application/rss+xml"),
        (Page(FEED, None), "application/rss+xml"),
        (Page(FEED.encode("utf-16"), "application/octet-stream"), "application/rss+xml"),
        (Page("<feed/>", "text/plain"), "application/atom+xml"),
        (Page("<rdf:RDF>", "application/json"), "application/rdf+xml"),
        (Page("<?xml version='1.0'?><a/>", "application/rss+xml"), "application/rss+xml"),
    ],
)
def test_contents_are_believed_before_labels(web: Site, page: Page, content_type: str) -> None:
    web.pages["/"] = page
    assert HERE.get(web.url(), {*ARTICLE_TYPES, *FEED_TYPES}).content_type == content_type


@pytest.mark.parametrize(
    "content", ["0; url=/a", "0;URL=&quot;/a&quot;", "5.5 , url = /a", "0;/a", "1;url='/a'"]
)
def test_a_page_that_is_a_signpost_is_followed(web: Site, content: str) -> None:
    web.pages["/"] = Page(f'Attendi. <META HTTP-EQUIV=Refresh CONTENT="{content}">')
    web.pages["/header"] = Page("Attendi.", headers={"Refresh": "0; url=/a"})
    web.pages["/a"] = Page("<p>L'articolo.")
    assert get(web.url()).url == get(web.url("/header")).url == web.url("/a")
    signpost = f'<meta http-equiv=refresh content="{content}">'
    web.pages["/"] = Page(f"<script>go()</script><noscript>{signpost}</noscript>")
    assert get(web.url()).url == web.url("/a")


@pytest.mark.parametrize(
    "content", ["300", "300; url=/a", "0", "0; url=", "0; url=/", "x; url=/a", "0; url=#top"]
)
def test_a_page_that_loads_itself_again_stays(web: Site, content: str) -> None:
    web.pages["/"] = Page(f'<meta http-equiv="refresh" content="{content}"><p>Diretta.')
    assert get(web.url()).url == web.url()
    web.pages["/"] = Page(
        '<noscript><meta http-equiv="refresh" content="0; url=/a"></noscript><p>Articolo.'
    )
    assert get(web.url()).url == web.url()


@pytest.mark.parametrize(
    ("to", "reason"),
    [
        ("http://169.254.169.254/latest", "no public address"),
        ("file:///etc/passwd", "only http and https"),
        ("/1", "redirects more than 5 times"),
    ],
)
def test_a_signpost_is_checked_as_any_redirect(web: Site, to: str, reason: str) -> None:
    for path, target in (("/", to), ("/1", "/2"), ("/2", "/1")):
        web.pages[path] = Page(f'<meta http-equiv="refresh" content="0; url={target}">')
    with pytest.raises(FetchError, match=reason):
        get(web.url())


def test_a_long_address_is_refused_in_a_short_line() -> None:
    with pytest.raises(FetchError, match="the address has 10018 characters") as refused:
        get("https://example.org" + "/" * 9_999)
    assert len(str(refused.value)) < 400


def slowly(beginning: bytes, drop: bytes) -> Page:
    def write(out: Write) -> None:
        out(beginning)
        for _ in range(200):
            out(drop)
            time.sleep(0.05)

    return Page(write)


@pytest.mark.parametrize(
    ("beginning", "drop"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n", b"x"),
        (b"HTTP/1.1 200 OK\r\nX-Slow: ", b"x"),
        (b"", b""),
    ],
    ids=["body", "head", "silence"],
)
def test_a_slow_drip_ends(web: Site, beginning: bytes, drop: bytes) -> None:
    web.pages["/"] = slowly(beginning, drop)
    started = time.monotonic()
    with pytest.raises(FetchError, match=r"it took longer than 0\.5 seconds"):
        get(web.url(), Fetcher(["127.0.0.1"], seconds=0.5))
    assert time.monotonic() - started < 2


def test_time_is_counted_over_all_redirects(web: Site) -> None:
    def wait(out: Write) -> None:
        time.sleep(0.3)
        out(b"HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n")

    web.pages["/"] = Page(wait)
    with pytest.raises(FetchError, match=r"it took longer than 0\.5 seconds"):
        get(web.url(), Fetcher(["127.0.0.1"], seconds=0.5))


def test_a_host_that_refuses_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(FetchError, match=f"http://127.0.0.1:{port}/ was not fetched: .*refused"):
        get(f"http://127.0.0.1:{port}/")


def test_proxies_of_the_environment_are_not_asked(
    web: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "")
    web.pages["/"] = Page("x")
    assert get(web.url()).data == b"x"
