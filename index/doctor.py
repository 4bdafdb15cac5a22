"""Examines the index and everything it depends on, and repairs it."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from index.articles.files import MEGABYTE, CorpusFile, scan
from index.building.build import Progress
from index.building.helper import Helper
from index.building.sync import Report, sync
from index.building.vector_cache import VectorCache, delete_cache
from index.errors import CorpusError, ModelError, ServerError, StorageError
from index.generations.layout import CACHE, STORE, Locations, generations_dir
from index.generations.manifest import Manifest, current_stamp, read_manifest, rebuild_reason
from index.generations.pointer import current_name, held_current, lock_holder, write_lock
from index.generations.store import Store
from index.models.embedder import Embedder
from index.models.weights import MARKER

_MIN_FREE = 200 * MEGABYTE
INDEX, REBUILD = "run virgolette index", "run virgolette index --rebuild"
SERVER = "start the server, or correct VIRGOLETTE_CHROMA_URL"


@dataclass(frozen=True)
class Finding:
    """The result of one check: its name, what is wrong ("" if nothing), and the remedy."""

    name: str
    trouble: str = ""
    remedy: str = ""


class Doctor:
    """Examines one index. Only ``repair`` writes."""

    def __init__(self, paths: Locations, embedder: Embedder) -> None:
        self._paths = paths
        self._embedder = embedder

    def examine(self) -> Iterator[Finding]:
        """Run all checks, one after another."""
        files: list[CorpusFile] | None = None
        try:
            files = scan(self._paths.corpus, self._paths.max_bytes)
            yield self._corpus(files)
        except CorpusError as error:
            yield Finding("corpus", str(error))
        for check in (self._disk, self._lock, self._model, self._cache):
            yield check()
        pointer = self._pointer()
        yield pointer
        if pointer.trouble:
            return
        try:
            with held_current(self._paths.data_dir) as directory:
                if directory:
                    yield from self._generation(directory, files)
        except StorageError as error:
            yield Finding("generation", str(error), REBUILD)

    def repair(self, progress: Progress | None = None) -> Report:
        """Repair everything that is derived from the corpus, with as little embedding as possible.

        Raises the errors of ``sync``: an unreadable corpus cannot be repaired here.
        """
        if self._cache().trouble:
            with write_lock(self._paths.data_dir):
                delete_cache(self._paths.data_dir / CACHE)
        rebuild = any(f.remedy == REBUILD and f.trouble for f in list(self.examine()))
        report = sync(self._paths, self._embedder, rebuild=rebuild, progress=progress)
        self._delete_unused()
        return report

    def _corpus(self, files: list[CorpusFile]) -> Finding:
        if all(file.trouble for file in files):
            return Finding("corpus", f"{self._paths.corpus} holds no article", "put some in it")
        return Finding("corpus")

    def _disk(self) -> Finding:
        data = self._paths.data_dir
        folder = data if data.exists() else data.absolute().parent
        try:
            free = shutil.disk_usage(folder).free
        except OSError as error:
            return Finding("disk", f"{folder}: {error.strerror}", "set VIRGOLETTE_DATA_DIR")
        current = current_name(data)
        content = (generations_dir(data) / current).rglob("*") if current else ()
        size = sum(file.stat().st_size for file in content if file.is_file())
        needed = max(2 * size, _MIN_FREE)  # the next generation is built beside this one
        if free < needed:
            free_mb, needed_mb = free / MEGABYTE, needed / MEGABYTE
            trouble = f"{free_mb:.0f} MB are free, an index run may need {needed_mb:.0f}"
            return Finding("disk", trouble, "make room")
        return Finding("disk")

    def _lock(self) -> Finding:
        data = self._paths.data_dir
        if data.exists() and not os.access(data, os.W_OK):
            return Finding("lock", f"{data} cannot be written", "make the data folder writable")
        if holder := lock_holder(data):
            trouble = f"the index is being written by {holder}"
            return Finding("lock", trouble, "wait, and examine again")
        return Finding("lock")

    def _model(self) -> Finding:
        try:
            if self._embedder.encoder:
                self._embedder.encoder.load()
        except ModelError as error:
            return Finding("model", str(error), "install Virgolette again")
        return Finding("model")

    def _cache(self) -> Finding:
        path = self._paths.data_dir / CACHE
        if not path.exists():
            return Finding("vector cache")
        options = "mode=ro" if os.access(path.parent, os.W_OK) else "immutable=1"
        uri = f"{path.absolute().as_uri()}?{options}"
        try:
            with closing(sqlite3.connect(uri, uri=True)) as cache:
                (result,) = cache.execute("PRAGMA quick_check(1)").fetchone()
        except sqlite3.Error as error:
            result = str(error)
        if result != "ok":
            return Finding("vector cache", result, "virgolette doctor --repair recreates it")
        return Finding("vector cache")

    def _pointer(self) -> Finding:
        try:
            name = current_name(self._paths.data_dir)
        except StorageError as error:
            return Finding("pointer", str(error), REBUILD)
        if name is None:
            return Finding("pointer", "there is no index yet", INDEX)
        if not (generations_dir(self._paths.data_dir) / name).is_dir():
            return Finding("pointer", f"the generation {name} it names is not there", REBUILD)
        return Finding("pointer")

    def _generation(self, directory: Path, files: list[CorpusFile] | None) -> Iterator[Finding]:
        try:
            manifest = read_manifest(directory)
        except StorageError as error:
            yield Finding("manifest", str(error), REBUILD)
            return
        reason = rebuild_reason(manifest, current_stamp(self._paths, self._embedder))
        yield Finding("stamp", reason, INDEX if reason else "")
        if files is not None:
            yield self._up_to_date(manifest, files)
        try:
            with Helper() as helper:
                helper.check(directory, self._paths.server, thorough=True)
        except ServerError as error:
            yield Finding("generation", str(error), SERVER)
        except StorageError as error:
            yield Finding("generation", str(error), REBUILD)
        else:
            yield Finding("generation")

    def _up_to_date(self, manifest: Manifest, files: list[CorpusFile]) -> Finding:
        if manifest.files != {file.path: file.digest for file in files if not file.trouble}:
            return Finding("up to date", "the corpus has changed since it was indexed", INDEX)
        return Finding("up to date")

    def _delete_unused(self) -> None:
        """Delete vectors of texts that no article has any more, and models of earlier versions."""
        with write_lock(self._paths.data_dir):
            models = self._paths.data_dir / "models"
            for marker in models.glob(f"*/{MARKER}"):  # those without are the user's own
                shutil.rmtree(marker.parent, ignore_errors=True)
            with suppress(OSError):
                models.rmdir()
            name = current_name(self._paths.data_dir)  # may have changed since
            store = Store(generations_dir(self._paths.data_dir) / str(name) / STORE)
            cache = VectorCache(self._paths.data_dir / CACHE, self._embedder)
            passages = store.texts(range(store.count("passages")))
            sentences = store.sentence_texts(range(store.count("sentences")))
            cache.prune(chain(passages, sentences))
            store.close()
