"""What people see of the questions that they follow."""

from __future__ import annotations

import datetime
from collections.abc import Sequence

from bot.captions import written_day
from bot.following.follows import Follow
from bot.following.outbox import DAILY_HOUR
from bot.locales import Texts
from bot.telegram.messages import Block, Button, Message, packed, shortened, text_message

_PAGE = 8  # questions, each with a button
_MAX_LINE = 200  # characters of a question in the list


def confirmation(follow: Follow, say: Texts) -> Message:
    """That a question is followed, with buttons: how often, and no longer."""
    name = "telegram.follow_is_daily" if follow.daily else "telegram.follow_is_at_once"
    text = say(name, question=shortened(follow.question), hour=DAILY_HOUR)
    if follow.daily:
        pace = Button(say("telegram.follow_at_once"), f"once:{follow.id}")
    else:
        pace = Button(say("telegram.follow_daily"), f"daily:{follow.id}")
    end = Button(say("telegram.follow_stop"), f"unfollow:{follow.id}")
    return text_message(text).with_buttons([pace, end])


def followed_page(follows: Sequence[Follow], page: int, say: Texts, *, own: bool) -> Message:
    """A page of questions, from 0, with buttons that end them.

    ``own``: those of a person in all chats, or else those of a group.
    """
    if not follows:
        return text_message(say("telegram.follows_none"))
    pages = -(-len(follows) // _PAGE)
    page = min(page, pages - 1)
    first = page * _PAGE
    shown = list(enumerate(follows[first : first + _PAGE], first + 1))
    head = "telegram.follows_own" if own else "telegram.follows_here"
    lines = [Block.bold(say(head, count=len(follows)))]
    lines += [Block.words(_line(number, follow, say, own=own)) for number, follow in shown]
    ends = [
        Button(say("telegram.follow_end", number=number), f"unfollow:{follow.id}:{page}")
        for number, follow in shown
    ]
    before = Button(say("telegram.page_before"), f"followed:{page - 1}")
    after = Button(say("telegram.page_after", page=page + 2, pages=pages), f"followed:{page + 1}")
    turns = [*[before] * (page > 0), *[after] * (page + 1 < pages)]
    (message, *_) = packed(lines)
    return message.with_buttons(ends[: _PAGE // 2], ends[_PAGE // 2 :], turns)


def _line(number: int, follow: Follow, say: Texts, *, own: bool) -> str:
    question = follow.question
    if len(question) > _MAX_LINE:
        question = question[:_MAX_LINE] + "…"
    since = datetime.date.fromtimestamp(follow.since).isoformat()
    notes = [say("telegram.follows_since", since=written_day(since, say))]
    if follow.daily:
        notes.append(say("telegram.follows_daily"))
    if follow.to.topic:
        notes.append(say("telegram.follows_topic"))
    elif follow.to.chat < 0 and own:
        notes.append(say("telegram.follows_group"))
    return f"{number}. {question} – {', '.join(notes)}"
