"""Adds articles to the corpus, from the web or from files."""

from __future__ import annotations

import copy
import re
import secrets
import unicodedata
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import yaml

from index.articles.article import Article, as_article, read_article
from index.articles.encodings import decode
from index.articles.files import scan
from index.articles.formats import read_document
from index.articles.office.mail import mails_in
from index.articles.pages import python_encoding
from index.articles.text_files import read_text_file
from index.articles.web.addresses import is_home, normalized, own_address, same_page
from index.articles.web.feeds import read_feed
from index.articles.web.fetch import Fetched, Fetcher, shortened
from index.articles.web.media_types import ARTICLE_TYPES, FEED_TYPES
from index.disk import sync_to_disk
from index.errors import ArticleError, CorpusError, FetchError
from index.text.clean import one_line

MOST_FETCHED = 1000  # pages of a feed in one run


@dataclass(frozen=True)
class KnownArticle:
    """What tells an article from others: the SHA-256 of its stored text, and its address."""

    sha256: str
    url: str | None

    @classmethod
    def of(cls, article: Article) -> KnownArticle:
        """What tells this article from others."""
        return cls(article.sha256, article.url)


class Catalogue:
    """The articles of a corpus by address and by text.

    Leaves out files over ``max_bytes`` and those that are not articles. Reads only files whose
    SHA-256 is not in ``known``. Raises CorpusError if there is no such folder.
    """

    def __init__(self, corpus: Path, max_bytes: int, known: Mapping[str, KnownArticle]) -> None:
        self._urls: dict[str, str] = {}
        self._texts: dict[str, str] = {}
        for file in scan(corpus, max_bytes):
            if file.digest in known:
                self.note(known[file.digest], file.path)
            elif not file.trouble:
                with suppress(ArticleError, OSError):  # the index run reports it
                    article = read_article((corpus / file.path).read_bytes(), file.path)
                    self.note(KnownArticle.of(article), file.path)

    def note(self, article: KnownArticle, path: str) -> None:
        """Include an article. Look-ups find the first one with an address or a text."""
        self._texts.setdefault(article.sha256, path)
        if article.url:
            self._urls.setdefault(normalized(article.url), path)

    def with_url(self, url: str | None) -> str | None:
        """The path of the article from this address."""
        return self._urls.get(normalized(url)) if url else None

    def with_text(self, sha256: str) -> str | None:
        """The path of the article whose stored text has this SHA-256."""
        return self._texts.get(sha256)


@dataclass(frozen=True)
class AddResult:
    """The outcome for one ``origin``, an address or a file.

    ``path`` is the new or known article in the corpus. It is None if adding failed, for the
    ``reason`` given. ``notes`` are those of the ``Document``. An address that was looked at again
    has changed, is unchanged, or was withdrawn.
    """

    origin: str
    state: Literal["added", "known", "failed", "changed", "unchanged", "withdrawn"]
    path: str | None = None
    reason: str | None = None
    notes: tuple[str, ...] = ()


TEASER = "the page shows only the beginning of its article: the rest is for subscribers"


