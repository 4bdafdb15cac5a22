"""Measure the reader alone: exact match, F1, and whether it knows when nothing answers.

    python -m training.score dev.json.gz
    python -m training.score ../shared/data/news/dev.jsonl

Each question is read with the passage that holds its answer and with the nearest that does not: of
its article in a SQuAD file, of all articles in a folder of news. News questions without an answer
are read with the passage that tempts. F1 is over words, as in SQuAD's own evaluation (Rajpurkar et
al., EMNLP 2016), ignoring case, punctuation and stop words.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from index.models.embedder import Embedder
from index.text.sentences import sentences
from retrieval.answering.reader import PACKED, Page, Reader, Reading
from retrieval.evaluation.datasets import read_articles, read_questions, read_squad
from retrieval.evaluation.exam import f1
from retrieval.evaluation.figures import auroc, share
from training.questions import Example, Text, TextQuestion, candidates, sampled, texts_on


@dataclass(frozen=True)
class ScoredSentence:
    """One question: match and F1 on its own passage, the scores of that and of another one.

    ``answerable``: whether its own passage answers.
    """

    answerable: bool
    exact: float
    f1: float
    own: float
    other: float | None


def best_reading(reader: Reader, example: Example) -> Reading:
    """The best words of a whole passage."""
    page = Page(example.title, example.passage, sentences(example.passage))
    (readings,) = reader.read(example.question, [page])
    return max(readings, key=lambda reading: reading.score)


def texts(file: Path) -> Iterator[Text]:
    """The texts with the questions of a file, in SQuAD's format or on news."""
    if file.suffix != ".jsonl":
        for paragraph in read_squad(file):
            questions = tuple(TextQuestion(q.text, q.spans) for q in paragraph.asked)
            yield Text("", paragraph.text, paragraph.language, paragraph.article, questions)
        return
    articles = read_articles(file.parent)
    yield from texts_on(articles.values(), read_questions(file, articles))


def score(file: Path, packed: Path, limit: int | None) -> Iterator[ScoredSentence]:
    """The scores of the questions of a file, or of ``limit`` drawn at random."""
    embedder = Embedder()
    reader = Reader(embedder.encoder, packed)
    for question in candidates(sampled(list(texts(file)), limit), embedder):
        passage, spans = question.positive.passage, question.positive.spans
        reading = best_reading(reader, question.positive)
        answer = passage[reading.span.start : reading.span.end]
        best = max((f1(answer, passage[s.start : s.end]) for s in spans), default=0.0)
        negatives = question.negatives
        other = best_reading(reader, negatives[0]).score if negatives else None
        yield ScoredSentence(bool(spans), float(best == 1), best, reading.score, other)


def main() -> None:
    """Print the scores on the file named on the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("--reader", type=Path, default=PACKED, help="a folder with a reader")
    parser.add_argument("--limit", type=int, help="of the questions, drawn at random")
    options = parser.parse_args()
    questions = list(score(options.file, options.reader, options.limit))
    answerable = [q for q in questions if q.answerable]
    own = np.array([q.own for q in answerable])
    other = np.array([q.other for q in answerable if q.other is not None])
    tempted = np.array([q.own for q in questions if not q.answerable])
    print(share("exact match", np.array([q.exact for q in answerable])))
    print(share("F1", np.array([q.f1 for q in answerable])))
    print(f"AUROC, own passage against the nearest other one: {auroc(own, other):.3f}")
    if len(tempted):
        print(f"AUROC, against passages that only tempt: {auroc(own, tempted):.3f}")


if __name__ == "__main__":
    main()
