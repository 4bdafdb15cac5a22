"""Builds and runs the Application of python-telegram-bot."""

from __future__ import annotations

import asyncio
import copy
import logging
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from typing import Any

from telegram import Bot, Message, Update
from telegram.error import InvalidToken, NetworkError, TelegramError
from telegram.ext import (
    Application,
    ApplicationBuilder,
    BaseHandler,
    CallbackQueryHandler,
    ChatMemberHandler,
    InlineQueryHandler,
    MessageHandler,
    MessageReactionHandler,
    TypeHandler,
    filters,
)
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, wait_random_exponential

from bot.access import Access, Allowance, Invitations, Supergroups
from bot.chat_model import probe
from bot.compose import Parts
from bot.conversations import Conversations
from bot.documents.collection import Collection
from bot.feeds.following import configure_feeds
from bot.indexing import follow_corpus, follow_feeds
from bot.queue import AnswerQueue
from bot.settings import Settings, SettingsError
from bot.smalltalk import Examples
from bot.state import FILE, AnswerLog, State
from bot.telegram.admin import ADDRESS, Admin
from bot.telegram.answering import Answering
from bot.telegram.commands import COMMANDS, describe, set_menus
from bot.telegram.documents.collecting import Collecting
from bot.telegram.drafts.checking import DraftChecks
from bot.telegram.follows.handlers import Following
from bot.telegram.follows.service import FollowService
from bot.telegram.gate import Albums, Gate
from bot.telegram.handlers import Handlers
from bot.telegram.inbox import (
    Inbox,
    InboxProcessor,
    KeptQueue,
    PollingWatch,
    UpdatesRequest,
    Webhook,
)
from bot.telegram.inline import Inline
from bot.telegram.requests import MAX_RETRY_PAUSE, Limiter
from bot.telegram.sending import Replies, RichSupport
from bot.telegram.updates import command_of
from bot.telegram.votes import Voting
from index.errors import VirgoletteError
from retrieval.chain import WRITTEN_AT_ONCE

_TELEGRAM = "https://api.telegram.org/bot"
_CONCURRENT_UPDATES = 1024  # those that wait for an answer keep nobody from pressing a button
_GRACE = 10.0  # seconds for the answers under way when the bot ends
_KINDS = [  # of updates; Telegram sends reactions only if they are named
    "message", "edited_message", "callback_query", "inline_query", "message_reaction",
    "my_chat_member", "guest_message",
]  # fmt: skip

App = Application[Any, Any, Any, Any, Any, Any]
_HandlerList = list[BaseHandler[Any, Any, Any]]
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
    if settings.chat_model:
        probe(settings)
    configure_feeds(settings)
    try:
        asyncio.run(_wait_for_telegram(settings))
        parts.index.follow()
        parts.chain.warm_up()  # on the event loop it would hold up every chat
        with closing(State(settings.data_dir / FILE)) as state:
            _run(build_application(parts, settings, state), settings)
    except InvalidToken:
        raise SettingsError(
            "VIRGOLETTE_TELEGRAM_BOT_TOKEN was refused by Telegram: copy it again from @BotFather"
        ) from None
    except TelegramError as error:
        raise VirgoletteError(f"Telegram: {str(error).replace(token, '…')}") from None


def log_without(secret: str) -> None:
    """Log to standard error, without the secret. httpx would log every address, token included."""
    handler = logging.StreamHandler()
    handler.setFormatter(_Redacting(secret))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    for name in ("httpx", "httpcore", "httpx2", "httpcore2", "apscheduler", "chromadb"):
        logging.getLogger(name).setLevel(logging.WARNING)


class _Redacting(logging.Formatter):
    """Removes the secret from the log, tracebacks included.

    Network errors that python-telegram-bot reports take one line: their tracebacks say nothing
    about this program.
    """

    def __init__(self, secret: str) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")
        self._secret = secret

    def format(self, record: logging.LogRecord) -> str:
        error = record.exc_info[1] if record.exc_info else None
        if error is not None and record.name.startswith("telegram"):
            record = copy.copy(record)
            record.msg, record.args = f"{record.getMessage()} ({error!r})", None
            record.exc_info = record.exc_text = None
        return super().format(record).replace(self._secret, "…")


async def _wait_for_telegram(settings: Settings) -> None:
    """Wait until Telegram answers, and log why it does not yet."""
    retrying = AsyncRetrying(
        retry=retry_if_exception_type(NetworkError),
        wait=wait_random_exponential(multiplier=1, max=MAX_RETRY_PAUSE),
        before_sleep=_log_unreachable,
    )
    bot = Bot(settings.telegram_bot_token.get_secret_value(), *_addresses(settings))
    async for attempt in retrying:
        with attempt:
            me = await bot.get_me()
    _log.info("answering as @%s", me.username)


