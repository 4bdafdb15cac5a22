"""What Telegram shows of the bot: its commands, in English and Italian, and what it is."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from telegram import (
    Bot,
    BotCommand,
    BotCommandScope,
    BotCommandScopeAllGroupChats,
    BotCommandScopeAllPrivateChats,
    BotCommandScopeChat,
    BotCommandScopeDefault,
    BotDescription,
    BotShortDescription,
)
from telegram.error import TelegramError

from bot.environment import LANGUAGES
from bot.locales import Texts, texts

_Get = Callable[..., Awaitable[BotDescription | BotShortDescription]]
_Put = Callable[..., Awaitable[bool]]

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Command:
    """A command. ``group``: its menu entry is in groups too; ``admin``: it is for admins only.

    ``ephemeral``: in groups the person alone sees it, and its answer, if the app can do that.
    """

    name: str
    italian: str
    group: bool = False
    admin: bool = False
    ephemeral: bool = False

    @property
    def names(self) -> list[str]:
        """Both names, or one where they are equal."""
        return sorted({self.name, self.italian})


COMMANDS = {
    command.name: command
    for command in (
        Command("ask", "ask", group=True),
        Command("verify", "verifica", group=True),
        Command("timeline", "cronologia", group=True),
        Command("follow", "segui", group=True),
        Command("following", "seguiti", group=True, ephemeral=True),
        Command("sources", "fonti", group=True, ephemeral=True),
        Command("article", "articolo", group=True, ephemeral=True),
        Command("export", "esporta", group=True),
        Command("new", "nuova"),
        Command("cancel", "annulla"),
        Command("help", "help", group=True, ephemeral=True),
        Command("start", "start"),
        Command("privacy", "privacy"),
        Command("forgetme", "dimenticami"),
        Command("status", "stato", admin=True),
        Command("reindex", "reindex", admin=True),
        Command("add", "aggiungi", admin=True),
        Command("remove", "togli", admin=True),
        Command("feed", "feed", admin=True),
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
            menu = [_entry(c, say, scope, italian=italian) for c in commands]
            await bot.set_my_commands(menu, scope=scope, language_code=language)
    except TelegramError as error:
        _log.warning("the menu of commands could not be set (%s): %s", scope.type, error)


def _entry(command: Command, say: Texts, scope: BotCommandScope, *, italian: bool) -> BotCommand:
    name = command.italian if italian else command.name
    ephemeral = command.ephemeral and scope.type == scope.ALL_GROUP_CHATS
    more = {"is_ephemeral": True} if ephemeral else None
    return BotCommand(name, say(f"telegram.command_{command.name}"), api_kwargs=more)


async def describe(bot: Bot) -> None:
    """Set what an empty chat and a profile say of the bot, unless its owner has written that.

    The owner's text is the one for all languages: a text of ours for one language would hide it.
    """
    shown = "telegram.description", bot.get_my_description, bot.set_my_description
    short = "telegram.short_description", bot.get_my_short_description, bot.set_my_short_description
    try:
        for name, get, put in (shown, short):
            await _describe(name, get, put)
    except TelegramError as error:
        _log.warning("the description of the bot could not be set: %s", error)


async def _describe(name: str, get: _Get, put: _Put) -> None:
    ours = {"", *(texts(language)(name) for language in LANGUAGES)}
    for language in (None, *LANGUAGES):  # None: any other language
        wanted, answer = texts(language or "it")(name), await get(language_code=language)
        current = getattr(answer, name.partition(".")[2])
        if current not in ours:
            if language is None:
                return
        elif current != wanted:
            await put(wanted, language_code=language)
