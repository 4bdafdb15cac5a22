"""Whether a message in a group is for the bot."""

from __future__ import annotations

from telegram import Bot, Message, MessageEntity


def addressed(message: Message, bot: Bot) -> str | None:
    """What is asked of the bot: by a mention, without it, or in reply to the bot; else None."""
    author, answered = message.from_user, message.reply_to_message
    if author is not None and author.is_bot:
        return None
    text, mentions = _with_mentions(message)
    name = f"@{bot.username}".lower()
    for entity, words in mentions.items():
        if words.lower() == name or (entity.user and entity.user.id == bot.id):
            return text.replace(words, " ", 1).strip()
    if answered and answered.from_user and answered.from_user.id == bot.id:
        return text
    return None


def _with_mentions(message: Message) -> tuple[str, dict[MessageEntity, str]]:
    kinds: list[str | None] = [MessageEntity.MENTION, MessageEntity.TEXT_MENTION]
    if message.text is not None:
        return message.text, message.parse_entities(kinds)
    return message.caption or "", message.parse_caption_entities(kinds)
