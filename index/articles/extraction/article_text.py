"""The text of the article in a page, or why there is none."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from index.articles.document import Document
from index.articles.extraction.blocks import Block, joined, page_blocks
from index.articles.extraction.features import PageTexts, grams, words
from index.articles.extraction.opinion import extracted_text, second_opinion
from index.articles.extraction.parsing import drop_unseen, no_article
from index.articles.extraction.selection import article_odds, notice_kind
from index.articles.extraction.structured import is_for_subscribers, page_texts
from index.errors import ArticleError
from index.text.clean import is_boilerplate
from index.text.dates import is_time_of_day

_HEADINGS = frozenset("h1 h2 h3 h4 h5 h6".split())
_SCRAP = 60  # characters
_SURE = 3.0  # log-odds
_STOPS = ".!?…。！？"
_MIN_REPEATED = 40  # characters; shorter lines may well come twice
_COVERED = 0.8  # of JSON-LD's body; a page with less shows only the beginning
_MAX_HEADLINE = 600  # characters
_SHORT = 500  # characters of a page that only leads on to another
_MAX_TEASER = 1500  # characters
_NEAR_END = 3  # blocks behind an article, one of which asks for a subscription


def article_text(tree: Any, title: str) -> Document:
    """The text of the page's article, its headline first. Changes the tree.

    Raises ArticleError, with the reason, if the page has no article.
    """
    texts, is_closed = page_texts(tree, title), is_for_subscribers(tree)
    target = _refresh_target(tree)
    drop_unseen(tree)
    texts = replace(texts, extracted=extracted_text(tree))
    blocks = [_without_notice(block) for block in page_blocks(tree)]
    if target and sum(len(block.text) for block in blocks) < _SHORT:
        raise ArticleError(f"the page only leads on to {target}: add that address")
    at = _headline(blocks, title)
    chosen = _body(blocks, at, texts)
    body = _completed(chosen, texts)
    if not any(stop in block.text for block in body for stop in _STOPS):
        raise _no_article(blocks)
    shown = [] if at is None else [replace(blocks[at], text=html.unescape(blocks[at].text))]
    is_short = sum(len(block.text) for block in body) < _MAX_TEASER
    is_teaser = is_short and (is_closed or _asks_to_subscribe(blocks, chosen))
    return Document(joined([*shown, *body]), is_teaser=is_teaser)


def _asks_to_subscribe(blocks: Sequence[Block], body: Sequence[Block]) -> bool:
    """Whether one of the first blocks behind the article is a notice for subscribers."""
    elements = {id(block.element) for block in body}
    last = max((at for at, b in enumerate(blocks) if id(b.element) in elements), default=-1)
    behind = blocks[last + 1 : last + 1 + _NEAR_END]
    return any(notice_kind([block.text]) == "subscribe" for block in behind)


def _refresh_target(tree: Any) -> str:
    """The address that the page sends browsers to, or ""."""
    for meta in tree.iter("meta"):
        if (meta.get("http-equiv") or "").lower() == "refresh":
            return str((meta.get("content") or "").partition("=")[2].strip(" '\"")[:200])
    return ""


def _headline(blocks: Sequence[Block], title: str) -> int | None:
    """The block that shows the title, a heading rather than another one."""
    known = words(title)
    shown = []
    for at, block in enumerate(blocks):
        own = words(
            html.unescape(block.text[:_MAX_HEADLINE])
        )  # as titles are: some sites escape twice
        tag = block.element.tag
        ends = (known[: len(own)], known[-len(own) :]) if len(own) > len(known) / 2 else ()
        if (own == known and len(own) > 1) or (tag in ("h1", "h2", "h3") and own in ends):
            shown.append((tag != "h1", at))
    return min(shown)[1] if shown else None


def _body(blocks: Sequence[Block], headline: int | None, texts: PageTexts) -> list[Block]:
    """The blocks of the article but its headline, without repetitions."""
    shares = [texts.share(block.text, "extracted") for block in blocks]
    votes = zip(article_odds(blocks, texts), second_opinion(blocks, shares, headline), strict=True)
    kept = {
        at
        for at, (odd, block) in enumerate(zip(map(sum, votes), blocks, strict=True))
        if odd > (_SURE if _is_scrap(block) else 0) and not is_boilerplate(block.text)
    }
    times = {at for at, block in enumerate(blocks) if is_time_of_day(block.text)}
    posts = {at for at in times if at + 1 in kept - times}
    kept = kept - times | (posts if len(posts) > 1 else set())  # of a live blog
    seen = set() if headline is None else {blocks[headline].text}
    body = []
    for at in sorted(kept):
        # Above the headline are the site's name and the section's, and rarely the lead.
        is_above = at < (headline or 0) and blocks[at].text[-1] not in _STOPS
        if blocks[at].text not in seen and not is_above:
            body.append(blocks[at])
        if len(blocks[at].text) >= _MIN_REPEATED:
            seen.add(blocks[at].text)
    return body


def _is_scrap(block: Block) -> bool:
    """Whether a block is no sentence, heading, row or item: of little use, often no article."""
    is_item = block.element.tag == "li" and not block.linked
    is_heading = block.element.tag in _HEADINGS or block.is_row
    return not is_heading and not is_item and len(block.text) < _SCRAP and block.text[-1].isalnum()


def _without_notice(block: Block) -> Block:
    """The block without a notice of rights or the like behind its last sentence."""
    for stop in re.finditer(r"(?<=[.!?…»”)])\s", block.text[-200:]):
        end = len(block.text[:-200]) + stop.start()
        if is_boilerplate(block.text[end:]):
            return replace(block, text=block.text[:end])
    return block


def _completed(body: list[Block], texts: PageTexts) -> list[Block]:
    """The article as JSON-LD has it, if the page shows only its beginning or nothing of it."""
    whole = set(grams(texts.body))
    shown = {gram for block in body for gram in grams(block.text)} if whole else set()
    if len(whole & shown) >= _COVERED * len(whole):
        return body
    common = [at for at, block in enumerate(body) if texts.share(block.text, "body") > 0.5]
    if not common and sum(len(block.text) for block in body) > len(texts.body):
        return body  # JSON-LD tells of something else
    lead = body[: common[0]] if common else []
    return [*lead, *(Block(None, text) for text in texts.body.split("\n\n"))]


def _no_article(blocks: Sequence[Block]) -> ArticleError:
    """The reason why a page with these blocks has no article."""
    # A footer links to what it says of cookies.
    kind = notice_kind([block.text for block in blocks if block.linked < len(block.text) / 2])
    if kind == "missing":
        return ArticleError("the page says that there is no such article: nothing in it is read")
    if kind == "consent":
        return ArticleError(
            "the page only asks for consent to cookies: save it after you have answered"
        )
    if kind == "robot":
        return ArticleError("the page only checks the browser: save it once the article is shown")
    if kind == "subscribe":
        return ArticleError(
            "the page only asks for a subscription: save it once the article is shown"
        )
    return no_article()
