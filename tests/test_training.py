"""What the scripts of training learn from, on files of their own."""

from __future__ import annotations

import json
import random
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from index.embedder import Embedder
from index.sentences import Span
from retrieval.search import Fusion, Signals
from training.fusion import first, fitted
from training.questions import Candidates, Example, candidates, english_wordings, trained_on
from training.reader import BATCH, NEGATIVES, ROUNDS, batches, examples_of_round, mean
from training.retriever import passage_triplets, sentence_triplets


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
    """A SQuAD file of two articles, the first kept back, and both in English and Spanish."""
    squad, xquad = tmp_path / "train.json", tmp_path / "xquad.json"
    # Of the article that is kept back the Italian file lacks the second question.
    squad.write_text(json.dumps({"data": [article(0, ids=("a",)), article(1)]}))
    foreign = [article(place, language) for language in ("en", "es") for place in (0, 1)]
    xquad.write_text(json.dumps({"data": foreign}))
    return squad, xquad


def test_nothing_is_learnt_of_what_is_kept_back(files: tuple[Path, Path]) -> None:
    learnt = list(trained_on(*files))
    assert learnt and all("articolo 1" in q.text for p in learnt for q in p.asked)


def test_questions_are_asked_in_english_on_italian_paragraphs(files: tuple[Path, Path]) -> None:
    italian = [p for p in trained_on(*files) if p.language == "it"]
    assert [[q.language for q in p.asked] for p in italian] == [["it", "en"]] * 2
    assert all(q.text.startswith(q.language) for p in italian for q in p.asked)
    assert english_wordings(*files)["it: da dove parte il treno 0 dell’articolo 1?"] == [
        "en: da dove parte il treno 0 dell’articolo 1?"
    ]


def test_a_question_has_its_passage_and_hard_negatives(
    files: tuple[Path, Path], embedder: Embedder
) -> None:
    found = list(candidates(list(trained_on(*files)), embedder))
    assert len(found) == 2 * 3  # Italian and English on the Italian paragraph, and the English one
    for one in found:
        (span,) = one.positive.spans
        assert one.positive.passage[span.start : span.end].startswith("Città1")
        (negative,) = one.negatives
        assert negative.passage != one.positive.passage and not negative.spans


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


def test_a_round_has_each_question_with_its_answer_and_with_a_negative(
    files: tuple[Path, Path], embedder: Embedder
) -> None:
    found = list(candidates(list(trained_on(*files)), embedder))
    for number in range(ROUNDS):
        rng = random.Random(number)
        examples = examples_of_round(number, found, rng)
        assert {(e.question, bool(e.spans)) for e in examples} == {
            (one.positive.question, answers) for one in found for answers in (True, False)
        }
        cut = list(batches(examples * BATCH, rng))
        assert Counter(e for batch in cut for e in batch) == Counter(examples * BATCH)
        assert {len(batch) for batch in cut} == {BATCH}


def test_a_question_has_other_negatives_in_each_round() -> None:
    positive = Example("Chi?", "Anna.", (Span(0, 4),))
    negatives = tuple(Example("Chi?", text, ()) for text in "abcd")
    rounds = []
    for number in range(ROUNDS):
        examples = examples_of_round(
            number, [Candidates(positive, negatives)], random.Random(number)
        )
        read = {e.passage for e in examples if not e.spans}
        assert len(read) == NEGATIVES and len(examples) == 1 + NEGATIVES
        rounds.append(read)
    assert all(one != other for one, other in pairwise(rounds))


def test_a_question_without_negatives_is_read_with_its_answer_alone() -> None:
    alone = Candidates(Example("Chi?", "Anna.", (Span(0, 4),)), ())
    assert examples_of_round(1, [alone], random.Random(0)) == [alone.positive]


def test_the_mean_of_readers_is_that_of_each_weight() -> None:
    readers = [{"bias": torch.tensor([value, 2.0])} for value in (1.0, 3.0)]
    assert mean(readers)["bias"].tolist() == [2.0, 2.0]


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
