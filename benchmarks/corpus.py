"""The benchmarks' articles: paragraphs of SQuAD-it, always the same ones."""

from __future__ import annotations

import gzip
import itertools
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).parent.parent
SQUAD = ROOT.parent / "shared" / "data" / "squad_it"
NEWS = ROOT.parent / "shared" / "data" / "news"
PARTS = ("train.json.gz", "dev.json.gz")
STEP = 97  # paragraphs that each round of repeats is shifted by
SHIFT = 1000  # of the numbers in a round: more than similar sentences differ by
FOLDER = 500  # articles in a folder


class NoDataError(Exception):
    """The paragraphs are missing."""


def write_corpus(folder: Path, count: int, squad: Path) -> None:
    """Write ``count`` articles out of SQuAD-it's files below ``folder``. Raises NoDataError."""
    made = articles(paragraphs(squad))
    for number, text in enumerate(itertools.islice(made, count)):
        path = folder / f"{number // FOLDER:03}" / f"{number:06}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def files(folder: Path) -> list[Path]:
    """The files of the corpus, in the order in which they were written."""
    return sorted(folder.rglob("*.txt"))


def paragraphs(squad: Path) -> list[str]:
    """The distinct paragraphs, in order. Raises NoDataError."""
    distinct: dict[str, None] = {}
    for part in PARTS:
        if not (squad / part).exists():
            raise NoDataError(
                f"{squad / part} is not there: the benchmarks need {' and '.join(PARTS)} of "
                "SQuAD-it in ../shared/data/squad_it, or in the folder that --data names"
            )
        with gzip.open(squad / part, "rt", encoding="utf-8") as file:
            content = json.load(file)["data"]
        distinct.update((p["context"], None) for entry in content for p in entry["paragraphs"])
    return list(distinct)


def articles(texts: Sequence[str]) -> Iterator[str]:
    """The paragraphs, then endless repeats that are changed more and more."""
    yield from texts
    for edition in itertools.count(1):
        for number, text in enumerate(texts):
            yield _repeat(text, texts[(number + edition * STEP) % len(texts)], edition, number)


def _repeat(text: str, other: str, edition: int, number: int) -> str:
    """The first half of a paragraph and the second of another, with all sentences changed.

    The halves keep repeats from being near-duplicates, which are rare in a corpus; the changed
    sentences keep them out of the cache of vectors.
    """
    first, second = _sentences(text), _sentences(other)
    kept = first[: (len(first) + 1) // 2] + second[(len(second) + 1) // 2 :]
    lines = (_changed(sentence, edition) for sentence in kept)
    return f"Edizione {edition}, paragrafo {number}\n\n{' '.join(lines)}"


def _sentences(text: str) -> list[str]:
    """Roughly the sentences: the product's way to split must not matter here."""
    return re.split(r"(?<=[.!?]) ", text)


def _changed(sentence: str, edition: int) -> str:
    """The sentence with other numbers, or with a number where it has none."""
    changed, numbers = re.subn(r"\d+", lambda n: str(int(n[0]) + SHIFT * edition), sentence)
    return changed if numbers else f"Alla lettura {edition}: {sentence}"
