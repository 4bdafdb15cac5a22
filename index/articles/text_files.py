"""Reads text files: their encoding, front matter and Markdown."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from index.articles.document import Document
from index.articles.encodings import decode
from index.articles.front_matter import split_front_matter
from index.text.clean import with_line_ends

if TYPE_CHECKING:
    from markdown_it.token import Token


def read_text_file(data: bytes, declared: str | None = None) -> Document:
    """The text after the front matter, the known fields in that, and what could not be read.

    ``declared`` is an encoding as in ``decode``. Raises ArticleError.
    """
    decoded = decode(data, declared)
    document = split_front_matter(with_line_ends(decoded.text.lstrip("\ufeff")))
    return replace(document, notes=(*decoded.notes, *document.notes))


_TAG = re.compile(r"<!--.*?-->|<[^>]*>", re.DOTALL)


def plain_text(markdown: str) -> str:
    """A CommonMark text without markup and addresses, its blocks separated by an empty line.

    A line break inside a paragraph is a space, as in HTML.
    """
    from markdown_it import MarkdownIt

    blocks, number = [], ""
    for token in MarkdownIt("commonmark").parse(markdown):
        if token.type == "list_item_open" and token.info:
            number = f"{token.info}{token.markup} "
        if (text := _block_text(token)).strip():
            blocks.append(number + text)
            number = ""
    return "\n\n".join(blocks)


def _block_text(block: Token) -> str:
    if block.type in {"fence", "code_block"}:
        return block.content.rstrip("\n")
    if block.type == "html_block":
        return html.unescape(_TAG.sub("", block.content)).strip()
    return "".join(_inline(token) for token in block.children or ())


def _inline(token: Token) -> str:
    if token.type in {"text", "code_inline"}:
        return token.content
    if token.type == "image":
        return "".join(_inline(child) for child in token.children or ())
    return {"softbreak": " ", "hardbreak": "\n"}.get(token.type, "")
