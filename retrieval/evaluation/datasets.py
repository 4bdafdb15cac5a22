"""Reads questions with known answers: SQuAD's paragraphs, and JSON lines on whole articles."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from index.text.sentences import Span

ARTICLES = ("articles.jsonl", "articles.jsonl.gz")


@dataclass(frozen=True)
class SquadQuestion:
    """A question, and the spans of its gold answers in its paragraph, each once."""

    id: str
    text: str
    spans: tuple[Span, ...]
    language: str


@dataclass(frozen=True)
class Paragraph:
    """A paragraph with its questions. ``article`` names the article that it comes from."""

    article: str
    language: str
    text: str
    asked: tuple[SquadQuestion, ...]


@dataclass(frozen=True)
class NewsQuestion:
    """A question on an article, which it names.

    ``spans``: each occurrence of an answer in the article's text; none if nothing answers.
    ``sentences``: those that hold an answer or, if nothing answers, those that tempt.
    """

    article: str
    text: str
    kind: str
    answers: tuple[str, ...]
    spans: tuple[Span, ...]
    sentences: tuple[Span, ...]


@dataclass(frozen=True)
class NewsArticle:
    """An article without outlet, date or address."""

    id: str
    title: str
    text: str
    sentences: tuple[Span, ...]


def read_squad(path: Path, language: str = "it") -> Iterator[Paragraph]:
    """The paragraphs of a SQuAD file, which may be gzipped.

    ``language`` is that of articles that name none. A question whose answers are not in its
    paragraph, as in translations, is left out; one without answers is not.
    """
    with _open(path) as file:
        articles = json.load(file)["data"]
    for number, article in enumerate(articles):
        own_language = article.get("language", language)
        for paragraph in article["paragraphs"]:
            text = paragraph["context"]
            questions = tuple(
                SquadQuestion(qa["id"], qa["question"].strip(), spans, own_language)
                for qa in paragraph["qas"]
                if (spans := gold_spans(text, qa["answers"])) or not qa["answers"]
            )
            yield Paragraph(f"{own_language}-{number}", own_language, text, questions)


def gold_spans(text: str, answers: Sequence[dict[str, Any]]) -> tuple[Span, ...]:
    """The spans of the answers in the text; a wrong ``answer_start`` is corrected.

    The nearest occurrence of the answer's words counts. An answer that does not occur is left out.
    """
    spans = {_nearest(text, answer["text"].strip(), answer["answer_start"]) for answer in answers}
    return tuple(sorted(span for span in spans if span is not None))


def read_articles(folder: Path) -> dict[str, NewsArticle]:
    """The articles in a folder, by id. Raises OSError, ValueError or KeyError."""
    path = next((folder / name for name in ARTICLES if (folder / name).exists()), None)
    if path is None:
        raise FileNotFoundError(f"{folder} has no {' or '.join(ARTICLES)}")
    articles = {}
    for line in _json_lines(path):
        sentences = tuple(Span(*span) for span in line["sentences"])
        articles[line["id"]] = NewsArticle(line["id"], line["title"], line["text"], sentences)
    return articles


def read_questions(path: Path, articles: dict[str, NewsArticle]) -> Iterator[NewsQuestion]:
    """The questions of a file, in order. Raises OSError, ValueError or KeyError."""
    for line in _json_lines(path):
        article = articles[line["id"]]
        sentences = tuple(article.sentences[number] for number in line["s"])
        answers = tuple(line["a"])
        spans = {s for answer in answers for s in _occurrences(article.text, answer, sentences)}
        if answers and not spans:
            raise ValueError(f"no answer of {line['q']!r} occurs in {article.id}")
        yield NewsQuestion(
            article.id, line["q"], line["kind"], answers, tuple(sorted(spans)), sentences
        )


def _open(path: Path) -> IO[str]:
    opener = gzip.open if path.suffix == ".gz" else open
    return opener(path, "rt", encoding="utf-8")


def _nearest(text: str, words: str, start: int) -> Span | None:
    """The occurrence of the words that is nearest to ``start``."""
    starts = [match.start() for match in re.finditer(re.escape(words), text)]
    if not words or not starts:
        return None
    nearest = min(starts, key=lambda candidate: abs(candidate - start))
    return Span(nearest, nearest + len(words))


def _occurrences(text: str, answer: str, sentences: Sequence[Span]) -> list[Span]:
    """Where an answer occurs in the sentences: as whole words, if it does anywhere."""
    spans = [
        Span(sentence.start + match.start(), sentence.start + match.end())
        for sentence in sentences
        for match in re.finditer(re.escape(answer), text[sentence.start : sentence.end])
    ]
    return [span for span in spans if _is_whole_words(text, span)] or spans


def _is_whole_words(text: str, span: Span) -> bool:
    edges = f"{text[max(span.start - 1, 0) : span.start + 1]} {text[span.end - 1 : span.end + 1]}"
    return re.search(r"\w\B\w", edges) is None


def _json_lines(path: Path) -> Iterator[Any]:
    with _open(path) as file:
        yield from (json.loads(line) for line in file if line.strip())
