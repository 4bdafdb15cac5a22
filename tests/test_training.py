"""What the scripts of training learn from, on files of their own."""

from __future__ import annotations

import argparse
import json
import random
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from index.models.embedder import Embedder
from index.text.sentences import Span, sentences
from retrieval.answering.reader import PACKED, Reader, for_pairs
from retrieval.answering.search import Fusion, Signals
from training import retriever
from training.fusion import first, fitted
from training.loop import Pace, learn
from training.questions import (
    Candidates,
    Example,
    Text,
    candidates,
    encyclopedic,
    english_wordings,
    news,
    written_on_corpus,
    written_on_paragraphs,
)
from training.reader import (
    BATCH,
    Masters,
    batches,
    encode,
    examples_of_round,
    half_way,
    packed_weights,
    write_reader,
)
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


ARTICLES = {
    "wn-train-0001": (
        "Il museo di Ronca",
        "Il museo riapre. Lo ha detto Anna Corti lunedì. Costa 5 euro.",
    ),
    "wn-train-0002": (
        "La scuola di Ronca",
        "La scuola chiude. Lo ha detto Piero Malaspina. Piove.",
    ),
    "wn-test-0001": ("Il porto di Ronca", "Il porto è chiuso. Lo ha detto Ida Neri."),
}
QUESTIONS = [
    {"id": f"wn-train-000{at}", "q": asked, "a": answers, "s": [1], "kind": "plain"}
    for at, asked, answers in (
        (1, "Chi parla del museo?", ["Anna Corti"]),
        (1, "Quando chiude il museo?", []),
        (2, "Chi parla della scuola?", ["Piero Malaspina"]),
    )
]


@pytest.fixture
def sources(tmp_path: Path) -> argparse.Namespace:
    """SQuAD-it of two articles, the first kept back; both in English; and news."""
    squad, xquad, squad2, folder = (
        tmp_path / name for name in ("train.json", "xquad.json", "squad2.json", "news")
    )
    # Of the article that is kept back the Italian file lacks the second question.
    squad.write_text(json.dumps({"data": [article(0, ids=("a",)), article(1)]}))
    foreign = [article(place, language) for language in ("en", "es") for place in (0, 1)]
    xquad.write_text(json.dumps({"data": foreign}))
    twin = article(1, "en")
    del twin["language"]
    without = {"id": "x", "question": "Who drives the train?", "answers": [], "is_impossible": True}
    twin["paragraphs"][0]["qas"].append(without)
    squad2.write_text(json.dumps({"data": [twin]}))
    folder.mkdir()
    (folder / "articles.jsonl").write_text("\n".join(map(json.dumps, map(_told, ARTICLES))))
    (folder / "train.jsonl").write_text("\n".join(map(json.dumps, QUESTIONS)))
    return argparse.Namespace(squad=squad, xquad=xquad, squad2=squad2, news=folder)


def _told(name: str) -> dict[str, Any]:
    title, text = ARTICLES[name]
    spans = [[s.start, s.end] for s in sentences(text)]
    return {"id": name, "title": title, "text": text, "sentences": spans}


@pytest.fixture
def on_news(sources: argparse.Namespace) -> list[Text]:
    """The news to learn from, of which there are too few to keep any back."""
    return news(sources.news, [sources.news / "train.jsonl"], hidden=0)


def test_nothing_is_learnt_of_what_is_kept_back(sources: argparse.Namespace) -> None:
    learnt = encyclopedic(sources)
    assert learnt
    for question in (question for text in learnt for question in text.questions):
        assert "articolo 1" in question.text or question.text == "Who drives the train?"


def test_english_questions_are_asked_on_italian_paragraphs(sources: argparse.Namespace) -> None:
    first, second = encyclopedic(sources)
    told = [question.text[:2] for question in first.questions]
    assert told == ["it", "en", "en", "Wh"] and not first.questions[-1].spans
    assert all(question.spans for question in first.questions[:-1]) and len(second.questions) == 3
    assert english_wordings(sources.squad, sources.xquad)[
        "it: da dove parte il treno 0 dell’articolo 1?"
    ] == ["en: da dove parte il treno 0 dell’articolo 1?"]