class Adder:
    """Adds articles to a corpus.

    ``fields`` are given by the user (title, source, date, url, language) and take precedence
    over those of the articles. ``folder`` is relative to the corpus. ``fetcher.max_bytes``
    limits files too. ``known``: articles of the corpus by the SHA-256 of their files, which are
    not read. ``whole``: a page that shows only the beginning of its article is refused. Raises
    CorpusError if there is no corpus or the folder is not in it.
    """

    def __init__(
        self,
        corpus: Path,
        fetcher: Fetcher,
        fields: Mapping[str, str],
        folder: str = "",
        known: Mapping[str, KnownArticle] | None = None,
        *,
        whole: bool = False,
    ) -> None:
        self._corpus = corpus
        self._fetcher = fetcher
        self._user_fields = {name: one_line(value) for name, value in fields.items()}
        self._folder = corpus / checked_folder(corpus, folder)
        self._whole = whole
        self._catalogue = Catalogue(corpus, fetcher.max_bytes, known or {})

    def into(self, folder: str) -> Adder:
        """The same for another folder of the corpus. Raises CorpusError."""
        other = copy.copy(self)
        other._folder = self._corpus / checked_folder(self._corpus, folder)
        return other

    def add(self, origin: str) -> AddResult:
        """Add the article at an address or in a file.

        Raises FetchError, ArticleError or CorpusError.
        """
        return self.add_url(origin, {}) if "://" in origin else self._add_file(Path(origin))

    def add_feed(self, url: str) -> Iterator[AddResult]:
        """Add all entries of a feed, even if some fail. Raises FetchError if there is no feed."""
        fetched = self._fetcher.get(url, FEED_TYPES)
        feed = read_feed(fetched.data, fetched.url)
        if not feed.entries:
            raise FetchError(
                f"{url} is no feed with articles: give the address of an RSS or Atom feed"
            )
        new = []
        for entry in feed.entries:
            if known := self._catalogue.with_url(entry.url):
                yield AddResult(entry.url, "known", known)
            else:
                new.append(entry)
        for entry in new[:MOST_FETCHED]:
            try:
                yield self.add_url(entry.url, entry.fields)
            except (FetchError, ArticleError) as error:
                yield AddResult(entry.url, "failed", reason=str(error))
        if left := len(new[MOST_FETCHED:]):
            reason = f"{left} more entries are new: add the feed again for the next {MOST_FETCHED}"
            yield AddResult(url, "failed", reason=reason)

    def add_mailbox(self, file: Path) -> Iterator[AddResult]:
        """Add all mails of a box, even if some fail. Raises ArticleError if there is none."""
        for number, mail in enumerate(mails_in(_content(file, self._fetcher.max_bytes)), 1):
            try:
                yield self._store(f"{file} ({number})", mail, ".eml", {}, "")
            except ArticleError as error:
                yield AddResult(f"{file} ({number})", "failed", reason=str(error))

    def add_url(self, url: str, fields: Mapping[str, str]) -> AddResult:
        """Add the article at an address. ``fields`` are for those that it lacks.

        Raises FetchError, ArticleError or CorpusError.
        """
        if known := self._catalogue.with_url(url):
            return AddResult(url, "known", known)
        data, suffix, address = fetched_article(self._fetcher, url)
        return self._store(url, data, suffix, fields, address)

    def _add_file(self, file: Path) -> AddResult:
        data = _content(file, self._fetcher.max_bytes)
        return self._store(str(file), data, file.suffix.lower(), {}, "")

    def _store(
        self, origin: str, data: bytes, suffix: str, defaults: Mapping[str, str], fetched: str
    ) -> AddResult:
        """Write the article in the data, unless the corpus has it.

        ``defaults`` are for fields that the article lacks. ``fetched`` is the address of the
        data, "" for a file.
        """
        try:
            document = read_document(data, f"a{suffix}")
            if document.is_teaser and self._whole:
                raise ArticleError(TEASER)
            body, fields = document.text, {**defaults, **document.fields}
            if fetched:
                fields["url"] = self._address(document.fields.get("url", ""), fetched)
            new_suffix = ".txt"
            if suffix in (".md", ".markdown"):
                new_suffix, body = ".md", read_text_file(data).text
            content = compose({**fields, **self._user_fields}, body)
            stored = read_document(content, f"a{new_suffix}")
        except ArticleError as error:
            raise ArticleError(f"{shortened(origin)} was not added: {error}") from error
        article = as_article(stored, "")
        if known := self._known(article, fetched and fields["url"], fetched):
            return AddResult(origin, "known", known)
        stem = file_stem(article.title, article.date)
        file = write_new(self._folder, stem, new_suffix, content)
        path = file.relative_to(self._corpus).as_posix()
        self._catalogue.note(KnownArticle.of(article), path)
        notes = dict.fromkeys((*document.notes, *stored.notes, *[TEASER] * document.is_teaser))
        return AddResult(origin, "added", path, notes=tuple(notes))

    def _address(self, canonical: str, fetched: str) -> str:
        """The address of a page. One on another host is not its own if another text has it."""
        address = own_address(canonical, fetched)
        if self._catalogue.with_url(address) and not same_page(address, fetched):
            return own_address("", fetched)
        return address

    def _known(self, article: Article, *addresses: str) -> str | None:
        """The path of an article with this text, or from one of these addresses."""
        paths = map(self._catalogue.with_url, addresses)
        return self._catalogue.with_text(article.sha256) or next(filter(None, paths), None)


def fetched_article(fetcher: Fetcher, url: str) -> tuple[bytes, str, str]:
    """The data at an address, the suffix for their format, and the address that they came from.

    Raises FetchError.
    """
    page = fetcher.get(url, ARTICLE_TYPES)
    if is_home(page.url) and not is_home(url):
        reason = f"{url} was not fetched: it leads to the site's home page {page.url}"
        raise FetchError(reason, 200)
    return _in_utf8(page), ARTICLE_TYPES[page.content_type], page.url


