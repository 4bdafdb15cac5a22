"""Fit the weights of sentence choice and refusal, and write ``weights.json``.

    python -m training.weights train.json.gz --english xquad_train.json.gz

Every article of the SQuAD file becomes a small corpus of its own, of paragraphs on one subject,
indexed as any corpus is; for answers with the reader only those that it has not learnt
(``KEPT_BACK``). A question is answerable in it; without its own paragraph it is a near miss: the
right people, the wrong facts. The English file asks some of the same questions in English. The
project's own tuning questions take part with a weight of their own; those that are called ``held``
do not.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import logsumexp
from sklearn.linear_model import LogisticRegression

from index.embedder import Embedder
from index.generation import Generation
from index.layout import generations_dir
from index.place import Locations
from index.sync import sync
from retrieval.answer import Question
from retrieval.evaluation.exam import Asked, read_exam
from retrieval.evaluation.squad import read_squad
from retrieval.evidence import Evidence
from retrieval.reader import Reader
from retrieval.search import PASSAGES, HybridRetriever
from retrieval.sentences import weighed_sentences
from retrieval.weights import FILE, PLAIN, READER, Linear, Weights
from training.reader import KEPT_BACK

GOLD = Path("tests/gold")
TUNING = [GOLD / "simple.jsonl", GOLD / "tune.jsonl", GOLD / "plain_tune.jsonl"]
RANK = {
    READER: ("reader", "found", "cosine", "words", "context", "mistyped", "counted"),
    PLAIN: ("cosine", "words", "context", "tokens", "passage", "mistyped", "counted"),
}
CONFIDENCE = {
    READER: ("reader", "cosine", "words", "stranger", "counted", "mistyped", "english"),
    PLAIN: ("cosine", "weakest", "stranger", "counted", "mistyped", "english"),
}
QUESTIONS = 200  # of the SQuAD file
REFUSED = 0.75  # of what has no answer: a stricter threshold refuses more that has one
SEED = 20261125
RIDGE = 0.5  # against weights that run away
TUNE_SHARE = 0.5  # of the weight in the fit of the confidence that our own questions have
TUNE_TIMES = 4  # how often one of our own questions counts in the fit of the ranking


@dataclass(frozen=True)
class Corpus:
    """Files by name, and questions on them. ``share``: of the weight, "squad" or "tune"."""

    texts: dict[str, str]
    asked: list[Asked]
    share: str


@dataclass(frozen=True)
class Example:
    """The sentences weighed for a question, and which of them answer it.

    ``answered``: whether the corpus has the answer, found or not; of a SQuAD question, whether
    one of the sentences has it.
    """

    evidence: list[Evidence]
    right: list[bool]
    answered: bool
    share: str


def squad_corpora(squad: Path, english: Path | None, kind: str) -> list[Corpus]:
    """For each article of the SQuAD file its paragraphs, and some of its questions.

    What a reader says is weighed with articles that it has not learnt only.
    """
    wordings: dict[str, list[str]] = defaultdict(list)
    for paragraph in read_squad(english) if english else ():
        for asked in paragraph.asked if paragraph.language == "en" else ():
            wordings[asked.id].append(asked.text)
    corpora: dict[str, Corpus] = {}
    for at, paragraph in enumerate(read_squad(squad)):
        if kind == PLAIN or paragraph.article in KEPT_BACK:
            corpus = corpora.setdefault(paragraph.article, Corpus({}, [], "squad"))
            name = f"{at:05d}.txt"
            corpus.texts[name] = paragraph.text
            for asked in paragraph.asked:
                answers = tuple(paragraph.text[s.start : s.end] for s in asked.spans)
                for question in (asked.text, *wordings[asked.id]):
                    corpus.asked.append(Asked(question, (name,), answers))
    return list(corpora.values())


def drawn(corpora: Sequence[Corpus]) -> list[Corpus]:
    """The corpora with so many of their questions in all, drawn at random."""
    every = [asked for corpus in corpora for asked in corpus.asked]
    chosen = set(random.Random(SEED).sample(every, min(QUESTIONS, len(every))))  # noqa: S311
    return [replace(c, asked=[asked for asked in c.asked if asked in chosen]) for c in corpora]


def gold_corpus(corpus: Path, gold: Sequence[Path]) -> Corpus:
    """The files of a corpus, and the project's own questions on it."""
    texts = {path.name: path.read_text(encoding="utf-8") for path in corpus.glob("*.txt")}
    return Corpus(texts, [asked for file in gold for asked in read_exam(file).asked], "tune")


def examples(
    corpus: Corpus, embedder: Embedder, reader: Reader | None, work: Path
) -> Iterator[Example]:
    """Index the texts as the product does, and weigh the sentences found for each question.

    A SQuAD question gives two examples: as it is, and without its paragraph: a near miss.
    """
    folder = work / "corpus"
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in corpus.texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    report = sync(Locations(folder, work / "data"), embedder)
    generation = Generation(generations_dir(work / "data") / report.generation)
    for question in corpus.asked:
        yield _example(question, corpus.share, frozenset(), generation, embedder, reader)
        if corpus.share == "squad":
            gone = frozenset(question.articles)
            yield _example(question, corpus.share, gone, generation, embedder, reader)
    generation.close()


