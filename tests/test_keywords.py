"""Keyword analysis and search."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count, islice
from pathlib import Path

import bm25s
import numpy as np

from index.generations.keywords import K1, B, KeywordIndex, PostingsWriter
from index.text.words import terms, words


def built(texts: list[str], directory: Path, old: Path | None = None, copied: int = 0) -> None:
    writer = PostingsWriter(old)
    writer.copy(range(copied))
    for text in texts:
        writer.add(text)
    writer.finish(directory)


def test_words_are_folded_and_apostrophes_part_them() -> None:
    assert words("L’incontro di Kim Jong-un: perché? 7.000 container, l'11") == [
        "l", "incontro", "di", "kim", "jong", "un", "perche", "7.000", "container", "l", "11",
    ]  # fmt: skip


def test_terms_are_stems_without_stop_words() -> None:
    assert terms("I treni blindati della Corea") == terms("il treno blindato, Corea")
    assert terms("e di che cosa con il") == []


def test_acronyms_numbers_and_compounds_are_found_however_they_are_written() -> None:
    assert words("L’O.N.U. e la N.A.T.O. a Roma") == ["l", "onu", "e", "la", "nato", "a", "roma"]
    assert terms("tre treni, 7.000 container") == terms("3 treni, 7000 container")
    assert set(terms("nordcoreano")) <= set(terms("nord-coreano"))
    assert terms("nord coreano") == terms("nord-coreano")[:2]
    assert terms("1,50 euro") != terms("150 euro")


def test_a_typing_error_finds_the_word_it_stands_for(tmp_path: Path) -> None:
    built(["Il treno blindato.", "Un aereo a Vladivostok.", "Le navi."], tmp_path / "k")
    index = KeywordIndex(tmp_path / "k")
    right, wrong = index.scores("Vladivostok"), index.scores("Vladivostock")
    assert 0 < wrong[1] < right[1] and wrong[0] == wrong[2] == 0
    assert not index.scores("Washington").any() and not index.scores("nav")[0]


def test_scores_find_the_row_with_the_words(tmp_path: Path) -> None:
    built(["Il treno blindato.", "Un aereo a Tokyo."], tmp_path / "k")
    scores = KeywordIndex(tmp_path / "k").scores("treni blindati?")
    assert scores[0] > 0 and scores[1] == 0


def test_a_search_without_known_words_scores_nothing(tmp_path: Path) -> None:
    built(["Il treno."], tmp_path / "k")
    index = KeywordIndex(tmp_path / "k")
    for query in ("", "della con il", "zzz", "?!"):
        assert np.array_equal(index.scores(query), [0.0])


def test_an_index_of_texts_without_words_opens(tmp_path: Path) -> None:
    built(["…", "della"], tmp_path / "k")
    assert np.array_equal(KeywordIndex(tmp_path / "k").scores("treno"), [0.0, 0.0])


TEXTS = ["Kim prende il treno, il treno blindato", "…", "Putin vola a Pyongyang", "Il treno di Kim"]


def test_scores_are_those_of_bm25s(tmp_path: Path) -> None:
    built(TEXTS, tmp_path / "k")
    theirs = bm25s.BM25(k1=K1, b=B)
    theirs.index([terms(text) for text in TEXTS], show_progress=False)
    for query in ("treno", "kim pyongyang", "blindato treno treno"):
        ours = KeywordIndex(tmp_path / "k").scores(query)
        assert np.allclose(ours, theirs.get_scores(terms(query)), atol=1e-6)


def test_copied_passages_score_as_if_added(tmp_path: Path) -> None:
    built(["Una nave", *TEXTS], tmp_path / "old")
    writer = PostingsWriter(tmp_path / "old")
    writer.copy(range(1, 3))  # without "nave"
    writer.add(TEXTS[2])
    writer.copy(range(4, 5))
    writer.finish(tmp_path / "new")
    built(TEXTS, tmp_path / "fresh")
    new, fresh = KeywordIndex(tmp_path / "new"), KeywordIndex(tmp_path / "fresh")
    assert not new.has(terms("nave")[0])
    for query in ("treno", "kim pyongyang"):
        assert np.array_equal(new.scores(query), fresh.scores(query))


def lowest_limit(number: int) -> int:
    """The limit below which so many numbers of files are free; there may be gaps between others."""
    taken = {int(file.name) for file in Path("/dev/fd").iterdir()}
    free = (fd for fd in count() if fd not in taken)
    return 1 + next(islice(free, number - 1, None))


@contextmanager
def few_more_files(number: int) -> Iterator[None]:
    """Let this process open no more than so many files beside those that it has open."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest_limit(number), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_many_scattered_copies_need_few_open_files(tmp_path: Path) -> None:
    built(TEXTS * 10, tmp_path / "old")
    with few_more_files(10):
        writer = PostingsWriter(tmp_path / "old")
        for row in range(0, 40, 2):
            writer.copy(range(row, row + 1))
            writer.add(TEXTS[1])
        writer.finish(tmp_path / "new")
    assert KeywordIndex(tmp_path / "new").has(terms("treno")[0])


def test_passages_without_words_keep_their_rows(tmp_path: Path) -> None:
    built(["…", "della"], tmp_path / "old")
    built(["Il treno"], tmp_path / "new", old=tmp_path / "old", copied=2)
    assert KeywordIndex(tmp_path / "new").scores("treno").tolist()[:2] == [0.0, 0.0]
