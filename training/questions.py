"""Questions to learn from: each with the passage that answers or tempts, and with hard negatives.

There are four sources: SQuAD-it with XQuAD's English questions; English SQuAD 2.0, whose questions,
also those without an answer, are asked on the Italian twins of its paragraphs; questions on Italian
news; and ``training/written``, written for this project on the same paragraphs, the same news, and
the project's own five articles.
"""

from __future__ import annotations

import argparse
import itertools
import json
import random
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from index.articles.article import Article, read_article
from index.generations.passages import Passage, split_article, titled
from index.models.embedder import Embedder
from index.models.encoder import Vectors
from index.text.sentences import Span
from retrieval.evaluation.datasets import (
    NewsArticle,
    NewsQuestion,
    Paragraph,
    read_articles,
    read_questions,
    read_squad,
)

# Articles that are not learnt: the weights of evidence are fitted on them, since a model is too
# sure of what it has memorized. The ids of SQuAD-it's, and the number of news articles.
KEPT_BACK = ("it-0", "it-11", "it-24")
NEWS_KEPT_BACK = 64
NEGATIVES = 6  # of a question: the nearest passages
OWN = Path(__file__).parent / "written"
CORPUS = Path("corpus")
LEARNT = "wn-train-"  # prefix of the ids of news that may be learnt
SEED = 24


@dataclass(frozen=True)
class Example:
    """A question and a passage, with the spans of the answer in it: none where it has no answer.

    ``title`` is that of the passage's article, "" where it has none.
    """

    question: str
    passage: str
    spans: tuple[Span, ...]
    title: str = ""

    @property
    def shown(self) -> str:
        """The passage as models see it."""
        return titled(self.title, self.passage)

    @property
    def length(self) -> int:
        """The characters of question and passage."""
        return len(self.question) + len(self.shown)


@dataclass(frozen=True)
class Candidates:
    """A question with the passage that holds its answer, and negatives, nearest first.

    Without an answer, the passage is the most tempting one.
    """

    positive: Example
    negatives: tuple[Example, ...]


@dataclass(frozen=True)
class Text:
    """A text with questions on it.

    ``collection`` names the texts among which it would be searched: the paragraphs of an article,
    or all news.
    """

    title: str
    text: str
    language: str
    collection: str
    questions: tuple[TextQuestion, ...]


@dataclass(frozen=True)
class TextQuestion:
    """A question on a text: the spans of its answers, and the sentences that hold them or tempt.

    ``elsewhere`` are the words that answer it in other texts of the collection.
    """

    text: str
    spans: tuple[Span, ...]
    sentences: tuple[Span, ...] = ()
    elsewhere: tuple[str, ...] = ()


def candidates(texts: Sequence[Text], embedder: Embedder) -> Iterator[Candidates]:
    """Each question with its passage and the hardest negatives of its collection."""
    collections = defaultdict(list)
    for text in texts:
        collections[text.collection].append(text)
    for collection in collections.values():
        split = [[(text.title, p) for p in _passages(text, embedder)] for text in collection]
        titled_passages = [pair for passages in split for pair in passages]
        vectors = vectors_of([titled(title, p.text) for title, p in titled_passages], embedder)
        wordings = [question.text for text in collection for question in text.questions]
        queries: Iterator[Vectors] = iter(embedder.encode_queries(wordings) if wordings else ())
        for text, passages in zip(collection, split, strict=True):
            for question, query in zip(text.questions, queries, strict=False):
                positive = _positive(question, passages)
                if positive is not None:
                    nearest = (titled_passages[i] for i in np.argsort(-(vectors @ query)))
                    yield Candidates(positive, tuple(_negatives(question, text, positive, nearest)))


def vectors_of(texts: Sequence[str], embedder: Embedder) -> Vectors:
    """The unit vectors of many passages or sentences, shape (texts, dimensions)."""
    by_text: dict[str, Vectors] = {}
    for batch, vectors in embedder.encode_batches(list(dict.fromkeys(texts))):
        by_text.update(zip(batch, vectors, strict=True))
    return np.stack([by_text[text] for text in texts])


