"""The message that tells what new articles answer to a followed question."""

from __future__ import annotations

from dataclasses import astuple

from bot.following.follows import Follow
from bot.following.news import News
from bot.following.outbox import Outgoing, Parts
from bot.locales import Texts
from bot.telegram.buttons import quotation_rows
from bot.telegram.messages import Block, Button, Message, answer_blocks, packed, shortened
from retrieval.answering.agreement import Relation

_MAX_ROWS = 10  # of buttons


def notice(news: News, say: Texts, *, inline: bool) -> Outgoing:
    """The message, to be queued. ``inline``: see buttons."""
    follow, answer = news.follow, news.answer
    lines = [Block.bold(f"🔔 {shortened(follow.question)}"), Block.words(_relation(news, say))]
    rows = quotation_rows(answer.quotes, 1, say, inline=inline)
    part = {
        "blocks": [astuple(block) for block in [*lines, *answer_blocks(answer, say)]],
        "rows": [[astuple(button) for button in row] for row in rows],
        "end": astuple(stop_button(follow, say)),
    }
    return Outgoing(follow.to, follow.person, [part], follow.id)


def messages_of(content: Parts) -> list[Message]:
    """The messages that a queued content is sent as, at least one: several notices are one."""
    blocks = [Block(*block) for part in content for block in part["blocks"]]
    rows = [[Button(*button) for button in row] for part in content for row in part["rows"]]
    ends = {tuple(part["end"]): None for part in content if "end" in part}
    *messages, last = packed(blocks)
    return [*messages, last.with_buttons(*rows[:_MAX_ROWS], [Button(*end) for end in ends])]


def stop_button(follow: Follow, say: Texts) -> Button:
    """The button below a notice that ends the following."""
    return Button(say("telegram.follow_stop"), f"stop:{follow.id}")


def _relation(news: News, say: Texts) -> str:
    before = news.follow.last.answer if news.follow.last else ""
    if news.relation is Relation.CONTRADICTS:
        now = shortened(news.answer.answer or "")
        return say("telegram.notice_contradicts", before=shortened(before), now=now)
    if news.relation is Relation.AGREES:
        return say("telegram.notice_agrees", before=shortened(before))
    return say("telegram.notice_new")
