"""Fit the weights of sentence choice and refusal, and write ``weights.json``.

    python -m training.weights train.json.gz --english xquad_train.json.gz

Every article of the SQuAD file that is not learnt (``KEPT_BACK``) becomes some small corpora, of
paragraphs on one subject, indexed as any corpus is. A question is answerable in it; without its
own paragraph it is a near miss: the right people, the wrong facts. The English file asks some of
the same questions in English. The project's own tuning questions take part with a weight of their
own; those that are called ``held`` do not.
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

from index.embedder import Embedder
from index.generation import Generation
from index.layout import generations_dir
from index.place import Locations
from index.sync import sync
from retrieval.evaluation.exam import Asked, read_exam
from retrieval.evaluation.fitting import Example, examples, fit
from retrieval.evaluation.squad import read_squad
from retrieval.reader import Reader
from retrieval.weights import PLAIN, READER, save_weights
from training.questions import KEPT_BACK, english_wordings

GOLD = Path("tests/gold")
TUNING = [GOLD / "simple.jsonl", GOLD / "tune.jsonl", GOLD / "plain_tune.jsonl"]
SIZES = (2, 6, 30)  # paragraphs of a corpus, by turns: folders are small and large
QUESTIONS = 400  # of the SQuAD file
SEED = 20261125


@dataclass(frozen=True)
class Corpus:
    """Files by name, and questions on them. ``own``: the project's."""

    texts: dict[str, str]
    asked: list[Asked]
    own: bool = False


def squad_corpora(squad: Path, english: Path | None) -> list[Corpus]:
    """The paragraphs of the articles kept back, in parts of all SIZES, and their questions.

    What models say is weighed with articles that they have not learnt.
    """
    wordings = english_wordings(squad, english)
    corpora: dict[tuple[str, int], Corpus] = {}
    before: Counter[str] = Counter()
    for at, paragraph in enumerate(read_squad(squad)):
        if paragraph.article in KEPT_BACK:
            part = _part(before[paragraph.article])
            before[paragraph.article] += 1
            corpus = corpora.setdefault((paragraph.article, part), Corpus({}, []))
            name = f"{at:05d}.txt"
            corpus.texts[name] = paragraph.text
            for asked in paragraph.asked:
                answers = tuple(paragraph.text[s.start : s.end] for s in asked.spans)
                for question in (asked.text, *wordings.get(asked.text, ())):
                    corpus.asked.append(Asked(question, (name,), answers))
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


def gold_corpus(corpus: Path, gold: Sequence[Path]) -> Corpus:
    """The files of a corpus, and the project's own questions on it."""
    texts = {path.name: path.read_text(encoding="utf-8") for path in corpus.glob("*.txt")}
    return Corpus(texts, [asked for file in gold for asked in read_exam(file).asked], own=True)


def corpus_examples(
    corpus: Corpus, embedder: Embedder, reader: Reader | None, work: Path
) -> Iterator[Example]:
    """Index the texts as the product does, and weigh the sentences found for each question."""
    folder = work / "corpus"
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in corpus.texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    report = sync(Locations(folder, work / "data"), embedder)
    generation = Generation(generations_dir(work / "data") / report.generation)
    for asked in corpus.asked:
        yield from examples(asked, generation, embedder, reader, own=corpus.own)
    generation.close()


def fit_examples(
    squad: Path,
    english: Path | None,
    gold: Corpus,
    embedder: Embedder,
    reader: Reader | None,
    work: Path,
    questions: int = QUESTIONS,
) -> Iterator[Example]:
    """All that weights of a kind are fitted on."""
    corpora = drawn(squad_corpora(squad, english), questions)
    for number, corpus in enumerate([*corpora, gold]):
        yield from corpus_examples(corpus, embedder, reader, work / str(number))


def main() -> None:
    """Fit on the files named on the command line and write ``weights.json``."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("squad", type=Path)
    parser.add_argument("--english", type=Path)
    parser.add_argument("--corpus", type=Path, default=Path("corpus"))
    parser.add_argument("--tune", type=Path, nargs="*", default=TUNING)
    told = parser.parse_args()
    gold = gold_corpus(told.corpus, told.tune)
    for kind in (READER, PLAIN):
        with tempfile.TemporaryDirectory() as folder:
            work, models = Path(folder), Path(folder) / "models"
            reader = Reader(models) if kind == READER else None
            embedder = Embedder("", models)
            found = list(fit_examples(told.squad, told.english, gold, embedder, reader, work))
        save_weights(fit(found, kind), kind)
        print(f"{kind}: {len(found)} examples", flush=True)


if __name__ == "__main__":
    main()