def sampled(texts: Sequence[Text], limit: int | None) -> list[Text]:
    """The texts with ``limit`` of their questions in all, drawn at random."""
    pairs = [(i, question) for i, text in enumerate(texts) for question in text.questions]
    if limit is None or limit >= len(pairs):
        return list(texts)
    kept = defaultdict(list)
    for i, question in random.Random(SEED).sample(pairs, limit):  # noqa: S311
        kept[i].append(question)
    return [replace(text, questions=tuple(kept[i])) for i, text in enumerate(texts)]


def _passages(text: Text, embedder: Embedder) -> list[Passage]:
    """The passages that the product would make of a text."""
    article = Article("text.txt", text.text, text.title, language=text.language)
    return split_article(article, embedder.count_tokens, embedder.max_tokens)


def _positive(question: TextQuestion, passages: Sequence[tuple[str, Passage]]) -> Example | None:
    """The question with the first passage that holds an answer; without one, that tempts."""
    for title, passage in passages:
        spans = tuple(
            Span(span.start - passage.start, span.end - passage.start)
            for span in question.spans
            if passage.start <= span.start and span.end <= passage.end
        )
        if spans:
            return Example(question.text, passage.text, spans, title)
    if question.spans:
        return None
    for title, passage in passages:
        if not question.sentences or passage.start <= question.sentences[0].start < passage.end:
            return Example(question.text, passage.text, (), title)
    return None


def _negatives(
    question: TextQuestion, text: Text, positive: Example, nearest: Iterable[tuple[str, Passage]]
) -> Iterator[Example]:
    """The nearest passages that contain no answer."""
    answers = {text.text[s.start : s.end].lower() for s in question.spans}
    answers |= {answer.lower() for answer in question.elsewhere}
    negatives = (
        Example(question.text, passage.text, (), title)
        for title, passage in nearest
        if passage.text != positive.passage
        and not any(answer in passage.text.lower() for answer in answers)
    )
    return itertools.islice(negatives, NEGATIVES)


def add_sources(parser: argparse.ArgumentParser) -> None:
    """Add the options that name the sources."""
    parser.add_argument("squad", type=Path, help="SQuAD-it's train.json.gz")
    parser.add_argument("--xquad", type=Path, help="the same questions in English")
    parser.add_argument("--squad2", type=Path, help="English SQuAD 2.0")
    parser.add_argument("--news", type=Path, help="the folder of the questions on news")
    parser.add_argument("--limit", type=int, help="of the questions of each, for a trial")


def encyclopedic(sources: argparse.Namespace) -> list[Text]:
    """SQuAD-it's paragraphs that are not kept back, with Italian and English questions on them."""
    english = _english(sources.xquad, sources.squad2)
    texts = []
    for paragraph in read_squad(sources.squad):
        if paragraph.article in KEPT_BACK:
            continue
        questions = [TextQuestion(q.text, q.spans) for q in paragraph.asked]
        spans = {q.id: q.spans for q in paragraph.asked}
        for twin in {id(t): t for i in spans for t in english.get(i, ())}.values():
            questions += [TextQuestion(q.text, spans[q.id]) for q in twin.asked if q.id in spans]
            questions += [TextQuestion(q.text, ()) for q in twin.asked if not q.spans]
        texts.append(Text("", paragraph.text, "it", paragraph.article, tuple(questions)))
    return texts


def written_on_paragraphs(squad: Path, own: Path = OWN) -> list[Text]:
    """SQuAD-it's paragraphs, with the questions that were written for this project on them."""
    written = defaultdict(list)
    for line in _lines(own / "encyclopedia.jsonl"):
        written[line["article"], line["paragraph"]].append((line["q"], line["a"]))
    before: Counter[str] = Counter()  # paragraphs of each article
    texts = []
    for paragraph in read_squad(squad):
        key = paragraph.article, before[paragraph.article]
        before[paragraph.article] += 1
        if paragraph.article not in KEPT_BACK:
            text = paragraph.text
            questions = [TextQuestion(q, _spans(text, answers)) for q, answers in written[key]]
            texts.append(Text("", text, "it", paragraph.article, tuple(questions)))
    return texts


