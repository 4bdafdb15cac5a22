"""Questions with known answers in two formats: SQuAD's paragraphs, and lines on whole articles."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from index.text.sentences import Span


@dataclass(frozen=True)
class SquadQuestion:
    """A question, and where its gold answers stand in its paragraph: each place once."""

    id: str
    text: str
    spans: tuple[Span, ...]
    language: str


@dataclass(frozen=True)
class Paragraph:
    """A paragraph with its questions. ``article`` names the one that it is from."""

    article: str
    language: str
    text: str
    asked: tuple[SquadQuestion, ...]


def read_squad(path: Path, language: str = "it") -> Iterator[Paragraph]:
    """The paragraphs of a SQuAD file, which may be gzipped.

    ``language`` is that of articles that tell none. A question whose answers do not stand in its
    paragraph, as translations have them, is left out; one without answers is not.
    """
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8") as file:
        articles = json.load(file)["data"]
    for number, article in enumerate(articles):
        written = article.get("language", language)
        for paragraph in article["paragraphs"]:
            text = paragraph["context"]
            asked = tuple(
                question for qa in paragraph["qas"] for question in _question(text, qa, written)
            )
            yield Paragraph(f"{written}-{number}", written, text, asked)


def _question(text: str, qa: dict[str, Any], language: str) -> Iterator[SquadQuestion]:
    spans = gold_spans(text, qa["answers"])
    if spans or not qa["answers"]:
        yield SquadQuestion(qa["id"], qa["question"].strip(), spans, language)


def gold_spans(text: str, answers: Sequence[dict[str, Any]]) -> tuple[Span, ...]:
    """Where the answers stand in the text; an ``answer_start`` that is not right is corrected.

    The nearest place with the answer's words is taken. What stands nowhere is left out.
    """
    spans = {_nearest(text, answer["text"].strip(), answer["answer_start"]) for answer in answers}
    return tuple(sorted(span for span in spans if span is not None))


def _nearest(text: str, words: str, told: int) -> Span | None:
    if not words:
        return None
    starts = [match.start() for match in re.finditer(re.escape(words), text)]
    if not starts:
        return None
    start = min(starts, key=lambda at: abs(at - told))
    return Span(start, start + len(words))


ARTICLES = ("articles.jsonl", "articles.jsonl.gz")


@dataclass(frozen=True)
class NewsQuestion:
    """A question on an article, which it names.

    ``spans``: each place of an answer in the article's text; none where nothing answers.
    ``sentences``: those that hold them or, where nothing answers, that tempt.
    """

    article: str
    text: str
    kind: str
    answers: tuple[str, ...]
    spans: tuple[Span, ...]
    sentences: tuple[Span, ...]


@dataclass(frozen=True)
class NewsArticle:
    """An article as it is told: without outlet, day or address."""

    id: str
    title: str
    text: str
    sentences: tuple[Span, ...]


def read_articles(folder: Path) -> dict[str, NewsArticle]:
    """The articles in a folder, by their id. Raises OSError, ValueError or KeyError."""
    path = next((folder / name for name in ARTICLES if (folder / name).exists()), None)
    if path is None:
        raise FileNotFoundError(f"{folder} has no {' or '.join(ARTICLES)}")
    return {one["id"]: _article(one) for one in _json_lines(path)}


def read_questions(path: Path, articles: dict[str, NewsArticle]) -> Iterator[NewsQuestion]:
    """The questions of a file, in order. Raises OSError, ValueError or KeyError."""
    for one in _json_lines(path):
        article = articles[one["id"]]
        around = tuple(article.sentences[at] for at in one["s"])
        answers = tuple(one["a"])
        spans = tuple(sorted({s for a in answers for s in _places(article.text, a, around)}))
        if answers and not spans:
            raise ValueError(f"no answer of {one['q']!r} stands in {article.id}")
        yield NewsQuestion(article.id, one["q"], one["kind"], answers, spans, around)


def _article(told: dict[str, Any]) -> NewsArticle:
    sentences = tuple(Span(*span) for span in told["sentences"])
    return NewsArticle(told["id"], told["title"], told["text"], sentences)


def _places(text: str, answer: str, around: tuple[Span, ...]) -> list[Span]:
    """Where an answer stands in the sentences named: as whole words, if it does anywhere."""
    found = [
        Span(sentence.start + match.start(), sentence.start + match.end())
        for sentence in around
        for match in re.finditer(re.escape(answer), text[sentence.start : sentence.end])
    ]
    whole = [s for s in found if not re.search(r"\w\B\w", _edges(text, s))]
    return whole or found


def _edges(text: str, span: Span) -> str:
    """The characters on both sides of both ends."""
    return f"{text[max(span.start - 1, 0) : span.start + 1]} {text[span.end - 1 : span.end + 1]}"


def _json_lines(path: Path) -> Iterator[Any]:
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8") as file:
        for line in file:
            if line.strip():
                yield json.loads(line)
