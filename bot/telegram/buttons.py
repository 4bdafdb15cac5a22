"""The buttons below messages, and what they lead to: quotations in their articles, and articles.

Articles are listed, and read, a page at a time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bot.corrections.record import state_lines
from bot.listing import (
    Reference,
    article_by_key,
    article_by_number,
    article_key,
    article_keys,
    listed_articles,
    number_of,
)
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
from bot.verdicts import Quoted, verification_parts
from index.articles.article import Article
from index.generations.current import CurrentIndex
from index.text.clean import printable
from index.text.sentences import Span, logical_lines, readable_blocks, sentences
from index.text.words import words
from retrieval.answer import Answer, Intent, Quotation, Reason
from retrieval.answering.quotations import slice_of
from retrieval.following.followable import has_follow
from retrieval.verifying.outcome import Verification

_IN_A_ROW = 8  # buttons, at most
_CONTEXT = 900  # characters before a quotation, and after it
_MARKS = ("“”", "«»", "‘’")  # around a quotation
_MAX_CROSSHEAD = 8  # words
_MAX_FILE_LINE = 500  # UTF-16 code units
_PAGE_SIZE = 6  # articles: with the longest labels they still fit a message
_NOTHING = Span(0, 0)
_WITH_BUTTONS = (None, Reason.NOTHING_FOUND, Reason.NOT_ANSWERED, Reason.FEW_EVENTS)


def answer_buttons(answer: Answer, message: int, say: Texts, *, inline: bool) -> list[list[Button]]:
    """The rows of buttons below the answer to a message.

    One for each quotation, or for the only one all that can be done with it; two to vote, one for
    more, one for a timeline as a file, one to keep the quotations, and one to follow the question.
    ``inline``: whether the bot has inline mode, without which nothing can be shared.
    """
    if answer.reason not in _WITH_BUTTONS:
        return []
    votes = [
        Button(say("telegram.good"), f"good:{message}"),
        Button(say("telegram.bad"), f"bad:{message}"),
    ]
    more = Button(say("telegram.more"), f"ask:{say('telegram.more')}")
    rows = quotation_rows(answer.quotes or answer.near, len(answer.seen) + 1, say, inline=inline)
    is_timeline = answer.intent is Intent.TIMELINE and bool(answer.quotes)
    file = Button(say("telegram.file"), f"file:{message}")
    keep = Button(say("telegram.keep"), f"keep:{message}")
    follow = Button(say("telegram.follow"), f"follow:{message}")
    further = [*votes, *[more] * bool(answer.quotes), *[file] * is_timeline]
    later = [*[keep] * bool(answer.quotes), *[follow] * has_follow(answer.intent, answer.query)]
    return [*rows, further, *[later] * bool(later)]


def verification_buttons(
    index: CurrentIndex, verification: Verification, say: Texts, *, inline: bool
) -> list[list[Button]]:
    """The rows of buttons below a verified sentence: for the whole sentences it was found in."""
    shown = [
        whole
        for part in verification_parts(verification, say)
        if isinstance(part, Quoted)
        for quote in part.quotes
        if (whole := whole_sentences(index, quote))
    ]
    return list(quotation_rows(shown, 1, say, inline=inline))


def quotation_messages(
    index: CurrentIndex, data: str, say: Texts, *, inline: bool
) -> list[Message] | None:
    """What the button of a quotation leads to; None where the article has changed meanwhile.

    The quotation between the paragraphs around it; or the quotation with its source, to be copied.
    """
    kind, _, reference = data.partition(":")
    quoted = _quoted(index, reference)
    if quoted is None:
        return None
    article, quote = quoted
    if kind == "copy":
        return packed(list(_touchable(_citation(quote))))
    blocks = [article_block(quote, whole=True), *_in_context(article, quote), _file(article)]
    *messages, last = packed(blocks)
    keep = Button(say("telegram.keep"), f"keep:{Reference.of(quote)}")
    uses = [*_uses(quote, say, inline=inline), keep]
    return [*messages, last.with_buttons(uses, [_page_button(article, quote, say)])]


def shared_quotation(index: CurrentIndex, reference: str) -> Quotation | None:
    """The quotation that a button shares; None where the article has changed meanwhile."""
    quoted = _quoted(index, reference)
    return quoted[1] if quoted else None


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
    return message.with_buttons(numbers, page_buttons("list:{}", page, pages, say))


def article_page(index: CurrentIndex, number: int, page: int, say: Texts) -> Message | None:
    """A page of the text of an article; None where there is no such article."""
    article = article_by_number(index, number)
    return _article_page(index, article, (number, page), _NOTHING, say) if article else None


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
    position = (number_of(index, article), int(page))
    return _article_page(index, article, position, reference.span, say)


def _quoted(index: CurrentIndex, text: str) -> tuple[Article, Quotation] | None:
    """The quotation that a reference names; whole sentences only: people can write references."""
    reference = Reference.parse(text)
    article = reference.article(index) if reference else None
    if reference is None or article is None:
        return None
    spans, span = sentences(article.text), reference.span
    begins = any(sentence.start == span.start for sentence in spans)
    ends = any(sentence.end == span.end for sentence in spans)
    return (article, slice_of(article, span)) if begins and ends and span.start < span.end else None


def whole_sentences(index: CurrentIndex, quote: Quotation) -> Quotation | None:
    """The whole sentences that a quotation is cut from; None where the article has changed."""
    article = article_by_key(index, article_key(quote.article, quote.sha256))
    if article is None:
        return None
    spans = [
        span
        for span in sentences(article.text)
        if span.start < quote.end and quote.start < span.end
    ]
    return slice_of(article, Span(spans[0].start, spans[-1].end)) if spans else None


def quotation_rows(
    shown: Sequence[Quotation], first: int, say: Texts, *, inline: bool
) -> Iterator[list[Button]]:
    """What leads to each quotation; below the only one all that can be done with it.

    ``first``: the number of the first one.
    """
    if len(shown) == 1:
        context = Button(say("telegram.context"), f"quote:{Reference.of(shown[0])}")
        yield [context, *_uses(shown[0], say, inline=inline)]
        return
    buttons = [
        Button(say("telegram.context_of", number=number), f"quote:{Reference.of(quote)}")
        for number, quote in enumerate(shown, first)
    ]
    for start in range(0, len(buttons), _IN_A_ROW):
        yield buttons[start : start + _IN_A_ROW]


def _uses(quote: Quotation, say: Texts, *, inline: bool) -> Iterator[Button]:
    """A button that copies a quotation with its source, and one that shares it."""
    copied, reference = _citation(quote), Reference.of(quote)
    if utf16_length(copied) <= MAX_COPY:
        yield Button(say("telegram.copy"), copied=copied)
    else:
        yield Button(say("telegram.copy"), f"copy:{reference}")
    if inline:
        yield Button(say("telegram.share"), shared=str(reference))


def _citation(quote: Quotation) -> str:
    """A quotation with its source, to be pasted into a text."""
    source = filter(None, [quote.source, _in_marks(quote.title), quote.date, quote.url])
    return printable(f"{_in_marks(quote.shown)} ({', '.join(source)})")


def _in_marks(text: str) -> str:
    """A text in quotation marks that it does not have itself, where there are such."""
    marks = next((pair for pair in _MARKS if not set(pair) & set(text)), _MARKS[0])
    return f"{marks[0]}{text}{marks[1]}"


def _in_context(article: Article, quote: Quotation) -> Iterator[Block]:
    """The paragraph of a quotation, which is in bold, between those before and after it."""
    text, bold = article.text, Span(quote.start, quote.end)
    for paragraph in _paragraphs(article, bold):
        for piece in pieces(text[paragraph.start : paragraph.end]):
            shown = Span(paragraph.start + piece.start, paragraph.start + piece.end)
            markup = highlighted(text, shown, _clipped(bold, shown))
            yield Block.quotation(markup, text[shown.start : shown.end])


def _paragraphs(article: Article, span: Span) -> Iterator[Span]:
    """The paragraphs around a span; of long ones only the sentences near it."""
    lines = [line for line in logical_lines(article.text) if not _is_crosshead(article, line, span)]
    own = [n for n, line in enumerate(lines) if line.start < span.end and span.start < line.end]
    if not own:
        yield span
        return
    first, last = span.start - _CONTEXT, span.end + _CONTEXT
    near = [s for s in sentences(article.text) if s.start < last and first < s.end]
    for line in lines[max(own[0] - 1, 0) : own[-1] + 2]:
        inside = [s for s in near if line.start <= s.start < line.end]
        if inside:
            yield Span(inside[0].start, inside[-1].end)


def _is_crosshead(article: Article, line: Span, span: Span) -> bool:
    """Whether a line beside a quotation is a heading: short, and without the end of a sentence."""
    is_beside = line.end <= span.start or span.end <= line.start
    text = article.text[line.start : line.end].rstrip()
    return is_beside and text[-1:].isalnum() and len(words(text)) <= _MAX_CROSSHEAD


def _file(article: Article) -> Block:
    line = " · ".join(filter(None, [article.path, article.date]))
    return Block.words(line if utf16_length(line) < _MAX_FILE_LINE else line[-_MAX_FILE_LINE:])


def _touchable(text: str) -> Iterator[Block]:
    """A text that Telegram copies when it is touched."""
    for piece in pieces(text):
        shown = text[piece.start : piece.end]
        yield Block(f"<pre>{escaped(shown)}</pre>", printable(shown))


def _page_button(article: Article, quote: Quotation, say: Texts) -> Button:
    """A button for the page of an article that holds the beginning of a quotation."""
    page = sum(piece.end <= quote.start for piece in _pages(article))
    return Button(say("telegram.whole_article"), _page_data(page, Reference.of(quote)))


def _clipped(span: Span, shown: Span) -> list[Span]:
    """The part of a span that is shown, if there is one."""
    part = Span(max(span.start, shown.start), min(span.end, shown.end))
    return [part] if part.start < part.end else []


def _article_page(
    index: CurrentIndex, article: Article, position: tuple[int, int], bold: Span, say: Texts
) -> Message:
    """A page of an article; ``position``: the number of the article and of the page."""
    number, spans = position[0], _pages(article)
    page = min(position[1], len(spans) - 1)
    heading = article_block(article, f"{number}. ", whole=True)
    states = list(state_lines(index.data_dir, article.path, say))
    text = _page_block(article.text, spans[page], bold)
    message, *left = packed([heading, *map(Block.words, states), text])
    if left:  # beside the longest titles they have no room
        message, *_ = packed([heading, text])
    key = article_key(article.path, article.sha256)
    data = _page_data("{}", Reference(key, bold))
    listed = Button(say("telegram.listed"), f"list:{(number - 1) // _PAGE_SIZE}")
    changed = Button(say("telegram.changes"), f"changes:{key}")
    row = [*page_buttons(data, page, len(spans), say), listed]
    return message.with_buttons(row, [changed] * bool(states))


def _page_block(text: str, page: Span, bold: Span) -> Block:
    """What a reader sees of a page: no boilerplate, and no more than one empty line."""
    shown = [part for block in readable_blocks(text) for part in _clipped(block, page)] or [page]
    markup = [highlighted(text, part, _clipped(bold, part)) for part in shown]
    plain = [printable(text[part.start : part.end]) for part in shown]
    return Block("\n\n".join(markup), "\n\n".join(plain))


def _pages(article: Article) -> list[Span]:
    """The text in pages, without a first line that repeats the title above it."""
    head, _, rest = article.text.partition("\n")
    start = len(article.text) - len(rest.lstrip()) if words(head) == words(article.title) else 0
    whole = article.text[start:] or article.text
    start = len(article.text) - len(whole)
    return [Span(start + piece.start, start + piece.end) for piece in pieces(whole)]


def _page_data(page: int | str, reference: Reference) -> str:
    return f"text:{page}:{reference}"


def page_buttons(data: str, page: int, pages: int, say: Texts) -> list[Button]:
    """Buttons for the page before and the page after, where there are any."""
    before = Button(say("telegram.page_before"), data.format(page - 1))
    after = Button(say("telegram.page_after", page=page + 2, pages=pages), data.format(page + 1))
    return [*[before] * (page > 0), *[after] * (page + 1 < pages)]
