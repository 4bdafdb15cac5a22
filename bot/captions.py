"""What every surface shows around quotations: sources, notes and differences."""

from __future__ import annotations

from collections.abc import Iterator

from bot.locales import Texts
from index.articles.article import Article
from retrieval.answer import Answer, Quotation
from retrieval.answering.verification import Verification


def difference_lines(verification: Verification, say: Texts) -> list[str]:
    """One line per difference: the words of the claim and those of the article."""
    kinds = {(True, True): "changed", (True, False): "added", (False, True): "left_out"}
    return [
        say(f"verify.{kinds[bool(d.said), bool(d.written)]}", said=d.said, written=d.written)
        for d in verification.differences
    ]


def source_line(quote: Quotation | Article, say: Texts) -> str:
    """Outlet, title and date, as far as the article has them."""
    parts = [quote.source or say("answer.source_unknown"), quote.title]
    if quote.date:
        parts.append(quote.date)
    return " · ".join(parts)


def also_line(quote: Quotation, say: Texts) -> str:
    """The other outlets that carry a quotation; a title where the outlet is unknown."""
    names = dict.fromkeys(carrier.source or carrier.title for carrier in quote.also)
    return f"{say('answer.also_in')} {', '.join(names)}"


def notes(answer: Answer, say: Texts) -> str:
    """Writer, agreement between articles, scope and query if they are unusual; "" if nothing."""
    return " · ".join([*_writing_notes(answer, say), *_search_notes(answer, say)])


def _writing_notes(answer: Answer, say: Texts) -> Iterator[str]:
    if answer.claims:
        yield say("answer.written_by", model=answer.answerer)
    if answer.fallback:
        yield say(f"answer.fallback_{answer.fallback.value}")
    if answer.agreeing > 1:
        yield say("answer.agreeing", count=answer.agreeing)
    if answer.differing:
        yield say("answer.differing")


def _search_notes(answer: Answer, say: Texts) -> Iterator[str]:
    scope = answer.scope
    if scope.sources:
        yield say("answer.only_sources", sources=", ".join(scope.sources))
    if scope.since and scope.until:
        yield say("answer.between", since=scope.since, until=scope.until)
    elif scope.since:
        yield say("answer.since", since=scope.since)
    elif scope.until:
        yield say("answer.until", until=scope.until)
    if scope.newest:
        yield say("answer.newest")
    if answer.follows:
        yield say("answer.follows", question=answer.follows)
    elif answer.query != answer.question:
        yield say("answer.searched", query=answer.query)
