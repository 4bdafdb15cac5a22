"""Questions with known answers, and the articles they are asked about."""

from __future__ import annotations

import json
import random
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from index.building.sync import sync
from index.errors import UsageError
from index.generations.generation import Generation
from index.generations.layout import Locations, generations_dir
from index.models.embedder import Embedder
from index.text.language import vocabulary
from index.text.words import words
from retrieval.evaluation.datasets import (
    ARTICLES,
    NewsArticle,
    read_articles,
    read_questions,
    read_squad,
)

SQUAD_ENDINGS = (".json", ".json.gz")
MATCH = 0.5  # of F1, from which two short answers are the same


def write_texts(texts: Mapping[str, str], folder: Path) -> None:
    """Write each text to its path in the folder. Raises OSError."""
    for path, text in texts.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")


@contextmanager
def indexed(texts: Mapping[str, str], embedder: Embedder, work: Path) -> Iterator[Generation]:
    """The index of the texts, made in ``work`` as the product makes it of any folder."""
    corpus, data = work / "corpus", work / "data"
    write_texts(texts, corpus)
    report = sync(Locations(corpus, data), embedder)
    with closing(Generation(generations_dir(data) / report.generation)) as generation:
        yield generation


@dataclass(frozen=True)
class ExamQuestion:
    """A question with the paths of the articles and the words that answer it.

    Both are empty where the articles do not answer. ``kind``: what sort of question it is,
    ``about``: the article that was read to write it; "" where nobody says.
    """

    question: str
    articles: tuple[str, ...]
    answers: tuple[str, ...]
    kind: str = ""
    about: str = ""

    def is_answered_by(self, text: str, articles: Collection[str]) -> bool:
        """Whether a text out of these articles holds a gold answer, in whole words, in any case."""
        return not set(articles).isdisjoint(self.articles) and any(
            _holds(text, answer) for answer in self.answers
        )

    def is_answered_in_short(self, told: str) -> bool:
        """Whether a short answer says what a gold one says.

        One holds the other, or they share most of their words: F1 as in SQuAD's evaluation
        (Rajpurkar et al., EMNLP 2016), without articles and prepositions, is at least MATCH.
        """
        return any(w not in vocabulary("stop_words") for w in words(told)) and any(
            _holds(told, answer) or _holds(answer, told) or f1(told, answer) >= MATCH
            for answer in self.answers
        )


def _holds(text: str, part: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(part.lower())}(?!\w)", text.lower()) is not None


def f1(told: str, gold: str) -> float:
    """The harmonic mean of precision and recall over the words that are no stop words."""
    one, other = (
        Counter(w for w in words(text) if w not in vocabulary("stop_words"))
        for text in (told, gold)
    )
    shared = (one & other).total()
    return 2 * shared / (one.total() + other.total()) if shared else float(one == other)


@dataclass(frozen=True)
class Exam:
    """Questions, and files by path. ``texts`` is None where the corpus is what is asked about."""

    texts: dict[str, str] | None
    asked: tuple[ExamQuestion, ...]


def read_exam(path: Path, also: Sequence[Path] = ()) -> Exam:
    """The questions of a SQuAD file (``.json``, ``.json.gz``) or of lines of JSON.

    SQuAD's paragraphs become texts; so do those of the files ``also``, whose questions are not
    asked. Lines of JSON are about the articles that lie beside them, if ``articles.jsonl`` or
    ``articles.jsonl.gz`` does (see ``retrieval.evaluation.datasets``); else (``question``,
    ``articles``, ``answers``) about the corpus.

    Raises UsageError where a file cannot be read as what its name says.
    """
    if also and not path.name.endswith(SQUAD_ENDINGS):
        raise UsageError(f"{path} says what is indexed: nothing else can be beside it")
    if not path.name.endswith(SQUAD_ENDINGS) and any(
        (path.parent / name).exists() for name in ARTICLES
    ):
        return _news(path)
    if not path.name.endswith(SQUAD_ENDINGS):
        return Exam(None, tuple(_lines(path)))
    texts, asked = _squad(path)
    for other in also:
        texts |= _squad(other)[0]
    return Exam(texts, tuple(asked))


def without_answers(exam: Exam, share: float, seed: int) -> Exam:
    """The exam with a share of the texts left out: what was asked about them has no answer."""
    if exam.texts is None:
        raise UsageError("--leave-out is for files with their own texts: the corpus stays as it is")
    named = sorted({path for asked in exam.asked for path in asked.articles})
    gone = set(random.Random(seed).sample(named, round(share * len(named))))  # noqa: S311
    texts = {path: text for path, text in exam.texts.items() if path not in gone}
    asked = (
        replace(one, articles=(), answers=()) if gone.intersection(one.articles) else one
        for one in exam.asked
    )
    return Exam(texts, tuple(asked))


def some_of(exam: Exam, limit: int, seed: int) -> Exam:
    """The exam with so many of its questions, drawn at random."""
    drawn = random.Random(seed).sample(exam.asked, min(limit, len(exam.asked)))  # noqa: S311
    return replace(exam, asked=tuple(drawn))


def _squad(path: Path) -> tuple[dict[str, str], list[ExamQuestion]]:
    """Texts by path, and the questions on them. A text that occurs twice is one."""
    try:
        paragraphs = list(read_squad(path))
    except (OSError, ValueError, KeyError, TypeError, EOFError) as error:
        raise UsageError(f"{path} cannot be read as SQuAD's JSON: {error!r}") from error
    name = path.name.split(".")[0]
    paths: dict[str, str] = {}
    asked = []
    for at, paragraph in enumerate(paragraphs):
        article = paths.setdefault(paragraph.text, f"{name}/{paragraph.article}/{at:05}.txt")
        for one in paragraph.asked:
            answers = tuple(dict.fromkeys(paragraph.text[s.start : s.end] for s in one.spans))
            asked.append(ExamQuestion(one.text, (article,) if answers else (), answers))
    return {article: text for text, article in paths.items()}, asked


def _news(path: Path) -> Exam:
    """Every article of the folder, and the questions of one file on some of them."""
    try:
        articles = read_articles(path.parent)
        asked = tuple(
            ExamQuestion(q.text, about if q.answers else (), q.answers, q.kind, *about)
            for q in read_questions(path, articles)
            for about in ((news_path(q.article),),)
        )
    except (OSError, ValueError, KeyError, TypeError, IndexError, EOFError) as error:
        raise UsageError(f"{path} cannot be read as questions on news: {error!r}") from error
    return Exam({news_path(a.id): news_file(a) for a in articles.values()}, asked)


def news_path(article: str) -> str:
    """The path of an article in the folder that is made of it."""
    return f"{article}.txt"


def news_file(article: NewsArticle) -> str:
    """The article as a file with its title in a front matter."""
    return f"---\ntitle: {json.dumps(article.title, ensure_ascii=False)}\n---\n{article.text}\n"


def _lines(path: Path) -> Iterator[ExamQuestion]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read: {error}") from error
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                yield _asked(json.loads(line))
            except (ValueError, KeyError, TypeError) as error:
                raise UsageError(
                    f"{path}, line {number}: not an object with question, articles and answers"
                ) from error


def _asked(told: dict[str, Any]) -> ExamQuestion:
    articles, answers = (tuple(map(str, told[name])) for name in ("articles", "answers"))
    if bool(articles) != bool(answers):
        raise ValueError("articles without answers")
    return ExamQuestion(str(told["question"]), articles, answers, str(told.get("kind", "")))
