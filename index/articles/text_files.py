"""Reads text files: their encoding, front matter and Markdown."""

from __future__ import annotations

import codecs
import datetime
import html
import re
from typing import TYPE_CHECKING, Any

from index.articles.document import Document
from index.errors import ArticleError
from index.text.clean import one_line

if TYPE_CHECKING:
    from markdown_it.token import Token

_FRONT_MATTER = re.compile(r"---[ \t]*\n(?P<yaml>.*?)^---[ \t]*(?:\n|\Z)", re.DOTALL | re.MULTILINE)
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_WESTERN = frozenset(
    "àèéìíîòóùúâêôûäëïöüçñßæœåøÀÈÉÌÍÎÒÓÙÚÂÊÔÛÄËÏÖÜÇÑÆŒÅØ«»‘’‚“”„…–—•€£§°ªº©®™·´¿¡½¼¾±×\u00a0\u00ad"
)
_FIELDS = frozenset({"title", "source", "date", "url", "language"})


def read_text_file(data: bytes, declared: str | None = None) -> Document:
    """The text after the front matter, the known fields in that, and what could not be read.

    ``declared`` is an encoding as in ``decode``. Raises ArticleError.
    """
    return split_front_matter(decode(data, declared))


def decode(data: bytes, declared: str | None = None) -> str:
    """The text in ``data``, with ``\\n`` line ends.

    A byte order mark decides the encoding. Without one it is the first that fits of
    ``declared``, UTF-8, and what the bytes look like.
    """
    is_utf16 = data[:2] in _UTF16_MARKS
    if b"\0" in data and not is_utf16:
        raise ArticleError("it is a binary file")
    encodings = ["utf-8-sig", "utf-16" if is_utf16 else "cp1252"]
    if declared and not is_utf16 and not data.startswith(codecs.BOM_UTF8):
        encodings.insert(0, declared)
    for encoding in encodings:
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
    """Whether a text decoded as cp1252 has the letters of western Europe.

    A guess among all encodings takes short Italian texts for Polish or Arabic.
    """
    foreign = [c for c in text if not c.isascii()]
    return sum(c in _WESTERN for c in foreign) >= 0.95 * len(foreign)


def split_front_matter(text: str) -> Document:
    """The text after the YAML front matter, and the known fields in that."""
    match = _FRONT_MATTER.match(text)
    if match is None:
        return Document(text)
    import yaml  # here, because the walk reads no article

    try:
        # BaseLoader keeps strings: "No" is a title, not False.
        loaded = yaml.load(match["yaml"], Loader=yaml.BaseLoader)  # noqa: S506
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ArticleError(f"its front matter is not YAML{_yaml_problem(error)}") from error
    if loaded in (None, ""):
        loaded = {}
    if not isinstance(loaded, dict):
        raise ArticleError("its front matter is not a list of 'name: value' lines")
    fields = {name: _field(name, value) for name, value in loaded.items() if name in _FIELDS}
    notes = []
    if written := fields.get("date"):
        fields["date"] = _iso_date(written)
        if not fields["date"]:
            notes.append(f"the date '{written}' is not read: write YYYY-MM-DD")
    known = {name: value for name, value in fields.items() if value}
    return Document(text[match.end() :], known, tuple(notes))


def _yaml_problem(error: Exception) -> str:
    """YAML's message with the line of the file, which begins with the "---"."""
    mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None)
    return f": line {mark.line + 2}: {problem}" if mark and problem else ""


def _field(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise ArticleError(f"its front matter has more than one value for '{name}'")
    return one_line(value.encode(errors="replace").decode())


def _iso_date(text: str) -> str:
    """A date of the front matter in ISO 8601, "" if it is none."""
    try:
        moment = datetime.datetime.fromisoformat(text)
    except ValueError:
        return ""
    return text if len(text) == len("2023-09-11") else moment.isoformat()


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
