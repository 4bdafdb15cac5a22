"""The files that users send, and what a bot needs to fetch them (#getfile)."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Any

from tests.bot_api.errors import ApiError, Json, bad_request

DOWNLOAD = "download"  # What the fetching of a content is called among methods, though it is none.
MAX_CAPTION = 1024  # UTF-16 code units
_LARGEST = 20 << 20  # bytes
_LARGEST_UPLOAD = 50 << 20  # bytes that a bot may send


def check_upload(content: bytes) -> None:
    """What a bot uploads (#sending-files)."""
    if not content:
        raise bad_request("file must be non-empty")
    if len(content) > _LARGEST_UPLOAD:
        raise ApiError(413, "Request Entity Too Large")


class Files:
    """The contents of files by their identifiers, and by their paths once getFile told them."""

    def __init__(self) -> None:
        self._files: dict[str, tuple[Json, str, bytes]] = {}
        self._paths: dict[str, bytes] = {}
        self.handlers: dict[str, Callable[[Json], Any]] = {"getFile": self.get_file}

    def add(self, content: bytes, file_name: str | None, mime_type: str | None) -> Json:
        """Keep a file that a user sends; return the #document that tells of it."""
        file_id = f"BQAC{secrets.token_urlsafe(36)}"
        unique_id = f"AgAD{hashlib.sha256(content).hexdigest()[:16]}"
        file = {"file_id": file_id, "file_unique_id": unique_id, "file_size": len(content)}
        path = f"documents/file_{len(self._files)}{PurePosixPath(file_name or '').suffix}"
        self._files[file_id] = file, path, content
        said = {"file_name": file_name, "mime_type": mime_type}
        return file | {name: value for name, value in said.items() if value is not None}

    def get_file(self, params: Json) -> Json:
        """#getfile."""
        if params.get("file_id") not in self._files:
            raise bad_request("wrong file_id or the file is temporarily unavailable")
        file, path, content = self._files[params["file_id"]]
        if len(content) > _LARGEST:
            raise bad_request("file is too big")
        self._paths[path] = content
        return file | {"file_path": path}

    def content(self, path: str) -> bytes:
        """What is fetched from a path; only getFile makes a path known."""
        if path not in self._paths:
            raise ApiError(404, "Not Found")
        return self._paths[path]
