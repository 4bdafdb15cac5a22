"""Reads updates: the message, its text or command, and the language of the user."""

from __future__ import annotations

import re
from pathlib import Path

from telegram import Bot, CallbackQuery, MaybeInaccessibleMessage, Message, MessageEntity, Update

from bot.locales import Texts, texts_for_user


def addressed(message: Message, bot: Bot) -> str | None:
    """The text addressed to the bot by a mention, without it, or by a reply; None if neither.

    A mention alone addresses to it what the message replies to, unless the bot has written that.
    """
    replied_to = message.reply_to_message
    if is_automatic(message):
        return None
    kinds: list[str | None] = [MessageEntity.MENTION, MessageEntity.TEXT_MENTION]
    mentions = message.parse_entities(kinds) or message.parse_caption_entities(kinds)
    name = f"@{bot.username}".lower()
    to_bot = bool(replied_to and replied_to.from_user and replied_to.from_user.id == bot.id)
    for entity, mention in mentions.items():
        if mention.lower() == name or (entity.user and entity.user.id == bot.id):
            text = text_of(message).replace(mention, " ", 1).strip()
            return text or ("" if to_bot and not message.quote else replied_text(message))
    return text_of(message) if to_bot else None


def message_of(update: Update) -> Message:
    """The message that an update is about."""
    message = update.effective_message
    if message is None:
        raise ValueError("an update without a message")
    return message


def pressed_message(query: CallbackQuery) -> Message | None:
    """The message whose button was pressed; of one that is too old only chat and number.

    None where it cannot be told to which topic that belongs.
    """
    message = query.message
    if not isinstance(message, Message):  # python-telegram-bot makes one of an old message, too
        return None
    has_topics = message.chat.is_forum or message.chat.is_direct_messages
    return message if message.is_accessible or not has_topics else None


def person_of(message: Message) -> int:
    """The number of whoever wrote a message.

    Of a group or channel, where it speaks: an anonymous administrator is the group.
    """
    return (message.sender_chat or message.from_user or message.chat).id


def is_automatic(message: Message) -> bool:
    """Whether nobody wrote a message: another bot did, or Telegram forwarded a channel's post."""
    author = message.from_user
    is_bot = author is not None and author.is_bot and message.sender_chat is None
    return is_bot or bool(message.is_automatic_forward)


def text_of(message: Message | None) -> str:
    """The text of a message or its caption; "" where there is neither."""
    return (message.text or message.caption or "") if message else ""


def replied_text(message: Message) -> str:
    """The part of another message that a message replies to, or else all of it; "" without text.

    Of a message in another chat Telegram tells no more than the part, which it chooses itself if
    the user has not.
    """
    quote, whole = message.quote, text_of(message.reply_to_message)
    return quote.text if quote and (quote.is_manual or not whole) else whole


def topic_of(message: Message) -> int:
    """The topic of a forum, or of direct messages, that a message is in; 0 if General or none."""
    if message.is_topic_message:
        return message.message_thread_id or 0
    topic = message.direct_messages_topic
    return topic.topic_id if topic else 0


def ephemeral_number(message: MaybeInaccessibleMessage) -> int | None:
    """The number of an ephemeral message; None for any other. Its ``message_id`` is 0."""
    return message.api_kwargs.get("ephemeral_message_id")


def command_of(message: Message) -> tuple[str, str]:
    """The command that a message or caption begins with, as "/ask@bot", and the text after it."""
    kinds: list[str | None] = [MessageEntity.BOT_COMMAND]
    commands = message.parse_entities(kinds) or message.parse_caption_entities(kinds)
    first = next((name for entity, name in commands.items() if entity.offset == 0), "")
    return first.lower(), text_of(message)[len(first) :].strip() if first else ""


def texts_of(update: Update, language: str) -> Texts:
    """The texts for the user of an update. ``language``: that of the settings."""
    user = update.effective_user
    return texts_for_user(language, user.language_code if user else None)


def file_name(name: str) -> str:
    """A name that a file can have in a folder of ours, made of what the sender calls it."""
    name = re.sub(r"[^\w. -]", "_", name.rpartition("/")[2])
    stem, suffix = Path(name).stem.strip(". "), Path(name).suffix
    return f"{stem[:80] or 'articolo'}{suffix[:10] or '.txt'}"
