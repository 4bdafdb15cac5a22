"""The list of articles and the texts of articles, a page at a time."""

from __future__ import annotations

from bot.listing import (
    Reference,
    article_by_number,
    article_key,
    article_keys,
    listed_articles,
    number_of,
)
from bot.locales import Texts
from bot.telegram.messages import (
    Block,
    Button,
    Message,
    article_block,
    highlighted,
    packed,
    pieces,
)
from index.articles.article import Article
from index.generations.current import CurrentIndex
from index.text.clean import printable
from index.text.sentences import Span
from retrieval.answer import Quotation

_PAGE_SIZE = 6  # articles: with the longest labels they still fit a message
_NOTHING = Span(0, 0)


def articles_page(index: CurrentIndex, page: int, say: Texts) -> Message:
    """A page of the list of articles, from 0, with buttons for them and for the pages around it."""
    articles = listed_articles(index)
    if not articles:
        return packed([Block.words(say("chat.no_articles"))])[0]
    pages = -(-len(articles) // _PAGE_SIZE)
    page = min(page, pages - 1)
    first = page * _PAGE_SIZE + 1
    shown = articles[first - 1 :][:_PAGE_SIZE]
    blocks = [Block.bold(say("telegram.articles", count=len(articles)))]
    blocks += [article_block(article, f"{n}. ") for n, article in enumerate(shown, first)]
    blocks.append(Block.words(say("telegram.article_hint")))
    keys = enumerate(article_keys(index, shown), first)
    numbers = [Button(str(n), _page_data(0, Reference(key, _NOTHING))) for n, key in keys if key]
    (message, *_) = packed(blocks)
    return message.with_buttons(numbers, _page_buttons("list:{}", page, pages, say))


def article_page(index: CurrentIndex, number: int, page: int, say: Texts) -> Message | None:
    """A page of the text of an article; None where there is no such article."""
    article = article_by_number(index, number)
    return _article_page(article, number, page, _NOTHING, say) if article else None


def pressed_page(index: CurrentIndex, data: str, say: Texts) -> Message | None:
    """The page that a button leads to; None where the article has changed meanwhile."""
    kind, page, rest = [*data.split(":", 2), "", ""][:3]
    if kind not in ("list", "text") or not (page.isascii() and page.isdecimal()):
        return None
    if kind == "list":
        return articles_page(index, int(page), say)
    reference = Reference.parse(rest)
    article = reference.article(index) if reference else None
    if reference is None or article is None:
        return None
    return _article_page(article, number_of(index, article), int(page), reference.span, say)


def page_button(article: Article, quote: Quotation, say: Texts) -> Button:
    """A button for the page of an article that holds the beginning of a quotation."""
    page = sum(piece.end <= quote.start for piece in pieces(article.text))
    return Button(say("telegram.whole_article"), _page_data(page, Reference.of(quote)))


def clipped(span: Span, shown: Span) -> list[Span]:
    """The part of a span that is shown, if there is one."""
    part = Span(max(span.start, shown.start), min(span.end, shown.end))
    return [part] if part.start < part.end else []


def _article_page(article: Article, number: int, page: int, bold: Span, say: Texts) -> Message:
    spans = list(pieces(article.text))
    page = min(page, len(spans) - 1)
    shown = spans[page]
    markup = highlighted(article.text, shown, clipped(bold, shown))
    (message, *_) = packed(
        [
            article_block(article, f"{number}. ", whole=True),
            Block(markup, printable(article.text[shown.start : shown.end])),
        ]
    )
    data = _page_data("{}", Reference(article_key(article.path, article.sha256), bold))
    listed = Button(say("telegram.listed"), f"list:{(number - 1) // _PAGE_SIZE}")
    return message.with_buttons([*_page_buttons(data, page, len(spans), say), listed])


def _page_data(page: int | str, reference: Reference) -> str:
    return f"text:{page}:{reference}"


def _page_buttons(data: str, page: int, pages: int, say: Texts) -> list[Button]:
    """Buttons for the page before and the page after, where there are any."""
    before = Button(say("telegram.page_before"), data.format(page - 1))
    after = Button(say("telegram.page_after", page=page + 2, pages=pages), data.format(page + 1))
    return [*[before] * (page > 0), *[after] * (page + 1 < pages)]
