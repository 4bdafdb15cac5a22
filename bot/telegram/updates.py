"""What an update holds."""

from __future__ import annotations

from telegram import Bot, Message, MessageEntity, Update


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


def message_of(update: Update) -> Message:
    """The message that an update is about."""
    message = update.effective_message
    if message is None:
        raise ValueError("an update without a message")
    return message


def text_of(message: Message | None) -> str:
    """A message's text, or what stands below its picture."""
    return (message.text or message.caption or "") if message else ""


def command_of(message: Message) -> tuple[str, str]:
    """The command that a message begins with, as "/ask@bot", and what stands after it."""
    commands = message.parse_entities([MessageEntity.BOT_COMMAND])
    first = next((name for entity, name in commands.items() if entity.offset == 0), "")
    return first.lower(), text_of(message)[len(first) :].strip() if first else ""
