"""What the tools of the MCP server return: their published schemas, keyed like ``ask --json``."""

from __future__ import annotations

from dataclasses import asdict

from pydantic import BaseModel, ConfigDict, Field

from index.articles.article import Article
from index.text.wording import Difference
from retrieval.answer import Answer, Carrier, Quotation
from retrieval.verifying.outcome import Verification

MAX_ALSO = 20  # near-duplicates that are named


class _Content(BaseModel):
    model_config = ConfigDict(frozen=True)


class Head(_Content):
    """What introduces a slice from further above, letter by letter: the head of its table."""

    text: str
    start: int
    end: int


class Day(_Content):
    """When that happened which a slice of a timeline tells."""

    day: str = Field(
        description="ISO 8601, as 2024-06-12, 2024-W24, 2024-06, 2024, --06-12; '': unknown."
    )
    of_event: bool = Field(description="Whether the slice tells it; else the day of publication.")
    disputed: bool = Field(description="Whether another article says the same of another day.")
    also: list[str] = Field(description="Paths of the articles that tell it in other words.")


class Slice(_Content):
    """An exact slice of a stored article, and where the article is from."""

    text: str = Field(description="Letter by letter: stored text of the article [start:end].")
    article: str = Field(description="Path of the article; show_article takes it.")
    source: str | None = Field(description="Outlet that published it; null if unknown.")
    title: str
    date: str | None = Field(description="Day of publication, ISO 8601; null if unknown.")
    url: str | None = Field(description="Address of the article on the web; null if unknown.")
    link: str | None = Field(description="The address that opens the page at these words.")
    start: int = Field(description="First character, in Unicode code points, from 0.")
    end: int = Field(description="Behind the last character.")
    sha256: str = Field(description="SHA-256 of the article's whole stored text in UTF-8.")
    score: float = Field(description="Higher is better, within one result; 0 where none is known.")
    also: list[str] = Field(description="Paths of near-duplicates that have the same words.")
    head: Head | None = Field(description="Of a row: quote it above the text; else null.")
    dating: Day | None = Field(description="In timelines; else null.")

    @classmethod
    def of(cls, quote: Quotation) -> Slice:
        """The content of a quotation."""
        fields = ("text", "article", "source", "title", "date", "url", "link", "start", "end")
        values = {name: getattr(quote, name) for name in (*fields, "sha256", "score")}
        dating = quote.dating and Day(
            day=quote.dating.day,
            of_event=quote.dating.of_event,
            disputed=quote.dating.disputed,
            also=_paths(quote.dating.also),
        )
        head = quote.head and Head(**asdict(quote.head))
        return cls(**values, also=_paths(quote.also), head=head, dating=dating)


def _paths(carriers: tuple[Carrier, ...]) -> list[str]:
    return [carrier.article for carrier in carriers[:MAX_ALSO]]


def slices(quotes: tuple[Quotation, ...]) -> list[Slice]:
    """The content of quotations."""
    return [Slice.of(quote) for quote in quotes]


class AskResult(_Content):
    """Quotations that answer, or a refusal."""

    question: str
    query: str = Field(description="The text that was searched.")
    refused: bool = Field(description="Whether the articles do not answer.")
    reason: str | None = Field(description="Why it is refused: a code; null if it is not.")
    message: str = Field(description="The refusal, or a count, as a sentence for the user; or ''.")
    answer: str | None = Field(description="The words of the first quotation that answer.")
    quotes: list[Slice] = Field(description="The quotations that answer, best first.")
    near: list[Slice] = Field(description="Of a refusal: what comes nearest. It does NOT answer.")
    confidence: float = Field(description="Estimated probability that the quotations answer.")
    agreeing: int = Field(description="Independent articles that give this answer; 0: unknown.")
    differing: bool = Field(description="Whether another article answers differently.")
    missing: list[str] = Field(description="Names in the question that no article has.")
    intent: str = Field(description="What the question was taken to ask for: fact, list, count, …")

    @classmethod
    def of(cls, answer: Answer, message: str) -> AskResult:
        """The content of an answer."""
        fields = ("question", "query", "refused", "answer", "confidence", "agreeing", "differing")
        return cls(
            **{name: getattr(answer, name) for name in fields},
            reason=answer.reason.value if answer.reason else None,
            message=message,
            quotes=slices(answer.quotes),
            near=slices(answer.near),
            missing=list(answer.missing),
            intent=answer.intent.value,
        )


