"""What the scripts of training learn from, on files of their own."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from index.embedder import Embedder
from retrieval.search import Fusion, Signals
from training.cloze import cloze_pairs
from training.fusion import first, fitted
from training.questions import candidates, english_wordings, trained_on
from training.reader import OTHERS, PAIRS, ROUNDS, batches, pairs_of_round
from training.retriever import passage_triplets, sentence_triplets

LANGUAGES = ("en", *OTHERS)


def article(place: int, language: str = "it", ids: tuple[str, ...] = ("a", "b")) -> dict[str, Any]:
    """An article of two paragraphs, with a question on each."""
    paragraphs = []
    for number, name in enumerate(ids):
        answer = f"Città{place}{number}"
        text = (
            f"Il sindaco di Roma parla. Ogni sera il treno {number} parte da {answer} alle nove. "
            "Poi torna a casa."
        )
        question = f"{language}: da dove parte il treno {number} dell’articolo {place}?"
        gold = [{"text": answer, "answer_start": text.index(answer)}]
        paragraphs.append(
            {
                "context": text,
                "qas": [{"id": f"{place}{name}", "question": question, "answers": gold}],
            }
        )
    return {"language": language, "paragraphs": paragraphs}


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """A SQuAD file of two articles, the first of them kept back, and both in other languages."""
    squad, xquad = tmp_path / "train.json", tmp_path / "xquad.json"
    # Of the article that is kept back the Italian file lacks the second question.
    squad.write_text(json.dumps({"data": [article(0, ids=("a",)), article(1)]}))
    foreign = [article(place, language) for language in LANGUAGES for place in (0, 1)]
    xquad.write_text(json.dumps({"data": foreign}))
    return squad, xquad


def test_nothing_is_learnt_of_what_is_kept_back(files: tuple[Path, Path]) -> None:
    learnt = list(trained_on(*files, LANGUAGES))
    assert learnt and all("articolo 1" in q.text for p in learnt for q in p.asked)


def test_questions_are_asked_in_other_languages_on_italian_paragraphs(
    files: tuple[Path, Path],
) -> None:
    italian = [p for p in trained_on(*files, LANGUAGES) if p.language == "it"]
    assert [[q.language for q in p.asked] for p in italian] == [["it", *LANGUAGES]] * 2
    assert all(q.text.startswith(q.language) for p in italian for q in p.asked)
    assert english_wordings(*files)["it: da dove parte il treno 0 dell’articolo 1?"] == [
        "en: da dove parte il treno 0 dell’articolo 1?"
    ]


def test_a_question_has_its_passage_and_hard_negatives(
    files: tuple[Path, Path], embedder: Embedder
) -> None:
    found = list(candidates(list(trained_on(*files, LANGUAGES)), embedder))
    assert len(found) == 2 * (1 + 2 * len(LANGUAGES))
    for one in found:
        (span,) = one.positive.spans
        assert one.positive.passage[span.start : span.end].startswith("Città1")
        (negative,) = one.negatives
        assert negative.passage != one.positive.passage and not negative.spans
    for number in range(ROUNDS):
        pairs = list(pairs_of_round(number, found))
        assert {len(pair) for pair in pairs} == {2} and len(pairs) < len(found)
    in_rounds = [
        sum(OTHERS[0] in q.question[:2] for q, _ in pairs_of_round(n, found)) for n in range(ROUNDS)
    ]
    assert sum(in_rounds) == 4 and max(in_rounds) == 4  # a language has its round


def test_triplets_are_a_question_what_answers_it_and_what_does_not(
    files: tuple[Path, Path], embedder: Embedder
) -> None:
    found = list(candidates(list(trained_on(*files)), embedder))
    for _, right, wrong in passage_triplets(found, random.Random(0)):
        assert "Città1" in right and right != wrong
    told = [triplet for _, triplet in sentence_triplets(found, embedder)]
    assert len(told) == len(found)
    for triplet in told:
        assert triplet and "Città1" in triplet[1] and "Città1" not in triplet[2]


def test_batches_keep_pairs_together(files: tuple[Path, Path], embedder: Embedder) -> None:
    found = list(candidates(list(trained_on(*files)), embedder))
    pairs = list(pairs_of_round(0, found))
    batch = [example for some in batches(pairs, PAIRS, random.Random(0)) for example in some]
    assert len(batch) == 2 * len(pairs)
    for one, other in zip(batch[::2], batch[1::2], strict=True):
        assert one.question == other.question and one.spans and not other.spans


def test_questions_made_of_the_text_leave_out_what_they_ask_for(
    files: tuple[Path, Path], embedder: Embedder
) -> None:
    found = list(candidates(list(trained_on(*files, LANGUAGES)), embedder))
    pairs = list(cloze_pairs(found, random.Random(0)))
    assert len({pair[0].passage for pair in pairs}) > 1
    assert {len(pair) for pair in pairs} == {1, 2}
    for positive, *negatives in pairs:
        (span,) = positive.spans
        words = positive.passage[span.start : span.end]
        assert words and words not in re.findall(r"\w+", positive.question)
        assert positive.question.endswith("?")
        assert positive.passage[span.start - 1] == " "
        for negative in negatives:
            assert negative.question == positive.question and not negative.spans
            assert words.lower() not in negative.passage.lower()
    assert list(cloze_pairs(found, random.Random(0))) == pairs  # the same each time


def test_the_fusion_is_fitted_to_the_signal_that_tells() -> None:
    rng = np.random.default_rng(0)
    found = []
    for _ in range(200):
        signals = rng.normal(size=(20, 3)).astype(np.float32)
        right = np.zeros(20, bool)
        right[(signals @ np.array([0.1, 2.0, 1.0]) + rng.normal(size=20)).argmax()] = True
        found.append((Signals(np.arange(20), signals[:, 0], signals, False), right))
    fusion = fitted(found)
    assert fusion.keyword == 1.0 and 1.5 < fusion.sentence < 2.5 and abs(fusion.passage) < 0.4
    assert first(found, fusion) > first(found, Fusion(1.0, 0.0, 0.0))
