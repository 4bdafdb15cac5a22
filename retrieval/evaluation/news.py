"""Questions on whole news articles, in lines of JSON: the format of ``shared/data/news``.

A folder holds ``articles.jsonl`` or ``articles.jsonl.gz``, one article a line: ``id``, ``title``,
``text``, ``sentences`` (spans of the text). A file of questions beside it has one a line: ``id``
(of the article), ``q``, ``a`` (spans of the article, to the letter; empty where nothing answers),
``s`` (the places in ``sentences`` of what holds them or, where nothing answers, of what tempts),
``kind``.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from index.text.sentences import Span

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
    return {one["id"]: _article(one) for one in _lines(path)}


def read_questions(path: Path, articles: dict[str, NewsArticle]) -> Iterator[NewsQuestion]:
    """The questions of a file, in order. Raises OSError, ValueError or KeyError."""
    for one in _lines(path):
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


def _lines(path: Path) -> Iterator[Any]:
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8") as file:
        for line in file:
            if line.strip():
                yield json.loads(line)
