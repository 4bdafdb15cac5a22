"""`virgolette eval`: its figures are right, its files are there, bad input is named."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from index.articles.article import read_article
from index.errors import UsageError
from retrieval.answering.weights import READER, Evidence
from retrieval.evaluation.datasets import gold_spans
from retrieval.evaluation.exam import Exam, ExamQuestion, read_exam, sampled, without_answers
from retrieval.evaluation.figures import by_kind, curve, figures
from retrieval.evaluation.fitting import Example, fit
from retrieval.evaluation.outcomes import Outcome
from tests.conftest import ROOT, Workplace

PARAGRAPHS = {
    "Il treno blindato di Kim è partito da Pyongyang domenica sera.": [
        ("Da dove è partito il treno blindato?", "Pyongyang", 38),
        ("Quando è partito il treno blindato di Kim?", "domenica sera", 0),
    ],
    "Il forum economico di Vladivostok finisce il 13 settembre.": [
        ("Quando finisce il forum economico di Vladivostok?", "13 settembre", 45),
        ("Che cosa non sta scritto?", "mai", 0),
    ],
}


def squad(*articles: dict[str, list[tuple[str, str, int]]]) -> dict[str, Any]:
    return {
        "data": [
            {
                "title": "Prova",
                "paragraphs": [
                    {
                        "context": context,
                        "qas": [
                            {
                                "id": f"{context[:9]}{at}",
                                "question": question,
                                "answers": [{"text": text, "answer_start": start}],
                            }
                            for at, (question, text, start) in enumerate(asked)
                        ],
                    }
                    for context, asked in article.items()
                ],
            }
            for article in articles
        ]
    }


@pytest.fixture
def exam_file(tmp_path: Path) -> Path:
    file = tmp_path / "prova.json.gz"
    file.write_bytes(gzip.compress(json.dumps(squad(PARAGRAPHS)).encode()))
    return file


def test_the_command_measures_and_writes(indexed_place: Workplace, exam_file: Path) -> None:
    out = indexed_place.path / "out"
    also = indexed_place.path / "also.json"
    also.write_text(json.dumps(squad({"A Roma piove da tre giorni.": []})))
    done = indexed_place.run("eval", str(exam_file), "--index-also", str(also), "--out", str(out))
    assert done.returncode == 0 and done.stderr == ""
    assert "3 questions over 3 articles" in done.stdout
    told = json.loads((out / "figures.json").read_text())
    values = {figure["name"]: figure["value"] for figure in told["figures"]}
    assert values["passage R@1"] == values["quote@1"] == values["quote@3"] == 1
    assert values["passage R@5, BM25 alone"] == values["passage R@5, vectors alone"] == 1
    assert values["refused wrongly"] == 0 and "AUROC of the confidence" not in values
    lines = [json.loads(line) for line in (out / "questions.jsonl").read_text().splitlines()]
    assert [line["question"] for line in lines] == [
        q for of in PARAGRAPHS.values() for q, *_ in of
    ][:3]
    assert "Pyongyang" in lines[0]["quote"] and lines[0]["seconds"] > 0
    assert (out / "curve.png").read_bytes().startswith(b"\x89PNG")


def test_what_is_left_out_is_to_be_refused(indexed_place: Workplace, exam_file: Path) -> None:
    some = ("--leave-out", "0.5", "--limit", "2", "--seed", "1")
    done = indexed_place.run("eval", str(exam_file), *some)
    assert done.returncode == 0, done.stderr
    assert "2 questions over 1 articles" in done.stdout
    assert "AUROC of the confidence" in done.stdout and "refused rightly" in done.stdout


def test_another_model_is_said_to_be_uncalibrated_until_it_is_fitted(
    indexed_place: Workplace, stock: Path
) -> None:
    other = {
        "VIRGOLETTE_EMBEDDING_MODEL": str(stock),
        "VIRGOLETTE_READER": "off",
    }
    gold = [
        line
        for name in ("simple", "plain_tune")
        for line in (ROOT / "tests" / "gold" / f"{name}.jsonl").read_text().splitlines()
    ]
    answered = [line for line in gold if json.loads(line)["answers"]][:20]
    others = [line for line in gold if not json.loads(line)["answers"]][:20]
    file = indexed_place.path / "own.jsonl"
    file.write_text("\n".join([*answered, *others[1:]]))

    def calibrated() -> bool:
        """As status says."""
        status: bool = json.loads(indexed_place.run("status", "--json", **other).stdout)[
            "calibrated"
        ]
        return status

    def everywhere() -> tuple[bool, bool, bool]:
        """As status, doctor and ask say, which take seconds with a model of that kind."""
        report = json.loads(indexed_place.run("doctor", "--json", **other).stdout)
        (finding,) = [one for one in report["findings"] if one["name"] == "calibration"]
        asked = indexed_place.run("ask", "Chi è Kim?", **other)
        assert asked.returncode == 0
        return calibrated(), not finding["trouble"], "not fitted" not in asked.stderr

    assert indexed_place.run("index", **other).returncode == 0
    assert everywhere() == (False, False, False)
    few = indexed_place.run("eval", str(file), "--fit", **other)
    assert few.returncode == 2 and "19 not: to fit, at least 20 of each" in few.stderr
    file.write_text("\n".join([*answered, *others]))
    done = indexed_place.run("eval", str(file), "--fit", **other)
    assert done.returncode == 0 and done.stdout.startswith("fitted to ")
    assert everywhere() == (True, True, True)
    (weights,) = (indexed_place.data / "weights").glob("*.json")
    fitted = weights.read_text()
    weights.write_text(fitted.replace('"cosine"', '"of another version"'))
    assert not calibrated()
    weights.write_text(fitted)
    assert calibrated()
    weights.write_text("{")
    assert not calibrated()


def test_the_default_model_is_not_fitted_here(indexed_place: Workplace, exam_file: Path) -> None:
    done = indexed_place.run("eval", str(exam_file), "--fit")
    assert done.returncode == 2 and "VIRGOLETTE_EMBEDDING_MODEL" in done.stderr


@pytest.fixture
def news(tmp_path: Path) -> Path:
    """A file of questions on news, beside its articles."""
    folder = tmp_path / "news"
    folder.mkdir()
    text = "La mostra resta aperta fino al 12 maggio. La cura Ada Neri."
    article = {"id": "a", "title": "Ronca: arte", "text": text, "sentences": [[0, 41], [42, 59]]}
    (folder / "articles.jsonl.gz").write_bytes(gzip.compress(json.dumps(article).encode()))
    lines = [
        {"id": "a", "q": "Chi cura la mostra?", "a": ["Ada Neri"], "s": [1], "kind": "plain"},
        {"id": "a", "q": "Quanto costa la mostra?", "a": [], "s": [0], "kind": "near"},
    ]
    (folder / "dev.jsonl").write_text("\n".join(map(json.dumps, lines)))
    return folder / "dev.jsonl"


def test_questions_on_news_bring_their_articles(indexed_place: Workplace, news: Path) -> None:
    done = indexed_place.run("eval", str(news))
    assert done.returncode == 0, done.stderr
    assert "2 questions over 1 articles" in done.stdout
    assert "plain: quote@1 " in done.stdout and "near: refused rightly " in done.stdout
    exam = read_exam(news)
    article = read_article((exam.texts or {})["a.txt"].encode(), "a.txt")
    assert article.title == "Ronca: arte" and article.text.startswith("La mostra")
    first, second = exam.asked
    assert first.articles == ("a.txt",) and not second.articles and second.about == "a.txt"
    assert first.is_answered_by("La cura Ada Neri.", ["a.txt"])
    assert not first.is_answered_by("La cura Ada Nerina.", ["a.txt"])
    assert not first.is_answered_by("La cura Ada Neri.", ["b.txt"])


@pytest.mark.parametrize(
    ("told", "same"),
    [("Ada Neri", True), ("dalla pittrice Ada Neri", True), ("Neri", True), ("Ida Neri", True),
     ("Ada", True), ("Piero Neri di Ronca", False), ("nessuno", False), ("", False)],
)  # fmt: skip
def test_a_short_answer_says_what_a_gold_one_says(told: str, same: bool) -> None:
    assert ExamQuestion("Chi?", ("a",), ("Ada Neri",)).is_answered_in_short(told) is same


def test_news_that_are_none_are_named(indexed_place: Workplace, news: Path) -> None:
    news.write_text('{"id": "b", "q": "Chi?", "a": [], "s": [0], "kind": "near"}')
    done = indexed_place.run("eval", str(news))
    assert done.returncode == 2 and "cannot be read as questions on news" in done.stderr
    assert done.stderr.count("\n") == 1


def test_nothing_is_indexed_beside_news(
    indexed_place: Workplace, news: Path, exam_file: Path
) -> None:
    done = indexed_place.run("eval", str(news), "--index-also", str(exam_file))
    assert done.returncode == 2 and "nothing else can be beside it" in done.stderr


def test_where_no_words_are_right_none_are_shown_as_sure() -> None:
    def found(reader: float, right: bool) -> Example:
        evidence = [Evidence(0.9, 0.0, 0.0, reader), Evidence(0.8, 1.0, 0.0, -5.0)]
        return Example(evidence, [right, False], [False, False], right)

    some = [found(at / 10, at > 10) for at in range(20)]
    weights = fit(some, READER)
    assert weights.sure == 1.0 and weights.words.probability(some[-1].evidence[0]) < 0.1
    best = [weights.confidence.probability(one.evidence[0]) for one in some]
    assert best == sorted(best) and best[-1] > best[0]


@pytest.mark.soak
def test_lines_are_about_the_corpus(indexed_place: Workplace) -> None:
    gold = ROOT / "tests" / "gold" / "simple.jsonl"
    done = indexed_place.run("eval", str(gold), "--limit", "3")
    assert done.returncode == 0, done.stderr
    assert "3 questions over 5 articles" in done.stdout


def test_a_follow_up_is_asked_after_its_first_question(indexed_place: Workplace) -> None:
    line = {
        "question": "e lui cosa ha detto?",
        "articles": ["004_3735a5c7a403e3e4.txt"],
        "answers": ["Non siamo preoccupati per il viaggio"],
    }
    lines = [json.dumps({**line, "first": first}) for first in ("Chi è John Kirby?", "")]
    file = indexed_place.write("../own.jsonl", "\n".join(lines))
    done = indexed_place.run("eval", str(file), "--out", "out")
    assert done.returncode == 0 and "2 questions over 5 articles" in done.stdout
    outcomes = (indexed_place.path / "out" / "questions.jsonl").read_text().splitlines()
    together, alone = (json.loads(outcome)["hits"][:1] for outcome in outcomes)
    assert together == [True] and alone != [True]


@pytest.mark.parametrize(
    ("name", "content", "trouble"),
    [
        ("none.jsonl", None, "none.jsonl cannot be read"),
        ("a.jsonl", '{"question": "?"}', "a.jsonl, line 1: not an object with question"),
        ("a.jsonl", '{"question": "?", "articles": ["a"], "answers": []}', "a.jsonl, line 1"),
        ("a.jsonl", "\n[]\n", "a.jsonl, line 2"),
        ("a.jsonl", "\n", "a.jsonl asks nothing"),
        ("a.json", '{"data": 1}', "a.json cannot be read as SQuAD"),
        ("a.json.gz", "no gzip", "a.json.gz cannot be read as SQuAD"),
    ],
)
def test_files_that_are_none_are_named(
    indexed_place: Workplace, name: str, content: str | None, trouble: str
) -> None:
    if content is not None:
        (indexed_place.path / name).write_text(content)
    done = indexed_place.run("eval", name)
    assert done.returncode == 2 and trouble in done.stderr and done.stderr.count("\n") == 1


def test_what_cannot_be_written_is_named_before_anything_is_asked(
    indexed_place: Workplace, exam_file: Path
) -> None:
    (indexed_place.path / "taken").write_text("")
    done = indexed_place.run("eval", str(exam_file), "--out", "taken")
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr == "virgolette: cannot make the folder taken: File exists; name another\n"


def test_a_share_of_the_corpus_cannot_be_left_out() -> None:
    with pytest.raises(UsageError, match="--leave-out is for files with their own"):
        without_answers(Exam(None, ()), 0.5, 0)


def test_a_wrong_place_of_an_answer_is_corrected() -> None:
    text = "Kim e Putin. Putin e Kim."
    (span,) = gold_spans(text, [{"text": "Kim", "answer_start": 15}])
    assert text[span.start : span.end] == "Kim" and span.start == 21
    assert gold_spans(text, [{"text": "Xi", "answer_start": 0}]) == ()


def test_answers_that_stand_nowhere_are_not_asked(exam_file: Path) -> None:
    exam = read_exam(exam_file)
    assert exam.texts is not None and len(exam.texts) == 2
    assert "Che cosa non sta scritto?" not in {asked.question for asked in exam.asked}
    left = without_answers(exam, 0.5, 1)
    assert left.texts is not None and len(left.texts) == 1
    for asked in left.asked:
        assert bool(asked.answers) == bool(set(asked.articles) & set(left.texts))
    assert sampled(exam, 2, 0) == sampled(exam, 2, 0) and len(sampled(exam, 2, 0).asked) == 2
    assert ExamQuestion("Che?", (), ()) not in exam.asked


def outcome(
    confidence: float,
    *,
    answerable: bool,
    rank: int | None = 1,
    hit: bool = True,
    words: str | None = None,
    kind: str = "",
) -> Outcome:
    refused = confidence < 0.5
    return Outcome(
        question="?", answerable=answerable, answers=("a",) if answerable else (),
        refused=refused, confidence=confidence, rank=rank, dense_rank=6, bm25_rank=rank,
        hits=() if refused else (hit, True), would=hit, words=words, quote="a", seconds=0.1,
        kind=kind, right=words == "a",
    )  # fmt: skip


def test_the_figures_are_those_of_the_definitions() -> None:
    found = [
        outcome(0.9, answerable=True, words="a", kind="plain"),
        outcome(0.8, answerable=True, rank=2, hit=False, words="b", kind="plain"),
        outcome(0.4, answerable=True, rank=None),
        outcome(0.7, answerable=False, rank=None, hit=False, words="a?", kind="near"),
        outcome(0.1, answerable=False, rank=None, hit=False),
    ]
    told = {figure.name: figure for figure in figures(found)}
    values = {name: round(figure.value, 4) for name, figure in told.items()}
    assert values == {
        "passage R@1": 0.3333, "passage R@1, vectors alone": 0.0,
        "passage R@1, BM25 alone": 0.3333, "passage R@5": 0.6667, "passage R@5, vectors alone": 0.0,
        "passage R@5, BM25 alone": 0.6667, "passage MRR@10": 0.5,
        "quote@1": 0.3333, "quote@3": 0.6667, "refused wrongly": 0.3333, "refused rightly": 0.5,
        "short answer right": 0.3333, "short answer, where nothing answers": 0.5,
        "short answers given that are right": 0.3333,
        "quotations shown that hold an answer": 0.6667,
        "AUROC of the confidence": round(5 / 6, 4), "false answers at 10% false refusals": 0.5,
        "calibration error of the confidence": 0.46,
    }  # fmt: skip
    for figure in told.values():
        assert figure.low <= figure.value <= figure.high
    kinds = {one.name: (one.value, one.questions) for one in by_kind(found)}
    assert kinds == {"plain: quote@1": (0.5, 2), "near: refused rightly": (0.0, 1)}
    assert told["quote@1"].questions == 3 and told["refused rightly"].questions == 2
    drawn = curve(found)
    assert drawn.coverage == [0.2, 0.4, 0.6, 0.8, 1.0]
    assert np.allclose(drawn.risk, [0, 1 / 2, 2 / 3, 2 / 4, 3 / 5])
