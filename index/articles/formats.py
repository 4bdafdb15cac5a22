"""The file formats of the corpus and their loaders: a new format is a new line in LOADERS."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from index.articles.document import Document
from index.articles.markdown import MAX_MARKS, has_too_many_marks, plain_text
from index.articles.office.docx import read_docx
from index.articles.office.epub import read_epub
from index.articles.office.mail import read_mail, read_mailbox, read_saved_page
from index.articles.office.odt import read_odt
from index.articles.office.rtf import read_rtf
from index.articles.office.signatures import format_of
from index.articles.pages import declared_encoding, read_page
from index.articles.pdfs import read_pdf
from index.articles.text_files import read_text_file
from index.errors import ArticleError
from index.text.clean import one_line, visible, with_line_ends
from index.text.dates import ranking_day

Loader = Callable[[bytes], Document]  # raises ArticleError if there is no text

MAX_FIELD = 1000  # characters of a title, a source or an address


def way_out(suffix: str) -> str:
    """The formats in which to save a file of a format that is not read."""
    return next((other for other, known in _WAYS_OUT.items() if suffix in known), FORMATS)


def read_document(data: bytes, path: str, loaders: Mapping[str, Loader] | None = None) -> Document:
    """The document in the bytes of the file ``path``.

    What the bytes look like counts more than the name of the file. Front matter takes precedence
    over the metadata of a page. ``loaders``: of some formats, instead of those of LOADERS. Raises
    ArticleError.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in LOADERS:
        raise ArticleError(
            f"{suffix or 'a file without an extension'} is not read: save it as {way_out(suffix)}"
        )
    try:
        document = {**LOADERS, **(loaders or {})}[format_of(data) or suffix](data)
    except ArticleError:
        raise
    except Exception as error:  # from a library, on a file that nobody foresaw
        raise ArticleError(
            f"reading it failed ({type(error).__name__}: {one_line(str(error))[:100]}): "
            "save its text as .txt"
        ) from error
    if not visible(document.text).strip():
        raise ArticleError("it holds no text")
    return replace(_with_checked_fields(document), text=with_line_ends(document.text))


def _with_checked_fields(document: Document) -> Document:
    notes, date = list(document.notes), document.fields.get("date")
    if date and not ranking_day(date):
        notes.append(f"the date {date} is still to come: it does not count as the newest")
    for name, value in document.fields.items():
        if len(value) > MAX_FIELD:
            notes.append(f"its {name} has more than {MAX_FIELD} characters: the rest is left out")
    fields = {name: value[:MAX_FIELD] for name, value in document.fields.items()}
    return replace(document, fields=fields, notes=tuple(notes))


def _markdown(data: bytes) -> Document:
    document = read_text_file(data)
    notes = list(document.notes)
    if has_too_many_marks(document.text):
        notes.append(f"it has more than {MAX_MARKS} marks: its Markdown is kept as it is")
        return replace(document, notes=tuple(notes))
    return replace(document, text=plain_text(document.text))


def _page(data: bytes) -> Document:
    above = read_text_file(data, declared_encoding(data))
    page = read_page(above.text)
    fields, notes = {**page.fields, **above.fields}, (*above.notes, *page.notes)
    return replace(page, fields=fields, notes=notes)


_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")  # a part of a .docx with a password


def _word(data: bytes) -> Document:
    """Word writes several formats under this name; its own old one is not read."""
    if data[:20].lower().startswith(b"mime-version:"):
        return read_saved_page(data)
    if _ENCRYPTED in data:
        raise ArticleError("it is locked: save a copy without the password")
    raise ArticleError("Word's old format is not read: open it and save it as .docx")


LOADERS: dict[str, Loader] = {
    ".txt": read_text_file,
    ".text": read_text_file,
    ".md": _markdown,
    ".markdown": _markdown,
    ".html": _page,
    ".htm": _page,
    ".xhtml": _page,
    ".mhtml": read_saved_page,
    ".mht": read_saved_page,
    ".pdf": read_pdf,
    ".docx": read_docx,
    ".docm": read_docx,
    ".doc": _word,
    ".odt": read_odt,
    ".rtf": read_rtf,
    ".epub": read_epub,
    ".eml": read_mail,
    ".mbox": read_mailbox,
}
# As users read it.
FORMATS = ".txt, .md, .html, .mhtml, .pdf, .docx, .odt, .rtf, .epub, .eml or .mbox"
_WAYS_OUT = {
    ".docx": ".dot .dotx .wps .wpd .pages .sxw .fodt .gdoc .wri".split(),
    ".pdf": ".ppt .pptx .pps .odp .key .ps .djvu .xps .indd .qxp .pub .tif .tiff .jpg .png".split(),
    ".epub": ".mobi .azw .azw3 .fb2".split(),
    ".eml": ".msg .emlx .pst".split(),
    ".html": ".webarchive .maff .url .webloc".split(),
    ".txt": ".xls .xlsx .ods .csv .tex .rst .org .adoc .xml .json .srt .vtt".split(),
}
