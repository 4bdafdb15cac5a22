"""Articles written into the corpus as files."""

from __future__ import annotations

import os
import re
import secrets
import unicodedata
from collections.abc import Mapping
from pathlib import Path

import yaml

from index.errors import CorpusError

FIELDS = ("title", "source", "date", "url", "language")  # in the order they are written
_LONGEST_NAME = 80  # characters, without number and ending


def compose(fields: Mapping[str, str], body: str) -> bytes:
    """A file of the corpus: a front matter with the known ones of the fields, and the text.

    Without any field there is no front matter, unless the text would be taken for one.
    """
    known = {name: fields[name] for name in FIELDS if fields.get(name)}
    if not known and not body.startswith("---"):
        return body.encode()
    told = yaml.safe_dump(known, allow_unicode=True, sort_keys=False, width=float("inf"))
    return f"---\n{told if known else ''}---\n{body}".encode()


def file_stem(title: str, date: str | None) -> str:
    """A file's name without its ending: the day, if known, and the title in plain ASCII."""
    words = re.sub(r"[\W_]+", "-", title)
    ascii_words = unicodedata.normalize("NFKD", words).encode("ascii", "ignore").decode().lower()
    name = re.sub(r"[^a-z0-9]+", "-", f"{(date or '')[:10]}-{ascii_words}").strip("-")
    if len(name) > _LONGEST_NAME:
        name = name[: _LONGEST_NAME + 1].rpartition("-")[0] or name[:_LONGEST_NAME]
    return name or "article"


def write_new(folder: Path, stem: str, suffix: str, content: bytes) -> Path:
    """Write a file that was not there: ``stem``, or ``stem-2`` and so on if that is taken.

    It appears whole or not at all, and never in place of another. Raises CorpusError when the
    folder cannot be written.
    """
    hidden = folder / f".adding-{secrets.token_hex(8)}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        try:
            _write(hidden, content)
            return _link(hidden, folder, stem, suffix)
        finally:
            hidden.unlink(missing_ok=True)
    except OSError as error:
        raise CorpusError(
            f"cannot write into the folder {folder}: {error.strerror or error}; "
            "make it writable, or name another with --into"
        ) from error


def _write(file: Path, content: bytes) -> None:
    with file.open("xb") as out:
        out.write(content)
        out.flush()
        os.fsync(out.fileno())


def _link(hidden: Path, folder: Path, stem: str, suffix: str) -> Path:
    number = 1
    while True:
        file = folder / f"{stem}{f'-{number}' if number > 1 else ''}{suffix}"
        try:
            _place(hidden, file)
        except FileExistsError:
            number += 1
        else:
            return file


def _place(hidden: Path, file: Path) -> None:
    """Give the hidden file its name. Raises FileExistsError when that is another's."""
    try:
        file.hardlink_to(hidden)
    except FileExistsError:
        raise
    except OSError:  # a file system without links: the name is taken first, then filled
        file.open("xb").close()
        hidden.replace(file)
    directory = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
