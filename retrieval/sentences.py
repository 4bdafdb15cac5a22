"""The sentences of the passages found, each with what speaks for it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from langchain_core.documents import Document

from index.articles import Article
from index.embedder import Embedder, EncodedText
from index.generation import Generation
from index.keywords import terms, words
from index.sentences import Span, ends_a_sentence, logical_lines
from index.store import Stored
from retrieval.answer import Question
from retrieval.evidence import AskedWords, Evidence
from retrieval.interaction import TokenMatcher

LONGEST_HEADLINE = 300  # characters of a first line that may be a headline of several sentences


@dataclass(frozen=True)
class Sentence:
    """A sentence of an article. ``heading``: a headline or a title, which answers nothing."""

    article: Article
    span: Span
    evidence: Evidence
    heading: bool

    @property
    def text(self) -> str:
        """Its words."""
        return self.article.text[self.span.start : self.span.end]


def weighed_sentences(
    question: Question,
    documents: Sequence[Document],
    generation: Generation,
    embedder: Embedder,
) -> list[Sentence]:
    """Every sentence of the documents, once, in the order of the documents."""
    if not documents:
        return []
    passages = generation.store.passages([d.metadata["row"] for d in documents])
    tokens = embedder.encode_passage_tokens([passage.text for passage in passages])
    encoded = embedder.encode_query(question.text)
    matcher = TokenMatcher(question.text, encoded, tokens)
    asked = AskedWords(question, generation.keywords)
    articles = _Articles(generation)
    found: dict[tuple[str, Span], Sentence] = {}
    for passage, passage_tokens in zip(passages, tokens, strict=True):
        weighing = _Weighing(asked, encoded, matcher, passage, generation)
        for span, evidence in weighing.evidence(passage_tokens):
            article, lines = articles[passage.article]
            line = _line_of(article.text, lines, span)
            if not _is_cut(article.text, line, span):  # a part of a sentence is never quoted
                heading = _is_heading(article.text, line, span)
                sentence = Sentence(article, span, evidence, heading)
                found.setdefault((article.path, span), sentence)
    return list(found.values())


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


class _Weighing:
    """Weighs the sentences of one passage."""

    def __init__(
        self,
        asked: AskedWords,
        encoded: EncodedText,
        matcher: TokenMatcher,
        passage: Stored,
        generation: Generation,
    ) -> None:
        self._asked, self._matcher, self._passage = asked, matcher, passage
        self._spans = generation.sentences(passage)
        self._cosines = generation.sentence_vectors(passage) @ encoded.vector

    def evidence(self, tokens: EncodedText) -> Iterator[tuple[Span, Evidence]]:
        """The spans of the passage's sentences in the article, with their evidence."""
        asked, offset = self._asked, self._passage.start
        inner = [Span(s.start - offset, s.end - offset) for s in self._spans]
        whole, parts = self._matcher.compare(tokens, inner)
        stranger = asked.names_stranger(set(words(self._passage.text)))
        before: set[str] = set()
        for at, (span, part) in enumerate(zip(inner, parts, strict=True)):
            text = self._passage.text[span.start : span.end]
            found = set(terms(text))
            yield (
                self._spans[at],
                Evidence(
                    cosine=float(self._cosines[at]),
                    words=asked.resembled(found),
                    context=asked.shared(found | before),
                    tokens=part.whole,
                    passage=whole.whole,
                    weakest=whole.weakest,
                    stranger=stranger,
                    counted=asked.counts(text),
                    mistyped=asked.mistypes(text),
                    english=asked.english,
                ),
            )
            before = found


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


def _others(text: str, line: Span) -> bool:
    return bool(text[: line.start].strip() or text[line.end :].strip())


def _is_cut(text: str, line: Span, span: Span) -> bool:
    """Whether the span is part of a sentence that was too long for the model."""
    whole_start = span.start == line.start or ends_a_sentence(text[line.start : span.start])
    whole_end = span.end == line.end or ends_a_sentence(text[span.start : span.end])
    return not (whole_start and whole_end)
