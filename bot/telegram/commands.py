"""The commands, by both names, and the menus that show them."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from telegram import (
    Bot,
    BotCommand,
    BotCommandScope,
    BotCommandScopeAllGroupChats,
    BotCommandScopeAllPrivateChats,
    BotCommandScopeChat,
    BotCommandScopeDefault,
)
from telegram.error import TelegramError

from bot.locales import LANGUAGES, texts

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Command:
    """A command by its English and its Italian name."""

    name: str
    italian: str
    group: bool = False
    admin: bool = False

    @property
    def names(self) -> list[str]:
        """Both names, or the one that both languages have."""
        return sorted({self.name, self.italian})


COMMANDS = {
    command.name: command
    for command in (
        Command("ask", "ask", group=True),
        Command("verify", "verifica", group=True),
        Command("sources", "fonti", group=True),
        Command("article", "articolo", group=True),
        Command("new", "nuova"),
        Command("cancel", "annulla"),
        Command("help", "help", group=True),
        Command("start", "start"),
        Command("privacy", "privacy"),
        Command("forgetme", "dimenticami"),
        Command("status", "stato", admin=True),
        Command("reindex", "reindex", admin=True),
        Command("add", "aggiungi", admin=True),
        Command("remove", "togli", admin=True),
    )
}


async def set_menus(bot: Bot) -> None:
    """Tell Telegram the menus of everybody."""
    everyone = [c for c in COMMANDS.values() if not c.admin]
    await _set_menu(bot, BotCommandScopeDefault(), everyone)
    await _set_menu(bot, BotCommandScopeAllPrivateChats(), everyone)
    await _set_menu(bot, BotCommandScopeAllGroupChats(), [c for c in everyone if c.group])


async def set_admin_menu(bot: Bot, chat: int) -> None:
    """Tell Telegram the menu of a private chat with somebody who administers the bot."""
    await _set_menu(bot, BotCommandScopeChat(chat), list(COMMANDS.values()))


async def _set_menu(bot: Bot, scope: BotCommandScope, commands: list[Command]) -> None:
    """The bot works without a menu, so a failure is only logged."""
    try:
        for language in LANGUAGES:
            menu = _menu(commands, language)
            await bot.set_my_commands(menu, scope=scope, language_code=language)
        await bot.set_my_commands(_menu(commands, "it"), scope=scope)
    except TelegramError as error:
        _log.warning("the menu of commands could not be set (%s): %s", scope.type, error)


def _menu(commands: list[Command], language: str) -> list[BotCommand]:
    say = texts(language)
    return [
        BotCommand(c.italian if language == "it" else c.name, say(f"telegram.command_{c.name}"))
        for c in commands
    ]