def _content(file: Path, max_bytes: int) -> bytes:
    """The bytes of a file. Raises ArticleError."""
    try:
        if not file.is_file():
            raise ArticleError(
                f"there is no file {file}; an address on the web begins with https://"
            )
        if file.stat().st_size > max_bytes:
            raise ArticleError(
                f"{file} is larger than {max_bytes / 1e6:g} MB: VIRGOLETTE_MAX_FILE_MB"
            )
        return file.read_bytes()
    except OSError as error:
        raise ArticleError(f"{file} cannot be read: {error.strerror or error}") from error


def _in_utf8(page: Fetched) -> bytes:
    """The data; text that is in the server's encoding becomes UTF-8 with a byte order mark."""
    if not page.charset or ARTICLE_TYPES[page.content_type] not in TEXT_SUFFIXES:
        return page.data
    try:
        decoded = decode(page.data, python_encoding(page.charset))
    except ArticleError:
        return page.data
    # What has to be guessed is guessed, and told, by the loader.
    return page.data if decoded.notes else decoded.text.encode("utf-8-sig")


def checked_folder(corpus: Path, folder: str) -> Path:
    """A folder's path in the corpus. Raises CorpusError if it is not in it, or is hidden."""
    relative = Path(folder)
    inside = (corpus / relative).resolve().is_relative_to(corpus.resolve())
    if relative.is_absolute() or not inside or ".." in relative.parts:
        raise CorpusError(f"the folder {folder} is not in the corpus {corpus}: name one inside it")
    if any(part.startswith(".") for part in relative.parts):
        raise CorpusError(f"the folder {folder} is hidden, and hidden files are not indexed")
    return relative


FIELDS = ("title", "source", "date", "url", "language")  # in the order they are written
TEXT_SUFFIXES = (".html", ".txt", ".md")  # whose encoding a server may declare
_MAX_STEM = 80  # characters, without number and suffix


def compose(fields: Mapping[str, str], body: str) -> bytes:
    """A file of the corpus: front matter with the known fields, and the text.

    Without any field there is no front matter, unless the text looks like it begins with one.
    """
    known = {name: fields[name] for name in FIELDS if fields.get(name)}
    if not known and not body.startswith("---"):
        return body.encode()
    lines = yaml.safe_dump(known, allow_unicode=True, sort_keys=False, width=float("inf"))
    return f"---\n{lines if known else ''}---\n{body}".encode()


def file_stem(title: str, date: str | None) -> str:
    """A file name without suffix: the day, if known, and the title in ASCII."""
    words = re.sub(r"[\W_]+", "-", title)
    ascii_words = unicodedata.normalize("NFKD", words).encode("ascii", "ignore").decode().lower()
    name = re.sub(r"[^a-z0-9]+", "-", f"{(date or '')[:10]}-{ascii_words}").strip("-")
    if len(name) > _MAX_STEM:
        name = name[: _MAX_STEM + 1].rpartition("-")[0] or name[:_MAX_STEM]
    return name or "article"


def write_new(folder: Path, stem: str, suffix: str, content: bytes) -> Path:
    """Write a new file: ``stem``, or ``stem-2`` and so on if that is taken.

    It appears whole or not at all, and never replaces another. Raises CorpusError if the folder
    cannot be written.
    """
    hidden = folder / f".adding-{secrets.token_hex(8)}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        try:
            hidden.write_bytes(content)
            sync_to_disk(hidden)
            return _publish(hidden, stem, suffix)
        finally:
            hidden.unlink(missing_ok=True)
    except OSError as error:
        raise CorpusError(
            f"cannot write into the folder {folder}: {error.strerror or error}; "
            "make it writable, or name another with --into"
        ) from error


def _publish(hidden: Path, stem: str, suffix: str) -> Path:
    number = 1
    while True:
        file = hidden.with_name(f"{stem}{f'-{number}' if number > 1 else ''}{suffix}")
        try:
            _rename(hidden, file)
            return file
        except FileExistsError:
            number += 1


def _rename(hidden: Path, file: Path) -> None:
    """Rename the hidden file durably. Raises FileExistsError if the name is taken."""
    try:
        file.hardlink_to(hidden)
    except FileExistsError:
        raise
    except OSError:  # a file system without links: claim the name, then fill it
        file.open("xb").close()
        hidden.replace(file)
    sync_to_disk(file.parent)
