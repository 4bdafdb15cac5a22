"""The buttons below messages, and the messages that they lead to."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bot.listing import article_by_key, article_by_number, article_key, listed_articles
from bot.locales import Texts
from bot.telegram.messages import (
    MAX_COPY,
    Block,
    Button,
    Message,
    article_block,
    escaped,
    highlighted,
    packed,
    pieces,
    utf16_length,
)
from index.articles.article import Article
from index.generations.current import CurrentIndex
from index.text.clean import printable
from index.text.sentences import Span
from retrieval.answer import Answer, Quotation, Reason

_PAGE_SIZE = 6  # articles: with the longest labels they still fit a message
_HASH = 8  # digits of an article's hash, in a button and on the line that names the file
_CONTEXT = 900  # characters of the paragraph before a quotation, and after it
_MAX_FILE_LINE = 500  # UTF-16 code units
_PAGE_DATA = re.compile(
    r"list:(?P<list>\d+)|text:(?P<number>\d+):(?P<page>\d+):(?P<hash>[0-9a-f]{8})"
)
_QUOTATION_DATA = re.compile(r"quote:([0-9a-f]{8}:[0-9a-f]{8}):(\d{1,9}):(\d{1,9})")


def articles_page(index: CurrentIndex, page: int, say: Texts) -> Message:
    """A page of the list of articles, from 0, with buttons for the pages around it."""
    articles = listed_articles(index)
    if not articles:
        return packed([Block.words(say("chat.no_articles"))])[0]
    pages = -(-len(articles) // _PAGE_SIZE)
    page = min(page, pages - 1)
    first = page * _PAGE_SIZE
    blocks = [Block.bold(say("telegram.articles", count=len(articles)))]
    for number, article in enumerate(articles[first : first + _PAGE_SIZE], first + 1):
        blocks.append(article_block(article, f"{number}. ", say))
    blocks.append(Block.words(say("telegram.article_hint")))
    (message, *_) = packed(blocks)
    return message.with_buttons(_page_buttons("list:{}", page, pages, say))


def article_page(index: CurrentIndex, number: int, page: int, say: Texts) -> Message | None:
    """A page of the text of an article; None where there is no such article."""
    article = article_by_number(index, number)
    return _article_page(article, number, page, say) if article else None


def pressed_page(index: CurrentIndex, data: str, say: Texts) -> Message | None:
    """The page that a button leads to; None where the article has changed meanwhile."""
    match = _PAGE_DATA.fullmatch(data)
    if match is None:
        return None
    if match["list"]:
        return articles_page(index, int(match["list"]), say)
    number = int(match["number"])
    article = article_by_number(index, number)
    if article is None or not article.sha256.startswith(match["hash"]):
        return None
    return _article_page(article, number, int(match["page"]), say)


def answer_buttons(answer: Answer, message: int, say: Texts) -> list[list[Button]]:
    """The rows of buttons below the answer to a message.

    One for each quotation, one that copies the first quotation, two to vote, and one for more.
    """
    if answer.reason not in (None, Reason.NOTHING_FOUND, Reason.NOT_ANSWERED):
        return []
    first = len(answer.seen) + 1
    buttons = [
        Button(f"[{n}]", _quotation_data(quote)) for n, quote in enumerate(answer.quotes, first)
    ]
    for quote in answer.quotes[:1]:
        copied = _citation(quote, quote.text, say)
        if utf16_length(copied) <= MAX_COPY:
            buttons.append(Button(f"{say('telegram.copy')} [{first}]", copied=copied))
    votes = [
        Button(say("telegram.good"), f"good:{message}"),
        Button(say("telegram.bad"), f"bad:{message}"),
    ]
    more = Button(say("telegram.more"), f"ask:{say('telegram.more')}")
    return [buttons, [*votes, *[more] * bool(answer.quotes)]]


def quotation_messages(index: CurrentIndex, data: str, say: Texts) -> list[Message] | None:
    """A quotation in its paragraph, for a button; None where the article has changed meanwhile."""
    match = _QUOTATION_DATA.fullmatch(data)
    article = article_by_key(index, match[1]) if match else None
    if match is None or article is None:
        return None
    span = Span(int(match[2]), int(match[3]))
    if not span.start < span.end <= len(article.text):
        return None
    blocks = [article_block(article, "", say), *_in_paragraph(article.text, span), _file(article)]
    copied = _citation(article, article.text[span.start : span.end], say)
    if utf16_length(copied) <= MAX_COPY:
        *messages, last = packed(blocks)
        return [*messages, last.with_buttons([Button(say("telegram.copy"), copied=copied)])]
    return packed([*blocks, *_touchable(copied)])


def _article_page(article: Article, number: int, page: int, say: Texts) -> Message:
    spans = list(pieces(article.text))
    page = min(page, len(spans) - 1)
    text = article.text[spans[page].start : spans[page].end]
    (message, *_) = packed([article_block(article, f"{number}. ", say), Block.words(text)])
    data = f"text:{number}:{{}}:{article.sha256[:_HASH]}"
    return message.with_buttons(_page_buttons(data, page, len(spans), say))


def _page_buttons(data: str, page: int, pages: int, say: Texts) -> list[Button]:
    """Buttons for the page before and the page after, where there are any."""
    before = Button(say("telegram.page_before"), data.format(page - 1))
    after = Button(say("telegram.page_after", page=page + 2, pages=pages), data.format(page + 1))
    return [*[before] * (page > 0), *[after] * (page + 1 < pages)]


def _quotation_data(quote: Quotation) -> str:
    return f"quote:{article_key(quote.article, quote.sha256)}:{quote.start}:{quote.end}"


def _citation(article: Article | Quotation, quoted: str, say: Texts) -> str:
    """A quotation with its source, to be pasted into a text."""
    outlet = article.source or say("answer.source_unknown")
    source = filter(None, [outlet, f"«{article.title}»", article.date, article.url])
    return printable(f"“{quoted}” ({', '.join(source)})")


def _in_paragraph(text: str, span: Span) -> Iterator[Block]:
    """The paragraph with the quotation in bold, in pieces that fit a message."""
    first = max(text.rfind("\n", 0, span.start) + 1, span.start - _CONTEXT)
    last = text.find("\n", span.end)
    last = min(len(text) if last < 0 else last, span.end + _CONTEXT)
    for piece in pieces(text[first:last]):
        shown = Span(first + piece.start, first + piece.end)
        bold = Span(max(span.start, shown.start), min(span.end, shown.end))
        markup = highlighted(text, shown, [bold] if bold.start < bold.end else [])
        yield Block.quotation(markup, text[shown.start : shown.end])


def _file(article: Article) -> Block:
    parts = [article.path, article.date, f"sha256 {article.sha256[:_HASH]}…"]
    line = " · ".join(filter(None, parts))
    return Block.words(line if utf16_length(line) < _MAX_FILE_LINE else line[-_MAX_FILE_LINE:])


def _touchable(text: str) -> Iterator[Block]:
    """A text that Telegram copies when it is touched."""
    for piece in pieces(text):
        shown = text[piece.start : piece.end]
        yield Block(f"<pre>{escaped(shown)}</pre>", printable(shown))