def _example(
    asked: Asked,
    share: str,
    without: frozenset[str],
    generation: Generation,
    embedder: Embedder,
    reader: Reader | None,
) -> Example:
    question = Question.parse(asked.question)
    retriever = HybridRetriever(generation=generation, embedder=embedder, k=2 * PASSAGES)
    found = retriever.invoke(question.text)
    kept = [d for d in found if d.metadata["article"] not in without][:PASSAGES]
    sentences = weighed_sentences(question, kept, generation, embedder, reader)
    kept_sentences = [s for s in sentences if not s.heading] or sentences
    right = [asked.is_answered_by(s.text, [s.article.path]) for s in kept_sentences]
    answered = bool(asked.answers) if share == "tune" else any(right)
    return Example([s.evidence for s in kept_sentences], right, answered, share)


def fit(found: Sequence[Example], kind: str) -> Weights:
    """The weights for answers with a reader or without one."""
    rank = fit_rank(found, RANK[kind])
    confidence = fit_confidence(found, rank, CONFIDENCE[kind])
    threshold = threshold_of(found, Weights(rank, confidence, threshold=0.0))
    return Weights(rank, confidence, threshold)


def fit_rank(found: Sequence[Example], names: Sequence[str]) -> Linear:
    """Weights that put the sentences that answer above the others, question by question.

    The likelihood of a right sentence is its share in the softmax over all sentences of the
    question (ListNet's top-one probability): Cao et al., ICML 2007.
    """
    lists = [
        (_rows(e.evidence, names), np.array(e.right), TUNE_TIMES if e.share == "tune" else 1)
        for e in found
        if any(e.right)
    ]
    scale = np.concatenate([rows for rows, _, _ in lists]).std(axis=0) + 1e-9

    def cost(weights: NDArray[np.float64]) -> float:
        total = RIDGE * float(weights @ weights)
        for rows, right, times in lists:
            scores = (rows / scale) @ weights
            total += times * float(logsumexp(scores) - logsumexp(scores[right]))
        return total

    best = minimize(cost, np.zeros(len(names)), method="L-BFGS-B")
    return _linear(names, best.x / scale)


def _rows(evidence: Sequence[Evidence], names: Sequence[str]) -> NDArray[np.float64]:
    return np.array([[e.value(name) for name in names] for e in evidence])


def fit_confidence(found: Sequence[Example], rank: Linear, names: Sequence[str]) -> Linear:
    """Weights that tell whether the best sentence's question is answered at all."""
    kept = [example for example in found if example.evidence]
    best = [max(example.evidence, key=rank) for example in kept]
    rows = _rows(best, names)
    labels = np.array([example.answered for example in kept])
    weights = _sample_weights([example.share for example in kept], labels)
    mean, scale = rows.mean(axis=0), rows.std(axis=0) + 1e-9
    model = LogisticRegression(max_iter=2000).fit((rows - mean) / scale, labels, weights)
    slopes = model.coef_[0] / scale
    return _linear(names, slopes, float(model.intercept_[0] - slopes @ mean))


def _sample_weights(shares: Sequence[str], labels: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Our own questions weigh TUNE_SHARE in all, answered and unanswered the same."""
    tune = np.array([share == "tune" for share in shares])
    weights = np.ones(len(tune))
    if tune.any():
        weights = np.where(tune, TUNE_SHARE / tune.sum(), (1 - TUNE_SHARE) / (~tune).sum())
    for label in (False, True):
        weights[labels == label] /= weights[labels == label].sum()
    return weights * len(weights) / 2


def threshold_of(found: Sequence[Example], weights: Weights) -> float:
    """The least confidence that refuses REFUSED of our own tuning questions without an answer."""
    unanswered = [
        weights.probability(max(example.evidence, key=weights.rank))
        for example in found
        if example.share == "tune" and not example.answered and example.evidence
    ]
    return round(float(np.quantile(unanswered, REFUSED)), 2)


def _linear(names: Sequence[str], weights: NDArray[np.float64], intercept: float = 0.0) -> Linear:
    rounded = {name: round(float(w), 4) for name, w in zip(names, weights, strict=True)}
    return Linear(rounded, round(intercept, 4))


def main() -> None:
    """Fit on the files named on the command line and write ``weights.json``."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("squad", type=Path)
    parser.add_argument("--english", type=Path)
    parser.add_argument("--corpus", type=Path, default=Path("corpus"))
    parser.add_argument("--tune", type=Path, nargs="*", default=TUNING)
    arguments = parser.parse_args()
    gold = gold_corpus(arguments.corpus, arguments.tune)
    for kind in (READER, PLAIN):
        corpora = [*drawn(squad_corpora(arguments.squad, arguments.english, kind)), gold]
        with tempfile.TemporaryDirectory() as work:
            models = Path(work) / "models"
            embedder, reader = Embedder("", models), Reader(models) if kind == READER else None
            found = [
                example
                for number, corpus in enumerate(corpora)
                for example in examples(corpus, embedder, reader, Path(work) / str(number))
            ]
        fitted = {**json.loads(FILE.read_text("utf-8")), kind: asdict(fit(found, kind))}
        FILE.write_text(json.dumps(fitted, indent=1) + "\n", encoding="utf-8")
        print(f"{kind}: {len(found)} examples", flush=True)


if __name__ == "__main__":
    main()
