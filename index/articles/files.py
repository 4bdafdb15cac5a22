"""Lists the files of the corpus with their digests."""

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

from index.articles.formats import FORMATS, LOADERS, way_out
from index.disk import replace_file
from index.errors import CorpusError

_ONLY = f"only {FORMATS} files are read"
MEGABYTE = 1_000_000
# Files that editors, office programs and downloads keep for a while.
_TEMPORARY = re.compile(
    r"\.#.*|\.~.*|\.goutputstream.*|\.nfs.*|~\$.*|.*~|#.*#|4913"
    r"|.*\.(?:sw[a-z]|tmp|part|crdownload)|.*___jb_(?:tmp|old)___",
    re.DOTALL | re.IGNORECASE,
)
# Syncthing, ownCloud, Resilio, pCloud; Dropbox, Nextcloud and Seafile in parentheses.
_CONFLICT = re.compile(
    r".*(?:\.sync-conflict-|_conflict-\d{8}|\.conflict\.|\[conflicted\]"
    r"|\(.*(?:conflict(?:ed)? copy|case conflict|sfconflict|copia in conflitto).*\)).*",
    re.DOTALL | re.IGNORECASE,
)
# Of network drives and archives: thumbnails, what was deleted, attributes.
_FOREIGN_FOLDERS = frozenset(
    ("@eadir", "#recycle", "@recycle", "$recycle.bin", "system volume information", "__macosx")
)
_SAVED = ("_files", "_file", "_fichiers", "-Dateien")  # ends of the folder beside a saved page
_DAY = 86_400  # seconds after which all files are read again, whatever their status
RACY_SECONDS = 3.0  # seconds: a file that was just changed may change again within its time stamp
_MIN_MISSES = 50  # new digests; fewer are not worth a write
FileStatus = tuple[int, int, int, int]


