"""Articles cut into passages: runs of whole sentences, small enough for the model."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from index.articles.article import Article
from index.text.sentences import Span, sentences

TARGET_TOKENS = 256  # of a passage, unless one sentence alone is longer
MARGIN = 16  # tokens kept free for the prompt and the model's own marks

MAX_ACRONYM = 20  # characters of a line in capitals that is left as it is

CountTokens = Callable[[Sequence[str]], list[int]]


@dataclass(frozen=True)
class Passage:
    """A slice of an article's stored text, from ``sentences[0]`` to ``sentences[-1]``."""

    article: str
    heading: str
    start: int
    end: int
    text: str
    sentences: tuple[Span, ...]

    @property
    def id(self) -> str:
        """The same for the same words, below the same heading, at the same place of an article."""
        key = f"{self.article}\0{self.start}\0{titled(self.heading, self.text)}"
        return hashlib.sha256(key.encode()).hexdigest()[:32]

    def slice(self, span: Span) -> str:
        """The text of one of its sentences."""
        return self.text[span.start - self.start : span.end - self.start]


def titled(heading: str, text: str) -> str:
    """A passage or a sentence as models see it: below its article's heading, unless it begins so.

    "" is no heading. Lines in capitals are in small letters, which models know better.
    """
    shown = text if text.startswith(heading.rstrip("…")) else f"{heading}\n{text}"
    return "\n".join(map(_lowered, shown.split("\n")))


def _lowered(line: str) -> str:
    """The line, in small letters if it has no others and is long enough to be no acronym."""
    small = line.lower() if line.isupper() and len(line) > MAX_ACRONYM else line
    return small if len(small) == len(line) else line


def split_article(article: Article, count_tokens: CountTokens, max_tokens: int) -> list[Passage]:
    """The passages of an article, in order.

    Sentences are never cut: of one longer than the model reads, it sees the beginning.
    Neighbouring passages share one sentence, so that a pronoun keeps its sentence before.
    Between the sentences of a passage there is only white space. The heading fits above each.
    """
    (above,) = count_tokens([article.heading])
    limit = max(max_tokens - MARGIN - above, max_tokens // 2)  # a model may read very little
    spans = sentences(article.text)
    counts = count_tokens([article.text[s.start : s.end] for s in spans])
    sized = [(span, min(count, limit)) for span, count in zip(spans, counts, strict=True)]
    return [
        Passage(
            article.path,
            article.heading,
            group[0].start,
            group[-1].end,
            _slice(article.text, group),
            group,
        )
        for run in _runs(article.text, sized)
        for group in _pack(run, min(TARGET_TOKENS, limit))
    ]


def _slice(text: str, group: Sequence[Span]) -> str:
    return text[group[0].start : group[-1].end]


def _runs(text: str, sized: list[tuple[Span, int]]) -> Iterator[list[tuple[Span, int]]]:
    """Sentences with nothing but white space between them; boilerplate parts the runs."""
    run: list[tuple[Span, int]] = []
    for span, count in sized:
        if run and text[run[-1][0].end : span.start].strip():
            yield run
            run = []
        run.append((span, count))
    if run:
        yield run


def _pack(run: list[tuple[Span, int]], target: int) -> Iterator[tuple[Span, ...]]:
    first, total = 0, 0
    for at, (_, count) in enumerate(run):
        if at > first and total + count > target:
            yield tuple(span for span, _ in run[first:at])
            # Share the last sentence, unless the two together are too long already.
            shared = run[at - 1][1]
            first, total = (at - 1, shared) if shared + count <= target else (at, 0)
        total += count
    yield tuple(span for span, _ in run[first:])
