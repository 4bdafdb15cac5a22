"""Tells whether quotations that were taken along still stand in the articles, without a model."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any

from index.articles.article import Article
from index.generations.current import CurrentIndex
from index.generations.generation import Generation
from index.text.sentences import Span
from index.text.wording import Difference, differences, wording
from index.text.words import terms
from retrieval.answer import Quotation
from retrieval.answering.quotations import quotation
from retrieval.verifying.occurrences import Window, most_similar, occurrences
from retrieval.verifying.outcome import ClaimError
from retrieval.verifying.receipts.record import Record
from retrieval.verifying.verification import MIN_SHARED_TERMS, MIN_SIMILARITY

MAX_ELSEWHERE = 10  # other articles that are named


class Standing(StrEnum):
    """What became of a quotation."""

    SAME = "same"  # the same words at the same place of the same text
    KEPT = "kept"  # at the same place, but the article has changed elsewhere
    MOVED = "moved"  # at another place of the article, which has changed
    RENAMED = "renamed"  # the article is in another file
    ALTERED = "altered"  # the article has it in other words
    REMOVED = "removed"  # the article has it no longer
    GONE = "gone"  # there is no such article any more

    @property
    def stands(self) -> bool:
        """Whether the article still has these words, to the letter."""
        return self in (Standing.SAME, Standing.KEPT, Standing.MOVED, Standing.RENAMED)


@dataclass(frozen=True)
class Judged:
    """What became of a quotation.

    ``now``: the slice that has its words, or what became of these; None where there is none.
    ``differences``: between the words then and now. ``elsewhere``: where other articles have the
    words to the letter, if this one does not.
    """

    record: Record
    standing: Standing
    now: Quotation | None = None
    differences: tuple[Difference, ...] = ()
    elsewhere: tuple[Quotation, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The keys that ``virgolette verify --receipt --json`` promises for a quotation."""
        return {
            **_fields(self.record.quote),
            "accessed": self.record.accessed.isoformat(),
            "standing": self.standing.value,
            "stands": self.standing.stands,
            "now": _fields(self.now) if self.now else None,
            "differences": [asdict(difference) for difference in self.differences],
            "elsewhere": [_fields(quote) for quote in self.elsewhere],
        }


def judge_in(index: CurrentIndex, records: Iterable[Record]) -> list[Judged]:
    """Judge quotations by the current generation, in their order. Raises ClaimError: no index."""
    with index.reading() as generation:
        if generation is None:
            raise ClaimError("no_index", "there is no index yet: run virgolette index")
        return [judge(record, generation) for record in records]


def judge(record: Record, generation: Generation) -> Judged:
    """Judge a quotation by a generation."""
    return _Judgement(record, generation).judged()


def slice_in(article: Article, span: Span, generation: Generation) -> Quotation | None:
    """A slice of an article of the generation; None where that does not have it."""
    return quotation(article, span, None, 0.0, generation)


@dataclass(frozen=True)
class _Judgement:
    record: Record
    generation: Generation

    def judged(self) -> Judged:
        """What became of the quotation of the record."""
        taken = self.record.quote
        article = self.generation.store.article(taken.article)
        if article and article.sha256 == taken.sha256 and self._start(article) == taken.start:
            return Judged(self.record, Standing.SAME, self._slice(article, taken.start, taken.end))
        renamed = None if article else self._renamed()
        known = article or renamed
        if known is None:
            return Judged(self.record, Standing.GONE, elsewhere=self._elsewhere())
        start = self._start(known)
        if start is not None:
            standing = Standing.KEPT if start == taken.start else Standing.MOVED
            now = self._slice(known, start, start + len(taken.text))
            return Judged(self.record, Standing.RENAMED if renamed else standing, now)
        if altered := self._altered(known):
            return Judged(
                self.record,
                Standing.ALTERED,
                altered,
                tuple(differences(taken.text, altered.text)),
                self._elsewhere(known),
            )
        return Judged(self.record, Standing.REMOVED, elsewhere=self._elsewhere(known))

    def _start(self, article: Article) -> int | None:
        """Where the article has the words: nearest to where they were."""
        taken = self.record.quote
        starts = _starts(taken.text, article.text)
        return min(starts, key=lambda start: abs(start - taken.start), default=None)

    @cached_property
    def _holding(self) -> list[Article]:
        """The articles that have the words to the letter."""
        text = self.record.quote.text
        words = wording(text)
        found = occurrences([words], self.generation) if words else []
        return [each.article for each in found if text in each.article.text]

    def _renamed(self) -> Article | None:
        """The article in another file: with the same text, or the same address."""
        taken = self.record.quote
        same = (article for article in self._holding if article.sha256 == taken.sha256)
        if article := next(same, None):
            return article
        headers = self.generation.store.article_headers() if taken.url else []
        path = next((header.path for header in headers if header.url == taken.url), None)
        return self.generation.store.article(path) if path else None

    def _altered(self, article: Article) -> Quotation | None:
        """The most similar words of the article, if they are similar enough."""
        text = self.record.quote.text
        words = wording(text)
        similar = most_similar(words, [Window(article, wording(article.text))]) if words else None
        if similar is None or similar[0] < MIN_SIMILARITY:
            return None
        said, written = set(terms(text)), set(terms(similar[1].text))
        if len(said & written) < MIN_SHARED_TERMS * len(said):
            return None
        return self._slice(article, similar[1].start, similar[1].end)

    def _elsewhere(self, known: Article | None = None) -> tuple[Quotation, ...]:
        """The words in other articles than the known one."""
        text = self.record.quote.text
        articles = [other for other in self._holding if not known or other.path != known.path]
        slices = (
            self._slice(article, start, start + len(text))
            for article in articles[:MAX_ELSEWHERE]
            for start in [article.text.index(text)]
        )
        return tuple(quote for quote in slices if quote)

    def _slice(self, article: Article, start: int, end: int) -> Quotation | None:
        return slice_in(article, Span(start, end), self.generation)


def _starts(words: str, text: str) -> Iterator[int]:
    start = text.find(words)
    while start >= 0:
        yield start
        start = text.find(words, start + 1)


def _fields(quote: Quotation) -> dict[str, Any]:
    names = ("text", "article", "source", "title", "date", "url", "link", "start", "end", "sha256")
    return {name: getattr(quote, name) for name in names}
