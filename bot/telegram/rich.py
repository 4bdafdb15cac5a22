"""Builds rich messages: a comparison as a table, quotations in lists with the further ones folded.

The quotations are plain strings in JSON: no markup is between an article and its reader.

Sources, which agree on the names of the fields: https://core.telegram.org/bots/api#sendrichmessage,
#editmessagetext, #inputrichmessage and #richtext; docs.aiogram.dev/en/latest/api/types/
input_rich_block_details.html, …/input_rich_block_table.html, …/rich_block_table_cell.html;
https://docs.rs/telegram-rich/latest/telegram_rich/types/enum.InputRichBlock.html. Limits, from
https://grammy.dev/ref/types/inputrichmessage: 32768 characters, 500 blocks with nested blocks and
rows, 16 levels, 20 columns. ``blocks`` came with Bot API 10.2. Telegram looks for addresses in the
text and refuses a message over one that it cannot use, unless that is turned off:
https://github.com/openclaw/openclaw/pull/96642. An app that knows no rich messages shows an empty
one, and the Bot API does not say so: https://github.com/NousResearch/hermes-agent/pull/46317.
"""

from __future__ import annotations

import json
from typing import Any

from bot.captions import (
    also_line,
    article_by_article,
    headline,
    notes,
    short_title,
    sources_first,
)
from bot.locales import Texts
from bot.telegram.messages import link_of, shortened
from index.text.clean import printable
from retrieval.answer import Answer, Intent, Quotation

Json = dict[str, Any]

_MAX_TEXT = 32768  # characters; here bytes of all the JSON, which are more
_MAX_QUOTES = 100  # each is in at most four blocks or rows of the 500 that a message may have
_OPEN = 3  # articles whose quotations are not folded


def rich_message(answer: Answer, say: Texts) -> Json | None:
    """The InputRichMessage that shows an answer; None where HTML shows it as well.

    A comparison, list or summary profits, a fact or a refusal does not.
    """
    if not sources_first(answer) or not 1 < len(answer.quotes) <= _MAX_QUOTES:
        return None
    blocks = _claims(answer, say)
    blocks += [_table(answer, say)] if answer.intent is Intent.COMPARE else _list(answer, say)
    if line := notes(answer, say):
        blocks.append({"type": "footer", "text": shortened(printable(line))})
    rich = {"blocks": blocks, "skip_entity_detection": True}
    fits = len(json.dumps(rich, ensure_ascii=False).encode()) <= _MAX_TEXT
    return rich if fits else None


def _claims(answer: Answer, say: Texts) -> list[Json]:
    """What stands above the quotations."""
    if answer.claims:
        return [_paragraph(printable(claim.cited)) for claim in answer.claims]
    head = headline(answer, say) or answer.answer
    return [_paragraph({"type": "bold", "text": printable(head)})] if head else []


def _table(answer: Answer, say: Texts) -> Json:
    """A row for each quotation; those in a row with one source share its cell."""
    names = (say("telegram.rich_outlet"), say("telegram.rich_says"))
    rows = [[_cell(name) | {"is_header": True} for name in names]]
    for label, quotes in article_by_article(answer):
        source = _cell(_source(quotes[0], label, say))
        if len(quotes) > 1:
            source["rowspan"] = len(quotes)
        texts = [[_cell(printable(quote.shown))] for quote in quotes]
        rows += [[source, *texts[0]], *texts[1:]]
    return {"type": "table", "cells": rows, "is_bordered": True}


def _list(answer: Answer, say: Texts) -> list[Json]:
    """The quotations below their sources, those of the further articles in a folded block."""
    articles = article_by_article(answer)
    shown = [_quoted(*article, say) for article in articles]
    blocks = [block for pair in shown[:_OPEN] for block in pair]
    if further := [block for pair in shown[_OPEN:] for block in pair]:
        count = sum(len(quotes) for _, quotes in articles[_OPEN:])
        summary = say("telegram.rich_more", count=count)
        blocks.append({"type": "details", "summary": summary, "blocks": further})
    return blocks


def _quoted(label: str, quotes: list[Quotation], say: Texts) -> list[Json]:
    texts = [_paragraph(printable(quote.shown)) for quote in quotes]
    return [_paragraph(_source(quotes[0], label, say)), {"type": "blockquote", "blocks": texts}]


def _source(quote: Quotation, label: str, say: Texts) -> list[Any]:
    """The RichText of a source: outlet, title, linked where its address is known, and date."""
    title: Any = printable(shortened(short_title(quote)))
    if address := link_of(quote):
        title = {"type": "url", "text": title, "url": address}
    before = f"{label}{shortened(quote.source)} · " if quote.source else label
    after = f" · {quote.date}" if quote.date else ""
    also = f"\n{shortened(also_line(quote, say))}" if quote.also else ""
    parts = [printable(before), title, printable(after + also)]
    return [part for part in parts if part]


def _paragraph(text: Any) -> Json:
    return {"type": "paragraph", "text": text}


def _cell(text: Any) -> Json:
    return {"text": text, "align": "left", "valign": "top"}
