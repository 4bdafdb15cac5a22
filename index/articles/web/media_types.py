"""The media type of what a server sends: its contents are believed before their label.

After the WHATWG's MIME Sniffing standard, which tells feeds, pages, PDFs and binary data by their
first bytes, and further: a label that is missing or says nothing tells nothing here.
"""

from __future__ import annotations

import re
from contextlib import suppress

from index.articles.office.signatures import format_of
from index.errors import ArticleError

PAGE_TYPES = ("text/html", "application/xhtml+xml")
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
FEED_TYPES = tuple(
    "application/rss+xml application/atom+xml application/rdf+xml application/xml text/xml "
    "application/feed+json application/json".split()
)
# The element that a document begins with, after what may come before it.
_ROOT = re.compile(
    rb"(?:\s|\xef\xbb\xbf|<\?.*?\?>|<!--.*?-->)*+<(?:!doctype\s+)?(?P<name>[a-z][\w:.-]*)",
    re.DOTALL | re.IGNORECASE,
)
_FEED_ROOTS = {b"rss": "application/rss+xml", b"feed": "application/atom+xml"}
_FEED_ROOTS[b"rdf:rdf"] = "application/rdf+xml"
_PAGE_ROOTS = frozenset(
    b"a article b body br div font h1 head iframe main p script section style table title".split()
)
_UNTOLD = frozenset({"", "text/plain", "text/xml", "application/xml"})
_UNTOLD_SUBTYPES = (
    "/octet-stream", "/unknown", "/force-download", "/x-download", "/zip", "/x-zip-compressed"
)  # fmt: skip
_BINARY_TYPE = "application/octet-stream"
_HEAD = 1445  # bytes that the standard looks at
_BINARY = bytes({*range(0x20)} - {*b"\t\n\f\r\x1b"})


def media_type(data: bytes, label: str, path: str) -> str:
    """The media type of the data, in lower case, without parameters.

    ``label`` is what the server says, "" for nothing. ``path`` is that of the address: plain text
    may be Markdown.
    """
    is_wide = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    head = data[:_HEAD].decode("utf-16", "ignore").encode() if is_wide else data
    if head.startswith(b"%PDF-"):
        return "application/pdf"
    match = _ROOT.match(head)
    root = match["name"].lower() if match else b""
    if root in _FEED_ROOTS:
        return _FEED_ROOTS[root]
    says_nothing = label in _UNTOLD or label.endswith(_UNTOLD_SUBTYPES)
    if root == b"html" or (says_nothing and root in _PAGE_ROOTS):
        return "application/xhtml+xml" if label == "application/xhtml+xml" else "text/html"
    if not says_nothing or label.endswith("/xml"):
        return label
    if len(head[:_HEAD].translate(None, _BINARY)) < len(head[:_HEAD]):
        return _archive_type(data)
    return "text/markdown" if path.lower().endswith((".md", ".markdown")) else "text/plain"


def _archive_type(data: bytes) -> str:
    """The type of a document that is an archive of files, or that of any binary data."""
    with suppress(ArticleError):
        suffix = format_of(data)
        return next((t for t, s in ARTICLE_TYPES.items() if s == suffix), _BINARY_TYPE)
    return _BINARY_TYPE
