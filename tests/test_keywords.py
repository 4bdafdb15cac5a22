"""Keyword analysis and search."""

from pathlib import Path

import numpy as np

from index.keywords import KeywordIndex, terms, words


def test_words_are_folded_and_apostrophes_part_them() -> None:
    assert words("L’incontro di Kim Jong-un: perché? 7.000 container, l'11") == [
        "l", "incontro", "di", "kim", "jong", "un", "perche", "7.000", "container", "l", "11",
    ]  # fmt: skip


def test_terms_are_stems_without_stop_words() -> None:
    assert terms("I treni blindati della Corea") == terms("il treno blindato, Corea")
    assert terms("e di che cosa con il") == []


def test_scores_find_the_row_with_the_words(tmp_path: Path) -> None:
    KeywordIndex.build(["Il treno blindato.", "Un aereo a Tokyo."], tmp_path / "k")
    scores = KeywordIndex.open(tmp_path / "k").scores("treni blindati?", 2)
    assert scores[0] > 0 and scores[1] == 0


def test_a_search_without_known_words_scores_nothing(tmp_path: Path) -> None:
    KeywordIndex.build(["Il treno."], tmp_path / "k")
    index = KeywordIndex.open(tmp_path / "k")
    for query in ("", "della con il", "zzz", "?!"):
        assert np.array_equal(index.scores(query, 1), [0.0])


def test_an_index_of_texts_without_words_opens(tmp_path: Path) -> None:
    KeywordIndex.build(["…", "della"], tmp_path / "k")
    assert np.array_equal(KeywordIndex.open(tmp_path / "k").scores("treno", 2), [0.0, 0.0])


def test_rare_words_weigh_more(tmp_path: Path) -> None:
    KeywordIndex.build(["Kim treno", "Kim aereo", "Kim nave"], tmp_path / "k")
    weights = KeywordIndex.open(tmp_path / "k").weights(["kim", "tren", "zzz"])
    assert weights["zzz"] > weights["tren"] > weights["kim"] > 0
