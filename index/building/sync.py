"""Bring the index to the corpus."""

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
    """A file that became no article, and why."""

    path: str
    reason: str


@dataclass(frozen=True)
class Report:
    """What a run did: paths of articles, how many texts were embedded, the generation.

    ``anew`` says why everything was built anew, and is empty where it was not.
    """

    added: tuple[str, ...]
    changed: tuple[str, ...]
    renamed: tuple[tuple[str, str], ...]
    removed: tuple[str, ...]
    skipped: tuple[Skipped, ...]
    embedded: int
    generation: str
    articles: int
    unchanged: bool
    anew: str = ""


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

    Nothing is written when nothing has changed. Otherwise a new generation is built beside
    the current one, out of what has not changed in that and out of cached vectors, verified,
    and put in its place. ``wait`` is how many seconds to wait for another writer.

    Raises:
        CorpusError: the folder cannot be read, or holds no article (unless ``allow_empty``).
        BusyError: another process is write_lock.
        StorageError: the data folder cannot be written, or the new index is not sound.
    """
    if not paths.corpus.is_dir():
        scan(paths.corpus, paths.max_bytes)  # tells what is wrong before anything is made
    with _storage(paths.data_dir), write_lock(paths.data_dir, wait):
        current = current_name(paths.data_dir)
        discard_all_but(paths.data_dir, current, paths.server)
        known = DigestCache(paths.data_dir / DIGESTS, trusting=not rebuild)
        files = scan(paths.corpus, paths.max_bytes, known)
        digests = {file.path: file.digest for file in files if not file.trouble}
        before = _manifest_or_none(paths.data_dir, current)
        stamp = current_stamp(paths, embedder)
        asked = "it was asked for" if rebuild else ""
        anew = (asked or rebuild_reason(before, stamp)) if current else ""
        if current and before and not anew and before.files == digests:
            known.save()
            return _report(before, before, files, 0, current, unchanged=True)
        from index.building.update import IndexUpdate  # brings what only a run that writes needs

        troubles = {file.path: file.trouble for file in files if file.trouble}
        run = IndexUpdate(paths, embedder, progress, stamp, allow_empty, known, troubles)
        old = (current, before) if current and before and not anew else None
        name, after, embedded, damage = run.build(digests, old)
        known.save(always=True)
        return _report(before, after, files, embedded, name, anew=anew or damage)


@contextmanager
def _storage(data_dir: Path) -> Iterator[None]:
    """Make the data folder; turn what the disk refuses into a StorageError."""
    try:
        generations_dir(data_dir).mkdir(parents=True, exist_ok=True)
        yield
    except sqlite3.Error as error:
        raise StorageError(_unwritable(str(data_dir), str(error))) from error
    except OSError as error:
        where = str(error.filename or data_dir)
        raise StorageError(_unwritable(where, error.strerror or str(error))) from error


def _unwritable(where: str, reason: str) -> str:
    return (
        f"cannot write the data folder {where}: {reason}; make room there, or set "
        "VIRGOLETTE_DATA_DIR to a folder that can be written"
    )


def _manifest_or_none(data_dir: Path, name: str | None) -> Manifest | None:
    """The manifest of the current generation; None when there is none that can be read."""
    if name is None:
        return None
    try:
        return read_manifest(generations_dir(data_dir) / name)
    except StorageError:  # damaged: built anew
        return None


def _report(
    before: Manifest | None,
    after: Manifest,
    files: list[CorpusFile],
    embedded: int,
    name: str,
    *,
    unchanged: bool = False,
    anew: str = "",
) -> Report:
    old, new = (_articles_of(m) if m else {} for m in (before, after))
    gone: dict[str, list[str]] = {}  # by digest: several files may hold the same
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
        embedded=embedded,
        generation=name,
        articles=len(new),
        unchanged=unchanged,
        anew=anew,
    )


def _articles_of(manifest: Manifest) -> dict[str, str]:
    return {p: digest for p, digest in manifest.files.items() if p not in manifest.skipped}