def written_on_corpus(corpus: Path = CORPUS, own: Path = OWN) -> list[Text]:
    """The project's own articles, with the questions on them that are to be learnt.

    A question is asked on each article that holds an answer, else on the one that tempts.
    """
    lines = list(_lines(own / "corpus.jsonl"))
    texts = []
    for path in sorted(corpus.glob("*.txt")):
        article = read_article(path.read_bytes(), path.name)
        questions = [
            TextQuestion(
                line["q"],
                _spans(article.text, line["a"]),
                _spans(article.text, [line["tempts"]] if line["tempts"] else []),
                tuple(line["a"]),
            )
            for line in lines
            if path.name in line["articles"]
        ]
        texts.append(Text(article.heading, article.text, "it", "corpus", tuple(questions)))
    return texts


def _spans(text: str, phrases: Iterable[str]) -> tuple[Span, ...]:
    """All occurrences of the phrases in the text."""
    matches = (match for phrase in phrases for match in re.finditer(re.escape(phrase), text))
    return tuple(sorted({Span(*match.span()) for match in matches}))


def _lines(path: Path) -> Iterator[Any]:
    with path.open(encoding="utf-8") as file:
        yield from map(json.loads, file)


def _english(*paths: Path | None) -> dict[str, list[Paragraph]]:
    """The English paragraphs that hold a question, by its id."""
    by_id: dict[str, list[Paragraph]] = defaultdict(list)
    for path in filter(None, paths):
        for paragraph in read_squad(path, "en"):
            if paragraph.language == "en":
                for question in paragraph.asked:
                    by_id[question.id].append(paragraph)
    return by_id


def news_files(folder: Path, own: Path = OWN) -> list[Path]:
    """The files of questions on news that may be learnt: the folder's and our own."""
    return [folder / "train.jsonl", *sorted(own.glob("news*.jsonl"))]


def news(
    folder: Path, files: Iterable[Path] | None = None, hidden: int = NEWS_KEPT_BACK
) -> list[Text]:
    """The articles to learn from, with the questions of the files on them, by default of all files.

    ``hidden``: how many articles are kept back.
    """
    files = news_files(folder) if files is None else files
    articles = {name: a for name, a in read_articles(folder).items() if name.startswith(LEARNT)}
    kept_back = news_kept_back(articles, hidden)
    questions = [question for file in files for question in read_questions(file, articles)]
    return texts_on([a for a in articles.values() if a.id not in kept_back], questions)


def texts_on(articles: Iterable[NewsArticle], questions: Iterable[NewsQuestion]) -> list[Text]:
    """The articles, as one collection, with the questions on them."""
    by_article: dict[str, list[TextQuestion]] = defaultdict(list)
    for q in questions:
        by_article[q.article].append(TextQuestion(q.text, q.spans, q.sentences))
    return [Text(a.title, a.text, "it", "news", tuple(by_article[a.id])) for a in articles]


def news_kept_back(articles: Collection[str], count: int = NEWS_KEPT_BACK) -> set[str]:
    """The ids of the articles that are not learnt, drawn at random."""
    names = sorted(name for name in articles if name.startswith(LEARNT))
    return set(random.Random(SEED).sample(names, count))  # noqa: S311


def english_wordings(squad: Path, xquad: Path | None) -> dict[str, list[str]]:
    """XQuAD's English wordings of questions in the SQuAD file, by their Italian wording."""
    by_id = _english(xquad)
    wordings: dict[str, list[str]] = {}
    for italian in (question for paragraph in read_squad(squad) for question in paragraph.asked):
        twins = [q for paragraph in by_id.get(italian.id, ()) for q in paragraph.asked]
        if twins:
            wordings[italian.text] = [q.text for q in twins if q.id == italian.id]
    return wordings
