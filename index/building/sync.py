"""Brings the index up to date with the corpus."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from index.articles.files import CorpusFile, DigestCache, scan
from index.errors import StorageError
from index.generations.layout import DIGESTS, Locations, generations_dir
from index.generations.manifest import Manifest, current_stamp, read_manifest, rebuild_reason
from index.generations.pointer import current_name, discard_all_but, write_lock
from index.models.embedder import Embedder

if TYPE_CHECKING:
    from index.building.build import Progress


@dataclass(frozen=True)
class Skipped:
    """A file that is not in the index, and why."""

    path: str
    reason: str


@dataclass(frozen=True)
class Note:
    """What a file says that this run could not read as it is written."""

    path: str
    text: str


@dataclass(frozen=True)
class Report:
    """What a run did: the paths of articles, the number of embedded texts, the generation.

    ``rebuilt_because`` says why everything was rebuilt; "" if it was not.
    """

    added: tuple[str, ...]
    changed: tuple[str, ...]
    renamed: tuple[tuple[str, str], ...]
    removed: tuple[str, ...]
    skipped: tuple[Skipped, ...]
    notes: tuple[Note, ...]
    embedded: int
    generation: str
    articles: int
    unchanged: bool
    rebuilt_because: str = ""


def sync(
    paths: Locations,
    embedder: Embedder,
    *,
    rebuild: bool = False,
    allow_empty: bool = False,
    wait: float = 0,
    progress: Progress | None = None,
) -> Report:
    """Make the current generation hold exactly the articles of the corpus.

    If nothing has changed, nothing is written. Otherwise a new generation is built from the
    unchanged articles of the current one and from cached vectors, verified, and made current.
    ``wait`` is for how many seconds to wait for another writer.

    Raises:
        CorpusError: the folder cannot be read, or has no article (unless ``allow_empty``).
        BusyError: another process is writing the index.
        StorageError: the data folder cannot be written, or the new index is not sound.
    """
    if not paths.corpus.is_dir():
        scan(paths.corpus, paths.max_bytes)  # raises before anything is created
    with _translated_errors(paths.data_dir), write_lock(paths.data_dir, wait):
        current = current_name(paths.data_dir)
        discard_all_but(paths.data_dir, current, paths.server)
        digest_cache = DigestCache(paths.data_dir / DIGESTS, trusting=not rebuild)
        files = scan(paths.corpus, paths.max_bytes, digest_cache)
        digests = {file.path: file.digest for file in files if not file.trouble}
        before = _manifest_or_none(paths.data_dir, current)
        stamp = current_stamp(paths, embedder)
        reason = ""
        if current:
            reason = "it was asked for" if rebuild else rebuild_reason(before, stamp)
        if current and before and not reason and before.files == digests:
            digest_cache.save()
            return _report(before, before, files, 0, current, unchanged=True)
        # Slow to import, and only needed to write
        from index.articles.versions.history import History
        from index.building.update import IndexUpdate

        old = (current, before) if current and before and not reason else None
        run = IndexUpdate(paths, embedder, stamp, files, digest_cache, allow_empty, progress)
        name, after, embedded, damage = run.build(old)
        digest_cache.save(always=True)
        report = _report(before, after, files, embedded, name, rebuilt_because=reason or damage)
        for source, path in report.renamed:
            History(paths.data_dir).rename(source, path)
        return report


@contextmanager
def _translated_errors(data_dir: Path) -> Iterator[None]:
    """Create the data folder, and turn errors of the disk into StorageError."""
    try:
        generations_dir(data_dir).mkdir(parents=True, exist_ok=True)
        yield
    except (OSError, sqlite3.Error) as error:
        path = getattr(error, "filename", None) or data_dir
        raise StorageError(
            f"cannot write the data folder {path}: {getattr(error, 'strerror', None) or error}; "
            "make room there, or set VIRGOLETTE_DATA_DIR to a folder that can be written"
        ) from error


def _manifest_or_none(data_dir: Path, name: str | None) -> Manifest | None:
    """The manifest of the current generation, None if there is no readable one."""
    if name is None:
        return None
    try:
        return read_manifest(generations_dir(data_dir) / name)
    except StorageError:  # damaged: everything is rebuilt
        return None


def _report(
    before: Manifest | None,
    after: Manifest,
    files: list[CorpusFile],
    embedded: int,
    name: str,
    *,
    unchanged: bool = False,
    rebuilt_because: str = "",
) -> Report:
    old, new = (_articles_of(m) if m else {} for m in (before, after))
    gone: dict[str, list[str]] = {}  # paths by digest, which several files may share
    for path, digest in old.items():
        if path not in new:
            gone.setdefault(digest, []).append(path)
    fresh = [path for path in new if path not in old]
    skipped = {**after.skipped, **{file.path: file.trouble for file in files if file.trouble}}
    renamed = {path: gone[new[path]].pop(0) for path in fresh if gone.get(new[path])}
    return Report(
        added=tuple(path for path in fresh if path not in renamed),
        changed=tuple(path for path in new if path in old and old[path] != new[path]),
        renamed=tuple((source, path) for path, source in renamed.items()),
        removed=tuple(sorted(path for paths in gone.values() for path in paths)),
        skipped=tuple(Skipped(path, skipped[path]) for path in sorted(skipped)),
        notes=() if unchanged else tuple(_notes(after)),
        embedded=embedded,
        generation=name,
        articles=len(new),
        unchanged=unchanged,
        rebuilt_because=rebuilt_because,
    )


def _notes(manifest: Manifest) -> Iterator[Note]:
    for path, texts in sorted(manifest.notes.items()):
        yield from (Note(path, text) for text in texts)


def _articles_of(manifest: Manifest) -> dict[str, str]:
    return {p: digest for p, digest in manifest.files.items() if p not in manifest.skipped}
