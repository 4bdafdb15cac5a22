"""Questions and paragraphs in the format of SQuAD (Rajpurkar et al., EMNLP 2016)."""

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
    spans = {_place(text, answer["text"].strip(), answer["answer_start"]) for answer in answers}
    return tuple(sorted(span for span in spans if span is not None))


def _place(text: str, words: str, told: int) -> Span | None:
    if not words:
        return None
    starts = [match.start() for match in re.finditer(re.escape(words), text)]
    if not starts:
        return None
    start = min(starts, key=lambda at: abs(at - told))
    return Span(start, start + len(words))