def _log_unreachable(state: RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome else None
    pause = state.next_action.sleep if state.next_action else 0
    _log.warning("cannot reach Telegram (%s); trying again in %.0f s", error, pause)


def _addresses(settings: Settings) -> tuple[str, str]:
    """The addresses of the Bot API and of its files."""
    address = settings.telegram_base_url or _TELEGRAM
    return address, f"{address.removesuffix('/bot')}/file/bot"


def _run(application: App, settings: Settings) -> None:
    if not settings.telegram_webhook_url:
        application.run_polling(allowed_updates=_KINDS, bootstrap_retries=-1)
        return
    webhook = Webhook.of(settings)
    _log.info(
        "listening on %s, for %s/…", settings.telegram_webhook_listen, settings.telegram_webhook_url
    )
    application.run_webhook(
        webhook.listen,
        webhook.port,
        webhook.path,
        cert=settings.telegram_webhook_certificate,
        key=settings.telegram_webhook_key,
        webhook_url=webhook.url,
        secret_token=webhook.secret,
        allowed_updates=_KINDS,
        bootstrap_retries=-1,
    )


class _Application(Application[Any, Any, Any, Any, Any, Any]):
    """Gives the answers under way some time when it ends; the inbox keeps the others."""

    async def stop(self) -> None:
        """See Application."""
        processor = self.update_processor
        if isinstance(processor, InboxProcessor):
            await processor.settle(_GRACE)
        await super().stop()


def build_application(parts: Parts, settings: Settings, state: State) -> App:
    """The application with its handlers, not yet running."""
    address, files = _addresses(settings)
    token = settings.telegram_bot_token.get_secret_value()
    number = int(token.split(":")[0])
    supergroups = Supergroups(state)
    inbox = Inbox(state, number, supergroups)
    request = UpdatesRequest(inbox)
    queue = AnswerQueue(WRITTEN_AT_ONCE) if parts.chain.writes else AnswerQueue()
    access = Access(
        settings.telegram_allowed_users,
        settings.telegram_admins,
        settings.telegram_invited_only,
        Invitations(state),
        supergroups,
    )
    days = settings.corrections_days
    following = FollowService(parts, state, number, access, corrections_days=days)
    background = _Background(settings, inbox, request, queue, following)
    builder = (
        ApplicationBuilder()
        .application_class(_Application)
        .base_url(address)
        .base_file_url(files)
        .token(token)
        .get_updates_request(request)
        .rate_limiter(Limiter(supergroups))
        .concurrent_updates(InboxProcessor(inbox, _CONCURRENT_UPDATES))
        .post_init(background.begin)
        .post_stop(lambda _: following.end())
        .post_shutdown(background.end)
    )
    if settings.telegram_webhook_url:
        builder = builder.update_queue(KeptQueue(inbox))
    application: App = builder.build()
    answering = Answering(
        parts.chain,
        parts.index,
        Replies(AnswerLog(state, number), RichSupport(settings.telegram_rich)),
        Conversations(),
        queue,
        Allowance(settings.telegram_questions_per_hour),
        supergroups,
        settings.telegram_admins,
    )
    followed = following.handlers(answering, settings.follows)
    _add_handlers(application, answering, settings, state, access, followed)
    return application


@dataclass
class _Background:
    """The tasks beside the handlers, from before the first update until after the last."""

    settings: Settings
    inbox: Inbox
    request: UpdatesRequest
    queue: AnswerQueue
    following: FollowService
    tasks: list[asyncio.Task[None]] = field(default_factory=list)
    followers: list[asyncio.Task[None]] = field(default_factory=list)

    async def begin(self, application: App) -> None:
        """Start the tasks, and hand over the updates that the last run left."""
        if self.settings.watch:
            self.followers.append(asyncio.create_task(follow_corpus(self.settings.corpus_dir)))
        feeds = follow_feeds(self.settings.data_dir, updates_index=not self.settings.watch)
        self.followers.append(asyncio.create_task(feeds))
        self.tasks.append(asyncio.create_task(self.queue.keep_trimming_memory()))
        if not self.settings.telegram_webhook_url:
            watch = PollingWatch(self.request, lambda: _restart_polling(application))
            self.tasks.append(asyncio.create_task(watch.watch()))
        await set_menus(application.bot)
        await describe(application.bot)
        for body in await asyncio.to_thread(self.inbox.waiting):
            await application.update_queue.put(Update.de_json(body, application.bot))
            await asyncio.sleep(0)  # hundreds may wait, and somebody may press a button
        await self.following.begin(application.bot)

    async def end(self, _: App) -> None:
        """Cancel the tasks; the followers' processes have to end before the bot does."""
        for task in (*self.tasks, *self.followers):
            task.cancel()
        for follower in self.followers:
            with suppress(asyncio.CancelledError):
                await follower


async def _restart_polling(application: App) -> None:
    if application.updater is None or not application.running:
        return  # the bot is ending
    if application.updater.running:
        await application.updater.stop()
    await application.updater.start_polling(allowed_updates=_KINDS, bootstrap_retries=-1)


def _add_handlers(
    application: App,
    answering: Answering,
    settings: Settings,
    state: State,
    access: Access,
    followed: Following,
) -> None:
    admins = settings.telegram_admins
    examples = Examples(answering.chain, answering.index)
    voting = Voting(answering.replies.answer_log, answering.supergroups)
    handlers = Handlers(
        answering,
        voting,
        DraftChecks(answering),
        admins,
        examples,
        settings.language,
        state,
        followed,
        Collecting(answering, Collection(state, answering.replies.answer_log.bot)),
    )
    gate = Gate(access, settings.language)
    application.add_handler(TypeHandler(Update, Albums(admins).check), group=-2)
    application.add_handler(TypeHandler(Update, gate.check), group=-1)
    application.add_handlers(
        _admin_handlers(Admin(answering.index, state, settings, answering.replies), admins)
    )
    application.add_handlers(_handlers(handlers, Inline(answering, settings.language)))
    application.add_error_handler(handlers.error)


def _admin_handlers(admin: Admin, admins: frozenset[int]) -> _HandlerList:
    """The handlers for admins: for anyone else these commands are unknown."""
    allowed = filters.User(admins) & filters.ChatType.PRIVATE
    new = allowed & filters.UpdateType.MESSAGE
    return [
        *_command_handlers(admin, allowed & filters.UpdateType.MESSAGES, admin=True),
        CallbackQueryHandler(admin.pressed, pattern="^remove:"),
        MessageHandler(new & filters.Document.ALL & ~_Command(), admin.document),
        MessageHandler(new & filters.Regex(rf"^\s*{ADDRESS.pattern}\s*$"), admin.add),
    ]


def _handlers(handlers: Handlers, inline: Inline) -> _HandlerList:
    """The handlers in order: the first that fits an update gets it.

    An edited message is what it has become; one without words, such as a live location that moves,
    is nothing new.
    """
    anywhere = filters.UpdateType.MESSAGES & ~filters.IS_AUTOMATIC_FORWARD
    private = filters.ChatType.PRIVATE & anywhere
    groups = filters.ChatType.GROUPS & anywhere
    words = filters.TEXT | filters.CAPTION
    new = private & filters.UpdateType.MESSAGE
    return [
        *_command_handlers(handlers, anywhere, admin=False),
        CallbackQueryHandler(handlers.pressed),
        InlineQueryHandler(inline.offer),
        MessageReactionHandler(handlers.voting.react),
        ChatMemberHandler(handlers.membership),
        MessageHandler(filters.UpdateType.GUEST_MESSAGE, inline.guest),
        MessageHandler(private & _Command(), handlers.unknown_command),
        MessageHandler(private & words, handlers.question),
        MessageHandler(groups & words & ~_Command(), handlers.answer_if_addressed),
        MessageHandler(new & filters.Document.ALL, handlers.no_documents),
        MessageHandler(new & ~filters.StatusUpdate.ALL, handlers.not_text),
    ]


class _Command(filters.MessageFilter):
    """Messages and captions that begin with a command for this bot: one of these, or any."""

    def __init__(self, names: Sequence[str] = ()) -> None:
        super().__init__()
        self._names = names

    def filter(self, message: Message) -> bool:
        """See MessageFilter."""
        name, _, bot = command_of(message)[0].removeprefix("/").partition("@")
        if not self._names:
            return bool(name)
        return name in self._names and bot in ("", message.get_bot().username.lower())


def _command_handlers(
    handlers: object, allowed: filters.BaseFilter, *, admin: bool
) -> _HandlerList:
    """The handlers of commands: the methods that have their English names."""
    return [
        MessageHandler(_Command(command.names) & allowed, getattr(handlers, command.name))
        for command in COMMANDS.values()
        if command.admin == admin
    ]
