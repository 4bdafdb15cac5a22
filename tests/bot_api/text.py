"""Formatted text as Telegram reads it: HTML into plain text and entities.

Source: https://core.telegram.org/bots/api#formatting-options.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from tests.bot_api.errors import ApiError, Json, bad_request

_TAGS_OF = {
    "bold": "b strong",
    "italic": "i em",
    "underline": "u ins",
    "strikethrough": "s strike del",
    "spoiler": "span tg-spoiler",
    "text_link": "a",
    "custom_emoji": "tg-emoji",
    "code": "code",
    "pre": "pre",
    "blockquote": "blockquote",
}
_KINDS = {tag: kind for kind, tags in _TAGS_OF.items() for tag in tags.split()}
_ATTRIBUTES = {
    "a": "href",
    "span": "class",
    "code": "class",
    "tg-emoji": "emoji-id",
    "blockquote": "expandable",
}
_FIXED_WIDTH = {"code", "pre"}
_QUOTES = {"blockquote", "expandable_blockquote"}
_SINGLE = {"text_link", "custom_emoji"}
_REFERENCES = {"&lt;": "<", "&gt;": ">", "&amp;": "&", "&quot;": '"'}
_REFERENCE = r"&[#\w]*;?"
_TOKEN = re.compile(
    r"(?P<text>[^<>&]+)"
    rf"|(?P<reference>{_REFERENCE})"
    r"|(?P<stray>>)"
    r"|</(?P<end>[^\s>]*)\s*(?P<end_close>>?)"
    r"""|<(?P<start>[^\s>]*)(?P<attributes>(?:"[^"]*"|'[^']*'|[^"'>])*)(?P<start_close>>?)"""
)
_ATTRIBUTE = re.compile(r"""\s+([^\s=>/"']+)(?:\s*=\s*("[^"]*"|'[^']*'))?(?=\s|$)""")


def utf16_units(text: str) -> int:
    """The length of a text as #messageentity counts it."""
    return len(text.encode("utf-16-le")) // 2


def checked_link(url: str) -> str | None:
    """The http(s) URL as Telegram stores it, never without a path, or None for another one."""
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        host = parts.hostname or ""
    except ValueError:
        return None
    if parts.scheme not in {"http", "https"} or not re.fullmatch(r"[^\s.]+(\.[^\s.]+)+", host):
        return None
    return parts._replace(path=parts.path or "/").geturl()


@dataclass
class _OpenTag:
    name: str
    start: int
    entity: Json


