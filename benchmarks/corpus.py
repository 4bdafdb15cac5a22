"""The articles the benchmarks run over: paragraphs of SQuAD-it, always the same ones."""

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
STEP = 97  # paragraphs further on for each round of repeats
SHIFT = 1000  # of the numbers in a round: more than between those of like sentences
FOLDER = 500  # articles in a folder


class NoDataError(Exception):
    """The paragraphs are not there."""


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
    found: dict[str, None] = {}
    for part in PARTS:
        if not (squad / part).exists():
            raise NoDataError(
                f"{squad / part} is not there: the benchmarks need {' and '.join(PARTS)} of "
                "SQuAD-it in ../shared/data/squad_it, or in the folder that --data names"
            )
        with gzip.open(squad / part, "rt", encoding="utf-8") as file:
            content = json.load(file)["data"]
        found.update((p["context"], None) for one in content for p in one["paragraphs"])
    return list(found)


def articles(texts: Sequence[str]) -> Iterator[str]:
    """The paragraphs, then repeats of them that are changed more and more, without end."""
    yield from texts
    for edition in itertools.count(1):
        for at, text in enumerate(texts):
            yield _repeat(text, texts[(at + edition * STEP) % len(texts)], edition, at)


def _repeat(text: str, other: str, edition: int, at: int) -> str:
    """The first half of a paragraph and the second of another, no sentence as it was before.

    The halves keep repeats from being near-duplicates, which a corpus seldom is made of; the
    changed sentences keep them from being found in the cache of vectors.
    """
    first, second = _sentences(text), _sentences(other)
    kept = first[: (len(first) + 1) // 2] + second[(len(second) + 1) // 2 :]
    lines = (_changed(sentence, edition) for sentence in kept)
    return f"Edizione {edition}, paragrafo {at}\n\n{' '.join(lines)}"


def _sentences(text: str) -> list[str]:
    """Roughly the sentences: how the product cuts them must not matter here."""
    return re.split(r"(?<=[.!?]) ", text)


def _changed(sentence: str, edition: int) -> str:
    """The sentence with other numbers, or with one where it has none."""
    changed, numbers = re.subn(r"\d+", lambda n: str(int(n[0]) + SHIFT * edition), sentence)
    return changed if numbers else f"Alla lettura {edition}: {sentence}"