class Change(_Content):
    """Words of the sentence in question, and those of the article in their stead."""

    said: str = Field(description="'' where the article has words that the sentence leaves out.")
    written: str = Field(description="'' where the sentence adds words.")
    start: int = Field(description="Where the words stand in claim.")
    end: int

    @classmethod
    def of(cls, difference: Difference) -> Change:
        """The content of a difference."""
        values = {name: getattr(difference, name) for name in ("said", "written", "start", "end")}
        return cls(**values)


class Piece(_Content):
    """A part of the claim and the slices that have its words."""

    start: int = Field(description="claim[start:end] is the part.")
    end: int
    quotes: list[Slice]


class VerifyResult(_Content):
    """Whether a sentence is in the articles, how it differs, and where it is."""

    verdict: str = Field(
        description="verbatim; punctuation (same words); elsewhere (not in the outlet named); "
        "altered; stitched (of parts that do not stand together); not_found."
    )
    message: str = Field(description="The verdict as a sentence for the user.")
    claim: str = Field(description="The words that were looked for.")
    differences: list[Change] = Field(description="Between the claim and the first of quotes.")
    quotes: list[Slice] = Field(description="Where the words are, the best first.")
    pieces: list[Piece] = Field(description="The same, for each part of the claim.")
    sentence: Slice | None = Field(description="The sentence that the claim is only a part of.")
    nearest: Slice | None = Field(description="Of not_found: a similar sentence. NOT the claim.")
    elsewhere: list[str] = Field(description="Outlets named with the claim that do not have it.")
    articles_in: str = Field(description="Language of the articles, if the claim is in another.")
    partial: bool = Field(description="Whether only the words in quotation marks were verified.")
    several: bool = Field(description="Whether this is the worst of several quotations.")

    @classmethod
    def of(cls, verification: Verification, message: str) -> VerifyResult:
        """The content of a verification."""
        fields = ("claim", "articles_in", "partial", "several")
        return cls(
            **{name: getattr(verification, name) for name in fields},
            verdict=verification.verdict.value,
            message=message,
            differences=list(map(Change.of, verification.differences)),
            quotes=slices(verification.quotes),
            pieces=[
                Piece(start=piece.start, end=piece.end, quotes=slices(piece.quotes))
                for piece in verification.pieces
            ],
            sentence=Slice.of(verification.sentence) if verification.sentence else None,
            nearest=Slice.of(verification.nearest) if verification.nearest else None,
            elsewhere=list(verification.elsewhere),
        )


class SearchResult(_Content):
    """Passages, best first."""

    query: str = Field(description="The text that was searched.")
    passages: list[Slice]


class ArticleHeader(_Content):
    """An article without its text."""

    number: int = Field(description="Its number in list_articles, newest first, from 1.")
    article: str = Field(description="Its path.")
    source: str | None
    title: str
    date: str | None
    url: str | None
    language: str | None

    @classmethod
    def of(cls, number: int, article: Article) -> ArticleHeader:
        """The content of an article's fields."""
        fields = ("source", "title", "date", "url", "language")
        values = {name: getattr(article, name) for name in fields}
        return cls(number=number, article=article.path, **values)


class ArticleText(ArticleHeader):
    """A part of an article's stored text."""

    text: str = Field(description="Letter by letter: stored text [start:end].")
    start: int
    end: int
    length: int = Field(description="Characters of the whole text.")
    next_start: int | None = Field(description="Where to go on; null at the end.")
    sha256: str = Field(description="SHA-256 of the whole stored text in UTF-8.")


class ArticleList(_Content):
    """A page of the list of articles, newest first."""

    total: int = Field(description="Articles that fit, on all pages.")
    articles: list[ArticleHeader]
    next_offset: int | None = Field(description="Where the next page begins; null at the end.")
