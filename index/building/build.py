"""Builds one generation beside the current one, out of what is kept and what is new."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from index.articles.article import Article
from index.building.helper import Helper
from index.building.near_duplicates import PERMUTATIONS, Signatures, families, signature
from index.building.vector_cache import VectorCache
from index.errors import ArticleError
from index.generations.chroma import BATCH
from index.generations.generation import write_rows
from index.generations.keywords import PostingsWriter
from index.generations.layout import CHROMA, KEYWORDS, SENTENCES, SIGNATURES, STORE, VectorLocation
from index.generations.passages import split_article, titled
from index.generations.store import Extent, Store, StoreWriter
from index.models.embedder import Embedder
from index.models.encoder import Vectors

MOST_REMOVED = 0.2  # of the passages: beyond, Chroma's graph is made anew, not thinned

Progress = Callable[[str, int, int], None]  # the phase ("reading", "embedding"), done, in all


@dataclass(frozen=True)
class Base:
    """A generation to take over from: its directory, and the paths that have not changed.

    ``thinned`` is how many passages were taken out of Chroma's graph since it was made: it
    keeps their places, and gets slower and larger by them.
    """

    directory: Path
    kept: frozenset[str]
    thinned: int = 0


@dataclass(frozen=True)
class Build:
    """What came of it: articles in the generation, files that were no article.

    ``thinned`` as in ``Base``.
    """

    articles: int
    skipped: dict[str, str]
    thinned: int


@dataclass
class _Layout:
    """Which rows of the new generation are copied from which rows of the old, and which are new."""

    copied: list[tuple[Extent, Extent]] = field(default_factory=list)  # old, new
    fresh: list[Extent] = field(default_factory=list)
    signatures: list[Signatures] = field(default_factory=list)


class Builder:
    """Fills the directory of one generation.

    Only one article and some batches of texts and vectors are in memory at a time.
    """

    def __init__(
        self,
        place: VectorLocation,
        embedder: Embedder,
        cache: VectorCache,
        helper: Helper,
        progress: Progress | None,
    ) -> None:
        self._work = place.directory
        self._place = VectorLocation(place.directory / CHROMA, place.name, place.server)
        self._embedder = embedder
        self._cache = cache
        self._helper = helper
        self._progress = progress or (lambda _phase, _done, _total: None)

    def build(
        self, paths: Sequence[str], read: Callable[[str], Article], base: Base | None
    ) -> Build:
        """Build from the files ``paths``, in order; ``read`` raises ArticleError for no article."""
        old = Store(base.directory / STORE) if base else None
        try:
            layout, skipped = self._write_texts(paths, read, base, old)
            store = Store(self._work / STORE)
            gone = _gone(layout, old)
            thinned = len(gone) + (base.thinned if base else 0)
            anew = self._must_be_anew(thinned, store, base)
            self._cache.embed(
                lambda: self._new_texts(store, layout, all_passages=anew),
                lambda done, total: self._progress("embedding", done, total),
            )
            self._write_sentences(store, layout, base)
            self._write_passages(store, layout, None if anew else base, gone)
            articles = store.count("articles")
            store.close()
        finally:
            if old:
                old.close()
        return Build(articles, skipped, 0 if anew else thinned)

    def _write_texts(
        self,
        paths: Sequence[str],
        read: Callable[[str], Article],
        base: Base | None,
        old: Store | None,
    ) -> tuple[_Layout, dict[str, str]]:
        """Store, keywords and near-duplicates."""
        kept = _kept(base, old)
        layout, skipped = _Layout(), {}
        store = StoreWriter(self._work / STORE, old)
        postings = PostingsWriter(base.directory / KEYWORDS if base else None)
        signatures = np.load(base.directory / SIGNATURES, mmap_mode="r") if base else None
        for done, part in enumerate(_parts(paths, kept)):
            if isinstance(part, Extent):
                layout.copied.append((part, store.copy(part)))
                postings.copy(part.passages)
                if signatures is not None:
                    layout.signatures.append(signatures[part.articles.start : part.articles.stop])
                continue
            try:
                article = read(part)
            except ArticleError as error:
                skipped[part] = str(error)
                continue
            passages = split_article(
                article, self._embedder.count_tokens, self._embedder.max_tokens
            )
            layout.fresh.append(store.add(article, passages))
            layout.signatures.append(signature(article.text)[None, :])
            for passage in passages:
                postings.add(titled(article.heading, passage.text))
            self._progress("reading", done + 1, len(paths) - len(kept))
        all_signatures = np.concatenate(
            [np.empty((0, PERMUTATIONS), np.uint32), *layout.signatures]
        )
        np.save(self._work / SIGNATURES, all_signatures)
        store.add_twins(families(all_signatures))
        store.close()
        postings.finish(self._work / KEYWORDS)
        return layout, skipped

    def _must_be_anew(self, thinned: int, store: Store, base: Base | None) -> bool:
        """Whether Chroma's collection cannot be a copy that is brought up to date."""
        size = store.count("passages")
        if base is None or self._place.server or not (base.directory / CHROMA).exists():
            return True
        return thinned > MOST_REMOVED * size

    def _new_texts(self, store: Store, layout: _Layout, *, all_passages: bool) -> Iterator[str]:
        """The texts whose vectors are needed and may not be in the cache."""
        for extent in layout.fresh:
            yield from store.texts(extent.passages)
            yield from store.sentence_texts(extent.sentences)
        if all_passages:
            for _, extent in layout.copied:
                yield from store.texts(extent.passages)

    def _write_sentences(self, store: Store, layout: _Layout, base: Base | None) -> None:
        """The vectors of all sentences, row by row, in fp16."""
        path, size = self._work / SENTENCES, store.count("sentences")
        if not size:
            np.save(path, np.empty((0, 0), np.float16))
            return
        (one,) = store.sentence_texts(range(1))
        before = np.empty((0, 0), np.float16)
        if base and layout.copied:
            before = np.load(base.directory / SENTENCES, mmap_mode="r")
        width = before.shape[1] or self._cache.vectors([one]).shape[1]
        blocks = self._sentence_blocks(store, layout, before)
        write_rows(path, np.float16, (size, width), blocks)

    def _sentence_blocks(
        self, store: Store, layout: _Layout, before: NDArray[np.float16]
    ) -> Iterator[NDArray[np.float16] | Vectors]:
        """The vectors of all sentences, in the order of their rows."""
        copied = {new.sentences.start: old.sentences for old, new in layout.copied if new.sentences}
        fresh = _merged([extent.sentences for extent in layout.fresh])
        where = {**copied, **{rows.start: rows for rows in fresh}}
        for start in sorted(where):
            for rows in _batches(where[start]):
                if start in copied:
                    yield before[_slice(rows)]
                else:
                    yield self._cache.vectors(list(store.sentence_texts(rows)))

    def _write_passages(
        self, store: Store, layout: _Layout, base: Base | None, gone: frozenset[str]
    ) -> None:
        """Chroma: a copy of the base's collection brought up to date, or a new one."""
        fresh = [extent.passages for extent in layout.fresh]
        if not store.count("passages"):
            return
        if base is None:
            fresh += [new.passages for _, new in layout.copied]
            self._helper.write(self._place, [], self._vectors(store, fresh), create=True)
            return
        shutil.copytree(base.directory / CHROMA, self._place.directory)
        new = {i for rows in fresh for i in store.ids(rows)}
        added = self._vectors(store, fresh, without=gone)  # an article may keep some of its own
        self._helper.write(self._place, sorted(gone - new), added, create=False)

    def _vectors(
        self, store: Store, extents: Sequence[range], without: frozenset[str] = frozenset()
    ) -> Iterator[tuple[list[str], Vectors]]:
        """Ids and vectors of passages, in batches."""
        for extent in _merged(extents):
            for rows in _batches(extent):
                pairs = zip(store.ids(rows), store.texts(rows), strict=True)
                wanted = [(i, text) for i, text in pairs if i not in without]
                if wanted:
                    yield [i for i, _ in wanted], self._cache.vectors([text for _, text in wanted])


