"""The formats of the corpus's files, and what reads each: one more is one more line of LOADERS."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from index.articles.pages import declared_encoding, read_page
from index.articles.pdfs import read_pdf
from index.articles.text_files import decode, split_front_matter
from index.errors import ArticleError
from index.text.clean import one_line

# Of a file's bytes the text to be stored, and the fields that are known of it: title, source, date,
# url and language. Raises ArticleError where there is no text.
Loader = Callable[[bytes], tuple[str, dict[str, str]]]


def read_text(data: bytes, path: str) -> tuple[str, dict[str, str]]:
    """The stored text in the bytes of the file ``path``, and the fields that are known of it.

    A front matter wins over what a page or a PDF tells of itself. Raises ArticleError.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in LOADERS:
        raise ArticleError(
            f"{suffix or 'a file without an ending'} is not read: save it as {FORMATS}"
        )
    try:
        text, fields = LOADERS[suffix](data)
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


def _plain(data: bytes) -> tuple[str, dict[str, str]]:
    fields, text = split_front_matter(decode(data))
    return text, fields


def _markdown(data: bytes) -> tuple[str, dict[str, str]]:
    from index.articles.text_files import plain_text  # status reads no article

    fields, text = split_front_matter(decode(data))
    return plain_text(text), fields


def _page(data: bytes) -> tuple[str, dict[str, str]]:
    fields, markup = split_front_matter(decode(data, declared_encoding(data)))
    text, told = read_page(markup)
    return text, {**told, **fields}


LOADERS: dict[str, Loader] = {
    ".txt": _plain,
    ".md": _markdown,
    ".html": _page,
    ".htm": _page,
    ".pdf": read_pdf,
}
FORMATS = ".txt, .md, .html or .pdf"  # as people are told of them
