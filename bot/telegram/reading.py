"""What an update holds."""

from __future__ import annotations

from telegram import Message, MessageEntity, Update


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
