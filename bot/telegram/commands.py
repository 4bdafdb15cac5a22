"""The commands with their English and Italian names, and the menus that show them."""

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

from bot.environment import LANGUAGES
from bot.locales import texts

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Command:
    """A command. ``group``: its menu entry is in groups too; ``admin``: it is for admins only."""

    name: str
    italian: str
    group: bool = False
    admin: bool = False

    @property
    def names(self) -> list[str]:
        """Both names, or one where they are equal."""
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
    """Set the menus for everybody."""
    everyone = [c for c in COMMANDS.values() if not c.admin]
    await _set_menu(bot, BotCommandScopeDefault(), everyone)
    await _set_menu(bot, BotCommandScopeAllPrivateChats(), everyone)
    await _set_menu(bot, BotCommandScopeAllGroupChats(), [c for c in everyone if c.group])


async def set_admin_menu(bot: Bot, chat: int) -> None:
    """Set the menu of the private chat with an admin."""
    await _set_menu(bot, BotCommandScopeChat(chat), list(COMMANDS.values()))


async def _set_menu(bot: Bot, scope: BotCommandScope, commands: list[Command]) -> None:
    """The bot works without a menu, so a failure is only logged."""
    try:
        for language in (*LANGUAGES, None):  # None: any other language
            say, italian = texts(language or "it"), language in ("it", None)
            menu = [
                BotCommand(c.italian if italian else c.name, say(f"telegram.command_{c.name}"))
                for c in commands
            ]
            await bot.set_my_commands(menu, scope=scope, language_code=language)
    except TelegramError as error:
        _log.warning("the menu of commands could not be set (%s): %s", scope.type, error)
