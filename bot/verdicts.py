"""What every surface shows of a verified sentence: the verdict, the differences, the quotations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bot.locales import Texts
from index.text.language import pattern
from index.text.sentences import Span
from index.text.wording import Difference
from retrieval.answer import Quotation
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
        return say("verify.elsewhere", sources=_outlets(verification.elsewhere, say))
    if verdict is Verdict.STITCHED:
        return say("verify.stitched", count=_in_words(len(verification.pieces), say))
    if verdict is Verdict.ALTERED:
        return _alteration(verification.differences, say)
    return say(f"verify.{verdict.value}")


def verification_parts(verification: Verification, say: Texts) -> Iterator[str | Quoted]:
    """What stands below the verdict: lines and quotations."""
    alone = len(verification.differences) == 1 and verification.differences[0]
    if not alone or (alone.said and alone.written) or not _named(verification.differences):
        yield from (difference_line(difference, say) for difference in verification.differences)
    if verification.several:
        yield say("verify.several", claim=verification.claim)
    elif verification.partial:
        yield say("verify.partial")
    if verification.elsewhere and verification.verdict is not Verdict.ELSEWHERE:
        yield say("verify.nor_in", sources=_outlets(verification.elsewhere, say))
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


def difference_line(difference: Difference, say: Texts) -> str:
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


def _outlets(names: Sequence[str], say: Texts) -> str:
    *others, last = names
    return f"{', '.join(others)}{say('verify.last_source')}{last}" if others else last


def _in_words(count: int, say: Texts) -> str:
    words = say("verify.numbers").split()  # from 2
    return words[count - 2] if 2 <= count < len(words) + 2 else str(count)
