"""What every surface shows around quotations: sources and notes."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from itertools import groupby

from bot.listing import Lookup, several
from bot.locales import Texts
from index.articles.article import Article
from index.text.clean import printable
from retrieval.answer import Answer, Dating, Intent, Quotation, Reason, Scope

_MAX_NAME = 100  # characters of a name that fits no article
_MAX_TITLE = 72  # characters of a title in a list and below a quotation
_SEPARATORS = (" - ", " – ", " — ", " | ", " · ", ": ", ". ")  # between a title and its outlet
_LISTS = (Intent.SUMMARY, Intent.NEWEST, Intent.LIST, Intent.COMPARE)


def moment_in_words(moment: datetime.datetime, say: Texts) -> str:
    """A day and a time of this machine's clock, as people write them."""
    local = moment.astimezone()
    return f"{written_day(local.date().isoformat(), say)}, {local:%H:%M}"


def source_line(quote: Quotation | Article, say: Texts) -> str:
    """Outlet, title and date, as far as the article has them."""
    parts = [quote.source or say("answer.source_unknown"), short_title(quote)]
    if quote.date:
        parts.append(quote.date)
    return " · ".join(parts)


def not_one_article(found: Lookup, name: str, say: Texts) -> str:
    """What to say where a name fits no article, or several."""
    name = printable(name[:_MAX_NAME])
    if found.matches:
        return say("chat.several_articles", name=name, articles=several(found.matches, "\n"))
    return say("chat.no_such_article", name=name)


def short_title(article: Quotation | Article) -> str:
    """The title without the outlet's name, cut at a word where it is long."""
    return _cut(_without_outlet(article.title, article.source or ""))


def _cut(title: str) -> str:
    if len(title) <= _MAX_TITLE:
        return title
    head = title[: _MAX_TITLE - 1]
    return head.rsplit(" ", 1)[0].rstrip(' ,;:.–—-(«“"') + "…"


def _without_outlet(title: str, outlet: str) -> str:
    names = {outlet.casefold(), outlet.partition(".")[0].casefold()} - {""}
    for separator in _SEPARATORS:
        head, _, rest = title.partition(separator)
        if rest.strip() and head.casefold() in names:
            return rest.strip()
        rest, _, tail = title.rpartition(separator)
        if rest.strip() and tail.casefold() in names:
            return rest.strip()
    return title


def also_line(quote: Quotation, say: Texts) -> str:
    """The other outlets that carry a quotation, or tell the same; "" if none does.

    A title where the outlet is unknown.
    """
    carriers = (*quote.also, *(quote.dating.also if quote.dating else ()))
    names = dict.fromkeys(carrier.source or _cut(carrier.title) for carrier in carriers)
    return f"{say('answer.also_in')} {', '.join(names)}" if names else ""


def day_line(quote: Quotation, say: Texts) -> str:
    """When that happened which a quotation of a timeline tells; "" outside timelines."""
    dating = quote.dating
    if dating is None:
        return ""
    if not dating.day:
        return say("answer.no_day")
    day = _written_day(dating, say)
    day = day if dating.of_event else say("answer.published", day=day)
    return say("answer.disputed", day=day) if dating.disputed else day


def _written_day(dating: Dating, say: Texts) -> str:
    if dating.precision == "week":
        first = datetime.date.fromisoformat(dating.day)
        return say("answer.week", day=written_day(first.isoformat(), say))
    return written_day(dating.day, say)


def written_day(day: str, say: Texts) -> str:
    """A day of ISO 8601 as people write it: "12 giugno 2024", "giugno 2024", "12 giugno"."""
    year, *month_and_day = day.replace("--", "-").split("-")
    if not month_and_day:
        return year
    month, *number = map(int, month_and_day)
    return " ".join([*map(str, number), say("status.months").split()[month - 1], year]).strip()


def refusal(answer: Answer, say: Texts) -> str:
    """Why there is no answer."""
    if answer.missing:
        *names, last = answer.missing
        first = say("answer.next_name").join(names)
        joined = f"{first}{say('answer.last_name')}{last}" if names else last
        return say("answer.missing", names=joined)
    if answer.count and answer.count.words and answer.reason is not Reason.NO_MORE:
        return say("answer.counted_none", words=answer.count.words)
    return say(f"answer.refused_{answer.reason}")


def near_label(answer: Answer, say: Texts) -> str:
    """What stands above the nearest quotations, below a refusal."""
    if answer.reason is Reason.FEW_EVENTS:
        return say("answer.near_event")
    return say("answer.near_words") if answer.count else say("answer.near")


def headline(answer: Answer, say: Texts) -> str:
    """What stands above the quotations: a count; "" if nothing does."""
    count = answer.count
    if count is None or answer.refused:
        return ""
    numbers = {"found": count.articles, "independent": count.independent}
    if not count.words:
        return say("answer.counted_all", **numbers)
    return say("answer.counted", words=count.words, total=count.total, **numbers)


def article_by_article(answer: Answer) -> list[tuple[str, list[Quotation]]]:
    """The quotations below labels as "[1] ": those in a row with one source and day together."""
    groups: list[tuple[str, list[Quotation]]] = []
    number = len(answer.seen)
    for _, group in groupby(answer.quotes, key=_source_and_day):
        quotes = list(group)
        first, number = number + 1, number + len(quotes)
        groups.append((f"[{first}] " if len(quotes) == 1 else f"[{first}–{number}] ", quotes))
    return groups


def _source_and_day(quote: Quotation) -> tuple[object, ...]:
    return quote.article, quote.also, quote.dating


def sources_first(answer: Answer) -> bool:
    """Whether each source comes before its quotations, as in a list; else it comes after them."""
    return answer.intent in _LISTS


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
    yield from _request_notes(answer, say)
    if answer.follows:
        yield say("answer.follows", question=answer.follows)
    elif answer.query != answer.question and scope == Scope():  # which says what was left out
        yield say("answer.searched", query=answer.query)


def _request_notes(answer: Answer, say: Texts) -> Iterator[str]:
    """Who says nothing, whether the newest are known, and how many quotations there are."""
    if answer.silent:
        yield say("answer.silent", sources=", ".join(answer.silent))
    if answer.intent is Intent.NEWEST and answer.quotes and not any(q.date for q in answer.quotes):
        yield say("answer.undated")
    if answer.total:
        last = len(answer.seen) + len(answer.quotes)
        numbers = {"first": len(answer.seen) + 1, "last": last, "total": answer.total}
        is_last = last >= answer.total
        yield say("answer.last_page", **numbers) if is_last else say("answer.page", **numbers)
