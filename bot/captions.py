"""What every surface shows around quotations: sources, notes and differences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from bot.locales import Texts
from index.articles.article import Article
from index.text.language import pattern
from index.text.sentences import Span
from index.text.wording import Difference
from retrieval.answer import Answer, Intent, Quotation
from retrieval.verifying.outcome import Verdict, Verification


@dataclass(frozen=True)
class Quoted:
    """A text of an article, the part of it to highlight, and who has it.

    ``first``: the number of the first of them; 0 where they have none.
    """

    text: str
    highlight: Span | None
    quotes: tuple[Quotation, ...]
    first: int

    def labels(self) -> Iterator[tuple[str, Quotation]]:
        """Each quotation behind its number."""
        for number, quote in enumerate(self.quotes, self.first):
            yield f"[{number}] " if self.first else "", quote


def verdict_line(verification: Verification, say: Texts) -> str:
    """Whether the sentence is in the articles: the worst first."""
    verdict = verification.verdict
    if verdict is Verdict.ELSEWHERE:
        return say("verify.elsewhere", sources=", ".join(verification.elsewhere))
    if verdict is Verdict.STITCHED:
        return say("verify.stitched", count=_in_words(len(verification.pieces), say))
    if verdict is Verdict.ALTERED:
        return _alteration(verification.differences, say)
    return say(f"verify.{verdict.value}")


def verification_parts(verification: Verification, say: Texts) -> Iterator[str | Quoted]:
    """What stands below the verdict: lines and quotations."""
    alone = len(verification.differences) == 1 and verification.differences[0]
    if not alone or (alone.said and alone.written) or not _named(verification.differences):
        yield from (_difference_line(difference, say) for difference in verification.differences)
    if verification.several:
        yield say("verify.several", claim=verification.claim)
    elif verification.partial:
        yield say("verify.partial")
    if verification.elsewhere and verification.verdict is not Verdict.ELSEWHERE:
        yield say("verify.nor_in", sources=", ".join(verification.elsewhere))
    if verification.articles_in:
        yield say("verify.translated", language=say(f"verify.in_{verification.articles_in}"))
    yield from _quoted_texts(verification, say)
    if verification.nearest:
        yield say("verify.nearest")
        yield Quoted(verification.nearest.text, None, (verification.nearest,), 0)


def _quoted_texts(verification: Verification, say: Texts) -> Iterator[str | Quoted]:
    """The quotations: the first one in its sentence, then those with the same words together."""
    number = 1
    for piece in verification.pieces:
        quotes = list(piece.quotes)
        whole = verification.sentence
        if whole and quotes and number == 1:
            yield say("verify.cut")
            first = quotes.pop(0)
            highlight = Span(first.start - whole.start, first.end - whole.start)
            yield Quoted(whole.text, highlight, (first,), number)
            number += 1
        for text in dict.fromkeys(quote.text for quote in quotes):
            same = tuple(quote for quote in quotes if quote.text == text)
            yield Quoted(text, None, same, number)
            number += len(same)


def _difference_line(difference: Difference, say: Texts) -> str:
    """The words of the claim and those of the article."""
    kinds = {(True, True): "changed", (True, False): "added", (False, True): "left_out"}
    kind = kinds[bool(difference.said), bool(difference.written)]
    return say(f"verify.{kind}", said=difference.said, written=difference.written)


def _alteration(differences: Sequence[Difference], say: Texts) -> str:
    """How many words differ, unless one is named."""
    if named := _named(differences):
        kind, words = named
        return say(f"verify.{kind}", words=words)
    count = sum(difference.size for difference in differences)
    kind = "different"
    if not any(difference.said for difference in differences):
        kind = "missing"
    elif not any(difference.written for difference in differences):
        kind = "too_many"
    if count == 1:
        return say("verify.one_different")  # alone, another one is named
    return say(f"verify.many_{kind}", count=_in_words(count, say))


def _named(differences: Sequence[Difference]) -> tuple[str, str] | None:
    """A difference that the verdict names: a negation, or a word that is all that differs."""
    for difference in differences:
        said, written = difference.said, difference.written
        denied, denies = (pattern("negation").search(text) for text in (said, written))
        if denies and not denied:
            return "missing_words", written if not said else denies[0]
        if denied and not denies:
            return "words_too_many", said if not written else denied[0]
        if len(differences) == difference.size == 1 and not (said and written):
            return ("words_too_many", said) if said else ("missing_words", written)
    return None


def _in_words(count: int, say: Texts) -> str:
    words = say("verify.numbers").split()  # from 2
    return words[count - 2] if 2 <= count < len(words) + 2 else str(count)


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


def refusal(answer: Answer, say: Texts) -> str:
    """Why there is no answer."""
    if answer.missing:
        return say("answer.missing", names=say("answer.next_name").join(answer.missing))
    return say(f"answer.refused_{answer.reason}")


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
    """The quotations below labels as "[1] ": those of a summary by article, others one by one."""
    groups: list[tuple[str, list[Quotation]]] = []
    number = len(answer.seen)
    for _, group in groupby(answer.quotes, key=lambda q: q.article if is_summary(answer) else q):
        quotes = list(group)
        first, number = number + 1, number + len(quotes)
        groups.append((f"[{first}] " if len(quotes) == 1 else f"[{first}–{number}] ", quotes))
    return groups


def is_summary(answer: Answer) -> bool:
    """Whether the quotations stand for their articles, whose titles come first."""
    return answer.intent in (Intent.SUMMARY, Intent.NEWEST)


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
    elif answer.query != answer.question:
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