def test_what_is_written_is_asked_on_the_paragraphs_that_are_learnt(
    sources: argparse.Namespace, tmp_path: Path
) -> None:
    rows = [
        {"article": f"it-{article}", "paragraph": 1, "q": f"Dove {article}?", "a": ["Città11"]}
        for article in (0, 1)  # the first is kept back
    ]
    (tmp_path / "encyclopedia.jsonl").write_text("\n".join(map(json.dumps, rows)))
    first, second = written_on_paragraphs(sources.squad, tmp_path)
    (asked,) = second.questions
    assert not first.questions and asked.text == "Dove 1?"
    assert [second.text[span.start : span.end] for span in asked.spans] == ["Città11"]


def test_what_is_written_on_the_corpus_has_no_answer_among_its_negatives(
    tmp_path: Path, embedder: Embedder
) -> None:
    for name, text in (
        ("a", "Il forum comincia il 10 settembre."),
        ("b", "Il forum comincia martedì 10."),
        ("c", "Il forum finisce il 13 settembre."),
    ):
        (tmp_path / f"{name}.txt").write_text(f"---\ntitle: Il forum\n---\n{text}\n")
    answers = ["il 10 settembre", "martedì 10"]
    rows = [
        {"q": "Quando comincia?", "articles": ["a.txt", "b.txt"], "a": answers, "tempts": ""},
        {"q": "Quando riapre?", "articles": ["c.txt"], "a": [], "tempts": "Il forum finisce"},
    ]
    (tmp_path / "corpus.jsonl").write_text("\n".join(map(json.dumps, rows)))
    found = list(candidates(written_on_corpus(tmp_path, tmp_path), embedder))
    told = [(one.positive.title, len(one.positive.spans), len(one.negatives)) for one in found]
    assert told == [("Il forum", 1, 1), ("Il forum", 1, 1), ("Il forum", 0, 2)]
    assert all("finisce" in n.passage for one in found[:2] for n in one.negatives)
    assert "finisce" in found[2].positive.passage


def test_a_question_has_its_passage_and_hard_negatives(
    sources: argparse.Namespace, embedder: Embedder
) -> None:
    found = [one for one in candidates(encyclopedic(sources), embedder) if one.positive.spans]
    assert len(found) == 2 * 3  # of each paragraph, asked in Italian and twice in English
    for one in found:
        (span,) = one.positive.spans
        assert one.positive.passage[span.start : span.end].startswith("Città1")
        (negative,) = one.negatives
        assert negative.passage != one.positive.passage and not negative.spans


def test_a_question_without_an_answer_has_the_passage_that_tempts(
    on_news: list[Text], embedder: Embedder
) -> None:
    found = {one.positive.question: one for one in candidates(on_news, embedder)}
    assert len(found) == len(QUESTIONS)
    tempted = found["Quando chiude il museo?"]
    assert not tempted.positive.spans and "lunedì" in tempted.positive.passage
    assert tempted.positive.shown.startswith("Il museo di Ronca\n")
    for one in found.values():
        (negative,) = one.negatives  # the other article, and none of those to report on
        assert negative.title != one.positive.title and "porto" not in negative.passage


def test_triplets_are_a_question_what_answers_it_and_what_does_not(
    on_news: list[Text], embedder: Embedder
) -> None:
    found = [one for one in candidates(on_news, embedder) if one.positive.spans]
    for asked, right, wrong in passage_triplets(found, random.Random(0)):
        name = "Anna" if "museo" in asked else "Piero"
        assert name in right and name not in wrong
    for asked, right, wrong in sentence_triplets(found, embedder):
        title, sentence = right.split("\n")
        name = "Anna" if "museo" in asked else "Piero"
        assert title.endswith("Ronca") and sentence.startswith(f"Lo ha detto {name}")
        assert wrong.startswith(title) and name not in wrong


def test_no_answer_is_a_negative_of_its_own_batch() -> None:
    triplets = [(f"q{n}", f"a{n % 5}", f"w{n}") for n in range(20)]
    for batch in retriever.batches(triplets, random.Random(0)):
        assert len({right for _, right, _ in batch}) == len(batch)


def test_a_round_has_each_question_with_its_answer_and_with_a_negative(
    on_news: list[Text], embedder: Embedder
) -> None:
    found = list(candidates(on_news, embedder))
    rng = random.Random(0)
    examples = examples_of_round(found, rng)
    answered = [one.positive.question for one in found if one.positive.spans]
    assert {e.question for e in examples if e.spans} == set(answered)
    assert {e.question for e in examples if not e.spans} == {one["q"] for one in QUESTIONS}
    cut = list(batches(examples * BATCH, rng))
    assert Counter(e for batch in cut for e in batch) == Counter(examples * BATCH)
    assert {len(batch) for batch in cut} == {BATCH}


