"""The sentences of the passages found, each with what speaks for it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from langchain_core.documents import Document

from index.articles import Article
from index.embedder import Embedder, EncodedText
from index.generation import Generation
from index.keywords import terms, words
from index.sentences import Span
from index.store import Stored
from retrieval.answer import Question
from retrieval.evidence import AskedWords, Evidence
from retrieval.interaction import TokenMatcher

_STOPS = tuple(".!?…")
_CLOSERS = "”“\"»’')]"


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
            article = articles[passage.article]
            sentence = Sentence(article, span, evidence, _is_heading(article, span))
            found.setdefault((article.path, span), sentence)
    return list(found.values())


class _Articles(dict[str, Article]):
    """Articles by path, each read once."""

    def __init__(self, generation: Generation) -> None:
        super().__init__()
        self._store = generation.store

    def __missing__(self, path: str) -> Article:
        article = self._store.article(path)
        if article is None:
            raise KeyError(path)
        self[path] = article
        return article


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


def _is_heading(article: Article, span: Span) -> bool:
    """Whether the sentence is the article's title over its text, or a line without a full stop."""
    text = article.text
    start = text.rfind("\n", 0, span.start) + 1
    end = text.find("\n", span.end)
    line = text[start : end if end >= 0 else len(text)].strip()
    if len(line) == len(text.strip()):
        return False
    if text.lstrip().startswith(line) and line in article.title:
        return True
    alone = line == text[span.start : span.end]
    return alone and not line.rstrip(_CLOSERS).endswith((*_STOPS, ":", ";"))
