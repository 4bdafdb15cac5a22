"""Fit the weights of sentence choice and refusal, and write ``weights.json``.

    python -m training.weights ../shared/data/squad_it --news ../shared/data/news

Everything is asked of articles that no model has learnt (``training.questions``): all news are one
folder, of which only some are asked about; every article of the SQuAD file that is kept back
becomes some small folders of paragraphs on one subject. The English file asks some of the same
questions in English. A question whose article is taken away is a near miss: the right people, the
wrong facts.
"""

from __future__ import annotations

import argparse
import bisect
import itertools
import random
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from index.models.embedder import Embedder
from retrieval.answering.reader import Reader
from retrieval.answering.weights import PLAIN, READER, save_weights
from retrieval.evaluation.datasets import read_squad
from retrieval.evaluation.exam import ExamQuestion, indexed, news_path, read_exam
from retrieval.evaluation.fitting import Example, examples, fit
from training.questions import KEPT_BACK, english_wordings, news_kept_back

SIZES = (2, 6, 30)  # paragraphs of a corpus, by turns: folders are small and large
QUESTIONS = 250  # of the SQuAD file
ENCYCLOPEDIC = 0.5  # the weight of one of them
SEED = 20261125


@dataclass(frozen=True)
class Corpus:
    """Files by name, and questions on them.

    ``weight``: how much one counts. ``near_miss``: whether it is also asked without its articles.
    """

    texts: dict[str, str]
    asked: list[ExamQuestion]
    weight: float = 1.0
    near_miss: bool = True


def news_corpus(folder: Path) -> Corpus:
    """All news of a folder, and the questions on those of them that are not learnt."""
    exam = read_exam(folder / "train.jsonl")
    texts = exam.texts or {}
    hidden = {news_path(name) for name in news_kept_back([path[: -len(".txt")] for path in texts])}
    asked = [asked for asked in exam.asked if asked.about in hidden]
    return Corpus(texts, asked, near_miss=False)  # it has some of its own


def squad_corpora(squad: Path, xquad: Path | None) -> list[Corpus]:
    """The paragraphs of the articles kept back, in parts of all SIZES, and their questions."""
    wordings = english_wordings(squad, xquad)
    corpora: dict[tuple[str, int], Corpus] = {}
    before: Counter[str] = Counter()
    for at, paragraph in enumerate(read_squad(squad)):
        if paragraph.article in KEPT_BACK:
            part = _part(before[paragraph.article])
            before[paragraph.article] += 1
            corpus = corpora.setdefault(
                (paragraph.article, part), Corpus({}, [], weight=ENCYCLOPEDIC)
            )
            name = f"{at:05d}.txt"
            corpus.texts[name] = paragraph.text
            for asked in paragraph.asked:
                answers = tuple(paragraph.text[s.start : s.end] for s in asked.spans)
                for question in (asked.text, *wordings.get(asked.text, ())):
                    corpus.asked.append(ExamQuestion(question, (name,), answers))
    return list(corpora.values())


def _part(place: int) -> int:
    """The part that an article's paragraph at a place, from 0, belongs to."""
    times, rest = divmod(place, sum(SIZES))
    return times * len(SIZES) + bisect.bisect(list(itertools.accumulate(SIZES)), rest)


def drawn(corpora: Sequence[Corpus], questions: int) -> list[Corpus]:
    """The corpora with so many of their questions in all, drawn at random."""
    every = [asked for corpus in corpora for asked in corpus.asked]
    chosen = set(random.Random(SEED).sample(every, min(questions, len(every))))  # noqa: S311
    return [replace(c, asked=[asked for asked in c.asked if asked in chosen]) for c in corpora]


def corpus_examples(
    corpus: Corpus, embedder: Embedder, reader: Reader | None, work: Path
) -> Iterator[Example]:
    """Weigh the sentences found for each question."""
    with indexed(corpus.texts, embedder, work) as generation:
        for asked in corpus.asked:
            yield from examples(
                asked, generation, embedder, reader, corpus.weight, near_miss=corpus.near_miss
            )


def corpora(news: Path | None, squad: Path, questions: int = QUESTIONS) -> list[Corpus]:
    """All that weights are fitted on: ``squad`` is the folder of SQuAD-it's and XQuAD's files."""
    small = squad_corpora(squad / "train.json.gz", squad / "xquad_train.json.gz")
    return [*([news_corpus(news)] if news else []), *drawn(small, questions)]


def fit_examples(
    of: Sequence[Corpus], embedder: Embedder, reader: Reader | None, work: Path
) -> Iterator[Example]:
    """The examples of all corpora."""
    for number, corpus in enumerate(of):
        yield from corpus_examples(corpus, embedder, reader, work / str(number))


def main() -> None:
    """Fit on the folders named on the command line and write ``weights.json``."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("squad", type=Path, help="the folder of SQuAD-it's and XQuAD's files")
    parser.add_argument("--news", type=Path, help="the folder of the questions on news")
    told = parser.parse_args()
    to_fit = corpora(told.news, told.squad)
    with tempfile.TemporaryDirectory() as folder:
        embedder = Embedder()
        for kind in (READER, PLAIN):
            reader = Reader(embedder.encoder) if kind == READER else None
            found = list(fit_examples(to_fit, embedder, reader, Path(folder)))
            save_weights(fit(found, kind), kind)
            print(f"{kind}: {len(found)} examples", flush=True)


if __name__ == "__main__":
    main()
