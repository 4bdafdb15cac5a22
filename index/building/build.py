"""Builds a generation beside the current one, from copied and new articles."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, nullcontext
from dataclasses import dataclass, field, replace
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

_MAX_THINNED = 0.2  # of the passages: beyond, Chroma's graph is recreated, not thinned further

Progress = Callable[[str, int, int], None]  # the phase ("reading", "embedding"), done, total


@dataclass(frozen=True)
class Base:
    """A generation to copy from: its directory, and the paths of unchanged articles.

    ``thinned`` counts the passages deleted from Chroma's graph since its creation: they stay in
    the graph as nodes, which makes it slower and larger.
    """

    directory: Path
    kept: frozenset[str]
    thinned: int = 0


@dataclass(frozen=True)
class Build:
    """The number of articles, the reasons of skipped files by path, ``thinned`` as in ``Base``."""

    articles: int
    skipped: dict[str, str]
    thinned: int


@dataclass
class _Layout:
    """Which rows of the new generation are copied from which old rows, and which are new."""

    copied: list[tuple[Extent, Extent]] = field(default_factory=list)  # old, new
    fresh: list[Extent] = field(default_factory=list)


class Builder:
    """Fills the directory of one generation.

    Only one article and a few batches of texts and vectors are in memory at a time.
    """

    def __init__(
        self,
        location: VectorLocation,
        embedder: Embedder,
        cache: VectorCache,
        helper: Helper,
        progress: Progress | None,
    ) -> None:
        self._work = location.directory
        self._location = replace(location, directory=location.directory / CHROMA)
        self._embedder = embedder
        self._cache = cache
        self._helper = helper
        self._progress = progress or (lambda _phase, _done, _total: None)

    def build(
        self, paths: Sequence[str], read: Callable[[str], Article], base: Base | None
    ) -> Build:
        """Build from the files ``paths``, in order; ``read`` raises ArticleError if one is none."""
        with closing(Store(base.directory / STORE)) if base else nullcontext() as old:
            layout, skipped = self._write_texts(paths, read, base, old)
            removed = _removed_ids(layout, old)
        with closing(Store(self._work / STORE)) as store:
            thinned = len(removed) + (base.thinned if base else 0)
            recreate = self._must_recreate(thinned, store, base)
            self._cache.embed(
                lambda: self._texts_to_embed(store, layout, all_passages=recreate),
                lambda done, total: self._progress("embedding", done, total),
            )
            self._write_sentences(store, layout, base)
            self._write_passages(store, layout, None if recreate else base, removed)
            return Build(store.count("articles"), skipped, 0 if recreate else thinned)

    def _write_texts(
        self,
        paths: Sequence[str],
        read: Callable[[str], Article],
        base: Base | None,
        old: Store | None,
    ) -> tuple[_Layout, dict[str, str]]:
        """Write store, keywords and near-duplicates."""
        extents = old.layout() if old else {}
        kept = {path: extents[path] for path in base.kept & extents.keys()} if base else {}
        layout, skipped = _Layout(), {}
        store = StoreWriter(self._work / STORE, old)
        postings = PostingsWriter(base.directory / KEYWORDS if base else None)
        old_signatures = np.load(base.directory / SIGNATURES, mmap_mode="r") if base else None
        signatures: list[Signatures] = [np.empty((0, PERMUTATIONS), np.uint32)]
        for done, part in enumerate(_parts(paths, kept)):
            if isinstance(part, Extent):
                layout.copied.append((part, store.copy(part)))
                postings.copy(part.passages)
                if old_signatures is not None:
                    signatures.append(old_signatures[_slice(part.articles)])
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
            signatures.append(signature(article.text)[None, :])
            for passage in passages:
                postings.add(titled(article.heading, passage.text))
            self._progress("reading", done + 1, len(paths) - len(kept))
        all_signatures = np.concatenate(signatures)
        np.save(self._work / SIGNATURES, all_signatures)
        store.add_twins(families(all_signatures))
        store.close()
        postings.finish(self._work / KEYWORDS)
        return layout, skipped

    def _must_recreate(self, thinned: int, store: Store, base: Base | None) -> bool:
        """Whether Chroma's collection cannot be an updated copy."""
        if base is None or self._location.server or not (base.directory / CHROMA).exists():
            return True
        return thinned > _MAX_THINNED * store.count("passages")

    def _texts_to_embed(
        self, store: Store, layout: _Layout, *, all_passages: bool
    ) -> Iterator[str]:
        """The texts whose vectors are needed and may not be in the cache."""
        for extent in layout.fresh:
            yield from store.texts(extent.passages)
            yield from store.sentence_texts(extent.sentences)
        if all_passages:
            for _, extent in layout.copied:
                yield from store.texts(extent.passages)

    def _write_sentences(self, store: Store, layout: _Layout, base: Base | None) -> None:
        """Write the vectors of all sentences in fp16, shape (sentences, dimensions)."""
        path, size = self._work / SENTENCES, store.count("sentences")
        old_vectors = np.empty((0, 0), np.float16)
        if not size:
            np.save(path, old_vectors)
            return
        if base and layout.copied:
            old_vectors = np.load(base.directory / SENTENCES, mmap_mode="r")
        first = list(store.sentence_texts(range(1)))
        dimensions = old_vectors.shape[1] or self._cache.vectors(first).shape[1]
        blocks = self._sentence_blocks(store, layout, old_vectors)
        write_rows(path, np.float16, (size, dimensions), blocks)

    def _sentence_blocks(
        self, store: Store, layout: _Layout, old_vectors: NDArray[np.float16]
    ) -> Iterator[NDArray[np.float16] | Vectors]:
        """The vectors of all sentences in row order, in batches."""
        copied = {new.sentences.start: old.sentences for old, new in layout.copied if new.sentences}
        fresh = {rows.start: rows for rows in _merged(e.sentences for e in layout.fresh)}
        for start, extent in sorted({**copied, **fresh}.items()):
            for rows in _batches(extent):
                if start in copied:
                    yield old_vectors[_slice(rows)]
                else:
                    yield self._cache.vectors(list(store.sentence_texts(rows)))

    def _write_passages(
        self, store: Store, layout: _Layout, base: Base | None, removed: frozenset[str]
    ) -> None:
        """Write Chroma's collection: an updated copy of the base's, or a new one."""
        fresh = [extent.passages for extent in layout.fresh]
        if not store.count("passages"):
            return
        if base is None:
            fresh += [new.passages for _, new in layout.copied]
            self._helper.write(self._location, [], self._vectors(store, fresh), create=True)
            return
        shutil.copytree(base.directory / CHROMA, self._location.directory)
        fresh_ids = {passage for rows in fresh for passage in store.ids(rows)}
        added = self._vectors(store, fresh, without=removed)  # a changed article may keep passages
        self._helper.write(self._location, sorted(removed - fresh_ids), added, create=False)

    def _vectors(
        self, store: Store, extents: Sequence[range], without: frozenset[str] = frozenset()
    ) -> Iterator[tuple[list[str], Vectors]]:
        """Ids and vectors of passages, in batches."""
        for extent in _merged(extents):
            for rows in _batches(extent):
                texts = dict(zip(store.ids(rows), store.texts(rows), strict=True))
                ids = [passage for passage in texts if passage not in without]
                if ids:
                    yield ids, self._cache.vectors([texts[passage] for passage in ids])


def _parts(paths: Iterable[str], kept: dict[str, Extent]) -> Iterator[Extent | str]:
    """The paths in order; neighbours among the kept ones are one extent."""
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


def _removed_ids(layout: _Layout, old: Store | None) -> frozenset[str]:
    """The ids of the old passages that are not copied."""
    if old is None:
        return frozenset()
    ids = old.ids(range(old.count("passages")))
    return frozenset(ids).difference(*(ids[_slice(part.passages)] for part, _ in layout.copied))


def _merged(extents: Iterable[range]) -> Iterator[range]:
    """Adjacent ranges as one, for fewer and larger batches."""
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
    for start in range(0, len(rows), BATCH):
        yield rows[start : start + BATCH]


def _slice(rows: range) -> slice:
    return slice(rows.start, rows.stop)
