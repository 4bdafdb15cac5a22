"""Texts by path, as an index of a folder of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

from index.embedder import Embedder
from index.generation import Generation
from index.layout import generations_dir
from index.place import Locations
from index.sync import sync


def write_texts(texts: Mapping[str, str], folder: Path) -> None:
    """Write each text to its path in the folder. Raises OSError."""
    for path, text in texts.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")


@contextmanager
def indexed(texts: Mapping[str, str], embedder: Embedder, work: Path) -> Iterator[Generation]:
    """The index of the texts, made in ``work`` as the product makes it of any folder."""
    corpus, data = work / "corpus", work / "data"
    write_texts(texts, corpus)
    report = sync(Locations(corpus, data), embedder)
    with closing(Generation(generations_dir(data) / report.generation)) as generation:
        yield generation
