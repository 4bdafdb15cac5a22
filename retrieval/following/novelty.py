"""What a quotation tells beside what was told before."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from index.generations.generation import Generation
from index.generations.passages import titled
from index.models.embedder import Embedder
from index.models.encoder import Vectors
from index.text.words import words
from retrieval.answer import Quotation
from retrieval.answering.search import says_the_same


@dataclass(frozen=True)
class ShortAnswer:
    """Words that answer, and the vector of their sentence below its title: see ``Worded``."""

    answer_text: str
    vector: Vectors | None

    @classmethod
    def of(cls, answer: str, sentence: str, title: str, embedder: Embedder) -> ShortAnswer:
        """The words with the vector of what they were quoted from. Raises ModelError."""
        return cls(answer, embedder.encode_passages([titled(title, sentence)])[0])


def unknown_quotations(
    quotes: Iterable[Quotation],
    shown: Sequence[tuple[str, str]],
    articles: Collection[str],
    generation: Generation,
) -> tuple[Quotation, ...]:
    """The quotations that tell something, to whom these were shown: path and text of each.

    Left out: those that another article than the new ``articles`` has, too; and the text of an
    agency that was shown out of one of its near-duplicates, as long as no number in it differs.
    """
    return tuple(
        quote
        for quote in quotes
        if all(carrier.article in articles for carrier in quote.also)
        and not _was_shown(quote, shown, generation)
    )


def _was_shown(quote: Quotation, shown: Sequence[tuple[str, str]], generation: Generation) -> bool:
    own = words(quote.text)
    family = {quote.article, *generation.store.twins(quote.article)}
    return any(
        own == words(text) or (article in family and says_the_same(quote.text, text))
        for article, text in shown
    )
