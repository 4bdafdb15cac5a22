"""Looking at the articles: their list, and the text of one, a page at a time."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bot.listing import article_at, listed
from bot.locales import Texts
from bot.telegram.blocks import Block, Button, Message, packed, pieces
from bot.telegram.html import article_block
from index.articles import Article
from index.live import LiveIndex

ON_A_PAGE = 6  # articles: with the longest labels they still fit a message
HASH = 8  # digits of an article's hash in a button
PRESSED = re.compile(r"list:(?P<list>\d+)|text:(?P<number>\d+):(?P<page>\d+):(?P<hash>[0-9a-f]{8})")


def articles_page(index: LiveIndex, page: int, say: Texts) -> Message:
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


def article_page(index: LiveIndex, number: int, page: int, say: Texts) -> Message | None:
    """A page of the text of an article; None where there is no such article."""
    article = article_at(index, number)
    return _page_of(article, number, page, say) if article else None


def pressed_page(index: LiveIndex, data: str, say: Texts) -> Message | None:
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
