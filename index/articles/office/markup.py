"""The whole text of markup that is an article from its beginning to its end."""

from __future__ import annotations

from index.articles.extraction.blocks import joined, page_blocks
from index.articles.extraction.parsing import drop_unseen, parse_page


def markup_text(markup: str) -> str:
    """The text of HTML as a reader sees it, with an empty line between blocks.

    The rows of a table name its headings; the mark of a note is no text. Raises ArticleError if
    there are too many elements.
    """
    if not markup.strip():
        return ""
    tree = parse_page(markup)
    drop_unseen(tree)
    return joined(page_blocks(tree))
