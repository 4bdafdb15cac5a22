"""The file formats of the corpus and their loaders: a new format is a new line in LOADERS."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from index.articles.pages import declared_encoding, read_page
from index.articles.pdfs import read_pdf
from index.articles.text_files import decode, plain_text, split_front_matter
from index.errors import ArticleError
from index.text.clean import one_line

# From a file's bytes to the text to store and the known ones of the fields title, source, date,
# url and language. Raises ArticleError if there is no text.
Loader = Callable[[bytes], tuple[str, dict[str, str]]]


def read_text(data: bytes, path: str) -> tuple[str, dict[str, str]]:
    """The text to store from the bytes of the file ``path``, and its known fields.

    Front matter takes precedence over the metadata of a page. Raises ArticleError.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in LOADERS:
        raise ArticleError(
            f"{suffix or 'a file without an extension'} is not read: save it as {FORMATS}"
        )
    try:
        text, fields = LOADERS[suffix](data)
    except ArticleError:
        raise
    except Exception as error:  # from a library, on a file that nobody foresaw
        raise ArticleError(
            f"reading it failed ({type(error).__name__}: {one_line(str(error))[:100]}): "
            "save its text as .txt"
        ) from error
    if not text.strip():
        raise ArticleError("it holds no text")
    return text, fields


def _plain(data: bytes) -> tuple[str, dict[str, str]]:
    fields, text = split_front_matter(decode(data))
    return text, fields


def _markdown(data: bytes) -> tuple[str, dict[str, str]]:
    fields, text = split_front_matter(decode(data))
    return plain_text(text), fields


def _page(data: bytes) -> tuple[str, dict[str, str]]:
    fields, markup = split_front_matter(decode(data, declared_encoding(data)))
    text, page_fields = read_page(markup)
    return text, {**page_fields, **fields}


LOADERS: dict[str, Loader] = {
    ".txt": _plain,
    ".md": _markdown,
    ".html": _page,
    ".htm": _page,
    ".pdf": read_pdf,
}
FORMATS = ".txt, .md, .html or .pdf"  # as users read it
