"""Markdown without its marks."""

from __future__ import annotations

from markdown_it import MarkdownIt
from markdown_it.token import Token


def plain_text(markdown: str) -> str:
    """The words of a CommonMark text: blocks apart by an empty line, no marks, no addresses."""
    blocks = (_text(token) for token in MarkdownIt("commonmark").parse(markdown))
    return "\n\n".join(block for block in blocks if block.strip())


def _text(block: Token) -> str:
    if block.type in {"fence", "code_block"}:
        return block.content.rstrip("\n")
    return "".join(_inline(token) for token in block.children or ())


def _inline(token: Token) -> str:
    if token.type in {"softbreak", "hardbreak"}:
        return "\n"
    if token.type in {"text", "code_inline"}:
        return token.content
    if token.type == "image":
        return "".join(_inline(child) for child in token.children or ())
    return ""
