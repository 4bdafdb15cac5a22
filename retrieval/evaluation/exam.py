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
MIN_F1 = 0.5  # for two short answers to be the same


@dataclass(frozen=True)
class ExamQuestion:
    """A question with the paths of the articles and the words that answer it.

    Both are empty if the articles do not answer. ``kind``: the sort of question; ``about``: the
    article that it was written about; "" if unknown. ``first``: the question before it in the
    conversation, "" at its start.
    """

    question: str
    articles: tuple[str, ...]
    answers: tuple[str, ...]
    kind: str = ""
    about: str = ""
    first: str = ""

    def is_answered_by(self, text: str, articles: Collection[str]) -> bool:
        """Whether a text from these articles holds a gold answer, in whole words, in any case."""
        return not set(articles).isdisjoint(self.articles) and any(
            _holds(text, answer) for answer in self.answers
        )

    def is_answered_in_short(self, answer: str) -> bool:
        """Whether a short answer says the same as a gold one.

        One holds the other, or they share most of their words: F1 as in SQuAD's evaluation
        (Rajpurkar et al., EMNLP 2016), without articles and prepositions, is at least MIN_F1.
        """
        return any(word not in vocabulary("stop_words") for word in words(answer)) and any(
            _holds(answer, gold) or _holds(gold, answer) or f1(answer, gold) >= MIN_F1
            for gold in self.answers
        )


@dataclass(frozen=True)
class Exam:
    """Questions, and texts by path. ``texts`` is None if the questions are about the corpus."""

    texts: dict[str, str] | None
    asked: tuple[ExamQuestion, ...]


def read_exam(path: Path, also: Sequence[Path] = ()) -> Exam:
    """The questions of a SQuAD file (``.json``, ``.json.gz``) or of JSON lines.

    SQuAD's paragraphs become texts; so do those of the files ``also``, whose questions are not
    asked. JSON lines are about the articles in the same folder, if it has ``articles.jsonl`` or
    ``articles.jsonl.gz`` (see ``retrieval.evaluation.datasets``); else (``question``,
    ``articles``, ``answers``) about the corpus.

    Raises UsageError if a file cannot be read as the format that its name implies.
    """
    if path.name.endswith(SQUAD_ENDINGS):
        texts, questions = _squad(path)
        for other in also:
            texts |= _squad(other)[0]
        return Exam(texts, tuple(questions))
    if also:
        raise UsageError(f"{path} says what is indexed: nothing else can be beside it")
    if any((path.parent / name).exists() for name in ARTICLES):
        return _news(path)
    return Exam(None, tuple(_corpus_questions(path)))


def without_answers(exam: Exam, share: float, seed: int) -> Exam:
    """The exam without a share of its texts: questions about these have no answer."""
    if exam.texts is None:
        raise UsageError("--leave-out is for files with their own texts: the corpus stays as it is")
    answering = sorted({path for question in exam.asked for path in question.articles})
    removed = set(random.Random(seed).sample(answering, round(share * len(answering))))  # noqa: S311
    texts = {path: text for path, text in exam.texts.items() if path not in removed}
    questions = (
        replace(q, articles=(), answers=()) if removed.intersection(q.articles) else q
        for q in exam.asked
    )
    return Exam(texts, tuple(questions))


def sampled(exam: Exam, limit: int, seed: int) -> Exam:
    """The exam with at most ``limit`` of its questions, drawn at random."""
    drawn = random.Random(seed).sample(exam.asked, min(limit, len(exam.asked)))  # noqa: S311
    return replace(exam, asked=tuple(drawn))


def write_texts(texts: Mapping[str, str], folder: Path) -> None:
    """Write each text to its path in the folder. Raises OSError."""
    for path, text in texts.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")


@contextmanager
def indexed(texts: Mapping[str, str], embedder: Embedder, work: Path) -> Iterator[Generation]:
    """The index of the texts, built in ``work`` as the product builds it for any folder."""
    corpus, data = work / "corpus", work / "data"
    write_texts(texts, corpus)
    report = sync(Locations(corpus, data), embedder)
    with closing(Generation(generations_dir(data) / report.generation)) as generation:
        yield generation


def news_path(article: str) -> str:
    """The path of an article, by its id, in the folder that is indexed."""
    return f"{article}.txt"


def f1(answer: str, gold: str) -> float:
    """The harmonic mean of precision and recall over the words that are not stop words."""
    given, right = (
        Counter(w for w in words(t) if w not in vocabulary("stop_words")) for t in (answer, gold)
    )
    shared = (given & right).total()
    return 2 * shared / (given.total() + right.total()) if shared else float(given == right)


def _holds(text: str, part: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(part.lower())}(?!\w)", text.lower()) is not None


def _squad(path: Path) -> tuple[dict[str, str], list[ExamQuestion]]:
    """Texts by path, and the questions on them. A text that occurs twice is kept once."""
    try:
        paragraphs = list(read_squad(path))
    except (OSError, ValueError, KeyError, TypeError, EOFError) as error:
        raise UsageError(f"{path} cannot be read as SQuAD's JSON: {error!r}") from error
    name = path.name.split(".")[0]
    path_of: dict[str, str] = {}
    questions = []
    for number, paragraph in enumerate(paragraphs):
        text = paragraph.text
        article = path_of.setdefault(text, f"{name}/{paragraph.article}/{number:05}.txt")
        for question in paragraph.asked:
            answers = tuple(dict.fromkeys(text[s.start : s.end] for s in question.spans))
            questions.append(ExamQuestion(question.text, (article,) if answers else (), answers))
    return {article: text for text, article in path_of.items()}, questions


def _news(path: Path) -> Exam:
    """All articles of the folder, and the questions of one file on some of them."""
    try:
        articles = read_articles(path.parent)
        questions = []
        for question in read_questions(path, articles):
            about, answers = news_path(question.article), question.answers
            answering = (about,) if answers else ()
            fields = (question.text, answering, answers, question.kind, about, question.first)
            questions.append(ExamQuestion(*fields))
    except (OSError, ValueError, KeyError, TypeError, IndexError, EOFError) as error:
        raise UsageError(f"{path} cannot be read as questions on news: {error!r}") from error
    texts = {news_path(article.id): _news_file(article) for article in articles.values()}
    return Exam(texts, tuple(questions))


def _news_file(article: NewsArticle) -> str:
    """The article as a file with its title in a front matter."""
    return f"---\ntitle: {json.dumps(article.title, ensure_ascii=False)}\n---\n{article.text}\n"


def _corpus_questions(path: Path) -> Iterator[ExamQuestion]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read: {error}") from error
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                yield _corpus_question(line)
            except (ValueError, KeyError, TypeError) as error:
                raise UsageError(
                    f"{path}, line {number}: not an object with question, articles and answers"
                ) from error


def _corpus_question(line: str) -> ExamQuestion:
    data = json.loads(line)
    articles, answers = (tuple(map(str, data[name])) for name in ("articles", "answers"))
    if bool(articles) != bool(answers):
        raise ValueError("articles without answers")
    kind, first = (str(data.get(name, "")) for name in ("kind", "first"))
    return ExamQuestion(str(data["question"]), articles, answers, kind, first=first)
