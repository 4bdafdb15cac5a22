"""Bring the index to the corpus."""

from __future__ import annotations

import datetime
import hashlib
import os
import secrets
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from index.articles import FORMATS, Article, list_files, read_article
from index.embedder import Embedder
from index.errors import ArticleError, CorpusError, StorageError
from index.generation import (
    CHROMA,
    KEYWORDS,
    SENTENCES,
    STORE,
    Manifest,
    current_name,
    generations_dir,
    read_manifest,
    switch_to,
    write_manifest,
)
from index.keywords import KeywordIndex
from index.lock import writing
from index.passages import Passage, split_article
from index.store import write_store
from index.vectors import PassageVectors, Progress, VectorCache
from index.verify import verify

# Raise one of these whenever what it names makes other output of the same files.
VERSIONS = {"loaders": "2", "splitter": "1", "keywords": "1", "schema": "1"}
KEPT_GENERATIONS = 2  # the current one, and the one that a slow reader may still have open


@dataclass(frozen=True)
class Skipped:
    """A file that became no article, and why."""

    path: str
    reason: str


@dataclass(frozen=True)
class Report:
    """What a run did: paths of articles, how many texts were embedded, the generation."""

    added: tuple[str, ...]
    changed: tuple[str, ...]
    renamed: tuple[tuple[str, str], ...]
    removed: tuple[str, ...]
    skipped: tuple[Skipped, ...]
    embedded: int
    generation: str
    articles: int
    unchanged: bool


def sync(
    corpus: Path,
    data_dir: Path,
    embedder: Embedder,
    *,
    rebuild: bool = False,
    allow_empty: bool = False,
    wait: float = 0,
    progress: Progress | None = None,
) -> Report:
    """Make the current generation hold exactly the articles of the corpus.

    Nothing is written when nothing has changed. Otherwise a new generation is built beside
    the current one out of cached vectors, verified, and put in its place. ``wait`` is how
    many seconds to wait for another writer.

    Raises:
        CorpusError: the folder cannot be read, or holds no article (unless ``allow_empty``).
        BusyError: another process is writing.
        StorageError: the data folder cannot be written, or the new index is not sound.
    """
    contents = _read_files(corpus)
    with _storage(data_dir), writing(data_dir, wait):
        files = {path: digest for path, (digest, _) in contents.items()}
        stamp = {**VERSIONS, "model": embedder.fingerprint}
        name = current_name(data_dir)
        before = _manifest_or_none(data_dir, name)
        if name and before and not rebuild and (before.stamp, before.files) == (stamp, files):
            return _report(before, before, 0, name, unchanged=True)
        articles, skipped = _read_articles(corpus, contents, files)
        if not articles and not allow_empty:
            raise CorpusError(_no_article(corpus, skipped))
        now = datetime.datetime.now(datetime.UTC)
        manifest = Manifest(stamp, files, skipped, now.isoformat(timespec="seconds"))
        builder = _Builder(data_dir, embedder, progress)
        name = builder.build(articles, manifest, f"{now:%Y%m%dT%H%M%S}-{secrets.token_hex(3)}")
        return _report(before, manifest, builder.embedded, name)


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
        raise StorageError(f"cannot write the data folder {data_dir}: {error}") from error
    except OSError as error:
        raise StorageError(
            f"cannot write the data folder {error.filename or data_dir}: "
            f"{error.strerror or error}; "
            "set VIRGOLETTE_DATA_DIR to a folder that can be written"
        ) from error


def _manifest_or_none(data_dir: Path, name: str | None) -> Manifest | None:
    """The manifest of the current generation; None when there is none that can be read."""
    if name is None:
        return None
    try:
        return read_manifest(generations_dir(data_dir) / name)
    except StorageError:  # damaged: built anew
        return None


def _read_files(corpus: Path) -> dict[str, tuple[str, str]]:
    """For every file of the corpus the digest of its bytes, and why it cannot be read, or ""."""
    found = {}
    for path in list_files(corpus):
        name = os.fsencode(path).decode("utf-8", "backslashreplace")
        found[name] = _read_file(corpus, path) if name == path else ("", "its name is not UTF-8")
    return found


