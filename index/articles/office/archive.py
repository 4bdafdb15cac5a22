"""Reads the parts of files that are ZIP archives, however they are made."""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from typing import Any

from index.errors import ArticleError

PART_LIMIT = 30_000_000  # bytes of one part; of all that are read, five times as many
_DOCTYPE = re.compile(rb"<!(?:DOCTYPE|ENTITY)", re.IGNORECASE)


class Archive:
    """The parts of a ZIP file by name. Raises ArticleError if it is damaged, locked or a bomb."""

    def __init__(self, data: bytes) -> None:
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(data))
        except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError):
            raise ArticleError("the file is damaged or cut off: save it again") from None
        self.names = self._zip.namelist()
        self._left = 5 * PART_LIMIT

    def read(self, name: str) -> bytes:
        """The bytes of a part; b"" if there is none."""
        try:
            with self._zip.open(name) as part:
                limit = min(PART_LIMIT, self._left)
                data = part.read(limit + 1)
        except KeyError:
            return b""
        except RuntimeError:  # it has a password
            raise ArticleError("it is locked: save a copy without the password") from None
        except (zipfile.BadZipFile, zlib.error, OSError, EOFError, NotImplementedError):
            raise ArticleError("the file is damaged or cut off: save it again") from None
        if len(data) > limit:
            raise ArticleError(f"it holds more than {limit // 1_000_000} MB of text: split it")
        self._left -= len(data)
        return data

    def xml(self, name: str) -> Any:
        """The root of an XML part, without entities of its own; None if there is no such part."""
        from lxml import etree

        data = self.read(name)
        if not data:
            return None
        if _DOCTYPE.search(data[:10_000]):
            data = _without_doctype(data)
        # No entity is resolved: none may read a file, and none may swell.
        parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False)
        try:
            return etree.fromstring(data, parser)
        except (etree.XMLSyntaxError, ValueError):
            raise ArticleError("the file is damaged or cut off: save it again") from None


def _without_doctype(data: bytes) -> bytes:
    """The XML without a document type that only names one. Raises ArticleError for others."""
    bare = re.sub(rb"<!DOCTYPE[^\[>]*>", b"", data, count=1, flags=re.IGNORECASE)
    if _DOCTYPE.search(bare):
        raise ArticleError("it defines entities of its own, which are not read: save its text")
    return bare
