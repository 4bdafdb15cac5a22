"""The files of the corpus, as they are at this moment."""

from __future__ import annotations

import hashlib
import json
import os
import re
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from index.articles.formats import FORMATS, LOADERS
from index.errors import CorpusError

MEGABYTE = 1_000_000
# What editors, office programs and downloads keep beside a file for a while.
_TEMPORARY = re.compile(
    r"\.#.*|\.~.*|\.goutputstream.*|\.nfs.*|~\$.*|.*~|#.*#|4913"
    r"|.*\.(?:sw[a-z]|tmp|part|crdownload)|.*___jb_(?:tmp|old)___",
    re.DOTALL | re.IGNORECASE,
)
DAY = 86_400  # seconds after which every file is read again, whatever the file system says
RACY = 3.0  # seconds: a file touched so shortly before may change again within its time stamp
FEW = 50  # files read in vain are not worth a write
FileStatus = tuple[int, int, int, int]


class DigestCache:
    """Digests by path and by what the file system tells: size, times, and inode.

    The time of the last change of status cannot be set back by a program, so an edit that
    keeps size and time of modification shows all the same. What was changed just before it
    was noted is not trusted (git calls such entries racy).
    """

    def __init__(self, file: Path, *, trusting: bool = True) -> None:
        self._file = file
        self._noted: dict[str, tuple[FileStatus, str]] = {}
        self._read_at = time.time()
        self._fresh: dict[str, tuple[FileStatus, str]] = {}
        self._missed = 0
        if trusting:
            self._load()

    def get(self, path: str, status: os.stat_result) -> str | None:
        """The digest of an unchanged file, or None."""
        told, digest = self._noted.get(path, (None, ""))
        if told is None or told != _file_status(status):
            self._missed += 1
            return None
        self._fresh[path] = (told, digest)
        return digest

    def note(self, path: str, status: os.stat_result, digest: str) -> None:
        """Keep the digest of a file that was read, with its status from before."""
        if max(status.st_mtime, status.st_ctime) < time.time() - RACY:
            self._fresh[path] = (_file_status(status), digest)

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


def _file_status(status: os.stat_result) -> FileStatus:
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino


@dataclass(frozen=True)
class CorpusFile:
    """A file below the corpus: the SHA-256 of its bytes, or why it is not to be read."""

    path: str
    digest: str
    trouble: str = ""


def scan(corpus: Path, max_bytes: int, digests: DigestCache | None = None) -> list[CorpusFile]:
    """Every file below the corpus but temporary ones, by path.

    A folder that is hidden or a link stands for what it holds. Files whose digest is among
    ``digests`` are not read.

    Raises CorpusError when the folder is not there or cannot be listed.
    """
    if not corpus.is_dir():
        raise CorpusError(
            f"there is no corpus folder {corpus}: make it and put articles in it "
            f"({FORMATS}), or set VIRGOLETTE_CORPUS_DIR"
        )
    walk = _Walk(os.path.realpath(corpus), max_bytes, digests)
    return sorted(walk.files(""), key=lambda file: file.path)


def is_temporary(name: str) -> bool:
    """Whether a file of this name is one that a program needs only for a while."""
    return _TEMPORARY.fullmatch(name) is not None


class _Walk:
    """One walk through the corpus."""

    def __init__(self, root: str, max_bytes: int, digests: DigestCache | None) -> None:
        self._root, self._max_bytes, self._digests = root, max_bytes, digests

    def files(self, folder: str) -> Iterator[CorpusFile]:
        """The files below a folder of the corpus; "" is the corpus itself."""
        for entry in self._entries(folder):
            if is_temporary(entry.name):
                continue
            path = f"{folder}/{entry.name}" if folder else entry.name
            trouble = _trouble(self._root, path, entry, self._max_bytes)
            if trouble:
                yield CorpusFile(_shown(path), "", trouble)
            elif entry.is_dir():
                yield from self._folder(path)
            else:
                yield self._file(path, entry)

    def _entries(self, folder: str) -> list[os.DirEntry[str]]:
        try:
            return list(os.scandir(Path(self._root, folder)))
        except PermissionError as error:
            if folder:
                raise
            raise _unreadable(error) from error
        except FileNotFoundError:
            if folder:
                return []  # removed while we walked
            raise CorpusError(f"the corpus folder {self._root} has gone: bring it back") from None
        except OSError as error:  # a disk that fails must not look like articles that went
            raise _unreadable(error) from error

    def _folder(self, path: str) -> Iterator[CorpusFile]:
        try:
            yield from self.files(path)
        except PermissionError as error:
            yield CorpusFile(_shown(path), "", f"it cannot be read: {error.strerror}")

    def _file(self, path: str, entry: os.DirEntry[str]) -> CorpusFile:
        try:
            status = entry.stat()
            digest = self._digests.get(path, status) if self._digests else None
            if digest is None:
                with Path(entry.path).open("rb") as file:
                    digest = hashlib.file_digest(file, "sha256").hexdigest()
                if self._digests:
                    self._digests.note(path, status, digest)
            return CorpusFile(path, digest)
        except OSError as error:
            return CorpusFile(path, "", f"it cannot be read: {error.strerror or error}")


def _unreadable(error: OSError) -> CorpusError:
    return CorpusError(
        f"cannot read the folder {error.filename}: {error.strerror}; "
        "make it readable or move it out of the corpus"
    )


def _trouble(root: str, path: str, entry: os.DirEntry[str], max_bytes: int) -> str:
    """Why this entry is not looked into, or ""."""
    if _shown(path) != path:
        return "its name is not UTF-8"
    if entry.name.startswith("."):
        return "it is hidden: its name begins with a dot"
    try:
        return _link_trouble(root, entry) or _file_trouble(entry, max_bytes)
    except OSError as error:
        return f"it cannot be read: {error.strerror}"


def _link_trouble(root: str, entry: os.DirEntry[str]) -> str:
    if not entry.is_symlink():
        return ""
    if os.path.commonpath([root, os.path.realpath(entry.path)]) != root:
        return "it is a link out of the corpus"
    # Of the corpus: its files are read where they are, and it may lead round in a circle.
    return "it is a link to a folder" if entry.is_dir() else ""


def _file_trouble(entry: os.DirEntry[str], max_bytes: int) -> str:
    status = entry.stat()
    if entry.is_dir():
        return ""
    if not entry.is_file():
        return "it is no regular file"  # reading a pipe would wait for ever
    if not entry.name.lower().endswith(tuple(LOADERS)):
        return f"only {FORMATS} files are read"
    if status.st_size > max_bytes:
        limit = max_bytes / MEGABYTE
        return f"it is larger than {limit:g} MB: VIRGOLETTE_MAX_FILE_MB sets the limit"
    return ""


def _shown(path: str) -> str:
    """The path as it can be stored and printed: bytes that are no UTF-8 are escaped."""
    return path if path.isascii() else os.fsencode(path).decode("utf-8", "backslashreplace")