def _read_file(corpus: Path, path: str) -> tuple[str, str]:
    file = corpus / path
    try:
        if file.is_symlink() and not file.resolve().is_relative_to(corpus.resolve()):
            return "", "it is a link out of the corpus"
        if file.exists() and not file.is_file():
            return "", "it is no regular file"  # reading a pipe would wait for ever
        return hashlib.sha256(file.read_bytes()).hexdigest(), ""
    except OSError as error:
        return "", f"it cannot be read: {error.strerror or error}"


def _read_articles(
    corpus: Path, contents: dict[str, tuple[str, str]], files: dict[str, str]
) -> tuple[list[Article], dict[str, str]]:
    """The articles, and why other files are none.

    A file that changed since its digest was taken gets none in ``files``: the next run reads it.
    """
    articles, skipped = [], {}
    for path, (digest, trouble) in contents.items():
        try:
            data = b"" if trouble else (corpus / path).read_bytes()
            if not trouble and hashlib.sha256(data).hexdigest() != digest:
                files[path], trouble = "", "it was changed while it was read: index again"
            if trouble:
                raise ArticleError(trouble)
            articles.append(read_article(data, path))
        except ArticleError as error:
            skipped[path] = str(error)
        except OSError as error:
            files[path], skipped[path] = "", f"it cannot be read: {error.strerror or error}"
    return articles, skipped


class _Builder:
    """Builds one generation."""

    def __init__(self, data_dir: Path, embedder: Embedder, progress: Progress | None) -> None:
        self._data_dir = data_dir
        self._embedder = embedder
        self._progress = progress
        self.embedded = 0

    def build(self, articles: list[Article], manifest: Manifest, name: str) -> str:
        """Build, verify and switch; what an interrupted build left is removed first."""
        home = generations_dir(self._data_dir)
        for left in home.glob(".building-*"):
            shutil.rmtree(left)
        work = home / f".building-{name}"
        work.mkdir()
        try:
            self._fill(work, articles, manifest)
            verify(work)
            work.rename(home / name)
        finally:
            shutil.rmtree(work, ignore_errors=True)
        switch_to(self._data_dir, name)
        _remove_old(home, name)
        return name

    def _fill(self, work: Path, articles: list[Article], manifest: Manifest) -> None:
        passages = [p for article in articles for p in self._split(article)]
        texts = [passage.text for passage in passages]
        sentences = write_store(work / STORE, articles, passages)
        cache = VectorCache(self._data_dir / "vectors.sqlite3", self._embedder)
        self.embedded = cache.embed([*texts, *sentences], self._progress)
        KeywordIndex.build(texts, work / KEYWORDS)
        np.save(work / SENTENCES, cache.vectors(sentences).astype(np.float16))
        PassageVectors.build([p.id for p in passages], cache.vectors(texts), work / CHROMA)
        write_manifest(work, manifest)

    def _split(self, article: Article) -> list[Passage]:
        return split_article(article, self._embedder.count_tokens, self._embedder.max_tokens)


def _remove_old(home: Path, current: str) -> None:
    others = sorted(p.name for p in home.iterdir() if p.name != current)
    for name in others[: -(KEPT_GENERATIONS - 1) or None]:
        shutil.rmtree(home / name, ignore_errors=True)


def _report(
    before: Manifest | None,
    after: Manifest,
    embedded: int,
    name: str,
    *,
    unchanged: bool = False,
) -> Report:
    old, new = (_articles_of(m) if m else {} for m in (before, after))
    gone: dict[str, list[str]] = {}  # by digest: several files may hold the same
    for path, digest in old.items():
        if path not in new:
            gone.setdefault(digest, []).append(path)
    fresh = [path for path in new if path not in old]
    renamed = {path: gone[new[path]].pop(0) for path in fresh if gone.get(new[path])}
    return Report(
        added=tuple(path for path in fresh if path not in renamed),
        changed=tuple(path for path in new if path in old and old[path] != new[path]),
        renamed=tuple((source, path) for path, source in renamed.items()),
        removed=tuple(sorted(path for paths in gone.values() for path in paths)),
        skipped=tuple(Skipped(path, reason) for path, reason in after.skipped.items()),
        embedded=embedded,
        generation=name,
        articles=len(new),
        unchanged=unchanged,
    )


def _articles_of(manifest: Manifest) -> dict[str, str]:
    return {p: digest for p, digest in manifest.files.items() if p not in manifest.skipped}
