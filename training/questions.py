"""Questions to learn from: each with the passage that answers or tempts, and with hard negatives.

They come from four places: SQuAD-it and XQuAD's English half of it; English SQuAD 2.0, whose
questions are asked on the Italian twins of its paragraphs, those without an answer too; questions
on Italian news; and those of ``training/written``, which were written for this project on the same
paragraphs, the same news, and the project's own five articles.
"""

from __future__ import annotations

import argparse
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
    SquadQuestion,
    read_articles,
    read_questions,
    read_squad,
)

# What is not learnt: the weights of evidence are fitted on it, since of what it has learnt by heart
# a model is too sure. Articles of SQuAD-it, and how many of the news.
KEPT_BACK = ("it-0", "it-11", "it-24")
NEWS_KEPT_BACK = 64
NEGATIVES = 6  # of a question, the nearest ones
OWN = Path(__file__).parent / "written"
CORPUS = Path("corpus")
LEARNT = "wn-train-"  # the beginning of the ids of news that may be learnt
SEED = 24


@dataclass(frozen=True)
class Example:
    """A question and a passage, with the places of the answer in it: none where nothing answers.

    ``title``: of the passage's article, "" where that has none.
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
        """The characters of both together."""
        return len(self.question) + len(self.shown)


@dataclass(frozen=True)
class Candidates:
    """A question with the passage that holds its answer, and negatives, nearest first.

    Where nothing answers, the passage is the one that tempts most.
    """

    positive: Example
    negatives: tuple[Example, ...]


@dataclass(frozen=True)
class Text:
    """A text to be asked about, with its questions.

    ``beside`` names the texts among which it would be searched: the paragraphs of an article, or
    all news.
    """

    title: str
    text: str
    language: str
    beside: str
    asked: tuple[TextQuestion, ...]


@dataclass(frozen=True)
class TextQuestion:
    """A question on a text: where it answers, and the sentences that do or that tempt.

    ``elsewhere``: the words that answer it in the texts beside.
    """

    text: str
    spans: tuple[Span, ...]
    around: tuple[Span, ...] = ()
    elsewhere: tuple[str, ...] = ()


def candidates(texts: Sequence[Text], embedder: Embedder) -> Iterator[Candidates]:
    """Each question with its passage and the hardest negatives of what lies beside it."""
    by_place = defaultdict(list)
    for text in texts:
        by_place[text.beside].append(text)
    for several in by_place.values():
        cut = [[(text.title, p) for p in _passages(text, embedder)] for text in several]
        every = [one for passages in cut for one in passages]
        vectors = vectors_of([titled(title, p.text) for title, p in every], embedder)
        questions = [asked.text for text in several for asked in text.asked]
        asking: Iterator[Vectors] = iter(embedder.encode_queries(questions) if questions else ())
        for text, passages in zip(several, cut, strict=True):
            for asked, query in zip(text.asked, asking, strict=False):
                positive = _positive(asked, passages)
                if positive is not None:
                    nearest = (every[at] for at in np.argsort(-(vectors @ query)))
                    yield Candidates(positive, tuple(_negatives(asked, text, positive, nearest)))


def vectors_of(texts: Sequence[str], embedder: Embedder) -> Vectors:
    """The unit vectors of many passages or sentences, shape (texts, dimensions)."""
    found: dict[str, Vectors] = {}
    for some, vectors in embedder.encode_batches(list(dict.fromkeys(texts))):
        found.update(zip(some, vectors, strict=True))
    return np.stack([found[text] for text in texts])


def some_of(texts: Sequence[Text], limit: int | None) -> list[Text]:
    """The texts with so many of their questions in all, drawn at random."""
    places = [(at, asked) for at, text in enumerate(texts) for asked in text.asked]
    if limit is None or limit >= len(places):
        return list(texts)
    kept = defaultdict(list)
    for at, asked in random.Random(SEED).sample(places, limit):  # noqa: S311
        kept[at].append(asked)
    return [replace(text, asked=tuple(kept[at])) for at, text in enumerate(texts)]


def _passages(text: Text, embedder: Embedder) -> list[Passage]:
    """The passages that the product would make of a text."""
    article = Article("text.txt", text.text, text.title, language=text.language)
    return split_article(article, embedder.count_tokens, embedder.max_tokens)


def _positive(asked: TextQuestion, passages: Sequence[tuple[str, Passage]]) -> Example | None:
    """The question with the first passage that holds one of its answers, else what tempts."""
    for title, passage in passages:
        spans = tuple(
            Span(span.start - passage.start, span.end - passage.start)
            for span in asked.spans
            if passage.start <= span.start and span.end <= passage.end
        )
        if spans:
            return Example(asked.text, passage.text, spans, title)
    if asked.spans:
        return None
    for title, passage in passages:
        if not asked.around or passage.start <= asked.around[0].start < passage.end:
            return Example(asked.text, passage.text, (), title)
    return None


def _negatives(
    asked: TextQuestion, text: Text, positive: Example, nearest: Iterable[tuple[str, Passage]]
) -> Iterator[Example]:
    """The nearest passages in which no answer stands."""
    answers = {text.text[s.start : s.end].lower() for s in asked.spans}
    answers |= {answer.lower() for answer in asked.elsewhere}
    left = NEGATIVES
    for title, passage in nearest:
        told = passage.text.lower()
        if passage.text != positive.passage and not any(answer in told for answer in answers):
            yield Example(asked.text, passage.text, (), title)
            left -= 1
            if not left:
                return


def add_sources(parser: argparse.ArgumentParser) -> None:
    """The options that name what is learnt from."""
    parser.add_argument("squad", type=Path, help="SQuAD-it's train.json.gz")
    parser.add_argument("--xquad", type=Path, help="the same questions in English")
    parser.add_argument("--squad2", type=Path, help="English SQuAD 2.0")
    parser.add_argument("--news", type=Path, help="the folder of the questions on news")
    parser.add_argument("--limit", type=int, help="of the questions of each, for a trial")


def encyclopedic(told: argparse.Namespace) -> list[Text]:
    """SQuAD-it's paragraphs that are not kept back, with English questions on them too."""
    english = _english(told.xquad, told.squad2)
    texts = []
    for paragraph in read_squad(told.squad):
        if paragraph.article in KEPT_BACK:
            continue
        asked = [TextQuestion(q.text, q.spans) for q in paragraph.asked]
        spans = {q.id: q.spans for q in paragraph.asked}
        for twin in {id(t): t for i in spans for t in english.get(i, ())}.values():
            asked += [TextQuestion(q.text, spans[q.id]) for q in twin.asked if q.id in spans]
            asked += [TextQuestion(q.text, ()) for q in twin.asked if not q.spans]
        texts.append(Text("", paragraph.text, "it", paragraph.article, tuple(asked)))
    return texts


