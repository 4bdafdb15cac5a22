"""The whole text of markup that is an article from its beginning to its end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from index.articles.extraction.blocks import joined, page_blocks
from index.articles.extraction.parsing import drop_unseen, parse_page


def markup_text(markup: str, change: Callable[[Any], None] | None = None) -> str:
    """The text of HTML as a reader sees it, with an empty line between blocks.

    The rows of a table name its headings; the mark of a note is no text. Raises ArticleError if
    there are too many elements. ``change``: what is done to the lxml tree before it is read.
    """
    if not markup.strip():
        return ""
    tree = parse_page(markup)
    drop_unseen(tree)
    if change:
        change(tree)
    return joined(page_blocks(tree))