class HtmlParser:
    """Telegram's HTML (#html-style) to a plain text and entities with offsets in characters."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._text = ""
        self._open: list[_OpenTag] = []
        self._entities: list[Json] = []

    def parse(self) -> tuple[str, list[Json]]:
        """The text and its entities, in the order of their starts and outermost first."""
        for token in _TOKEN.finditer(self._source):
            if token["start"] is not None:
                self._start_tag(token)
            elif token["end"] is not None:
                self._end_tag(token)
            elif token["stray"]:
                raise self._error('Unescaped ">"', token.start())
            elif token["reference"]:
                self._text += self._character(token["reference"], token.start())
            else:
                self._text += token["text"]
        if self._open:
            name = self._open[-1].name
            raise self._error(f'Can\'t find end tag corresponding to start tag "{name}"')
        outermost_first = reversed(self._entities)
        return self._text, sorted(outermost_first, key=lambda e: (e["offset"], -e["length"]))

    def _error(self, reason: str, position: int | None = None) -> ApiError:
        where = "" if position is None else f" at byte offset {self._bytes_before(position)}"
        return bad_request(f"can't parse entities: {reason}{where}")

    def _bytes_before(self, position: int) -> int:
        return len(self._source[:position].encode())

    def _character(self, reference: str, position: int) -> str:
        if reference in _REFERENCES:
            return _REFERENCES[reference]
        number = re.fullmatch(r"&#(?:x([0-9a-fA-F]{1,6})|([0-9]{1,7}));", reference)
        if number is None:
            raise self._error(f'Unescaped "&" or unsupported entity "{reference}"', position)
        code = int(number[1], 16) if number[1] else int(number[2])
        if not 0 < code < 0x10FFFF or 0xD800 <= code <= 0xDFFF:
            raise self._error(f'Invalid character "{reference}"', position)
        return chr(code)

    def _start_tag(self, token: re.Match[str]) -> None:
        name, position = token["start"].lower(), token.start()
        if token.end("start") == len(self._source):
            raise self._error("Unclosed start tag", position)
        if name not in _KINDS:
            raise self._error(f'Unsupported start tag "{name}"', position)
        if not token["start_close"]:
            raise self._error(f'Unclosed start tag "{name}"', position)
        entity = self._entity(name, self._attribute(name, token), position)
        self._check_nesting(entity["type"], position)
        self._open.append(_OpenTag(name, len(self._text), entity))

    def _attribute(self, name: str, token: re.Match[str]) -> str | None:
        """The value of the one attribute that the tag can have, or None without it."""
        source, position, value = token["attributes"].rstrip(), token.start(), None
        while source:
            found = _ATTRIBUTE.match(source)
            if found is None:
                raise self._error(f'Unquoted attribute in the tag "{name}"', position)
            known = found[1] == _ATTRIBUTES.get(name)
            if not known or (found[2] is None and name != "blockquote"):
                raise self._error(f'Unsupported attribute "{found[1]}"', position)
            raw = (found[2] or '""')[1:-1]
            value = re.sub(_REFERENCE, lambda part: self._character(part[0], position), raw)
            source = source[found.end() :]
        return value

    def _entity(self, name: str, attribute: str | None, position: int) -> Json:
        value = attribute or ""
        if name == "span" and value != "tg-spoiler":
            raise self._error('Tag "span" must have class "tg-spoiler"', position)
        if name == "tg-emoji" and not re.fullmatch(r"[1-9]\d{0,18}", value):
            raise self._error("Invalid custom emoji identifier specified")
        if name == "a":
            return {"type": "text_link", "url": self._link(value, position)}
        if name == "code" and attribute is not None:
            return {"type": "code", "language": self._language(value, position)}
        if name == "blockquote" and attribute is not None:
            return {"type": "expandable_blockquote"}
        extra = {"custom_emoji_id": value} if name == "tg-emoji" else {}
        return {"type": _KINDS[name], **extra}

    def _link(self, url: str, position: int) -> str:
        link = checked_link(url)
        if link is None:
            raise self._error(f'Link to "{url}" is dropped or not modelled', position)
        return link

    def _language(self, value: str, position: int) -> str:
        if not value.startswith("language-") or not self._begins_pre():
            raise self._error("A language needs pre and code tags, nested", position)
        return value.removeprefix("language-")

    def _begins_pre(self) -> bool:
        return bool(self._open) and (self._open[-1].name, self._open[-1].start) == (
            "pre",
            len(self._text),
        )

    def _check_nesting(self, kind: str, position: int) -> None:
        """The rules of #formatting-options; Telegram drops what breaks them without a word."""
        if kind == "code" and self._begins_pre():
            return
        around = {tag.entity["type"] for tag in self._open}
        forbidden = around & _FIXED_WIDTH
        if kind in _FIXED_WIDTH:
            forbidden = around - _QUOTES
        elif kind in _QUOTES:
            forbidden |= around & (_QUOTES | _SINGLE)
        elif kind in _SINGLE:
            forbidden |= around & _SINGLE
        if forbidden:
            raise self._error(f"Entity {kind} can't be part of {min(forbidden)}", position)

    def _end_tag(self, token: re.Match[str]) -> None:
        name, position = token["end"].lower(), token.start()
        if not self._open:
            raise self._error("Unexpected end tag", position)
        if not token["end_close"]:
            raise self._error("Unclosed end tag", position)
        tag = self._open.pop()
        if name != tag.name:
            reason = f"Unmatched end tag at byte offset {self._bytes_before(position)}"
            raise self._error(f'{reason}, expected "</{tag.name}>", found "</{name}>"')
        self._close(tag)

    def _close(self, tag: _OpenTag) -> None:
        same = {tag.entity["type"], "pre"}
        for outer in self._open:
            if outer.entity["type"] in same:
                # <pre><code> is one entity, with the language; <b><strong> is one bold entity.
                outer.entity |= {**tag.entity, "type": outer.entity["type"]}
                return
        length = len(self._text) - tag.start
        self._entities.append({**tag.entity, "offset": tag.start, "length": length})


def _trim(text: str, entities: list[Json]) -> tuple[str, list[Json]]:
    """Trim the text and the end of each entity as Telegram does; offsets become UTF-16 units."""
    text, kept = text.rstrip(), []
    for entity in entities:
        start = entity["offset"]
        inside = text[start : start + entity["length"]].rstrip()
        if inside:
            kept.append((start, inside, entity))
    head = text[: min((start for start, _, _ in kept), default=len(text))]
    lead = len(head) - len(head.lstrip(" \n"))
    return text[lead:], [
        {**entity, "offset": utf16_units(text[lead:start]), "length": utf16_units(inside)}
        for start, inside, entity in kept
    ]


def formatted_text(params: Json) -> tuple[str, list[Json]]:
    """The text and entities that a user sees, 1-4096 units after parsing (#sendmessage)."""
    text, mode, entities = params.get("text", ""), params.get("parse_mode", ""), list[Json]()
    if mode and mode.lower() != "html":
        raise bad_request(f"parse_mode {mode} is not supported by the fake")
    if mode:
        text, entities = HtmlParser(text).parse()
    text, entities = _trim(text, entities)
    if not text:
        raise bad_request("message text is empty")
    if utf16_units(text) > 4096:
        raise bad_request("message is too long")
    if len(entities) > 100:
        raise bad_request("more than 100 entities, the rest is dropped")
    return text, entities
