"""What a page says of its article in metadata: title, description, JSON-LD's articleBody."""

from __future__ import annotations

import html
from typing import Any

from index.articles.extraction.blocks import page_blocks
from index.articles.extraction.features import PageTexts
from index.articles.page_metadata import json_ld

_DESCRIPTIONS = (
    "//meta[@name='description' or @property='og:description' or @name='twitter:description']"
    "/@content"
)


def page_texts(tree: Any, title: str) -> PageTexts:
    """The texts about the article that the page holds besides its markup."""
    items = [item for item in json_ld(tree) if isinstance(item.get("articleBody"), str)]
    bodies = {item["articleBody"] for item in items}
    descriptions = [str(value) for value in tree.xpath(_DESCRIPTIONS)]
    descriptions += [str(item.get("description") or "") for item in items]
    return PageTexts(
        title=title,
        description="\n".join(dict.fromkeys(map(html.unescape, descriptions))),
        body=_plain(bodies.pop()) if len(bodies) == 1 else "",
    )


def is_for_subscribers(tree: Any) -> bool:
    """Whether JSON-LD says that the article may not be read for free.

    https://schema.org/isAccessibleForFree, which search engines want from pages behind a paywall.
    """
    return any(str(item.get("isAccessibleForFree")).lower() == "false" for item in json_ld(tree))


def _plain(body: str) -> str:
    """An articleBody without the markup and the escapes that some sites leave in it."""
    from lxml.html import document_fromstring

    text = html.unescape(html.unescape(body))
    if "<" in text:
        tree = document_fromstring(f"<html><body>{text}</body></html>")
        return "\n\n".join(block.text for block in page_blocks(tree))
    lines = (" ".join(line.split()) for line in text.split("\n"))
    return "\n\n".join(filter(None, lines))
