"""Digests of files that need not be read again: nothing about them has changed."""

from __future__ import annotations

import json
import os
import time
from contextlib import suppress
from pathlib import Path

DAY = 86_400  # seconds after which every file is read again, whatever the file system says
RACY = 3.0  # seconds: a file touched so shortly before may change again within its time stamp
FEW = 50  # files read in vain are not worth a write

Told = tuple[int, int, int, int]


class DigestCache:
    """Digests by path and by what the file system tells: size, times, and inode.

    The time of the last change of status cannot be set back by a program, so an edit that
    keeps size and time of modification shows all the same. What was changed just before it
    was noted is not trusted (git calls such entries racy).
    """

    def __init__(self, file: Path, *, trusting: bool = True) -> None:
        self._file = file
        self._noted: dict[str, tuple[Told, str]] = {}
        self._read_at = time.time()
        self._fresh: dict[str, tuple[Told, str]] = {}
        self._missed = 0
        if trusting:
            self._load()

    def get(self, path: str, status: os.stat_result) -> str | None:
        """The digest of an unchanged file, or None."""
        told, digest = self._noted.get(path, (None, ""))
        if told is None or told != _told(status):
            self._missed += 1
            return None
        self._fresh[path] = (told, digest)
        return digest

    def note(self, path: str, status: os.stat_result, digest: str) -> None:
        """Keep the digest of a file that was read, with its status from before."""
        if max(status.st_mtime, status.st_ctime) < time.time() - RACY:
            self._fresh[path] = (_told(status), digest)

    def forget(self, path: str) -> None:
        """Have a file read the next time."""
        self._fresh.pop(path, None)

    def save(self, *, always: bool = False) -> None:
        """Write what was noted, if it is worth it. What cannot be written is read again."""
        if not always and self._missed <= max(FEW, len(self._fresh) // 20):
            return
        content = {"read_at": self._read_at, "files": self._fresh}
        new = self._file.with_suffix(".new")
        with suppress(OSError):
            new.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
            new.replace(self._file)

    def _load(self) -> None:
        with suppress(OSError, ValueError, KeyError, TypeError):
            content = json.loads(self._file.read_text(encoding="utf-8"))
            if 0 <= time.time() - content["read_at"] < DAY:
                self._read_at = content["read_at"]
                self._noted = {
                    path: (tuple(told), digest) for path, (told, digest) in content["files"].items()
                }


def _told(status: os.stat_result) -> Told:
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino
