"""The sentences of the passages found, each with what speaks for it."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from index.articles.article import Article
from index.generations.generation import Generation
from index.generations.store import Stored
from index.models.embedder import Embedder
from index.models.encoder import Vectors
from index.text.sentences import Span, ends_a_sentence, logical_lines
from retrieval.answer import Question
from retrieval.answering.reader import Page, Reader
from retrieval.answering.search import ScoredPassage
from retrieval.answering.weights import Evidence
from retrieval.questions.scope import ScopedQuestion

LONGEST = 400  # characters of two neighbours that are quoted together
FARTHEST = 1.0  # behind the best passage's score; of few passages all but one are far behind
LONGEST_HEADLINE = 300  # characters of a first line that may be a headline of several sentences
_OPENING = r"^[\s«“\"‘'(–—-]*"
# "Egli ha detto", "Questo incontro", "They met": somebody or something told of before.
_POINTS_BACK = re.compile(
    _OPENING + r"(?:(?:ma|e|anche|inoltre|però|poi|so|but|and)\s+)?"
    r"(?:egli|ella|lui|lei|essi|esse|esso|essa|costui|costei|quest[oaei]|quell[oaei]|quei|quegli|ciò|tal[ei]"
    r"|l[oa] stess[oa]|gli stessi|le stesse|entrambi|entrambe|il primo|il secondo|la prima"
    r"|la seconda|quest’ultim[oa]|quest'ultim[oa]|he|she|it|they|this|these|those|both)\b",
    re.IGNORECASE,
)
# "Il leader ha detto": who he is was said before, unless a name follows.
_DESCRIBED = re.compile(
    _OPENING + r"(?:il|la|lo|i|gli|le|l[’']|the)\s*"
    r"(?:leader|president\w*|dittator\w*|premier|ministr\w*|cancellier\w*|sindac\w*|portavoce"
    r"|capo\w*|uom\w*|donn\w*|ragazz\w*|coppia|governator\w*|generale|segretari\w*|due"
    r"|man|woman|minister|mayor|governor|two)\b(?P<more>(?:\s+[\w’'-]+){0,4})",
    re.IGNORECASE,
)
_NAME = re.compile(r"(?:^|\s|[’'])[A-ZÀ-Ý]")


def refers_back(text: str) -> bool:
    """Whether the sentence begins with somebody or something that it does not name."""
    described = _DESCRIBED.match(text)
    if described and not _NAME.search(described["more"]):
        return True
    return _POINTS_BACK.match(text) is not None


@dataclass(frozen=True)
class Sentence:
    """A sentence of an article. ``heading``: a headline or a title, which answers nothing.

    ``answer``: the words that are likely to answer, by a reader. ``before``: the sentence
    before it, if it points back to that: the two are weighed and quoted together, and either may
    hold the words that answer. ``vector``: its unit vector in the index, shape (dimensions,).
    """

    article: Article
    span: Span
    evidence: Evidence
    heading: bool
    answer: Span | None = None
    before: Span | None = None
    vector: Vectors | None = field(default=None, compare=False, repr=False)

    @property
    def shown(self) -> str:
        """Its words, after those that it points back to."""
        return self.article.text[(self.before or self.span).start : self.span.end]

    @property
    def text(self) -> str:
        """Its words."""
        return self.article.text[self.span.start : self.span.end]

    @property
    def answer_text(self) -> str:
        """The words that answer; "" where none are known."""
        return self.article.text[self.answer.start : self.answer.end] if self.answer else ""


def gather_sentences(
    asked: ScopedQuestion,
    found: Sequence[ScoredPassage],
    generation: Generation,
    embedder: Embedder,
    reader: Reader | None = None,
) -> list[Sentence]:
    """Every sentence of the passages found, once, in the order of the passages."""
    if not found:
        return []
    passages = [
        _Passage(one.passage, generation.sentences(one.passage), one.behind) for one in found
    ]
    articles = _Articles(generation)
    owners = [articles[passage.stored.article][0] for passage in passages]
    questions = [asked.put_to(article.date) for article in owners]
    views = _read(questions, passages, owners, reader)
    english = float(asked.question.is_english)
    best: dict[tuple[str, Span], Sentence] = {}
    for passage, question, view in zip(passages, questions, views, strict=True):
        vector = embedder.encode_query(question.text)
        vectors = generation.sentence_vectors(passage.stored)
        cosines = (vectors @ vector).tolist()
        article, lines = articles[passage.stored.article]
        for span, read, own, cosine in zip(passage.spans, view, vectors, cosines, strict=True):
            line = _line_of(article.text, lines, span)
            if not _is_cut(article.text, line, span):  # a part of a sentence is never quoted
                heading = _is_heading(article.text, line, span) or _is_title(article, span)
                behind = min(passage.behind, FARTHEST)
                evidence = Evidence(cosine, behind, english, read.reader)
                answer = read.answer and _moved(read.answer, passage.stored.start)
                sentence = Sentence(article, span, evidence, heading, answer, vector=own)
                before = best.get((article.path, span))  # in the passage before, at its end
                if before is None or before.evidence.reader < evidence.reader:
                    best[article.path, span] = sentence
    return _leaning(list(best.values()))


def whole_sentences(article: Article, spans: Iterable[Span]) -> list[Span]:
    """Those of the spans of a passage's sentences that are no part of a longer one."""
    lines = list(logical_lines(article.text))
    return [s for s in spans if not _is_cut(article.text, _line_of(article.text, lines, s), s)]