def _kept(base: Base | None, old: Store | None) -> dict[str, Extent]:
    """Where the old store has the articles that have not changed."""
    if base is None or old is None:
        return {}
    return {path: extent for path, extent in old.layout().items() if path in base.kept}


def _parts(paths: Iterable[str], kept: dict[str, Extent]) -> Iterator[Extent | str]:
    """The paths in order: those to be read by name, kept ones that lie side by side as one."""
    run: Extent | None = None
    for path in paths:
        extent = kept.get(path)
        if run and extent and extent.articles.start == run.articles.stop:
            run = Extent(
                range(run.articles.start, extent.articles.stop),
                range(run.passages.start, extent.passages.stop),
                range(run.sentences.start, extent.sentences.stop),
            )
            continue
        if run:
            yield run
        run = extent
        if extent is None:
            yield path
    if run:
        yield run


def _gone(layout: _Layout, old: Store | None) -> frozenset[str]:
    """The ids of the old passages that are not copied."""
    if old is None:
        return frozenset()
    ids = old.ids(range(old.count("passages")))
    for extent, _ in layout.copied:
        ids[extent.passages.start : extent.passages.stop] = [""] * len(extent.passages)
    return frozenset(ids) - {""}


def _merged(extents: Iterable[range]) -> Iterator[range]:
    """Ranges that follow each other as one: fewer, larger batches."""
    run = range(0)
    for extent in extents:
        if extent.start == run.stop:
            run = range(run.start, extent.stop)
            continue
        if run:
            yield run
        run = extent
    if run:
        yield run


def _batches(rows: range) -> Iterator[range]:
    for start in range(rows.start, rows.stop, BATCH):
        yield range(start, min(start + BATCH, rows.stop))


def _slice(rows: range) -> slice:
    return slice(rows.start, rows.stop)


def make_durable(directory: Path) -> None:
    """Have everything below a directory written to the disk, before a pointer leads there."""
    for folder, _, names in os.walk(directory):
        for path in [*(Path(folder, name) for name in names), Path(folder)]:
            descriptor = os.open(path, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
