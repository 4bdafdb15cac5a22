"""Looks at a known address again: if its text has changed, that becomes the article."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from index.articles.add import TEASER, AddResult, compose
from index.articles.article import Article, as_article, read_article
from index.articles.document import Document
from index.articles.formats import read_document
from index.articles.text_files import read_text_file
from index.articles.versions.history import History
from index.articles.web.addresses import same_page
from index.articles.web.fetch import shortened
from index.disk import replace_bytes
from index.errors import ArticleError, CorpusError
from index.text.wording import same_letters
from index.text.words import terms

EDITED = "its file was edited by hand: the page's new text does not replace it"
OWN_FORMAT = "its file is not one that virgolette add has made: the page does not replace it"
NOT_ITS_PAGE = "its file did not come from this address: the page does not replace it"
_MIN_SHARED = 0.3  # of the words of the shorter text
_MIN_LENGTH = 0.3  # of the words of the text before; a teaser that is not told has less
_FORMATS = (".txt", ".md")  # that ``Adder`` writes


@dataclass(frozen=True)
class Corrector:
    """Compares articles of a corpus with their pages. What it replaces goes to the history."""

    corpus: Path
    history: History

    def look(
        self, url: str, page: tuple[bytes, str, str], path: str, taken: str, now: float
    ) -> AddResult:
        """Look at the page of an article. Its text counts, not its markup, nor its day.

        ``page``: see ``fetched_article``. ``taken``: the SHA-256 of the text as it was taken from
        there, "" if that is unknown. ``now``: seconds since the epoch. Raises ArticleError for a
        page that is not the article or not all of it, CorpusError and StorageError.
        """
        data, suffix, fetched = page
        file = (self.corpus / path).resolve()
        try:
            before = file.read_bytes()
        except OSError as error:
            raise CorpusError(f"{path} cannot be read: {error.strerror or error}") from error
        try:
            old, document = read_article(before, path), read_document(data, f"a{suffix}")
            _check_page(old, document, url, fetched)
            if same_letters(old.text, document.text):
                return AddResult(url, "unchanged", path)
            if file.suffix.lower() not in _FORMATS:
                return AddResult(url, "known", path, notes=(OWN_FORMAT,))
            content, new = _corrected(before, old, document, data, (file.suffix.lower(), suffix))
            if not taken and not (old.url and same_page(old.url, url)):
                return AddResult(url, "known", path, notes=(NOT_ITS_PAGE,))
            if taken and new.sha256 == taken:
                return AddResult(url, "unchanged", path)
            if taken and old.sha256 != taken:
                return AddResult(url, "known", path, notes=(EDITED,))
            _check(old, new)
        except ArticleError as error:
            raise ArticleError(f"{shortened(url)} does not correct {path}: {error}") from error
        self.history.keep(path, before, file.suffix.lower(), now)
        try:
            replace_bytes(file, content)
        except OSError as error:
            raise CorpusError(f"{path} cannot be written: {error.strerror or error}") from error
        return AddResult(url, "changed", path, notes=document.notes)


def _check_page(old: Article, document: Document, url: str, fetched: str) -> None:
    """Raise ArticleError for a page that is another one, or not all of the article."""
    if document.is_teaser:
        raise ArticleError(TEASER)
    if not any(same_page(fetched, own) for own in (url, old.url) if own):
        raise ArticleError(f"the address leads to {shortened(fetched)} by now")


def _corrected(
    before: bytes, old: Article, document: Document, data: bytes, suffixes: tuple[str, str]
) -> tuple[bytes, Article]:
    """The bytes of the file with the page's text below the same front matter, and its article.

    A title is the page's own if it stands above the text, too. ``suffixes``: of the file and of
    the page's ``data``.
    """
    suffix, page_suffix = suffixes
    known = read_text_file(before)
    is_markdown = suffix == ".md" and page_suffix == ".md"
    body = read_text_file(data).text if is_markdown else document.text
    fields, title = dict(known.fields), document.fields.get("title")
    if title and "title" in fields and old.text.lstrip().startswith(fields["title"]):
        fields["title"] = title
    head = before[: -len(known.text.encode())]
    if head == compose(known.fields, ""):  # it has no other names
        content = compose(fields, body)
    elif head + known.text.encode() == before:
        content = head + body.encode()
    else:
        raise ArticleError(EDITED)
    stored = read_document(content, f"a{suffix}")
    if not same_letters(stored.text, document.text):
        raise ArticleError(OWN_FORMAT)
    return content, as_article(stored, old.path)


def _check(old: Article, new: Article) -> None:
    """Raise ArticleError unless a text can be another version of the same article."""
    words, others = (Counter(terms(a.text)) for a in (old, new))
    if others.total() < _MIN_LENGTH * words.total():
        raise ArticleError(
            "the page shows much less than before: remove the article and add it again if that is "
            "right"
        )
    if (words & others).total() < _MIN_SHARED * min(words.total(), others.total()):
        raise ArticleError(
            "the page has another text by now: remove the article and add it again if that is right"
        )
