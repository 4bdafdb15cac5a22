"""The Application of python-telegram-bot: its parts, its start and its end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from contextlib import closing
from typing import Any

from telegram import Bot, BotCommand, Update
from telegram.error import InvalidToken, NetworkError, TelegramError
from telegram.ext import (
    AIORateLimiter,
    Application,
    ApplicationBuilder,
    BaseHandler,
    CallbackQueryHandler,
    CommandHandler,
    MessageHandler,
    filters,
)
from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception_type,
    wait_random_exponential,
)

from bot.compose import Parts
from bot.locales import LANGUAGES, texts
from bot.settings import Settings, SettingsError
from bot.state import FILE, State
from bot.telegram.handlers import Handlers
from bot.telegram.inbox import Inbox, InboxProcessor
from bot.telegram.indexing import CorpusFollower
from bot.telegram.logs import log_without
from bot.telegram.polling import UpdatesRequest
from bot.telegram.sending import LONGEST_PAUSE
from index.errors import VirgoletteError

COMMANDS = ("ask", "verify", "sources", "article", "help", "start")
ITALIAN = {"verify": "verifica", "sources": "fonti", "article": "articolo"}  # the names that differ
TELEGRAM = "https://api.telegram.org/bot"
FLOOD_RETRIES = 10  # how often a 429 is waited out
CONCURRENT_UPDATES = 64

App = Application[Any, Any, Any, Any, Any, Any]
Hook = Callable[[App], Coroutine[Any, Any, None]]
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
        asyncio.run(_reached(settings))
        parts.index.follow()
        parts.chain.warm_up()  # on the event loop's side it would hold up every chat
        with closing(State(settings.data_dir / FILE)) as state:
            build_application(parts, settings, state).run_polling(
                allowed_updates=["message", "callback_query"], bootstrap_retries=-1
            )
    except InvalidToken:
        raise SettingsError(
            "VIRGOLETTE_TELEGRAM_BOT_TOKEN was refused by Telegram: copy it again from @BotFather"
        ) from None
    except TelegramError as error:
        raise VirgoletteError(f"Telegram: {str(error).replace(token, '…')}") from None


async def _reached(settings: Settings) -> None:
    """Wait until Telegram answers, and log why it does not yet."""
    retrying = AsyncRetrying(
        retry=retry_if_exception_type(NetworkError),
        wait=wait_random_exponential(multiplier=1, max=LONGEST_PAUSE),
        before_sleep=_tell_unreachable,
    )
    bot = Bot(settings.telegram_bot_token.get_secret_value(), *_addresses(settings))
    async for attempt in retrying:
        with attempt:
            me = await bot.get_me()
    _log.info("answering as @%s", me.username)


def _tell_unreachable(state: RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome else None
    pause = state.next_action.sleep if state.next_action else 0
    _log.warning("cannot reach Telegram (%s); trying again in %.0f s", error, pause)


def _addresses(settings: Settings) -> tuple[str, str]:
    """The addresses of the Bot API and of its files."""
    address = settings.telegram_base_url or TELEGRAM
    return address, f"{address.removesuffix('/bot')}/file/bot"


def build_application(parts: Parts, settings: Settings, state: State) -> App:
    """The application with its handlers, not yet running."""
    address, files = _addresses(settings)
    token = settings.telegram_bot_token.get_secret_value()
    inbox = Inbox(state, int(token.split(":")[0]))
    begin, end = _lifecycle(settings, inbox)
    builder = (
        ApplicationBuilder()
        .base_url(address)
        .base_file_url(files)
        .token(token)
        .get_updates_request(UpdatesRequest(inbox))
        .rate_limiter(AIORateLimiter(max_retries=FLOOD_RETRIES))
        .concurrent_updates(InboxProcessor(inbox, CONCURRENT_UPDATES))
        .post_init(begin)
        .post_shutdown(end)
    )
    application: App = builder.build()
    handlers = Handlers(
        parts.chain, parts.index, settings.language, settings.telegram_allowed_users
    )
    for handler in _handlers(handlers):
        application.add_handler(handler)
    application.add_error_handler(handlers.error)
    return application


def _lifecycle(settings: Settings, inbox: Inbox) -> tuple[Hook, Hook]:
    """What is done before the first update and after the last."""
    follower = CorpusFollower()

    async def begin(application: App) -> None:
        if settings.watch:
            follower.start()
        await _set_commands(application)
        for body in await asyncio.to_thread(inbox.waiting):
            await application.update_queue.put(Update.de_json(body, application.bot))

    async def end(_: App) -> None:
        await follower.stop()

    return begin, end


def _handlers(to: Handlers) -> list[BaseHandler[Any, Any, Any]]:
    """The handlers in order: the first that fits a message gets it."""
    anywhere = filters.UpdateType.MESSAGE & ~filters.SenderChat.CHANNEL
    private, groups = (
        kind & anywhere for kind in (filters.ChatType.PRIVATE, filters.ChatType.GROUPS)
    )
    listed = filters.User(to.allowed) | filters.Chat(to.allowed)
    strangers = ~listed if to.allowed else ~filters.ALL
    words = filters.TEXT | filters.CAPTION
    return [
        MessageHandler(private & strangers, to.refuse),
        MessageHandler(groups & strangers, to.refuse_if_addressed),
        CommandHandler("start", to.start, anywhere),
        CommandHandler("help", to.help, anywhere),
        CommandHandler("ask", to.ask, anywhere),
        CommandHandler(["verifica", "verify"], to.verify, anywhere),
        CommandHandler(["fonti", "sources"], to.sources, anywhere),
        CommandHandler(["articolo", "article"], to.article, anywhere),
        CallbackQueryHandler(to.pressed),
        MessageHandler(private & words, to.question),
        MessageHandler(groups & words, to.answer_if_addressed),
        MessageHandler(private & ~filters.StatusUpdate.ALL, to.not_text),
    ]


async def _set_commands(application: App) -> None:
    """Tell Telegram the menu. The bot works without it, so a failure is only logged."""
    try:
        for language in LANGUAGES:
            await application.bot.set_my_commands(_menu(language), language_code=language)
        await application.bot.set_my_commands(_menu("it"))
    except TelegramError as error:
        _log.warning("the menu of commands could not be set: %s", error)


def _menu(language: str) -> list[BotCommand]:
    names = {name: ITALIAN.get(name, name) if language == "it" else name for name in COMMANDS}
    say = texts(language)
    return [BotCommand(shown, say(f"telegram.command_{name}")) for name, shown in names.items()]
