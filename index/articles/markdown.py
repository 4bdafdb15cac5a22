"""Markdown without its marks."""

from __future__ import annotations

import html
import re

from markdown_it import MarkdownIt
from markdown_it.token import Token

_TAG = re.compile(r"<!--.*?-->|<[^>]*>", re.DOTALL)


def plain_text(markdown: str) -> str:
    """The words of a CommonMark text: blocks apart by an empty line, no marks, no addresses.

    A line break inside a paragraph is a space, as it is to a reader of the page.
    """
    blocks, number = [], ""
    for token in MarkdownIt("commonmark").parse(markdown):
        if token.type == "list_item_open" and token.info:
            number = f"{token.info}{token.markup} "
        text = _text(token)
        if text.strip():
            blocks.append(number + text)
            number = ""
    return "\n\n".join(blocks)


def _text(block: Token) -> str:
    if block.type in {"fence", "code_block"}:
        return block.content.rstrip("\n")
    if block.type == "html_block":
        return html.unescape(_TAG.sub("", block.content)).strip()
    return "".join(_inline(token) for token in block.children or ())


def _inline(token: Token) -> str:
    if token.type == "softbreak":
        return " "
    if token.type == "hardbreak":
        return "\n"
    if token.type in {"text", "code_inline"}:
        return token.content
    if token.type == "image":
        return "".join(_inline(child) for child in token.children or ())
    return ""
