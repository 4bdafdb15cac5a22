"""Fit the weights of sentence choice and refusal, and write ``weights.json``.

    python -m training.weights ../shared/data/squad_it --news ../shared/data/news

All questions are on articles that no model has learnt (``training.questions``). All news are one
folder, with questions on some of them; each article of the SQuAD file that is kept back becomes a
few small folders of paragraphs on one subject. The English file asks some of the same questions in
English. A question whose article is removed is a near miss: the right people, the wrong facts.
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

SIZES = (2, 6, 30)  # paragraphs of a corpus, in rotation: small and large folders
QUESTIONS = 250  # of the SQuAD file
ENCYCLOPEDIC = 0.5  # the weight of each
SEED = 20261125


@dataclass(frozen=True)
class Corpus:
    """Files by name, and questions on them.

    ``weight``: of each question. ``near_miss``: whether it is also asked without its articles.
    """

    texts: dict[str, str]
    questions: list[ExamQuestion]
    weight: float = 1.0
    near_miss: bool = True


def news_corpus(folder: Path) -> Corpus:
    """All news of a folder, and the questions on those that are not learnt."""
    exam = read_exam(folder / "train.jsonl")
    texts = exam.texts or {}
    names = [path.removesuffix(".txt") for path in texts]
    hidden = {news_path(name) for name in news_kept_back(names)}
    questions = [question for question in exam.asked if question.about in hidden]
    return Corpus(texts, questions, near_miss=False)  # it has near misses of its own


def squad_corpora(squad: Path, xquad: Path | None) -> list[Corpus]:
    """The paragraphs of the articles kept back, in corpora of SIZES, and their questions."""
    wordings = english_wordings(squad, xquad)
    corpora: dict[tuple[str, int], Corpus] = {}
    before: Counter[str] = Counter()
    for number, paragraph in enumerate(read_squad(squad)):
        if paragraph.article in KEPT_BACK:
            part = _part(before[paragraph.article])
            before[paragraph.article] += 1
            corpus = corpora.setdefault(
                (paragraph.article, part), Corpus({}, [], weight=ENCYCLOPEDIC)
            )
            name = f"{number:05d}.txt"
            corpus.texts[name] = paragraph.text
            for question in paragraph.asked:
                answers = tuple(paragraph.text[s.start : s.end] for s in question.spans)
                for wording in (question.text, *wordings.get(question.text, ())):
                    corpus.questions.append(ExamQuestion(wording, (name,), answers))
    return list(corpora.values())


def _part(paragraph: int) -> int:
    """The part that an article's paragraph, numbered from 0, belongs to."""
    rotations, rest = divmod(paragraph, sum(SIZES))
    return rotations * len(SIZES) + bisect.bisect(list(itertools.accumulate(SIZES)), rest)


def drawn(corpora: Sequence[Corpus], count: int) -> list[Corpus]:
    """The corpora with ``count`` of their questions in all, drawn at random."""
    questions = [question for corpus in corpora for question in corpus.questions]
    chosen = set(random.Random(SEED).sample(questions, min(count, len(questions))))  # noqa: S311
    return [replace(c, questions=[q for q in c.questions if q in chosen]) for c in corpora]


def corpora(news: Path | None, squad: Path, questions: int = QUESTIONS) -> list[Corpus]:
    """All corpora to fit on. ``squad`` is the folder of SQuAD-it's and XQuAD's files."""
    small = squad_corpora(squad / "train.json.gz", squad / "xquad_train.json.gz")
    return [*([news_corpus(news)] if news else []), *drawn(small, questions)]


def fit_examples(
    corpora: Sequence[Corpus], embedder: Embedder, reader: Reader | None, work: Path
) -> Iterator[Example]:
    """The examples of all corpora, indexed below ``work``."""
    for number, corpus in enumerate(corpora):
        with indexed(corpus.texts, embedder, work / str(number)) as generation:
            for question in corpus.questions:
                yield from examples(
                    question,
                    generation,
                    embedder,
                    reader,
                    corpus.weight,
                    near_miss=corpus.near_miss,
                )


def main() -> None:
    """Fit on the folders named on the command line and write ``weights.json``."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("squad", type=Path, help="the folder of SQuAD-it's and XQuAD's files")
    parser.add_argument("--news", type=Path, help="the folder of the questions on news")
    options = parser.parse_args()
    to_fit = corpora(options.news, options.squad)
    with tempfile.TemporaryDirectory() as folder:
        embedder = Embedder()
        for kind in (READER, PLAIN):
            reader = Reader(embedder.encoder) if kind == READER else None
            fitting = list(fit_examples(to_fit, embedder, reader, Path(folder)))
            save_weights(fit(fitting, kind), kind)
            print(f"{kind}: {len(fitting)} examples", flush=True)


if __name__ == "__main__":
    main()
