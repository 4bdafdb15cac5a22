"""Adds articles to the corpus, from the web or from files."""

from __future__ import annotations

import os
import re
import secrets
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import yaml

from index.articles.article import Article, read_article
from index.articles.fetch import ARTICLE_TYPES, FEED_TYPES, Fetched, Fetcher, feed_entries
from index.articles.files import scan
from index.articles.formats import read_text
from index.articles.pages import python_encoding
from index.articles.text_files import decode, split_front_matter
from index.errors import ArticleError, CorpusError, FetchError
from index.text.clean import one_line


class Catalogue:
    """The articles of a corpus by address and by text.

    Raises CorpusError when there is no such folder. Files over ``max_bytes`` and those that
    are no articles are left out.
    """

    def __init__(self, corpus: Path, max_bytes: int) -> None:
        self._urls: dict[str, str] = {}
        self._texts: dict[str, str] = {}
        readable = (file.path for file in scan(corpus, max_bytes) if not file.trouble)
        for path in readable:
            try:
                self.note(read_article((corpus / path).read_bytes(), path))
            except (ArticleError, OSError):
                continue  # the index tells of it

    def note(self, article: Article) -> None:
        """Take an article in. The first one with an address or a text is the one that is found."""
        self._texts.setdefault(article.sha256, article.path)
        if article.url:
            self._urls.setdefault(_normal(article.url), article.path)

    def with_url(self, url: str | None) -> str | None:
        """The path of the article from this address."""
        return self._urls.get(_normal(url)) if url else None

    def with_text_of(self, article: Article) -> str | None:
        """The path of an article with the same stored text."""
        return self._texts.get(article.sha256)


def _normal(url: str) -> str:
    """An address without what makes no difference: the fragment, an empty path, the host's case."""
    try:
        parts = urlsplit(url.strip())
        port = (
            "" if parts.port in (None, {"http": 80, "https": 443}.get(parts.scheme)) else parts.port
        )
    except ValueError:
        return url.strip()
    host = f"{parts.hostname or ''}:{port}".rstrip(":")
    return f"{parts.scheme}://{host}{parts.path or '/'}?{parts.query}".rstrip("?")


@dataclass(frozen=True)
class AddResult:
    """What became of one thing that was to be added.

    ``origin`` is the address or the file. ``path`` is the article that is in the corpus now, or
    was already; None when it was not added, for the ``reason``.
    """

    origin: str
    state: Literal["added", "known", "failed"]
    path: str | None = None
    reason: str | None = None


class Adder:
    """Adds articles to a corpus.

    ``told`` holds what the user says of them (title, source, date, url, language), which wins
    over what they say of themselves. ``folder`` is relative to the corpus. ``fetcher.max_bytes``
    holds for files too.

    Raises CorpusError when there is no corpus, or the folder is not in it.
    """

    def __init__(
        self, corpus: Path, fetcher: Fetcher, told: Mapping[str, str], folder: str = ""
    ) -> None:
        self._corpus = corpus
        self._fetcher = fetcher
        self._told = {name: one_line(value) for name, value in told.items()}
        self._folder = _folder(corpus, folder)
        self._catalogue = Catalogue(corpus, fetcher.max_bytes)

    def add(self, origin: str) -> AddResult:
        """Add what lies at an address, or a file.

        Raises FetchError, ArticleError or CorpusError when it cannot be added.
        """
        return self._add_url(origin, {}) if "://" in origin else self._add_file(Path(origin))

    def add_feed(self, url: str) -> Iterator[AddResult]:
        """Add every entry of a feed; what cannot be added does not keep the others out.

        Raises FetchError when there is no feed.
        """
        feed = self._fetcher.get(url, FEED_TYPES)
        for entry in feed_entries(feed.data, feed.url):
            try:
                yield self._add_url(entry.url, entry.fields)
            except (FetchError, ArticleError) as error:
                yield AddResult(entry.url, "failed", reason=str(error))

    def _add_url(self, url: str, fields: Mapping[str, str]) -> AddResult:
        known = self._catalogue.with_url(url)
        if known:
            return AddResult(url, "known", known)
        got = self._fetcher.get(url, ARTICLE_TYPES)
        suffix = ARTICLE_TYPES[got.content_type]
        return self._put(url, _in_utf8(got), suffix, {**fields, "url": got.url}, got.url)

    def _add_file(self, file: Path) -> AddResult:
        try:
            if not file.is_file():
                raise ArticleError(
                    f"there is no file {file}; an address on the web begins with https://"
                )
            if file.stat().st_size > self._fetcher.max_bytes:
                raise ArticleError(
                    f"{file} is larger than {self._fetcher.max_bytes / 1e6:g} MB: "
                    "VIRGOLETTE_MAX_FILE_MB"
                )
            data = file.read_bytes()
        except OSError as error:
            raise ArticleError(f"{file} cannot be read: {error.strerror or error}") from error
        return self._put(str(file), data, file.suffix.lower(), {}, "")

    def _put(
        self, origin: str, data: bytes, suffix: str, fields: Mapping[str, str], fetched: str
    ) -> AddResult:
        """Write the article in the data, unless it is there.

        ``fields`` are those that hold where the article itself says nothing. ``fetched`` is the
        address that it came from, if any.
        """
        try:
            text, told = read_text(data, f"a{suffix}")
            if fetched and _is_home(told.get("url", "")) and not _is_home(fetched):
                del told["url"]  # some sites give every page the address of their home page
            body = text
            if suffix == ".md":
                body = split_front_matter(decode(data))[1]
            ending = ".md" if suffix == ".md" else ".txt"
            content = compose({**fields, **told, **self._told}, body)
            article = read_article(content, f"a{ending}")
        except ArticleError as error:
            raise ArticleError(f"{origin} was not added: {error}") from error
        known = (
            self._catalogue.with_url(article.url)
            or self._catalogue.with_url(fetched)
            or self._catalogue.with_text_of(article)
        )
        if known:
            return AddResult(origin, "known", known)
        stem = file_stem(article.title, article.date)
        file = write_new(self._corpus / self._folder, stem, ending, content)
        path = file.relative_to(self._corpus).as_posix()
        self._catalogue.note(read_article(content, path))
        return AddResult(origin, "added", path)


def _in_utf8(got: Fetched) -> bytes:
    """The data; text in the encoding that the server told is marked as what it is."""
    encoding = python_encoding(got.charset) if got.charset else None
    if encoding is None or got.content_type == "application/pdf":
        return got.data
    try:
        return got.data.decode(encoding).encode("utf-8-sig")
    except UnicodeDecodeError:  # the server errs
        return got.data


def _is_home(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return bool(parts.netloc) and parts.path in ("", "/") and not parts.query


def _folder(corpus: Path, folder: str) -> Path:
    """The folder relative to the corpus, whose files are in the index."""
    relative = Path(folder)
    inside = (corpus / relative).resolve().is_relative_to(corpus.resolve())
    if relative.is_absolute() or not inside or ".." in relative.parts:
        raise CorpusError(f"the folder {folder} is not in the corpus {corpus}: name one inside it")
    if any(part.startswith(".") for part in relative.parts):
        raise CorpusError(f"the folder {folder} is hidden, and hidden files are not indexed")
    return relative


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
            _rename(hidden, file)
        except FileExistsError:
            number += 1
        else:
            return file


def _rename(hidden: Path, file: Path) -> None:
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
