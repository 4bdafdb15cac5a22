"""Measure the reader by itself: exact match, F1, and whether it knows when words are missing.

    python -m training.score dev.json.gz
    python -m training.score ../shared/data/news/dev.jsonl

Every question is read with the passage that holds its answer and with the nearest that does not: of
its article in a SQuAD file, of all articles in a folder of news. Of news, questions that nothing
answers are read with the passage that tempts. F1 is over words, as in SQuAD's own evaluation
(Rajpurkar et al., EMNLP 2016), ignoring case, punctuation and stop words.
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
from training.questions import Example, Text, TextQuestion, candidates, some_of, texts_on


@dataclass(frozen=True)
class Scored:
    """One question: match and F1 on its own passage, the scores on that and on another one.

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
    """What a file asks about, SQuAD's or one of questions on news."""
    if file.suffix != ".jsonl":
        for paragraph in read_squad(file):
            asked = tuple(TextQuestion(q.text, q.spans) for q in paragraph.asked)
            yield Text("", paragraph.text, paragraph.language, paragraph.article, asked)
        return
    articles = read_articles(file.parent)
    yield from texts_on(articles.values(), read_questions(file, articles))


def score(file: Path, packed: Path, limit: int | None) -> Iterator[Scored]:
    """The scores of the questions of a file, or of some drawn at random."""
    embedder = Embedder()
    reader = Reader(embedder.encoder, packed)
    for one in candidates(some_of(list(texts(file)), limit), embedder):
        passage = one.positive.passage
        reading = best_reading(reader, one.positive)
        told = passage[reading.span.start : reading.span.end]
        matches = [f1(told, passage[s.start : s.end]) for s in one.positive.spans] or [0.0]
        other = best_reading(reader, one.negatives[0]).score if one.negatives else None
        exact = float(max(matches) == 1)
        yield Scored(bool(one.positive.spans), exact, max(matches), reading.score, other)


def main() -> None:
    """Print the scores on the file named on the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("--reader", type=Path, default=PACKED, help="a folder with a reader")
    parser.add_argument("--limit", type=int, help="of the questions, drawn at random")
    arguments = parser.parse_args()
    found = list(score(arguments.file, arguments.reader, arguments.limit))
    answered = [one for one in found if one.answerable]
    own = np.array([one.own for one in answered])
    other = np.array([one.other for one in answered if one.other is not None])
    tempted = np.array([one.own for one in found if not one.answerable])
    print(share("exact match", np.array([one.exact for one in answered])))
    print(share("F1", np.array([one.f1 for one in answered])))
    print(f"AUROC, own passage against the nearest other one: {auroc(own, other):.3f}")
    if len(tempted):
        print(f"AUROC, against passages that only tempt: {auroc(own, tempted):.3f}")


if __name__ == "__main__":
    main()