class DigestCache:
    """Digests by path and file status: size, times and inode.

    No program can set back the time of the last status change, so it reveals an edit that keeps
    size and modification time. Files changed just before they were noted are not trusted (git
    calls such entries racy).
    """

    def __init__(self, file: Path, *, trusting: bool = True) -> None:
        self._file = file
        self._stored: dict[str, tuple[FileStatus, str]] = {}
        self._read_at = time.time()
        self._fresh: dict[str, tuple[FileStatus, str]] = {}
        self._misses = 0
        if trusting:
            self._load()

    def get(self, path: str, status: os.stat_result) -> str | None:
        """The digest of an unchanged file, or None."""
        stored_status, digest = self._stored.get(path, (None, ""))
        if stored_status is None or stored_status != _file_status(status):
            self._misses += 1
            return None
        self._fresh[path] = (stored_status, digest)
        return digest

    def note(self, path: str, status: os.stat_result, digest: str) -> None:
        """Keep the digest of a file, with its status from before it was read."""
        if max(status.st_mtime, status.st_ctime) < time.time() - RACY_SECONDS:
            self._fresh[path] = (_file_status(status), digest)

    def forget(self, path: str) -> None:
        """Have a file read again the next time."""
        self._fresh.pop(path, None)

    def save(self, *, always: bool = False) -> None:
        """Write the digests, if many are new. If that fails, files are read again."""
        if not always and self._misses <= max(_MIN_MISSES, len(self._fresh) // 20):
            return
        content = {"read_at": self._read_at, "files": self._fresh}
        with suppress(OSError):
            replace_file(self._file, json.dumps(content, ensure_ascii=False))

    def _load(self) -> None:
        with suppress(OSError, ValueError, KeyError, TypeError):
            content = json.loads(self._file.read_text(encoding="utf-8"))
            if 0 <= time.time() - content["read_at"] < _DAY:
                self._read_at = content["read_at"]
                entries = content["files"].items()
                self._stored = {path: (tuple(status), digest) for path, (status, digest) in entries}


def _file_status(status: os.stat_result) -> FileStatus:
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino


@dataclass(frozen=True)
class CorpusFile:
    """A file below the corpus: the SHA-256 of its bytes, or why it is not read."""

    path: str
    digest: str
    trouble: str = ""


def scan(corpus: Path, max_bytes: int, digests: DigestCache | None = None) -> list[CorpusFile]:
    """All files below the corpus except temporary ones, sorted by path.

    A folder that is hidden or a link is one entry, without its files. Files whose digest is in
    ``digests`` are not read. Raises CorpusError if the folder is missing or cannot be listed.
    """
    if not corpus.is_dir():
        raise CorpusError(
            f"there is no corpus folder {corpus}: make it and put articles in it "
            f"({FORMATS}), or set VIRGOLETTE_CORPUS_DIR"
        )
    walk = _Walk(os.path.realpath(corpus), max_bytes, digests)
    return sorted(walk.files(""), key=lambda file: file.path)


def is_temporary(name: str) -> bool:
    """Whether a file of this name belongs to a program that will remove it."""
    return _TEMPORARY.fullmatch(name) is not None


class _Walk:
    def __init__(self, root: str, max_bytes: int, digests: DigestCache | None) -> None:
        self._root, self._max_bytes, self._digests = root, max_bytes, digests

    def files(self, folder: str) -> Iterator[CorpusFile]:
        """The files below a folder of the corpus; "" is the corpus itself."""
        entries = self._entries(folder)
        names = frozenset(entry.name for entry in entries)
        for entry in entries:
            if is_temporary(entry.name):
                continue
            path = f"{folder}/{entry.name}" if folder else entry.name
            trouble = _trouble(self._root, path, entry, self._max_bytes) or _foreign(entry, names)
            if trouble:
                yield CorpusFile(_printable(path), "", trouble)
            elif entry.is_dir():
                try:
                    yield from self.files(path)
                except PermissionError as error:
                    yield CorpusFile(path, "", f"it cannot be read: {error.strerror}")
            else:
                yield self._file(path, entry)

    def _entries(self, folder: str) -> list[os.DirEntry[str]]:
        try:
            return list(os.scandir(Path(self._root, folder)))
        except FileNotFoundError:
            if folder:
                return []  # removed during the walk
            raise CorpusError(f"the corpus folder {self._root} has gone: bring it back") from None
        except OSError as error:  # a failing disk must not look like removed articles
            if folder and isinstance(error, PermissionError):
                raise
            raise CorpusError(
                f"cannot read the folder {error.filename}: {error.strerror}; "
                "make it readable or move it out of the corpus"
            ) from error

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


def _trouble(root: str, path: str, entry: os.DirEntry[str], max_bytes: int) -> str:
    """Why this entry is not read, or ""."""
    if _printable(path) != path:
        return "its name is not UTF-8"
    if entry.name.startswith(".") and entry.name.endswith(".icloud"):
        return "it is not on this machine: have iCloud download it"
    if entry.name.startswith("."):
        return "it is hidden: its name begins with a dot"
    try:
        return _link_trouble(root, entry) or _file_trouble(entry, max_bytes)
    except OSError as error:
        return f"it cannot be read: {error.strerror}"


def _foreign(entry: os.DirEntry[str], names: frozenset[str]) -> str:
    """Why this entry is another program's and no article, or ""; ``names``: all in its folder."""
    if _CONFLICT.fullmatch(entry.name):
        return "it is a copy from a sync conflict: compare it with the other one, then rename it"
    if not entry.is_dir():
        return ""
    if entry.name.lower() in _FOREIGN_FOLDERS:
        return "it is a folder of another program"
    for end in _SAVED:
        page = entry.name.removesuffix(end)
        if page != entry.name and not names.isdisjoint((f"{page}.html", f"{page}.htm")):
            return "it holds the parts of the saved page beside it"
    return ""


def _link_trouble(root: str, entry: os.DirEntry[str]) -> str:
    if not entry.is_symlink():
        return ""
    if os.path.commonpath([root, os.path.realpath(entry.path)]) != root:
        return "it is a link out of the corpus"
    # A link within the corpus: its files are read in their own folder, and it may be a cycle.
    return "it is a link to a folder" if entry.is_dir() else ""


def _file_trouble(entry: os.DirEntry[str], max_bytes: int) -> str:
    status = entry.stat()
    if entry.is_dir():
        return ""
    if not entry.is_file():
        return "it is no regular file"  # a pipe would block
    if not entry.name.lower().endswith(tuple(LOADERS)):
        suffix = Path(entry.name).suffix.lower()
        formats = way_out(suffix)
        known = formats != FORMATS
        return f"{suffix} is not read: save it as {formats}" if known else _ONLY
    if status.st_size > max_bytes:
        limit = max_bytes / MEGABYTE
        return f"it is larger than {limit:g} MB: VIRGOLETTE_MAX_FILE_MB sets the limit"
    return ""


def _printable(path: str) -> str:
    """The path with bytes that are not UTF-8 escaped, so that it can be stored and printed."""
    return path if path.isascii() else os.fsencode(path).decode("utf-8", "backslashreplace")
