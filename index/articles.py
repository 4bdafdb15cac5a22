"""Files of the corpus, read as articles."""

from __future__ import annotations

import codecs
import datetime
import hashlib
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from index.clean import one_line
from index.errors import ArticleError
from index.files import FORMATS, SUFFIXES
from index.pages import declared_encoding, read_page
from index.pdfs import read_pdf
from index.sentences import ends_a_sentence

TITLE_LENGTH = 120  # characters of a heading, and of a first line that stands in for a title

_FRONT_MATTER = re.compile(r"---[ \t]*\n(?P<yaml>.*?)^---[ \t]*(?:\n|\Z)", re.DOTALL | re.MULTILINE)
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_WESTERN = frozenset(
    "àèéìíîòóùúâêôûäëïöüçñßæœåøÀÈÉÌÍÎÒÓÙÚÂÊÔÛÄËÏÖÜÇÑÆŒÅØ«»‘’‚“”„…–—•€£§°ªº©®™·´¿¡½¼¾±×\u00a0\u00ad"
)
_FIELDS = frozenset({"title", "source", "date", "url", "language"})


@dataclass(frozen=True)
class Article:
    """An article as it is stored.

    ``text`` is what every offset counts in, in Unicode code points: the file's text without
    front matter and markup, with ``\\n`` line ends and no byte order mark, otherwise as it
    came. ``path`` is relative to the corpus, with ``/``, and names the article. What the
    file does not tell is None; only the title falls back, to the first line of the text.
    ``date`` is in ISO 8601.
    """

    path: str
    text: str
    title: str
    source: str | None = None
    date: str | None = None
    url: str | None = None
    language: str | None = None

    @cached_property
    def heading(self) -> str:
        """The title as models see it above the text, not too long to leave room for that.

        "" where it is only a first sentence.
        """
        first = self.text.strip().split("\n", 1)[0].strip()
        is_sentence = self.title == _shortened(first) and ends_a_sentence(first)
        return "" if is_sentence else _shortened(self.title)

    @cached_property
    def sha256(self) -> str:
        """The SHA-256 of the stored text in UTF-8, in hexadecimal digits."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def read_article(data: bytes, path: str) -> Article:
    """The article in the bytes of the file ``path``.

    Raises ArticleError when they hold no text, or a front matter that cannot be read.
    """
    text, fields = read_text(data, path)
    return Article(path=path, text=text, title=fields.pop("title", _first_line(text)), **fields)


def read_text(data: bytes, path: str) -> tuple[str, dict[str, str]]:
    """The stored text in the bytes of the file ``path``, and the fields that are known of it.

    A front matter wins over what a page or a PDF tells of itself. Raises ArticleError.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in SUFFIXES:
        raise ArticleError(
            f"{suffix or 'a file without an ending'} is not read: save it as {FORMATS}"
        )
    try:
        text, fields = read_pdf(data) if suffix == ".pdf" else _read_marked_text(data, suffix)
    except ArticleError:
        raise
    except Exception as error:  # of a library, in a file that nobody thought of
        raise ArticleError(
            f"reading it failed ({type(error).__name__}: {one_line(str(error))[:100]}): "
            "save its text as .txt"
        ) from error
    if not text.strip():
        raise ArticleError("it holds no text")
    return text, fields


def _read_marked_text(data: bytes, suffix: str) -> tuple[str, dict[str, str]]:
    is_page = suffix in (".html", ".htm")
    text = decode(data, declared_encoding(data) if is_page else None)
    metadata, text = split_front_matter(text)
    if is_page:
        text, told = read_page(text)
        return text, {**told, **metadata}
    if suffix == ".md":
        from index.markdown import plain_text  # status reads no article

        text = plain_text(text)
    return text, metadata


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


def _first_line(text: str) -> str:
    return _shortened(text.strip().split("\n", 1)[0].strip())


def _shortened(line: str) -> str:
    if len(line) <= TITLE_LENGTH:
        return line
    return line[:TITLE_LENGTH].rsplit(" ", 1)[0] + "…"