def written_on_paragraphs(squad: Path, own: Path = OWN) -> list[Text]:
    """SQuAD-it's paragraphs, with the questions that were written for this project on them."""
    asked = defaultdict(list)
    for one in _lines(own / "encyclopedia.jsonl"):
        asked[one["article"], one["paragraph"]].append((one["q"], one["a"]))
    before: Counter[str] = Counter()
    texts = []
    for paragraph in read_squad(squad):
        place = paragraph.article, before[paragraph.article]
        before[paragraph.article] += 1
        if paragraph.article not in KEPT_BACK:
            text = paragraph.text
            questions = [TextQuestion(q, _spans(text, answers)) for q, answers in asked[place]]
            texts.append(Text("", text, "it", paragraph.article, tuple(questions)))
    return texts


def written_on_corpus(corpus: Path = CORPUS, own: Path = OWN) -> list[Text]:
    """The project's own articles, with the questions on them that are to be learnt.

    A question is asked on each article that holds an answer, else on the one that tempts.
    """
    asked = list(_lines(own / "corpus.jsonl"))
    texts = []
    for path in sorted(corpus.glob("*.txt")):
        article = read_article(path.read_bytes(), path.name)
        questions = [
            TextQuestion(
                one["q"],
                _spans(article.text, one["a"]),
                _spans(article.text, [one["tempts"]] if one["tempts"] else []),
                tuple(one["a"]),
            )
            for one in asked
            if path.name in one["articles"]
        ]
        texts.append(Text(article.heading, article.text, "it", "corpus", tuple(questions)))
    return texts


def _spans(text: str, words: Iterable[str]) -> tuple[Span, ...]:
    """Every place of any of the words in the text."""
    found = (Span(*match.span()) for one in words for match in re.finditer(re.escape(one), text))
    return tuple(sorted(set(found)))


def _lines(path: Path) -> Iterator[Any]:
    with path.open(encoding="utf-8") as file:
        yield from map(json.loads, file)


def _english(*paths: Path | None) -> dict[str, list[Paragraph]]:
    """The English paragraphs that hold a question, by its id."""
    by_id: dict[str, list[Paragraph]] = defaultdict(list)
    for path in filter(None, paths):
        for paragraph in read_squad(path, "en"):
            if paragraph.language == "en":
                for asked in paragraph.asked:
                    by_id[asked.id].append(paragraph)
    return by_id


def news_files(folder: Path, own: Path = OWN) -> list[Path]:
    """The files of questions on news that may be learnt: the folder's and our own."""
    return [folder / "train.jsonl", *sorted(own.glob("news*.jsonl"))]


def news(
    folder: Path, files: Iterable[Path] | None = None, hidden: int = NEWS_KEPT_BACK
) -> list[Text]:
    """The articles to learn from, with the questions of the files on them, or of all files.

    ``hidden``: how many articles are kept back.
    """
    files = news_files(folder) if files is None else files
    articles = _to_learn(read_articles(folder))
    kept_back = news_kept_back(articles, hidden)
    asked = [one for file in files for one in read_questions(file, articles)]
    return texts_on([a for a in articles.values() if a.id not in kept_back], asked)


def texts_on(articles: Iterable[NewsArticle], asked: Iterable[NewsQuestion]) -> list[Text]:
    """The articles, to be searched among each other, with those of the questions on them."""
    by_article: dict[str, list[TextQuestion]] = defaultdict(list)
    for one in asked:
        by_article[one.article].append(TextQuestion(one.text, one.spans, one.sentences))
    return [Text(a.title, a.text, "it", "news", tuple(by_article[a.id])) for a in articles]


def news_kept_back(articles: Collection[str], count: int = NEWS_KEPT_BACK) -> set[str]:
    """Those of the articles that are not learnt, drawn at random."""
    names = sorted(name for name in articles if name.startswith(LEARNT))
    return set(random.Random(SEED).sample(names, count))  # noqa: S311


def _to_learn(articles: dict[str, NewsArticle]) -> dict[str, NewsArticle]:
    return {name: article for name, article in articles.items() if name.startswith(LEARNT)}


def english_wordings(squad: Path, xquad: Path | None) -> dict[str, list[str]]:
    """How XQuAD asks some of the questions of the SQuAD file in English, by their Italian words."""
    by_id = _english(xquad)
    told: dict[str, list[str]] = {}
    asked: SquadQuestion
    for asked in (asked for paragraph in read_squad(squad) for asked in paragraph.asked):
        twins = [q for paragraph in by_id.get(asked.id, ()) for q in paragraph.asked]
        if twins:
            told[asked.text] = [q.text for q in twins if q.id == asked.id]
    return told
