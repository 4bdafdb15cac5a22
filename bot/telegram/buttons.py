"""The buttons below an answer, and where they lead."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from bot.listing import article_at, article_key, article_keyed, listed
from bot.locales import Texts
from bot.telegram.messages import (
    LONGEST_COPY,
    Block,
    Button,
    Message,
    article_block,
    clean,
    escaped,
    packed,
    pieces,
    utf16_length,
)
from index.articles.article import Article
from index.generations.current import CurrentIndex
from index.text.sentences import Span
from retrieval.answer import Answer, Quotation, Reason

HASH = 8  # digits of an article's hash that are shown
AROUND = 900  # characters of the paragraph shown before a quotation, and after it
LONGEST_LINE = 500  # UTF-16 code units of the line that names the file
_QUOTED = re.compile(r"quote:(?P<key>[0-9a-f]{8}:[0-9a-f]{8}):(?P<start>\d{1,9}):(?P<end>\d{1,9})")
ON_A_PAGE = 6  # articles: with the longest labels they still fit a message
HASH = 8  # digits of an article's hash in a button
PRESSED = re.compile(r"list:(?P<list>\d+)|text:(?P<number>\d+):(?P<page>\d+):(?P<hash>[0-9a-f]{8})")


def articles_page(index: CurrentIndex, page: int, say: Texts) -> Message:
    """A page of the list of articles, from 0, with buttons for those around it."""
    articles = listed(index)
    if not articles:
        return packed([Block.words(say("chat.no_articles"))])[0]
    pages = -(-len(articles) // ON_A_PAGE)
    page = min(page, pages - 1)
    first = page * ON_A_PAGE
    blocks = [Block.bold(say("telegram.articles", count=len(articles)))]
    for number, article in enumerate(articles[first : first + ON_A_PAGE], first + 1):
        blocks.append(article_block(article, f"{number}. ", say))
    blocks.append(Block.words(say("telegram.article_hint")))
    (message, *_) = packed(blocks)
    return message.with_buttons(_around("list:{}", page, pages, say))


def article_page(index: CurrentIndex, number: int, page: int, say: Texts) -> Message | None:
    """A page of the text of an article; None where there is no such article."""
    article = article_at(index, number)
    return _page_of(article, number, page, say) if article else None


def pressed_page(index: CurrentIndex, data: str, say: Texts) -> Message | None:
    """What a button leads to; None where the article is no longer what it was."""
    told = PRESSED.fullmatch(data)
    if told is None:
        return None
    if told["list"]:
        return articles_page(index, int(told["list"]), say)
    number = int(told["number"])
    article = article_at(index, number)
    if article is None or not article.sha256.startswith(told["hash"]):
        return None
    return _page_of(article, number, int(told["page"]), say)


def _page_of(article: Article, number: int, page: int, say: Texts) -> Message:
    spans = list(pieces(article.text))
    page = min(page, len(spans) - 1)
    text = article.text[spans[page].start : spans[page].end]
    (message, *_) = packed([article_block(article, f"{number}. ", say), Block.words(text)])
    data = f"text:{number}:{{}}:{article.sha256[:HASH]}"
    return message.with_buttons(_around(data, page, len(spans), say))


def _around(data: str, page: int, pages: int, say: Texts) -> Sequence[Button]:
    """Buttons for the page before and the page after, where there are any."""
    before = Button(say("telegram.page_before"), data.format(page - 1))
    after = Button(say("telegram.page_after", page=page + 2, pages=pages), data.format(page + 1))
    return [*[before] * (page > 0), *[after] * (page + 1 < pages)]


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


def quoted_page(index: CurrentIndex, data: str, say: Texts) -> list[Message] | None:
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
