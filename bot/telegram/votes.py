"""What people think of an answer: the buttons 👍 and 👎 below it, and reactions to it."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Iterable
from dataclasses import dataclass

from telegram import (
    CallbackQuery,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    ReactionType,
    ReactionTypeEmoji,
    Update,
)
from telegram import Message as TelegramMessage
from telegram.error import TelegramError
from telegram.ext import ContextTypes

from bot.access import Supergroups
from bot.locales import Texts
from bot.state import AnswerLog, Votes
from bot.telegram.sending import acknowledge

_MARK = " ✓"  # after the label of a button that counts somebody's vote
_GOOD = frozenset("👍❤🔥👏🎉🤩💯👌🙏🏆🥰😍")
_BAD = frozenset("👎💩🤮🤬😡")

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Voting:
    """Takes votes: one per person and answer, which the person can change and take back."""

    answer_log: AnswerLog
    supergroups: Supergroups

    async def press(self, query: CallbackQuery, number: str, say: Texts, *, good: bool) -> None:
        """A button, of the answer to the message with this number; the same again takes it back."""
        votes, message = None, query.message
        if message is not None and re.fullmatch(r"\d{1,15}", number):
            chat, person = message.chat.id, query.from_user.id
            votes = await asyncio.to_thread(self._pressed, chat, int(number), person, good=good)
        if votes is None:
            await acknowledge(query, say("telegram.vote_gone"))
            return
        outcome = "telegram.vote_removed" if votes.own is None else "telegram.voted"
        await acknowledge(query, say(outcome), alert=False)
        if isinstance(message, TelegramMessage) and message.reply_markup is not None:
            await _show(query, message, message.reply_markup, votes)

    async def react(self, update: Update, _: ContextTypes.DEFAULT_TYPE) -> None:
        """A reaction to a message: to an answer it is a vote, like a button, which it outdates."""
        reaction = update.message_reaction
        if reaction is None or reaction.user is None:
            return  # an administrator who remains anonymous
        good = _opinion(reaction.new_reaction)
        if good is None and _opinion(reaction.old_reaction) is None:
            return
        for chat in self.supergroups.numbers(reaction.chat.id):
            question = self.answer_log.question_of
            key = await asyncio.to_thread(question, chat, reaction.message_id)
            if key is not None:
                await asyncio.to_thread(self.answer_log.vote, key, reaction.user.id, good=good)
                return

    def _pressed(self, chat: int, number: int, person: int, *, good: bool) -> Votes | None:
        """The votes after somebody has pressed a button; None if the answer is unknown."""
        for key in ((chat, number) for chat in self.supergroups.numbers(chat)):
            again = self.answer_log.votes(key, person).own is good
            if self.answer_log.vote(key, person, good=None if again else good):
                return self.answer_log.votes(key, person)
        return None


def _opinion(reactions: Iterable[ReactionType]) -> bool | None:
    """Whether a reaction says that an answer is good; None if none says good or bad."""
    emoji = [r.emoji for r in reactions if isinstance(r, ReactionTypeEmoji)]
    return next((e in _GOOD for e in emoji if e in _GOOD | _BAD), None)


async def _show(
    query: CallbackQuery, message: TelegramMessage, markup: InlineKeyboardMarkup, votes: Votes
) -> None:
    """Show the votes on the buttons: in a group, where several people vote, how many."""
    private = message.chat.type == message.chat.PRIVATE
    rows = [
        [_counted(button, votes, private=private) for button in row]
        for row in markup.inline_keyboard
    ]
    try:
        await query.edit_message_reply_markup(InlineKeyboardMarkup(rows))
    except TelegramError as error:  # not modified, or gone: the vote is kept all the same
        _log.info("the buttons of an answer do not show a vote: %s", error)


def _counted(button: InlineKeyboardButton, votes: Votes, *, private: bool) -> InlineKeyboardButton:
    kind = str(button.callback_data or "").partition(":")[0]
    if kind not in ("good", "bad"):
        return button
    count = votes.good if kind == "good" else votes.bad
    label = button.text.partition(_MARK)[0]
    if count:
        label += _MARK if private else f"{_MARK} {count}"
    return InlineKeyboardButton(label, callback_data=button.callback_data)
