"""Questions to learn from: each with the passage that holds its answer, and with hard negatives."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from index.articles import Article
from index.embedder import Embedder
from index.passages import Passage, split_article
from index.sentences import Span
from retrieval.evaluation.squad import Paragraph, SquadQuestion, read_squad

# Articles of the training file that are not learnt: the weights of evidence are fitted on them,
# since of what it has learnt by heart a model is too sure.
KEPT_BACK = ("it-0", "it-11", "it-24")
NEGATIVES = 4  # of a question, the nearest ones


@dataclass(frozen=True)
class Example:
    """A question and a passage, with the places of the answer in it: none for a negative."""

    question: str
    passage: str
    spans: tuple[Span, ...]


@dataclass(frozen=True)
class Candidates:
    """A question with the passage that holds its answer, and negatives, nearest first."""

    positive: Example
    negatives: tuple[Example, ...]


def candidates(paragraphs: Sequence[Paragraph], embedder: Embedder) -> Iterator[Candidates]:
    """Each question with its gold passage and the hardest negatives of its article."""
    by_article = defaultdict(list)
    for paragraph in paragraphs:
        by_article[paragraph.article].append(paragraph)
    for article in by_article.values():
        passages = [_passages(paragraph, embedder) for paragraph in article]
        texts = [passage.text for found in passages for passage in found]
        vectors = embedder.encode_passages(texts)
        for paragraph, found in zip(article, passages, strict=True):
            for asked in paragraph.asked:
                positive = _positive(asked, found)
                if positive is None:
                    continue
                nearest = np.argsort(-(vectors @ embedder.encode_query(asked.text)))
                answers = {paragraph.text[s.start : s.end].lower() for s in asked.spans}
                others = (texts[at] for at in nearest if texts[at] != positive.passage)
                lacking = [t for t in others if not any(a in t.lower() for a in answers)]
                negatives = tuple(Example(asked.text, t, ()) for t in lacking[:NEGATIVES])
                yield Candidates(positive, negatives)


def _passages(paragraph: Paragraph, embedder: Embedder) -> list[Passage]:
    """The passages that the product would make of a paragraph."""
    article = Article("paragraph.txt", paragraph.text, "", language=paragraph.language)
    return split_article(article, embedder.count_tokens, embedder.max_tokens)


def _positive(asked: SquadQuestion, passages: Sequence[Passage]) -> Example | None:
    """The question with the first passage that holds one of its answers."""
    for passage in passages:
        spans = tuple(
            Span(span.start - passage.start, span.end - passage.start)
            for span in asked.spans
            if passage.start <= span.start and span.end <= passage.end
        )
        if spans:
            return Example(asked.text, passage.text, spans)
    return None


def trained_on(squad: Path, xquad: Path | None) -> Iterator[Paragraph]:
    """What models learn from: the Italian paragraphs that are not kept back, and XQuAD's.

    Those of XQuAD that are in English, whose questions are asked on the Italian ones too.
    """
    italian = list(read_squad(squad))
    english = [p for p in read_squad(xquad) if p.language == "en"] if xquad else []
    hidden = {question.id for p in italian if p.article in KEPT_BACK for question in p.asked}
    # SQuAD-it lacks some of XQuAD's questions: articles are told by any that both have.
    kept_back = {p.article for p in english if any(q.id in hidden for q in p.asked)}
    learnt = [p for p in english if p.article not in kept_back]
    yield from learnt
    wordings: dict[str, list[SquadQuestion]] = defaultdict(list)
    for question in (question for paragraph in learnt for question in paragraph.asked):
        wordings[question.id].append(question)
    for paragraph in italian:
        if paragraph.article not in KEPT_BACK:
            translated = (
                replace(question, text=other.text, language=other.language)
                for question in paragraph.asked
                for other in wordings[question.id]
            )
            yield replace(paragraph, asked=(*paragraph.asked, *translated))


def english_wordings(squad: Path, xquad: Path | None) -> dict[str, list[str]]:
    """How XQuAD asks some of the questions of the SQuAD file in English, by their Italian words."""
    english = [p for p in read_squad(xquad) if p.language == "en"] if xquad else []
    by_id: dict[str, list[str]] = defaultdict(list)
    for asked in (asked for paragraph in english for asked in paragraph.asked):
        by_id[asked.id].append(asked.text)
    asked_in = (asked for paragraph in read_squad(squad) for asked in paragraph.asked)
    return {asked.text: by_id[asked.id] for asked in asked_in if asked.id in by_id}
