"""Tells formats by their first bytes, whatever a file is called."""

from __future__ import annotations

import io
import zipfile
import zlib

from index.errors import ArticleError

_BEGINNINGS = {
    b"%PDF-": ".pdf",
    b"{\\rtf": ".rtf",
    b"<!doctype html": ".html",
    b"<html": ".html",
}
_OLE = b"\xd0\xcf\x11\xe0"
_ZIP = b"PK\x03\x04"
_MEMBERS = {
    "word/document.xml": ".docx",
    "META-INF/container.xml": ".epub",
}
_OPENDOCUMENT = b"application/vnd.oasis.opendocument.text"


def format_of(data: bytes) -> str:
    """The suffix of the format that these bytes are in; "" if they do not say.

    Raises ArticleError for what is surely none that is read.
    """
    start = data[:1024].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    for beginning, suffix in _BEGINNINGS.items():
        if start.startswith(beginning):
            return suffix
    if data.startswith(_ZIP):
        return _of_archive(data)
    return ".doc" if data.startswith(_OLE) else ""


def _of_archive(data: bytes) -> str:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = set(archive.namelist())
            mimetype = archive.open("mimetype").read(200) if "mimetype" in names else b""
    except (zipfile.BadZipFile, ValueError, OSError, RuntimeError, zlib.error):
        return ""  # the loader says what is wrong
    for member, suffix in _MEMBERS.items():
        if member in names:
            return suffix
    if mimetype.strip() == _OPENDOCUMENT:
        return ".odt"
    raise ArticleError("it is an archive of another kind: save its text as .docx or .txt")
