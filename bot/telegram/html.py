"""Answers, verdicts and articles as Telegram messages."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from bot.locales import Texts
from bot.render import also_line, difference_lines, notes
from bot.telegram.blocks import Block, Message, clean, escaped, packed, pieces, shortened
from index.articles import Article
from index.sentences import Span
from retrieval.answer import Answer, Quotation
from retrieval.marks import marked_words
from retrieval.verification import Verification

LONGEST_OPEN = 500  # characters of a quotation that is shown unfolded
LONGEST_LINK = 2000  # characters
# What Telegram makes a link of; it drops the others without a word.
_HOST = r"[^\s.:/?#@\[\]\\]{1,63}"
_LINK = re.compile(rf"https?://{_HOST}(?:\.{_HOST})+(?::\d{{1,5}})?(?:[/?#]\S*)?")
MOST_MARKS = 20  # bold words in one piece of a quotation


def answer_messages(answer: Answer, say: Texts) -> list[Message]:
    """The messages that show an answer, in order; at least one."""
    return packed(list(_blocks(answer, say)))


def quotation_message(answer: Answer, quote: Quotation, say: Texts) -> Message | None:
    """One quotation with its source; None where it does not fit a message."""
    messages = packed([*_quotation(answer, quote), _source(quote, "", say)])
    return messages[0] if len(messages) == 1 else None


def verification_messages(told: Verification, say: Texts) -> list[Message]:
    """The messages that show how a sentence stands in the articles; at least one."""
    return packed(list(_verdict(told, say)))


def text_message(text: str) -> Message:
    """A message of our own words."""
    return Message(escaped(text), clean(text))


def article_block(article: Article | Quotation, label: str, say: Texts) -> Block:
    """Outlet, title, linked where its address is known, and date."""
    outlet = shortened(article.source or say("answer.source_unknown"))
    title, date = shortened(article.title), article.date or ""
    plain = label + " · ".join(filter(None, (outlet, title, date)))
    linked = escaped(title)
    if article.url and len(article.url) <= LONGEST_LINK and _LINK.fullmatch(article.url):
        linked = f'<a href="{escaped(article.url)}">{linked}</a>'
    markup = escaped(label) + " · ".join(filter(None, (escaped(outlet), linked, escaped(date))))
    return Block(markup, clean(plain))


def _blocks(answer: Answer, say: Texts) -> Iterator[Block]:
    if answer.reason is not None:
        yield Block.bold(say(f"answer.refused_{answer.reason.value}"))
        if answer.near:
            yield Block.words(say("answer.near"))
    if answer.claims:
        yield from (Block.words(claim.cited) for claim in answer.claims)
    elif answer.answer:
        yield Block.bold(answer.answer)
    for number, quote in enumerate(answer.quotes or answer.near, 1):
        yield from _quotation(answer, quote)
        yield _source(quote, f"[{number}] " if answer.quotes else "", say)
    if noted := notes(answer, say):
        yield Block.words(shortened(noted))


def _verdict(told: Verification, say: Texts) -> Iterator[Block]:
    yield Block.bold(say(f"verify.{told.verdict.value}"))
    for line in difference_lines(told, say):
        yield Block.words(shortened(line))
    for number, quote in enumerate(told.quotes, 1):
        for piece in pieces(quote.text):
            shown = quote.text[piece.start : piece.end]
            yield Block(f"<blockquote>{escaped(shown)}</blockquote>", f"❝ {clean(shown)} ❞")
        yield _source(quote, f"[{number}] ", say)
    if told.elsewhere:
        yield Block.words(shortened(say("verify.elsewhere", sources=", ".join(told.elsewhere))))


def _quotation(answer: Answer, quote: Quotation) -> Iterator[Block]:
    marks = marked_words(answer, quote)
    for piece in pieces(quote.text):
        inside = [m for m in marks if piece.start <= m.start and m.end <= piece.end][:MOST_MARKS]
        marked = _marked(quote.text, piece, inside)
        plain = quote.text[piece.start : piece.end]
        folded = " expandable" if len(plain) > LONGEST_OPEN else ""
        yield Block(f"<blockquote{folded}>{marked}</blockquote>", f"❝ {clean(plain)} ❞")


def _marked(text: str, piece: Span, marks: Sequence[Span]) -> str:
    parts, at = [], piece.start
    for mark in marks:
        parts.append(escaped(text[at : mark.start]))
        parts.append(f"<b>{escaped(text[mark.start : mark.end])}</b>")
        at = mark.end
    parts.append(escaped(text[at : piece.end]))
    return "".join(parts)


def _source(quote: Quotation, label: str, say: Texts) -> Block:
    block = article_block(quote, label, say)
    if not quote.also:
        return block
    also = Block.words(shortened(also_line(quote, say)))
    return Block(f"{block.markup}\n{also.markup}", f"{block.plain}\n{also.plain}")
