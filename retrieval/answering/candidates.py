"""The sentences of the passages found, each with the evidence for it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cache

from index.articles.article import Article
from index.generations.generation import Generation
from index.models.embedder import Embedder
from index.models.encoder import Vectors
from index.text.clean import shown
from index.text.language import MAIN, alternatives
from index.text.sentences import Span
from retrieval.answer import Question
from retrieval.answering.article_lines import MAX_PAIR_LENGTH, ArticleLines
from retrieval.answering.reader import Page, Reader, Reading
from retrieval.answering.search import ScoredPassage
from retrieval.answering.weights import Evidence
from retrieval.questions.scope import ScopedQuestion

MAX_BEHIND = 1.0  # the best passage; where few passages are found, all but one are far behind
MAX_LEAD = 10.0  # of the words that answer before the best others: beyond, none can be meant
_OPENING = r"[\s«“\"‘'(–—-]*"
_NAME = re.compile(r"(?:^|\s|[’'])[A-ZÀ-Ý]")


@dataclass(frozen=True)
class Sentence:
    """A sentence of an article. ``heading``: a headline, a title or a question, no answer.

    ``answer``: the words that probably answer, according to the reader. ``before``: the preceding
    sentence, if this one refers back to it. The two are weighed and quoted together, and either
    may hold the answer. ``lead``: what introduces it, as a question or the head of a table, and is
    quoted with it; ``head``: likewise, but from further above; ``whole``: the sentence with what it
    announces below it. ``vector``: its unit vector, shape (dimensions,).
    """

    article: Article
    span: Span
    evidence: Evidence
    heading: bool
    answer: Span | None = None
    before: Span | None = None
    lead: Span | None = None
    head: Span | None = None
    whole: Span | None = None
    vector: Vectors | None = field(default=None, compare=False, repr=False)

    @property
    def key(self) -> tuple[str, Span]:
        """What identifies the sentence: its article's path, and its span."""
        return self.article.path, self.span

    @property
    def text(self) -> str:
        """The sentence alone."""
        return self.article.text[self.span.start : self.span.end]

    @property
    def shown(self) -> str:
        """The sentence, after what introduces it or what it refers back to."""
        return self.article.text[(self.lead or self.before or self.span).start : self.span.end]

    @property
    def answer_text(self) -> str:
        """The words that answer; "" if none are known."""
        return self.article.text[self.answer.start : self.answer.end] if self.answer else ""


def gather_sentences(
    scoped_question: ScopedQuestion,
    passages: Sequence[ScoredPassage],
    generation: Generation,
    embedder: Embedder,
    reader: Reader | None = None,
) -> list[Sentence]:
    """Weigh the sentences of the passages: each sentence once, in the order of the passages."""
    lines_of = cache(lambda path: ArticleLines(_article(path, generation)))
    excerpts = []
    for scored in passages:
        lines = lines_of(scored.passage.article)
        question = scoped_question.wording_for(lines.article.date)
        excerpts.append(_Excerpt(scored, lines, generation.sentences(scored.passage), question))
    foreign = float(scoped_question.question.language != MAIN)
    best: dict[tuple[str, Span], Sentence] = {}
    for excerpt, readings in zip(excerpts, _readings(excerpts, reader), strict=True):
        for sentence in excerpt.weighed(readings, foreign, generation, embedder):
            # Passages overlap: of a sentence in two of them, the better reading counts.
            rival = best.get(sentence.key)
            if rival is None or rival.evidence.reader < sentence.evidence.reader:
                best[sentence.key] = sentence
    return list(best.values())


def refers_back(text: str) -> bool:
    """Whether a sentence begins with somebody or something that it does not name.

    "Egli ha detto", "They met" do; so does "Il leader ha detto", unless a name follows.
    """
    text = shown(text)
    described = _described().match(text)
    if described and not _NAME.search(described["more"]):
        return True
    return _pointing().match(text) is not None


@cache
def _pointing() -> re.Pattern[str]:
    lead = rf"(?:{alternatives('leads_on')}\s+)?"
    return re.compile(rf"{_OPENING}{lead}{alternatives('points_back')}\b", re.IGNORECASE)


@cache
def _described() -> re.Pattern[str]:
    who = rf"{alternatives('article')}\s*{alternatives('person')}\b"
    return re.compile(rf"{_OPENING}{who}(?P<more>(?:\s+[\w’'-]+){{0,4}})", re.IGNORECASE)


def adjoin(sentence: Sentence, neighbour: Sentence) -> bool:
    """Whether two sentences are neighbours in one paragraph and short enough together."""
    if sentence.article.path != neighbour.article.path or sentence.span == neighbour.span:
        return False
    first, second = sorted((sentence.span, neighbour.span))
    gap = sentence.article.text[first.end : second.start]
    return not gap.strip() and "\n" not in gap and second.end - first.start <= MAX_PAIR_LENGTH


@dataclass(frozen=True)
class _Excerpt:
    """A passage, the spans of its sentences in the article, and the question it is asked."""

    scored: ScoredPassage
    lines: ArticleLines
    spans: list[Span]
    question: Question

    @property
    def page(self) -> Page:
        """The passage for the reader."""
        passage = self.scored.passage
        spans = [_shifted(span, -passage.start) for span in self.spans]
        return Page(self.lines.article.heading, passage.text, spans)

    def weighed(
        self,
        readings: Sequence[Reading | None],
        foreign: float,
        generation: Generation,
        embedder: Embedder,
    ) -> Iterator[Sentence]:
        """The sentences of the passage with the evidence for each."""
        passage, behind = self.scored.passage, min(self.scored.behind, MAX_BEHIND)
        vectors = generation.sentence_vectors(passage)
        cosines = (vectors @ embedder.encode_query(self.question.text)).tolist()
        for span, reading, vector, cosine in zip(
            self.spans, readings, vectors, cosines, strict=True
        ):
            evidence = Evidence(cosine, behind, foreign)
            if reading:
                ahead = min(reading.score - reading.rival, MAX_LEAD)
                evidence = replace(evidence, reader=reading.score, lead=ahead)
            answer = _shifted(reading.span, passage.start) if reading else None
            heading = self.lines.is_heading(span) or self.lines.asks(span)
            yield Sentence(
                self.lines.article,
                span,
                evidence,
                heading,
                answer,
                lead=self.lines.lead(span),
                head=self.lines.head(span),
                whole=self.lines.announced(span),
                vector=vector,
            )


def _article(path: str, generation: Generation) -> Article:
    article = generation.store.article(path)
    if article is None:
        raise KeyError(path)
    return article


def _readings(
    excerpts: Sequence[_Excerpt], reader: Reader | None
) -> list[Sequence[Reading | None]]:
    """What the reader finds in each sentence of each excerpt; all None without a reader."""
    readings: list[Sequence[Reading | None]] = [[None] * len(e.spans) for e in excerpts]
    if reader is None:
        return readings
    for question in dict.fromkeys(excerpt.question for excerpt in excerpts):
        numbers = [n for n, excerpt in enumerate(excerpts) if excerpt.question == question]
        pages = [excerpts[n].page for n in numbers]
        for n, page_readings in zip(numbers, reader.read(question.text, pages), strict=True):
            readings[n] = page_readings
    return readings


def _shifted(span: Span, offset: int) -> Span:
    return Span(span.start + offset, span.end + offset)
