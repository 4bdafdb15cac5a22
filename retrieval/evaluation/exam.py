"""Questions with known answers, and the articles they are asked about."""

from __future__ import annotations

import json
import random
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from index.errors import UsageError
from retrieval.evaluation.squad import read_squad

SQUAD_ENDINGS = (".json", ".json.gz")


@dataclass(frozen=True)
class Asked:
    """A question with the paths of the articles and the words that answer it.

    Both are empty where the articles do not answer.
    """

    question: str
    articles: tuple[str, ...]
    answers: tuple[str, ...]

    def is_answered_by(self, text: str, articles: Collection[str]) -> bool:
        """Whether a text out of these articles holds a gold answer, ignoring case."""
        told = text.lower()
        return not set(articles).isdisjoint(self.articles) and any(
            answer.lower() in told for answer in self.answers
        )


@dataclass(frozen=True)
class Exam:
    """Questions, and texts by path. ``texts`` is None where the corpus is what is asked about."""

    texts: dict[str, str] | None
    asked: tuple[Asked, ...]


def read_exam(path: Path, also: Sequence[Path] = ()) -> Exam:
    """The questions of a SQuAD file (``.json``, ``.json.gz``) or of lines of JSON.

    SQuAD's paragraphs become texts; so do those of the files ``also``, whose questions are not
    asked. Lines of JSON (``question``, ``articles``, ``answers``) are about the corpus.

    Raises UsageError where a file cannot be read as what its name says.
    """
    if not path.name.endswith(SQUAD_ENDINGS):
        if also:
            raise UsageError(f"{path} is about the corpus: nothing else can be indexed beside it")
        return Exam(None, tuple(_lines(path)))
    texts, asked = _squad(path)
    for other in also:
        texts |= _squad(other)[0]
    return Exam(texts, tuple(asked))


def without_answers(exam: Exam, share: float, seed: int) -> Exam:
    """The exam with a share of the texts left out: what was asked about them has no answer."""
    if exam.texts is None:
        raise UsageError("--leave-out is for SQuAD files: the corpus stays as it is")
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


def _squad(path: Path) -> tuple[dict[str, str], list[Asked]]:
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
            asked.append(Asked(one.text, (article,) if answers else (), answers))
    return {article: text for text, article in paths.items()}, asked


def _lines(path: Path) -> Iterator[Asked]:
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


def _asked(told: dict[str, Any]) -> Asked:
    articles, answers = (tuple(map(str, told[name])) for name in ("articles", "answers"))
    if bool(articles) != bool(answers):
        raise ValueError("articles without answers")
    return Asked(str(told["question"]), articles, answers)
