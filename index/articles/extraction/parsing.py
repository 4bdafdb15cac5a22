"""Parses the markup of a web page, without what a reader does not see."""

from __future__ import annotations

import re
from typing import Any

from index.errors import ArticleError

MAX_ELEMENTS = 50_000  # a news page has a few thousand; this many take seconds
_MAX_DEPTH = 2000  # browsers allow 512
_XML_DECLARATION = re.compile(r"\s*<\?xml[^>]*\?>")
_UNSEEN_TAGS = (
    "script style template noscript iframe object embed svg math canvas audio video button select"
    " textarea input datalist dialog amp-ad amp-embed amp-sidebar amp-consent amp-analytics"
).split()
_UNSEEN_STYLE = re.compile(r"(?:^|[;\s])(?:display\s*:\s*none|visibility\s*:\s*hidden)", re.I)


def parse_page(markup: str) -> Any:
    """The lxml tree of a page's markup. Raises ArticleError if it has too many elements."""
    from lxml.etree import LxmlError
    from lxml.html import HTMLParser, document_fromstring

    if markup.count("<") > 10 * MAX_ELEMENTS:
        raise _too_large()
    # The declaration may name an encoding, but the markup is decoded already.
    markup = _XML_DECLARATION.sub("", markup.replace("\x00", ""), count=1)
    parser = HTMLParser(
        encoding="utf-8", remove_comments=True, remove_pis=True, collect_ids=False, huge_tree=True
    )
    try:
        tree = document_fromstring(markup.encode("utf-8", "replace"), parser=parser)
    except (LxmlError, ValueError, AssertionError):
        raise no_article() from None
    _check_size(tree)
    return tree


def _check_size(tree: Any) -> None:
    from lxml.etree import iterwalk

    depth = count = 0
    for event, _ in iterwalk(tree, events=("start", "end")):
        depth += 1 if event == "start" else -1
        count += event == "start"
        if depth > _MAX_DEPTH:
            raise ArticleError(
                f"its elements are nested more than {_MAX_DEPTH} deep: save its text as .txt"
            )
        if count > MAX_ELEMENTS:
            raise _too_large()


def no_article() -> ArticleError:
    """The error of a page that holds nothing to read."""
    return ArticleError(
        "no article was found in the page: save its text as .txt, or the page as the browser"
        " shows it"
    )


def _too_large() -> ArticleError:
    return ArticleError(f"the page has more than {MAX_ELEMENTS} elements: save its text as .txt")


def drop_unseen(tree: Any) -> None:
    """Remove the elements that a reader does not see; the text after them stays."""
    unseen = [element for element in tree.iter() if _is_unseen(element)]
    for element in unseen:
        if element.getparent() is not None and element.tag != "body":
            element.drop_tree()


def _is_unseen(element: Any) -> bool:
    if element.tag in _UNSEEN_TAGS or element.get("hidden") is not None:
        return True
    style = element.get("style")
    return element.get("aria-hidden") == "true" or bool(style and _UNSEEN_STYLE.search(style))
