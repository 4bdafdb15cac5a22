"""Reads updates: the message, its text or command, and the language of the user."""

from __future__ import annotations

from telegram import Bot, Message, MessageEntity, Update

from bot.locales import Texts, texts_for_user


def addressed(message: Message, bot: Bot) -> str | None:
    """The text addressed to the bot by a mention, without it, or by a reply; None if neither."""
    author, replied_to = message.from_user, message.reply_to_message
    if author is not None and author.is_bot:
        return None
    kinds: list[str | None] = [MessageEntity.MENTION, MessageEntity.TEXT_MENTION]
    mentions = message.parse_entities(kinds) or message.parse_caption_entities(kinds)
    name = f"@{bot.username}".lower()
    for entity, mention in mentions.items():
        if mention.lower() == name or (entity.user and entity.user.id == bot.id):
            return text_of(message).replace(mention, " ", 1).strip()
    if replied_to and replied_to.from_user and replied_to.from_user.id == bot.id:
        return text_of(message)
    return None


def message_of(update: Update) -> Message:
    """The message that an update is about."""
    message = update.effective_message
    if message is None:
        raise ValueError("an update without a message")
    return message


def text_of(message: Message | None) -> str:
    """The text of a message or its caption; "" where there is neither."""
    return (message.text or message.caption or "") if message else ""


def command_of(message: Message) -> tuple[str, str]:
    """The command that a message begins with, as "/ask@bot", and the text after it."""
    commands = message.parse_entities([MessageEntity.BOT_COMMAND])
    first = next((name for entity, name in commands.items() if entity.offset == 0), "")
    return first.lower(), text_of(message)[len(first) :].strip() if first else ""


def texts_of(update: Update, language: str) -> Texts:
    """The texts for the user of an update. ``language``: that of the settings."""
    user = update.effective_user
    return texts_for_user(language, user.language_code if user else None)
