"""Makes a new generation and replaces the current one with it."""

from __future__ import annotations

import datetime
import hashlib
import secrets
import sqlite3
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from index.articles.article import Article, as_article
from index.articles.files import CorpusFile, DigestCache
from index.articles.formats import FORMATS, read_document
from index.articles.versions.history import History
from index.building.build import Base, Builder, Progress
from index.building.helper import Helper
from index.building.vector_cache import VectorCache
from index.disk import sync_to_disk
from index.errors import ArticleError, CorpusError, ServerError, StorageError
from index.generations.layout import (
    BUILDING,
    CACHE,
    READERS,
    STORE,
    Locations,
    VectorLocation,
    generations_dir,
)
from index.generations.manifest import Manifest, write_manifest
from index.generations.pointer import discard, discard_all_but, switch_to
from index.generations.store import Store
from index.models.embedder import Embedder


@dataclass(frozen=True)
class IndexUpdate:
    """A run that writes: from the ``files`` of the corpus to a new current generation."""

    paths: Locations
    embedder: Embedder
    stamp: dict[str, str]
    files: Sequence[CorpusFile]
    digest_cache: DigestCache
    allow_empty: bool
    progress: Progress | None

    def build(self, old: tuple[str, Manifest] | None) -> tuple[str, Manifest, int, str]:
        """Build from the ``old`` generation, if any, and switch.

        Returns the new generation's name and manifest, the number of embedded texts, and why
        nothing could be copied from the old one, or "".
        """
        cache, damage = VectorCache(self.paths.data_dir / CACHE, self.embedder), ""
        try:
            name, manifest = self._build(old, cache)
        except ServerError:
            raise
        except (StorageError, OSError, sqlite3.Error, ValueError, EOFError) as error:
            if old is None:
                raise
            # The old generation may be damaged: do without it. A full disk fails again.
            damage = f"the previous index could not be reused ({error})"
            name, manifest = self._build(None, cache)
        return name, manifest, cache.embedded, damage

    def _build(self, old: tuple[str, Manifest] | None, cache: VectorCache) -> tuple[str, Manifest]:
        now = datetime.datetime.now(datetime.UTC)
        name = f"{now:%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"
        home = generations_dir(self.paths.data_dir)
        work = home / f"{BUILDING}{name}"
        work.mkdir()
        (work / READERS).touch()
        try:
            location = VectorLocation(work, name, self.paths.server)
            manifest = self._fill(location, now.isoformat(timespec="seconds"), old, cache)
            for path in (work, *work.rglob("*")):
                sync_to_disk(path)
            work.rename(home / name)
            sync_to_disk(home)
        except BaseException:
            discard(self.paths.data_dir, work.name, self.paths.server)
            raise
        if old:
            self._keep_versions(*old, manifest, now.timestamp())
        switch_to(self.paths.data_dir, name)
        discard_all_but(self.paths.data_dir, name, self.paths.server)
        return name, manifest

    def _keep_versions(self, name: str, before: Manifest, after: Manifest, now: float) -> None:
        """Keep the texts that have changed, unless what has changed them did so."""
        changed = [path for path in before.files if after.files.get(path) != before.files[path]]
        built = datetime.datetime.fromisoformat(before.created).timestamp()
        store_file = generations_dir(self.paths.data_dir) / name / STORE
        # The index is worth more than the history of an article.
        with suppress(StorageError, OSError, sqlite3.Error), closing(Store(store_file)) as store:
            for path in changed:
                article = store.article(path)
                if article and self._has_other_text(article):
                    History(self.paths.data_dir).keep_article(article, now, built)

    def _has_other_text(self, article: Article) -> bool:
        try:
            data = (self.paths.corpus / article.path).read_bytes()
            return read_document(data, article.path).text != article.text
        except (OSError, ArticleError):  # it was removed, or is no article by now
            return False

    def _fill(
        self,
        location: VectorLocation,
        created: str,
        old: tuple[str, Manifest] | None,
        cache: VectorCache,
    ) -> Manifest:
        """Fill the directory of the new generation and have it examined."""
        reader = _Reader(self.paths.corpus, self.files, self.digest_cache)
        skipped: dict[str, str] = {}
        base = None
        with Helper() as helper:
            if old:
                name, before = old
                same = {p for p, digest in reader.digests.items() if before.files.get(p) == digest}
                skipped = {path: before.skipped[path] for path in same & before.skipped.keys()}
                directory = generations_dir(self.paths.data_dir) / name
                base = Base(directory, frozenset(same - skipped.keys()), before.thinned)
            builder = Builder(location, self.embedder, cache, helper, self.progress)
            paths = sorted(reader.digests.keys() - skipped.keys())
            build = builder.build(paths, reader.read, base)
            skipped |= build.skipped
            if not build.articles and not self.allow_empty:
                raise CorpusError(self._no_article(skipped))
            manifest = Manifest(
                self.stamp, reader.digests, skipped, created, build.thinned, reader.notes
            )
            write_manifest(location.directory, manifest)
            helper.check(location.directory, self.paths.server)
        return manifest

    def _no_article(self, skipped: dict[str, str]) -> str:
        text = (
            f"the corpus folder {self.paths.corpus} holds no article: put {FORMATS} files in it, "
            "or give --allow-empty"
        )
        reasons = {file.path: file.trouble for file in self.files if file.trouble} | skipped
        if reasons:
            path, reason = next(iter(reasons.items()))
            text += f" ({len(reasons)} skipped, {path}: {reason})"
        return text


class _Reader:
    """Reads articles; keeps their notes, and ``digests`` true to the bytes that were read."""

    def __init__(
        self, corpus: Path, files: Sequence[CorpusFile], digest_cache: DigestCache
    ) -> None:
        self._corpus = corpus
        self._digest_cache = digest_cache
        self.digests = {file.path: file.digest for file in files if not file.trouble}
        self.notes: dict[str, list[str]] = {}

    def read(self, path: str) -> Article:
        """The article in a file. Raises ArticleError if there is none."""
        try:
            data = (self._corpus / path).read_bytes()
        except OSError as error:
            self.digests[path] = ""
            raise ArticleError(f"it cannot be read: {error.strerror or error}") from error
        digest = hashlib.sha256(data).hexdigest()
        if digest != self.digests[path]:  # changed since the walk: the next run reads it again
            self.digests[path] = digest
            self._digest_cache.forget(path)
        document = read_document(data, path)
        if document.notes:
            self.notes[path] = list(document.notes)
        return as_article(document, path)
