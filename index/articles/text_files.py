"""Text files: their encoding, the front matter above the text, and Markdown's marks."""

from __future__ import annotations

import codecs
import datetime
import html
import re
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token

from index.errors import ArticleError
from index.text.clean import one_line

_FRONT_MATTER = re.compile(r"---[ \t]*\n(?P<yaml>.*?)^---[ \t]*(?:\n|\Z)", re.DOTALL | re.MULTILINE)
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_WESTERN = frozenset(
    "àèéìíîòóùúâêôûäëïöüçñßæœåøÀÈÉÌÍÎÒÓÙÚÂÊÔÛÄËÏÖÜÇÑÆŒÅØ«»‘’‚“”„…–—•€£§°ªº©®™·´¿¡½¼¾±×\u00a0\u00ad"
)
_FIELDS = frozenset({"title", "source", "date", "url", "language"})


def decode(data: bytes, declared: str | None = None) -> str:
    """The text in ``data``, with ``\\n`` line ends.

    Its encoding is what a byte order mark says, else ``declared``, UTF-8, or the one that its
    bytes look like: the first of them in which they can be read.
    """
    if b"\0" in data and data[:2] not in _UTF16_MARKS:
        raise ArticleError("it is a binary file")
    other = "utf-16" if data[:2] in _UTF16_MARKS else "cp1252"
    marked = data.startswith((codecs.BOM_UTF8, *_UTF16_MARKS))
    for encoding in (*((declared,) if declared and not marked else ()), "utf-8-sig", other):
        try:
            text = data.decode(encoding)
        except (UnicodeError, LookupError):
            continue
        if encoding in (declared, "utf-8-sig", "utf-16") or _is_western(text):
            break
    else:
        from charset_normalizer import from_bytes

        best = from_bytes(data).best()
        if best is None:
            raise ArticleError("its encoding is not known: save it as UTF-8")
        text = str(best).removeprefix("\ufeff")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _is_western(text: str) -> bool:
    """Whether a text read as cp1252 is one: the letters it would show are of western Europe.

    Guessing among all encodings takes short Italian texts for Polish or Arabic ones.
    """
    foreign = [c for c in text if not c.isascii()]
    return sum(c in _WESTERN for c in foreign) >= 0.95 * len(foreign)


def split_front_matter(text: str) -> tuple[dict[str, str], str]:
    """The known fields of a YAML front matter, as strings, and the text after it."""
    match = _FRONT_MATTER.match(text)
    if match is None:
        return {}, text
    import yaml  # the walk reads no article

    try:
        # BaseLoader: "No" is a title, not False, and 007 no number.
        loaded = yaml.load(match["yaml"], Loader=yaml.BaseLoader)  # noqa: S506
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ArticleError(f"its front matter is not YAML{_place(error)}") from error
    if loaded in (None, ""):
        loaded = {}
    if not isinstance(loaded, dict):
        raise ArticleError("its front matter is not a list of 'name: value' lines")
    known = {name: value for name, value in loaded.items() if name in _FIELDS}
    fields = {name: _field(name, value) for name, value in known.items()}
    return {name: value for name, value in fields.items() if value}, text[match.end() :]


def _place(error: Exception) -> str:
    """Where YAML stumbled, in lines of the file, whose first is the "---"."""
    mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None)
    return f": line {mark.line + 2}: {problem}" if mark and problem else ""


def _field(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise ArticleError(f"its front matter has more than one value for '{name}'")
    text = one_line(value.encode(errors="replace").decode())
    return _iso_date(text) if name == "date" and text else text


def _iso_date(text: str) -> str:
    try:
        moment = datetime.datetime.fromisoformat(text)
    except ValueError:
        raise ArticleError(f"its front matter has the date '{text}': write YYYY-MM-DD") from None
    return text if len(text) == len("2023-09-11") else moment.isoformat()


_TAG = re.compile(r"<!--.*?-->|<[^>]*>", re.DOTALL)


def plain_text(markdown: str) -> str:
    """The words of a CommonMark text: blocks apart by an empty line, no marks, no addresses.

    A line break inside a paragraph is a space, as it is to a reader of the page.
    """
    blocks, number = [], ""
    for token in MarkdownIt("commonmark").parse(markdown):
        if token.type == "list_item_open" and token.info:
            number = f"{token.info}{token.markup} "
        text = _block_text(token)
        if text.strip():
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
    if token.type == "softbreak":
        return " "
    if token.type == "hardbreak":
        return "\n"
    if token.type in {"text", "code_inline"}:
        return token.content
    if token.type == "image":
        return "".join(_inline(child) for child in token.children or ())
    return ""
