"""The file formats of the corpus and their loaders: a new format is a new line in LOADERS."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from index.articles.document import Document
from index.articles.pages import declared_encoding, read_page
from index.articles.pdfs import read_pdf
from index.articles.text_files import plain_text, read_text_file
from index.errors import ArticleError
from index.text.clean import one_line, visible, with_line_ends
from index.text.dates import ranking_day

Loader = Callable[[bytes], Document]  # raises ArticleError if there is no text


def read_document(data: bytes, path: str) -> Document:
    """The document in the bytes of the file ``path``.

    Front matter takes precedence over the metadata of a page. Raises ArticleError.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in LOADERS:
        raise ArticleError(
            f"{suffix or 'a file without an extension'} is not read: save it as {FORMATS}"
        )
    try:
        document = LOADERS[suffix](data)
    except ArticleError:
        raise
    except Exception as error:  # from a library, on a file that nobody foresaw
        raise ArticleError(
            f"reading it failed ({type(error).__name__}: {one_line(str(error))[:100]}): "
            "save its text as .txt"
        ) from error
    if not visible(document.text).strip():
        raise ArticleError("it holds no text")
    notes, date = document.notes, document.fields.get("date")
    if date and not ranking_day(date):
        notes = (*notes, f"the date {date} is still to come: it does not count as the newest")
    return replace(document, text=with_line_ends(document.text), notes=notes)


def _markdown(data: bytes) -> Document:
    document = read_text_file(data)
    return replace(document, text=plain_text(document.text))


def _page(data: bytes) -> Document:
    above = read_text_file(data, declared_encoding(data))
    page = read_page(above.text)
    return Document(page.text, {**page.fields, **above.fields}, (*above.notes, *page.notes))


LOADERS: dict[str, Loader] = {
    ".txt": read_text_file,
    ".md": _markdown,
    ".html": _page,
    ".htm": _page,
    ".pdf": read_pdf,
}
FORMATS = ".txt, .md, .html or .pdf"  # as users read it