def adjoin(one: Sentence, other: Sentence) -> bool:
    """Whether two sentences are neighbours in one paragraph and short enough together."""
    if one.article.path != other.article.path or one.span == other.span:
        return False
    first, second = sorted((one.span, other.span))
    gap = one.article.text[first.end : second.start]
    return not gap.strip() and "\n" not in gap and second.end - first.start <= LONGEST


def _leaning(sentences: Sequence[Sentence]) -> list[Sentence]:
    """The sentences, those that point back with the one before them."""
    ordered = sorted(sentences, key=lambda s: (s.article.path, s.span))
    leaning = {
        (sentence.article.path, sentence.span): _led_by(before, sentence)
        for before, sentence in itertools.pairwise(ordered)
        if adjoin(before, sentence) and refers_back(sentence.text)
    }
    return [leaning.get((s.article.path, s.span), s) for s in sentences]


def _led_by(before: Sentence, sentence: Sentence) -> Sentence:
    """Who "he" is stands in the sentence before: it may hold the words that answer."""
    leads = before.evidence.reader > sentence.evidence.reader
    evidence = replace(
        sentence.evidence,
        reader=max(before.evidence.reader, sentence.evidence.reader),
    )
    answer = before.answer if leads else sentence.answer
    return replace(sentence, evidence=evidence, answer=answer, before=before.span)


@dataclass(frozen=True)
class _Passage:
    """A passage found: the spans of its sentences in the article, ``behind`` as searched."""

    stored: Stored
    spans: list[Span]
    behind: float

    @property
    def inner(self) -> list[Span]:
        """The spans of its sentences in its own text."""
        return [_moved(span, -self.stored.start) for span in self.spans]


@dataclass(frozen=True)
class _View:
    """What only reading a sentence in its passage tells of it. ``answer``: in the passage."""

    reader: float = 0.0
    answer: Span | None = None


def _read(
    questions: Sequence[Question],
    passages: Sequence[_Passage],
    articles: Sequence[Article],
    reader: Reader | None,
) -> list[list[_View]]:
    """The views of each passage's sentences, each read with its own question."""
    views = [[_View() for _ in passage.spans] for passage in passages]
    if reader is None:
        return views
    for question in dict.fromkeys(questions):
        places = [at for at, own in enumerate(questions) if own == question]
        pages = [
            Page(articles[at].heading, passages[at].stored.text, passages[at].inner)
            for at in places
        ]
        for at, readings in zip(places, reader.read(question.text, pages), strict=True):
            views[at] = [_View(one.score, one.span) for one in readings]
    return views


def _moved(span: Span, by: int) -> Span:
    return Span(span.start + by, span.end + by)


class _Articles(dict[str, tuple[Article, list[Span]]]):
    """Articles with their logical lines by path, each read once."""

    def __init__(self, generation: Generation) -> None:
        super().__init__()
        self._store = generation.store

    def __missing__(self, path: str) -> tuple[Article, list[Span]]:
        article = self._store.article(path)
        if article is None:
            raise KeyError(path)
        self[path] = article, list(logical_lines(article.text))
        return self[path]


def _line_of(text: str, lines: Sequence[Span], span: Span) -> Span:
    """The logical line that holds the sentence, its outer white space left out."""
    line = next(line for line in lines if line.start <= span.start and span.end <= line.end)
    content = text[line.start : line.end]
    start = line.start + len(content) - len(content.lstrip())
    return Span(start, start + len(content.strip()))


def _is_heading(text: str, line: Span, span: Span) -> bool:
    """Whether the sentence belongs to a headline: a line of its own that ends without a stop."""
    if ends_a_sentence(text[line.start : line.end]) or not _others(text, line):
        return False
    first = not text[: line.start].strip()
    return line == span or (first and line.end - line.start <= LONGEST_HEADLINE)


def _is_title(article: Article, span: Span) -> bool:
    """Whether the sentence is the title, repeated before the text with a stop."""
    return article.text[span.start : span.end] == f"{article.title}."


def _others(text: str, line: Span) -> bool:
    return bool(text[: line.start].strip() or text[line.end :].strip())


def _is_cut(text: str, line: Span, span: Span) -> bool:
    """Whether the span is part of a sentence that was too long for the model."""
    whole_start = span.start == line.start or ends_a_sentence(text[line.start : span.start])
    whole_end = span.end == line.end or ends_a_sentence(text[span.start : span.end])
    return not (whole_start and whole_end)
