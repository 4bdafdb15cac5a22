"""The message below an answer that tells what became of its quotations."""

from __future__ import annotations

from dataclasses import astuple, replace
from typing import Any

from bot.corrections.quoted import Change, Correction
from bot.following.outbox import Outgoing
from bot.listing import article_key
from bot.locales import Texts
from bot.telegram.buttons import quotation_rows
from bot.telegram.messages import Block, Button, article_block

_MAX_QUOTED = 900  # characters of a quotation in it


def correction_notice(correction: Correction, say: Texts, *, inline: bool) -> Outgoing:
    """The message, to be queued. ``inline``: see buttons."""
    is_one = correction.answers == 1
    quotes = [change.now for change in correction.changes if change.now and is_one]
    rows = list(quotation_rows(quotes, 1, say, inline=inline)) if quotes else []
    content = [_content(correction, say, [*rows, *_further(correction, say)])]
    return Outgoing(correction.to, correction.person, content, reply_to=correction.reply)


def with_correction(message: Outgoing, correction: Correction, say: Texts) -> Outgoing:
    """A message with news from the same article, which also tells what became of the quotation."""
    content = [_content(correction, say, _further(correction, say)), *message.content]
    return replace(message, content=content, reply_to=correction.reply)


def _content(correction: Correction, say: Texts, rows: list[list[Button]]) -> dict[str, Any]:
    blocks = [block for change in correction.changes for block in _blocks(change, say)]
    if correction.answers > 1:
        articles = [change.article for change in correction.changes if change.article][:1]
        more = Block.words(say("telegram.quoted_more", count=correction.answers))
        blocks = [more, *map(article_block, articles)]
    return {
        "blocks": [astuple(block) for block in blocks],
        "rows": [[astuple(button) for button in row] for row in rows],
    }


def _blocks(change: Change, say: Texts) -> list[Block]:
    quoted = {"before": _cut(change.before)}
    if change.now:
        quoted["now"] = _cut(change.now.shown)
    text = Block.words(say(f"telegram.quoted_{change.outcome}", **quoted))
    return [text, article_block(change.article)] if change.article else [text]


def _further(correction: Correction, say: Texts) -> list[list[Button]]:
    """A button for all that has changed in the first article."""
    articles = [change.article for change in correction.changes if change.now and change.article]
    keys = [article_key(article.path, article.sha256) for article in articles[:1]]
    return [[Button(say("telegram.changes"), f"changes:{key}")] for key in keys]


def _cut(text: str) -> str:
    return text if len(text) <= _MAX_QUOTED else f"{text[:_MAX_QUOTED]}…"
