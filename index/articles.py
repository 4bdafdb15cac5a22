"""Files of the corpus, read as articles."""

from __future__ import annotations

import datetime
import hashlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml
from charset_normalizer import from_bytes

from index.errors import ArticleError, CorpusError
from index.markdown import plain_text

SUFFIXES = frozenset({".txt", ".md"})
TITLE_LENGTH = 120  # characters of a first line that stands in for a title

_FRONT_MATTER = re.compile(r"---[ \t]*\n(?P<yaml>.*?)^---[ \t]*(?:\n|\Z)", re.DOTALL | re.MULTILINE)
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
    def sha256(self) -> str:
        """The SHA-256 of the stored text in UTF-8, in hexadecimal digits."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def list_files(corpus: Path) -> list[str]:
    """Every file below the corpus but the hidden ones, as sorted relative paths.

    Raises CorpusError when the folder is not there or cannot be read.
    """
    if not corpus.is_dir():
        raise CorpusError(
            f"there is no corpus folder {corpus}: make it and put articles in it "
            "(.txt or .md), or set VIRGOLETTE_CORPUS_DIR"
        )
    try:
        return sorted(_walk(corpus))
    except OSError as error:
        raise CorpusError(
            f"cannot read the corpus folder {error.filename}: {error.strerror}"
        ) from error


def _walk(corpus: Path) -> Iterator[str]:
    def fail(error: OSError) -> None:
        raise error

    for folder, folders, files in os.walk(corpus, onerror=fail):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in files:
            if not name.startswith("."):
                yield Path(folder, name).relative_to(corpus).as_posix()


def read_article(data: bytes, path: str) -> Article:
    """The article in the bytes of the file ``path``.

    Raises ArticleError when they hold no text, or a front matter that cannot be read.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in SUFFIXES:
        raise ArticleError(f"{suffix or 'a file without an ending'} is not read, .txt and .md are")
    text = decode(data)
    metadata, text = split_front_matter(text)
    if suffix == ".md":
        text = plain_text(text)
    if not text.strip():
        raise ArticleError("it holds no text")
    return Article(path=path, text=text, title=metadata.pop("title", _first_line(text)), **metadata)


def decode(data: bytes) -> str:
    """The text in ``data``: UTF-8, or else the encoding its bytes look like; ``\\n`` line ends."""
    if b"\0" in data and not data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise ArticleError("it is a binary file")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        best = from_bytes(data).best()
        if best is None:
            raise ArticleError("its encoding is not known: save it as UTF-8") from None
        text = str(best).removeprefix("\ufeff")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def split_front_matter(text: str) -> tuple[dict[str, str], str]:
    """The known fields of a YAML front matter, as strings, and the text after it."""
    match = _FRONT_MATTER.match(text)
    if match is None:
        return {}, text
    try:
        loaded = yaml.safe_load(match["yaml"])
    except (yaml.YAMLError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise ArticleError(f"its front matter is not YAML: {reason}") from error
    if loaded is None:
        loaded = {}
    if not isinstance(loaded, dict):
        raise ArticleError("its front matter is not a list of 'name: value' lines")
    known = {name: value for name, value in loaded.items() if name in _FIELDS}
    fields = {name: _field(name, value) for name, value in known.items()}
    return {name: value for name, value in fields.items() if value}, text[match.end() :]


def _field(name: str, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime.date):  # and datetime, which is one
        return value.isoformat()
    if isinstance(value, list | dict):
        raise ArticleError(f"its front matter has more than one value for '{name}'")
    text = " ".join(str(value).split())
    if name == "date" and text:
        _check_date(text)
    return text


def _check_date(text: str) -> None:
    try:
        datetime.datetime.fromisoformat(text)
    except ValueError:
        raise ArticleError(f"its front matter has the date '{text}': write YYYY-MM-DD") from None


def _first_line(text: str) -> str:
    line = text.strip().split("\n", 1)[0].strip()
    if len(line) <= TITLE_LENGTH:
        return line
    return line[:TITLE_LENGTH].rsplit(" ", 1)[0] + "…"
