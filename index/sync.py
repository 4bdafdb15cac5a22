"""Bring the index to the corpus."""

from __future__ import annotations

import datetime
import hashlib
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from index.articles import Article, read_article
from index.digests import DigestCache
from index.embedder import Embedder
from index.errors import ArticleError, CorpusError, ServerError, StorageError
from index.files import FORMATS, MEGABYTE, CorpusFile, scan
from index.generation import (
    BUILDING,
    EMBEDDED,
    READERS,
    Manifest,
    current_name,
    discard,
    generations_dir,
    read_manifest,
    switch_to,
    sync_folder,
    write_manifest,
)
from index.lock import writing
from index.place import ChromaServer, Place

if TYPE_CHECKING:
    from index.build import Build, Progress
    from index.cache import VectorCache
    from index.helper import Helper

# Raise one of these whenever what it names makes other output of the same files.
VERSIONS = {"loaders": "3", "splitter": "1", "keywords": "2", "prompts": "1", "schema": "2"}
LIBRARIES = (
    "bm25s charset-normalizer justext lxml markdown-it-py pypdf pystemmer simplemma trafilatura"
).split()
CACHE = "vectors.sqlite3"
DIGESTS = "files.json"


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


@dataclass(frozen=True)
class Locations:
    """Where the articles are, where the index is, and what may be read.

    ``max_bytes`` is the size from which a file of the corpus is skipped; ``server`` holds
    the vectors, if it is not the index itself.
    """

    corpus: Path
    data_dir: Path
    max_bytes: int = 20 * MEGABYTE
    server: ChromaServer | None = None


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
        BusyError: another process is writing.
        StorageError: the data folder cannot be written, or the new index is not sound.
    """
    if not paths.corpus.is_dir():
        scan(paths.corpus, paths.max_bytes)  # tells what is wrong before anything is made
    with _storage(paths.data_dir), writing(paths.data_dir, wait):
        current = current_name(paths.data_dir)
        _tidy(paths, current)
        known = DigestCache(paths.data_dir / DIGESTS, trusting=not rebuild)
        files = scan(paths.corpus, paths.max_bytes, known)
        digests = {file.path: file.digest for file in files if not file.trouble}
        before = _manifest_or_none(paths.data_dir, current)
        stamp = current_stamp(paths, embedder)
        asked = "it was asked for" if rebuild else ""
        anew = (asked or why_anew(before, stamp)) if current else ""
        if current and before and not anew and before.files == digests:
            known.save()
            return _report(before, before, files, 0, current, unchanged=True)
        troubles = {file.path: file.trouble for file in files if file.trouble}
        run = _Run(paths, embedder, progress, stamp, allow_empty, known, troubles)
        old = (current, before) if current and before and not anew else None
        name, after, embedded, damage = run.build(digests, old)
        known.save(always=True)
        return _report(before, after, files, embedded, name, anew=anew or damage)


def needed_stamp(embedder: Embedder) -> dict[str, str]:
    """What an index must have been made with, for questions to be answered from it."""
    return {**VERSIONS, "model": embedder.fingerprint}


def current_stamp(paths: Locations, embedder: Embedder) -> dict[str, str]:
    """What makes an index another one, beside its articles."""
    vectors = paths.server.url if paths.server else EMBEDDED
    return {**needed_stamp(embedder), "vectors": vectors, "libraries": _libraries()}


def _libraries() -> str:
    """The versions of what makes text of files and terms of text: others may make others."""
    return ", ".join(f"{name} {version(name)}" for name in LIBRARIES)


def why_anew(before: Manifest | None, stamp: dict[str, str]) -> str:
    """Why nothing of the current generation can be taken over, in words; "" where it can."""
    if before is None:
        return "the one before cannot be read"
    other = [name for name, value in stamp.items() if before.stamp.get(name) != value]
    return f"the one before was made otherwise ({', '.join(other)})" if other else ""


@dataclass(frozen=True)
class _Run:
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
        from index.cache import VectorCache

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
        from index.build import make_durable  # what only a run that writes needs
        from index.helper import Helper

        now = datetime.datetime.now(datetime.UTC)
        name = f"{now:%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"
        home = generations_dir(self.paths.data_dir)
        work = home / f"{BUILDING}{name}"
        work.mkdir()
        (work / READERS).touch()
        reader = _Reader(self.paths.corpus, dict(digests), self.known)
        try:
            with Helper() as helper:
                place = Place(work, name, self.paths.server)
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
        _tidy(self.paths, name)
        return name, manifest

    def _fill(
        self,
        place: Place,
        cache: VectorCache,
        helper: Helper,
        old: tuple[str, Manifest] | None,
        reader: _Reader,
    ) -> tuple[Build, dict[str, str]]:
        """Fill the new generation; what came of it, and all files that are no articles."""
        from index.build import Base, Builder

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


def _tidy(paths: Locations, current: str | None) -> None:
    """Remove what interrupted runs left, and generations that nobody reads any more."""
    for directory in generations_dir(paths.data_dir).iterdir():
        if directory.name != current:
            discard(paths.data_dir, directory.name, paths.server)


def _no_article(corpus: Path, skipped: dict[str, str]) -> str:
    text = (
        f"the corpus folder {corpus} holds no article: put {FORMATS} files in it, "
        "or give --allow-empty"
    )
    if skipped:
        path, reason = next(iter(skipped.items()))
        text += f" ({len(skipped)} skipped, {path}: {reason})"
    return text


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
