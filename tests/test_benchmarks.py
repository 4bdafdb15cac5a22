"""What the benchmarks stand on, without timing anything."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks import answers, index
from benchmarks.corpus import articles
from benchmarks.growth import Grown, growth_table
from benchmarks.processes import Outcome
from benchmarks.report import Figure, table, write_section

PARAGRAPHS = [
    f"Il fatto {i} è del 19{i:02}. Seguì il caso di Roma. Poi venne {i}. Infine tacque."
    for i in range(10)
]


def test_repeats_are_always_the_same_and_no_sentence_of_them_was_there_before() -> None:
    made = list(itertools.islice(articles(PARAGRAPHS), 30))
    assert made == list(itertools.islice(articles(PARAGRAPHS), 30))
    assert made[:10] == PARAGRAPHS
    assert len(set(made)) == 30
    before = {s for text in PARAGRAPHS for s in text.split(". ")}
    assert not before & {s for text in made[10:] for s in text.split("\n\n")[1].split(". ")}


def test_a_section_takes_the_place_of_the_one_before_and_leaves_the_others(tmp_path: Path) -> None:
    page = tmp_path / "performance.md"
    for name, content in [("index", "old"), ("other", r"kept \1"), ("index", r"new \1")]:
        write_section(name, content, page)
    text = page.read_text(encoding="utf-8")
    assert text.startswith("# Performance")
    assert "old" not in text
    assert text.index(r"new \1") < text.index(r"kept \1")


def test_the_table_tells_which_target_is_failed() -> None:
    rows = [Figure("a", "1 s", "2 s", 0.5, "≤ 1", True), Figure("b", "2 s", "1 s", 2, "≤ 1", False)]
    assert ["failed" in line for line in table(rows).splitlines()] == [False, False, False, True]


def test_growth_is_told_by_size() -> None:
    warm = {"passages": 1200, "off": 0.05, "reader": 0.2, "memory": 900_000_000}
    grown = [Grown(1000, Outcome(12.0, 800_000_000, {}), warm, 5_000_000)]
    lines = growth_table(grown).splitlines()
    assert lines[0] == "| passages | 1,200 |"
    assert "| an answer with the reader, ms | 200 |" in lines
    assert "| index on the disk, MB | 5 |" in lines


@pytest.mark.parametrize(
    ("main", "options"), [(index.main, []), (answers.main, ["--only", "answering"])]
)
def test_without_the_paragraphs_it_says_so(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    main: Callable[[list[str]], int],
    options: list[str],
) -> None:
    assert main(["--data", str(tmp_path), *options]) == 2
    assert "train.json.gz" in capsys.readouterr().err
