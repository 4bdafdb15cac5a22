"""The tools of the MCP server: what an assistant may call. They only read."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Annotated, Literal

from mcp.server.mcpserver.exceptions import ToolError
from pydantic import Field

from bot.captions import headline, refusal
from bot.compose import Parts
from bot.listing import Lookup, find_article, listed_articles, number_of, several
from bot.locales import Texts, texts, texts_for
from bot.mcp.content import (
    ArticleHeader,
    ArticleList,
    ArticleText,
    AskResult,
    SearchResult,
    Slice,
    VerifyResult,
)
from bot.settings import Settings
from bot.verdicts import verdict_line
from index.errors import VirgoletteError
from index.generations.generation import Generation
from index.text.sentences import Span
from index.text.words import words
from retrieval.answer import MAX_QUESTION, Question, Reason, Scope
from retrieval.answering.quotations import quotation
from retrieval.answering.search import find_passages
from retrieval.questions.scope import scoped
from retrieval.verifying.claim import MAX_CLAIM
from retrieval.verifying.verification import verify

MAX_PASSAGES = 20
MAX_LISTED = 200  # articles on a page
MAX_TEXT = 20_000  # characters of an article at once
_MAX_NAME = 500  # characters
_MAX_NAMED = 30  # outlets in an error
_NO_INDEX = "there is no index yet: run virgolette index"

Text = Annotated[str, Field(min_length=1, max_length=MAX_QUESTION)]
Quote = Annotated[
    str,
    Field(
        min_length=1,
        max_length=MAX_CLAIM,
        description="The sentence; or a text with quotations in quotation marks, which are then "
        "verified. … stands for words left out.",
    ),
]
Outlet = Annotated[
    str | None,
    Field(max_length=_MAX_NAME, description="Only articles of this outlet, as “AgenPress”."),
]
SaidIn = Annotated[
    str | None,
    Field(max_length=_MAX_NAME, description="The outlet that should have the sentence."),
]
Since = Annotated[
    datetime.date | None, Field(description="Only articles of this day or later, YYYY-MM-DD.")
]
Until = Annotated[
    datetime.date | None, Field(description="Only articles of this day or earlier, YYYY-MM-DD.")
]
Language = Annotated[
    Literal["it", "en"] | None,
    Field(description="Of message; without it, that of the question. Quotations stay as they are."),
]


@dataclass(frozen=True)
class Tools:
    """The tools over the chain and the index of ``parts``; each raises ToolError."""

    parts: Parts
    settings: Settings

    def ask(
        self,
        question: Text,
        outlet: Outlet = None,
        since: Since = None,
        until: Until = None,
        language: Language = None,
    ) -> AskResult:
        """Answer a question about the articles with exact quotations, or refuse.

        Use it for anything the archive may know: facts, lists, what somebody said, summaries,
        comparisons of outlets, how many articles. Ask in plain Italian or English, one question at
        a time; each call stands alone. If refused is true, the articles do not answer: tell the
        user so and do not answer from near. Quote text letter by letter, with its source.
        """
        with self._generation() as generation:
            parsed = Question.parse(question)
            limits = _limits(outlet, since, until, generation)
            # The generation stays open meanwhile: the answer is of the one that has the outlet.
            answer = self.parts.chain.invoke(replace(parsed, limits=limits, whole=True))
        if answer.reason is Reason.EMPTY_INDEX:
            raise ToolError(_NO_INDEX)
        say = self._texts(language, parsed)
        message = refusal(answer, say) if answer.refused else headline(answer, say)
        return AskResult.of(answer, message)

    def verify_quote(
        self, quote: Quote, outlet: SaidIn = None, language: Language = None
    ) -> VerifyResult:
        """Check whether a sentence is really in the articles, to the letter, and where.

        Use it before you present a quotation, and for quotations that the user gives you. Any
        verdict but verbatim means that these are not the article's words: differences says how
        they differ, quotes what is written. With outlet: whether that outlet has them. It searches
        all articles and needs no model.
        """
        with self._generation() as generation:
            outlets = _limits(outlet, None, None, generation).sources
            verification = verify(quote, generation, outlets)
        say = self._texts(language, None)
        return VerifyResult.of(verification, verdict_line(verification, say))

    def search(
        self,
        query: Text,
        limit: Annotated[int, Field(ge=1, le=MAX_PASSAGES)] = 8,
        outlet: Outlet = None,
        since: Since = None,
        until: Until = None,
    ) -> SearchResult:
        """Find the passages nearest to a question or a subject, by meaning and by words.

        Use it to read around a subject, or where ask refuses. A passage need not answer anything:
        there is no threshold.
        """
        with self._generation() as generation:
            limits = _limits(outlet, since, until, generation)
            question = replace(Question.parse(query), limits=limits)
            scoped_question = scoped(question, generation.sources, generation.dates)
            found = find_passages(scoped_question, generation, self.parts.embedder, count=limit)
            passages = []
            for scored in found:
                article = generation.store.article(scored.passage.article)
                if article is None or not scoped_question.allows(article.date, article.text):
                    continue
                span = Span(scored.passage.start, scored.passage.end)
                if quote := quotation(article, span, None, scored.score, generation):
                    passages.append(Slice.of(quote))
        return SearchResult(query=scoped_question.question.text, passages=passages)

    def show_article(
        self,
        article: Annotated[
            str,
            Field(
                min_length=1,
                max_length=_MAX_NAME,
                description="Its path, its number in list_articles, its title or words of it.",
            ),
        ],
        start: Annotated[int, Field(ge=0, description="First character.")] = 0,
        length: Annotated[int, Field(ge=1, le=MAX_TEXT, description="Characters.")] = 6000,
    ) -> ArticleText:
        """Read the stored text of one article, a slice at a time.

        Offsets are those of the quotations: start a little before a quotation's start to read it
        in its context.
        """
        with self._generation():
            lookup = find_article(self.parts.index, article)
            if lookup.article is None:
                raise ToolError(_not_one(lookup, article))
            shown, number = lookup.article, number_of(self.parts.index, lookup.article)
        if start > len(shown.text):
            raise ToolError(f"start is {start}: the article has {len(shown.text)} characters")
        end = min(start + length, len(shown.text))
        return ArticleText(
            **ArticleHeader.of(number, shown).model_dump(),
            text=shown.text[start:end],
            start=start,
            end=end,
            length=len(shown.text),
            next_start=end if end < len(shown.text) else None,
            sha256=shown.sha256,
        )

    def list_articles(
        self,
        offset: Annotated[int, Field(ge=0, description="Articles to skip.")] = 0,
        limit: Annotated[int, Field(ge=1, le=MAX_LISTED)] = 50,
        outlet: Outlet = None,
        since: Since = None,
        until: Until = None,
        title: Annotated[
            str | None, Field(max_length=_MAX_NAME, description="Words that the title has.")
        ] = None,
    ) -> ArticleList:
        """List the articles of the archive, newest first, a page at a time.

        Use it to see what the archive holds and how outlets and titles are written. A day leaves
        out the articles without a date.
        """
        with self._generation() as generation:
            limits = _limits(outlet, since, until, generation)
            fitting = [
                (number, header)
                for number, header in enumerate(listed_articles(self.parts.index), 1)
                if (not limits.sources or header.source in limits.sources)
                and (not (since or until) or (header.date and limits.covers(header.date)))
                and set(words(title or "")) <= set(words(header.title))
            ]
        end = offset + limit
        page = [ArticleHeader.of(number, header) for number, header in fitting[offset:end]]
        following = end if end < len(fitting) else None
        return ArticleList(total=len(fitting), articles=page, next_offset=following)

    @contextmanager
    def _generation(self) -> Iterator[Generation]:
        """The current generation; what goes wrong with it becomes a ToolError."""
        try:
            with self.parts.index.reading() as generation:
                if generation is None:
                    raise ToolError(_NO_INDEX)
                yield generation
        except VirgoletteError as error:
            raise ToolError(str(error)) from error

    def _texts(self, language: str | None, question: Question | None) -> Texts:
        return texts(language) if language else texts_for(self.settings.language, question)


def _not_one(lookup: Lookup, name: str) -> str:
    if lookup.matches:
        return f"{name!r} fits several articles; name one by its number: {several(lookup.matches)}"
    return f"no article fits {name!r}: list_articles lists them"


def _limits(
    outlet: str | None,
    since: datetime.date | None,
    until: datetime.date | None,
    generation: Generation,
) -> Scope:
    """What an assistant limits the articles to. Raises ToolError: none can fit."""
    if since and until and since > until:
        raise ToolError(f"since is {since}, after until, {until}")
    return Scope((_known_outlet(outlet, generation),) if outlet else (), since, until)


def _known_outlet(name: str, generation: Generation) -> str:
    """The outlet that a name means, whatever its case, with or without ".it"."""
    spelt = _plain_outlet(name)
    for source in generation.sources:
        if _plain_outlet(source) == spelt:
            return source
    named = ", ".join(generation.sources[:_MAX_NAMED]) or "none"
    more = ", …" if len(generation.sources) > _MAX_NAMED else ""
    raise ToolError(f"no article is from the outlet {name!r}; there are: {named}{more}")


def _plain_outlet(name: str) -> str:
    return name.strip().casefold().removesuffix(".it").removesuffix(".com")
