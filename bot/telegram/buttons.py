"""The buttons below an answer, and where they lead."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bot.listing import article_key, article_keyed
from bot.locales import Texts
from bot.telegram.blocks import (
    LONGEST_COPY,
    Block,
    Button,
    Message,
    clean,
    escaped,
    packed,
    pieces,
    utf16_length,
)
from bot.telegram.html import article_block
from index.articles import Article
from index.live import LiveIndex
from index.sentences import Span
from retrieval.answer import Answer, Quotation, Reason

HASH = 8  # digits of an article's hash that are shown
AROUND = 900  # characters of the paragraph shown before a quotation, and after it
LONGEST_LINE = 500  # UTF-16 code units of the line that names the file
_QUOTED = re.compile(r"quote:(?P<key>[0-9a-f]{8}:[0-9a-f]{8}):(?P<start>\d{1,9}):(?P<end>\d{1,9})")


def answer_rows(answer: Answer, message: int, say: Texts) -> list[list[Button]]:
    """The rows of buttons below the answer to a message.

    One for each quotation, two to say whether it is any good, one that copies the first quotation.
    """
    if answer.reason is Reason.EMPTY_INDEX:
        return []
    quotes = [Button(f"[{n}]", _data(quote)) for n, quote in enumerate(answer.quotes, 1)]
    votes = [
        Button(say("telegram.good"), f"good:{message}"),
        Button(say("telegram.bad"), f"bad:{message}"),
    ]
    copied = [_copying(quote, say) for quote in answer.quotes[:1]]
    return [[*quotes, *(button for button in copied if button)], votes]


def quoted_page(index: LiveIndex, data: str, say: Texts) -> list[Message] | None:
    """A quotation where it stands, for a button; None where the article is not what it was."""
    told = _QUOTED.fullmatch(data)
    article = article_keyed(index, told["key"]) if told else None
    if told is None or article is None:
        return None
    span = Span(int(told["start"]), int(told["end"]))
    if not span.start < span.end <= len(article.text):
        return None
    copied = copied_text(article, article.text[span.start : span.end], say)
    fits = utf16_length(copied) <= LONGEST_COPY
    blocks = [article_block(article, "", say), *_in_place(article, span), _file(article)]
    if not fits:  # Telegram copies what is shown so when it is touched
        blocks += [_touched(copied[p.start : p.end]) for p in pieces(copied)]
    messages = packed(blocks)
    if fits:
        button = Button(say("telegram.copy"), copied=copied)
        messages[-1] = messages[-1].with_buttons([button])
    return messages


def copied_text(article: Article | Quotation, words: str, say: Texts) -> str:
    """A quotation with what it is from, to be put into a text of one's own."""
    source = article.source or say("answer.source_unknown")
    told = [source, f"«{article.title}»", article.date or "", article.url or ""]
    return clean(f"“{words}” ({', '.join(filter(None, told))})")


def _data(quote: Quotation) -> str:
    return f"quote:{article_key(quote.article, quote.sha256)}:{quote.start}:{quote.end}"


def _copying(quote: Quotation, say: Texts) -> Button | None:
    copied = copied_text(quote, quote.text, say)
    if utf16_length(copied) > LONGEST_COPY:
        return None
    return Button(f"{say('telegram.copy')} [1]", copied=copied)


def _in_place(article: Article, span: Span) -> Iterator[Block]:
    """The paragraph with the quotation in bold, in pieces that fit a message."""
    text = article.text
    first = max(text.rfind("\n", 0, span.start) + 1, span.start - AROUND)
    last = text.find("\n", span.end)
    last = min(len(text) if last < 0 else last, span.end + AROUND)
    shown = text[first:last]
    for piece in pieces(shown):
        start, end = first + piece.start, first + piece.end
        bold = Span(min(max(span.start, start), end), min(max(span.end, start), end))
        parts = text[start : bold.start], text[bold.start : bold.end], text[bold.end : end]
        marked = f"<b>{escaped(parts[1])}</b>" if parts[1] else ""
        markup = f"<blockquote>{escaped(parts[0])}{marked}{escaped(parts[2])}</blockquote>"
        yield Block(markup, f"❝ {clean(text[start:end])} ❞")


def _file(article: Article) -> Block:
    told = [article.path, article.date or "", f"sha256 {article.sha256[:HASH]}…"]
    line = " · ".join(filter(None, told))
    return Block.words(line if utf16_length(line) < LONGEST_LINE else line[-LONGEST_LINE:])


def _touched(text: str) -> Block:
    return Block(f"<pre>{escaped(text)}</pre>", clean(text))
