"""Rich messages (#inputrichmessage), as far as the bot sends them: blocks without media.

The error texts are those that users of the Bot API report; where none is known, they begin with
"fake:".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.bot_api.errors import Json, bad_request
from tests.bot_api.text import checked_link

MAX_TEXT, MAX_BLOCKS, MAX_DEPTH, MAX_COLUMNS = 32768, 500, 16, 20
_MESSAGE = {"html", "markdown", "blocks", "media", "is_rtl", "skip_entity_detection"}
_BLOCKS = {  # each: the fields that it must have, and those that it may have
    "paragraph": ("text", ""),
    "heading": ("text size", ""),
    "footer": ("text", ""),
    "divider": ("", ""),
    "blockquote": ("blocks", "credit"),
    "details": ("summary blocks", "is_open"),
    "table": ("cells", "is_bordered is_striped is_compact caption"),
}
_URL = {"type", "text", "url"}
_STYLES = {"bold", "italic", "underline", "strikethrough", "code", "marked"}
_ALIGNED = {"align": ("left", "center", "right"), "valign": ("top", "middle", "bottom")}


def rich_message(rich: Any) -> Json:
    """The #richmessage that a request makes, or the refusal of it."""
    if (
        not isinstance(rich, dict)
        or sum(key in rich for key in ("html", "markdown", "blocks")) != 1
    ):
        raise bad_request("rich message must be non-empty")
    if unknown := rich.keys() - _MESSAGE:
        raise bad_request(f"InputRichMessage has no field {unknown}")
    if "blocks" not in rich:
        raise bad_request("only blocks are supported by the fake")
    texts = list(_texts_of_blocks(rich["blocks"], 1))
    if not "".join(texts).strip():
        raise bad_request("RICH_MESSAGE_EMPTY")
    if sum(map(len, texts)) > MAX_TEXT:
        raise bad_request("RICH_MESSAGE_TEXT_TOO_LONG")
    if _count(rich["blocks"]) > MAX_BLOCKS:
        raise bad_request("fake: more blocks than are documented")
    return {"blocks": rich["blocks"]}


def rich_texts(blocks: list[Json]) -> list[str]:
    """The plain strings in blocks, in order."""
    return list(_texts_of_blocks(blocks, 1))


def _count(blocks: list[Json]) -> int:
    inner = (len(b.get("cells", [])) + _count(b.get("blocks", [])) for b in blocks)
    return len(blocks) + sum(inner)


def _texts_of_blocks(blocks: Any, depth: int) -> Iterator[str]:
    if not isinstance(blocks, list) or not blocks:
        raise bad_request("RICH_MESSAGE_CONTENT_REQUIRED")
    if depth > MAX_DEPTH:
        raise bad_request("fake: nested deeper than is documented")
    for block in blocks:
        yield from _texts_of_block(block, depth)


def _texts_of_block(block: Any, depth: int) -> Iterator[str]:
    kind = block.get("type") if isinstance(block, dict) else None
    if kind not in _BLOCKS:
        raise _unparsed(f'type "{kind}" is unsupported')
    required, optional = (fields.split() for fields in _BLOCKS[kind])
    for field in required:
        if field not in block:
            raise _unparsed(f'Can\'t find field "{field}"')
    if unknown := block.keys() - {"type", *required, *optional}:
        raise _unparsed(f"{kind} has no field {unknown}")
    for field in ("text", "summary", "credit", "caption"):
        if field in block:
            yield from _texts(block[field], depth + 1)
    if "blocks" in block:
        yield from _texts_of_blocks(block["blocks"], depth + 1)
    if kind == "table":
        yield from _texts_of_table(block["cells"], depth + 1)


def _texts_of_table(cells: Any, depth: int) -> Iterator[str]:
    """Those of the cells; as in HTML, a cell that spans rows leaves no room in the next ones."""
    spanning: list[int] = []  # the rows that each cell from above still covers
    widths = set()
    for row in cells:
        spanning = [left - 1 for left in spanning if left > 1]
        widths.add(len(row) + len(spanning))
        for cell in row:
            if not isinstance(cell, dict):
                raise _unparsed("RichBlockTableCell must be an object")
            if unknown := cell.keys() - {"text", "is_header", "colspan", "rowspan", *_ALIGNED}:
                raise _unparsed(f"RichBlockTableCell has no field {unknown}")
            if any(cell.get(name) not in values for name, values in _ALIGNED.items()):
                raise _unparsed("RichBlockTableCell must be aligned")
            spanning.append(cell.get("rowspan", 1))
            yield from _texts(cell.get("text", ""), depth + 1)
    if len(widths) != 1 or max(widths) > MAX_COLUMNS or any(left > 1 for left in spanning):
        raise _unparsed("the table is no rectangle, or has too many columns")


def _texts(text: Any, depth: int) -> Iterator[str]:
    """The strings in a #richtext."""
    if depth > MAX_DEPTH:
        raise bad_request("fake: nested deeper than is documented")
    if isinstance(text, str):
        yield text
    elif isinstance(text, list):
        for part in text:
            yield from _texts(part, depth)
    elif isinstance(text, dict) and text.get("type") == "url" and text.keys() == _URL:
        if checked_link(text["url"]) is None:
            raise bad_request("fake: an address that is no link")
        yield from _texts(text["text"], depth + 1)
    elif isinstance(text, dict) and text.get("type") in _STYLES and text.keys() == {"type", "text"}:
        yield from _texts(text["text"], depth + 1)
    else:
        raise _unparsed("Unsupported rich text type")


def _unparsed(why: str) -> Exception:
    return bad_request(f"can't parse InputRichBlock: {why}")