def test_each_of_a_questions_negatives_is_met_in_some_round() -> None:
    positive = Example("Chi?", "Anna.", (Span(0, 4),))
    one = Candidates(positive, tuple(Example("Chi?", text, ()) for text in "abcd"))
    rounds = [examples_of_round([one], random.Random(seed)) for seed in range(9)]
    assert {e.passage for examples in rounds for e in examples} == {"Anna.", *"abcd"}
    assert all(len(examples) == 2 for examples in rounds)


def test_a_question_without_negatives_is_read_with_its_answer_alone() -> None:
    alone = Candidates(Example("Chi?", "Anna.", (Span(0, 4),)), ())
    assert examples_of_round([alone], random.Random(0)) == [alone.positive]


def test_the_title_is_read_but_is_no_answer(embedder: Embedder) -> None:
    example = Example("Chi parla?", "Anna parla.", (Span(0, 4),), title="Anna al museo")
    with embedder.tokenizer() as tokenizer:
        batch = encode(for_pairs(tokenizer), [example])
        shown = for_pairs(tokenizer).encode(example.question, example.shown)
    (start,) = batch["starts"][0].nonzero().flatten().tolist()
    (end,) = batch["ends"][0].nonzero().flatten().tolist()
    place = slice(shown.offsets[start][0], shown.offsets[end][1])  # with the line end before it
    assert example.shown[place] == "\nAnna"
    allowed = batch["allowed"][0].nonzero().flatten().tolist()
    assert allowed[0] == 0 and min(allowed[1:]) == start


def test_what_is_written_is_the_mean_of_the_last_weights() -> None:
    model = torch.nn.Linear(2, 1).to(torch.bfloat16)
    masters = Masters(model)
    for value in (1.0, 3.0):
        masters.weights["bias"].fill_(value)
        masters.average()
    masters.give_weights()
    assert masters.mean()["bias"].tolist() == [2.0] and model.bias.tolist() == [3.0]


def test_a_reader_that_goes_on_is_written_half_way(tmp_path: Path) -> None:
    write_reader({"bias": torch.tensor([1.0]), "matrix": torch.tensor([[2.0, 4.0]])}, tmp_path)
    learnt = {"bias": torch.tensor([3.0]), "matrix": torch.tensor([[4.0, 0.0]])}
    mean = half_way(learnt, tmp_path)
    assert mean["bias"].tolist() == [2.0]
    assert mean["matrix"].flatten().tolist() == pytest.approx([3.0, 2.0], abs=0.05)


def test_a_reader_that_was_written_can_be_loaded(tmp_path: Path) -> None:
    write_reader(packed_weights(PACKED), tmp_path)
    Reader(packed=tmp_path).load()


def test_low_rank_changes_follow_the_gradients_of_the_whole_matrix() -> None:
    torch.manual_seed(0)
    linear = torch.nn.Linear(40, 30)
    changes = retriever.LowRank(torch.nn.ModuleDict({"encoder": linear}))
    before = linear.weight.detach().clone()
    wanted = before + torch.randn(30, 1) @ torch.randn(1, 40)
    steps: list[int] = []

    def off(times: float) -> torch.Tensor:
        return times * (linear.weight - wanted).pow(2).mean()

    at_first = off(1.0).item()
    learn(changes, [1.0] * 300, off, Pace(0.1, warm_up=0.1), steps.append)
    assert off(1.0).item() < 0.01 * at_first and steps == list(range(1, 301))
    assert torch.linalg.matrix_rank(linear.weight - before).item() <= retriever.RANK


def test_the_learning_rate_rises_and_falls() -> None:
    pace = Pace(1e-3, warm_up=0.1, last=0.1)
    assert [round(pace.at(step, 100), 2) for step in (0, 5, 10, 55, 100)] == [0, 0.5, 1, 0.55, 0.1]


@pytest.mark.slow
def test_the_fusion_is_fitted_to_the_signal_that_tells() -> None:
    rng = np.random.default_rng(0)
    found = []
    for _ in range(200):
        signals = rng.normal(size=(20, 3)).astype(np.float32)
        right = np.zeros(20, bool)
        right[(signals @ np.array([0.1, 2.0, 1.0]) + rng.normal(size=20)).argmax()] = True
        found.append((Signals(np.arange(20), signals, False), right))
    fusion = fitted(found)
    assert fusion.keyword == 1.0 and 1.5 < fusion.sentence < 2.5 and abs(fusion.passage) < 0.4
    assert first(found, fusion) > first(found, Fusion(1.0, 0.0, 0.0))
