"""Makes a new generation and puts it in the place of the current one."""

from __future__ import annotations

import datetime
import hashlib
import secrets
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from index.articles.article import Article, read_article
from index.articles.files import DigestCache
from index.articles.formats import FORMATS
from index.building.build import Base, Build, Builder, Progress, make_durable
from index.building.helper import Helper
from index.building.vector_cache import VectorCache
from index.errors import ArticleError, CorpusError, ServerError, StorageError
from index.generations.layout import (
    BUILDING,
    CACHE,
    READERS,
    Locations,
    VectorLocation,
    generations_dir,
    sync_folder,
)
from index.generations.manifest import Manifest, write_manifest
from index.generations.pointer import discard, discard_all_but, switch_to
from index.models.embedder import Embedder


@dataclass(frozen=True)
class IndexUpdate:
    """One run that writes."""

    paths: Locations
    embedder: Embedder
    progress: Progress | None
    stamp: dict[str, str]
    allow_empty: bool
    known: DigestCache
    troubles: dict[str, str]

    def build(
        self, digests: dict[str, str], old: tuple[str, Manifest] | None
    ) -> tuple[str, Manifest, int, str]:
        """Build and switch.

        The new generation's name and manifest, how many texts were embedded, and why nothing of
        the old one could be taken over, or "".
        """
        cache, damage = VectorCache(self.paths.data_dir / CACHE, self.embedder), ""
        try:
            name, manifest = self._build(digests, old, cache)
        except ServerError:
            raise
        except (StorageError, OSError, sqlite3.Error, ValueError, EOFError) as error:
            if old is None:
                raise
            # The old generation may be damaged: do without it. A full disk fails again.
            damage = f"the one before could not be taken over ({error})"
            name, manifest = self._build(digests, None, cache)
        return name, manifest, cache.embedded, damage

    def _build(
        self, digests: dict[str, str], old: tuple[str, Manifest] | None, cache: VectorCache
    ) -> tuple[str, Manifest]:
        now = datetime.datetime.now(datetime.UTC)
        name = f"{now:%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"
        home = generations_dir(self.paths.data_dir)
        work = home / f"{BUILDING}{name}"
        work.mkdir()
        (work / READERS).touch()
        reader = _Reader(self.paths.corpus, dict(digests), self.known)
        try:
            with Helper() as helper:
                place = VectorLocation(work, name, self.paths.server)
                built, skipped = self._fill(place, cache, helper, old, reader)
                if not built.articles and not self.allow_empty:
                    raise CorpusError(_no_article(self.paths.corpus, {**self.troubles, **skipped}))
                created = now.isoformat(timespec="seconds")
                manifest = Manifest(self.stamp, reader.digests, skipped, created, built.thinned)
                write_manifest(work, manifest)
                helper.check(work, self.paths.server)
            make_durable(work)
            work.rename(home / name)
            sync_folder(home)
        except BaseException:
            discard(self.paths.data_dir, work.name, self.paths.server)
            raise
        switch_to(self.paths.data_dir, name)
        discard_all_but(self.paths.data_dir, name, self.paths.server)
        return name, manifest

    def _fill(
        self,
        place: VectorLocation,
        cache: VectorCache,
        helper: Helper,
        old: tuple[str, Manifest] | None,
        reader: _Reader,
    ) -> tuple[Build, dict[str, str]]:
        """Fill the new generation; what came of it, and all files that are no articles."""
        skipped: dict[str, str] = {}
        base = None
        if old:
            name, before = old
            same = {p for p, digest in reader.digests.items() if before.files.get(p) == digest}
            skipped = {path: before.skipped[path] for path in same & before.skipped.keys()}
            kept = frozenset(same - skipped.keys())
            base = Base(generations_dir(self.paths.data_dir) / name, kept, before.thinned)
        todo = sorted(reader.digests.keys() - skipped.keys())
        builder = Builder(place, self.embedder, cache, helper, self.progress)
        built = builder.build(todo, reader.read, base)
        return built, {**skipped, **built.skipped}


class _Reader:
    """Reads articles, and sees to it that ``digests`` are of what was read."""

    def __init__(self, corpus: Path, digests: dict[str, str], known: DigestCache) -> None:
        self._corpus = corpus
        self._known = known
        self.digests = digests

    def read(self, path: str) -> Article:
        """The article in a file; ArticleError where there is none."""
        try:
            data = (self._corpus / path).read_bytes()
        except OSError as error:
            self.digests[path] = ""
            raise ArticleError(f"it cannot be read: {error.strerror or error}") from error
        digest = hashlib.sha256(data).hexdigest()
        if digest != self.digests[path]:  # changed since the walk; the next run looks again
            self.digests[path] = digest
            self._known.forget(path)
        return read_article(data, path)


def _no_article(corpus: Path, skipped: dict[str, str]) -> str:
    text = (
        f"the corpus folder {corpus} holds no article: put {FORMATS} files in it, "
        "or give --allow-empty"
    )
    if skipped:
        path, reason = next(iter(skipped.items()))
        text += f" ({len(skipped)} skipped, {path}: {reason})"
    return text
