"""What stands around quotations on every surface: sources, notes, and differences."""

from __future__ import annotations

from collections.abc import Iterator

from bot.locales import Texts
from index.articles.article import Article
from retrieval.answer import Answer, Quotation, Scope
from retrieval.answering.verification import Verification


def difference_lines(told: Verification, say: Texts) -> list[str]:
    """Each difference in words: what was said, and what is written instead."""
    names = {(True, True): "changed", (True, False): "added", (False, True): "left_out"}
    return [
        say(f"verify.{names[bool(d.said), bool(d.written)]}", said=d.said, written=d.written)
        for d in told.differences
    ]


def source_line(quote: Quotation | Article, say: Texts) -> str:
    """Who published it, under which title and when, as far as the article tells."""
    parts = [quote.source or say("answer.source_unknown"), quote.title]
    if quote.date:
        parts.append(quote.date)
    return " · ".join(parts)


def also_line(quote: Quotation, say: Texts) -> str:
    """Which others carry a quotation: the outlets, or the titles where no outlet is known."""
    names = dict.fromkeys(carrier.source or carrier.title for carrier in quote.also)
    return f"{say('answer.also_in')} {', '.join(names)}"


def notes(answer: Answer, say: Texts) -> str:
    """Who wrote it, how the articles agree, where was searched if not everywhere; "" if nothing."""
    told = [*_about_writing(answer, say), *_about_scope(answer.scope, say)]
    if answer.follows:
        told.append(say("answer.follows", question=answer.follows))
    elif answer.query != answer.question:
        told.append(say("answer.searched", query=answer.query))
    return " · ".join(told)


def _about_writing(answer: Answer, say: Texts) -> Iterator[str]:
    if answer.claims:
        yield say("answer.written_by", model=answer.answerer)
    if answer.fallback:
        yield say(f"answer.fallback_{answer.fallback.value}")
    if answer.agreeing > 1:
        yield say("answer.agreeing", count=answer.agreeing)
    if answer.differing:
        yield say("answer.differing")


def _about_scope(scope: Scope, say: Texts) -> Iterator[str]:
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
