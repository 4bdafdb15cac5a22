"""The Application of python-telegram-bot: its parts, its start and its end."""

from __future__ import annotations

import logging
from typing import Any

from telegram import BotCommand
from telegram.error import InvalidToken, TelegramError
from telegram.ext import (
    AIORateLimiter,
    Application,
    ApplicationBuilder,
    BaseHandler,
    CommandHandler,
    MessageHandler,
    filters,
)

from bot.compose import Parts
from bot.locales import LANGUAGES, Texts, texts
from bot.settings import Settings, SettingsError
from bot.telegram.handlers import Handlers
from bot.telegram.logs import log_without
from index.errors import VirgoletteError

COMMANDS = ("ask", "help", "start")
FLOOD_RETRIES = 10  # how often a 429 is waited out
CONCURRENT_UPDATES = 64

App = Application[Any, Any, Any, Any, Any, Any]
_log = logging.getLogger(__name__)


def run_bot(parts: Parts, settings: Settings) -> None:
    """Answer on Telegram until a signal ends it; answers under way are finished first.

    Raises SettingsError without a token or when Telegram does not know it.
    """
    token = settings.telegram_bot_token.get_secret_value()
    if not token:
        raise SettingsError(
            "VIRGOLETTE_TELEGRAM_BOT_TOKEN is not set: ask @BotFather for a token (/newbot) "
            "and put it into .env"
        )
    log_without(token)
    try:
        build_application(parts, settings).run_polling(
            allowed_updates=["message"], bootstrap_retries=-1
        )
    except InvalidToken:
        raise SettingsError(
            "VIRGOLETTE_TELEGRAM_BOT_TOKEN was refused by Telegram: copy it again from @BotFather"
        ) from None
    except TelegramError as error:
        raise VirgoletteError(f"Telegram: {str(error).replace(token, '…')}") from None


def build_application(parts: Parts, settings: Settings) -> App:
    """The application with its handlers, not yet running."""
    builder = (
        ApplicationBuilder()
        .token(settings.telegram_bot_token.get_secret_value())
        .rate_limiter(AIORateLimiter(max_retries=FLOOD_RETRIES))
        .concurrent_updates(CONCURRENT_UPDATES)
        .post_init(_set_commands)
    )
    if settings.telegram_base_url:
        address = settings.telegram_base_url
        files = f"{address.removesuffix('/bot')}/file/bot"
        builder = builder.base_url(address).base_file_url(files)
    application: App = builder.build()
    handlers = Handlers(parts.chain, settings.language, settings.telegram_allowed_users)
    for handler in _handlers(handlers):
        application.add_handler(handler)
    application.add_error_handler(handlers.error)
    return application


def _handlers(to: Handlers) -> list[BaseHandler[Any, Any, Any]]:
    """The handlers in order: the first that fits a message gets it."""
    private = filters.ChatType.PRIVATE & filters.UpdateType.MESSAGE
    strangers = private & ~filters.User(to.allowed) if to.allowed else ~filters.ALL
    return [
        MessageHandler(strangers, to.refuse),
        CommandHandler("start", to.start, private),
        CommandHandler("help", to.help, private),
        CommandHandler("ask", to.ask, private),
        MessageHandler(private & filters.TEXT, to.question),
        MessageHandler(private & ~filters.StatusUpdate.ALL, to.not_text),
    ]


async def _set_commands(application: App) -> None:
    """Tell Telegram the menu. The bot works without it, so a failure is only logged."""
    try:
        for language in LANGUAGES:
            await application.bot.set_my_commands(_menu(texts(language)), language_code=language)
        await application.bot.set_my_commands(_menu(texts("it")))
    except TelegramError as error:
        _log.warning("the menu of commands could not be set: %s", error)


def _menu(say: Texts) -> list[BotCommand]:
    return [BotCommand(name, say(f"telegram.command_{name}")) for name in COMMANDS]
