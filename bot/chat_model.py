"""The chat model of the settings, and what it costs."""

from __future__ import annotations

import datetime
import logging
import threading
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bot.environment import is_provided, provide_to_libraries
from bot.settings import Settings, SettingsError
from bot.state import FILE, State
from index.errors import StorageError
from retrieval.writing.options import Account, Usage

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

    from retrieval.writing.writer import Writer


SETTING = "VIRGOLETTE_CHAT_MODEL"
EXTRAS = ("openai", "anthropic", "ollama")  # those of pyproject.toml
NO_KEY = "not-needed"  # for a server of one's own, which asks for none
_KEYS = {
    "openai": "OPENAI_API_KEY",
    "anthropic": "ANTHROPIC_API_KEY",
    "google_genai": "GOOGLE_API_KEY",
    "mistralai": "MISTRAL_API_KEY",
}
PROBE_SECONDS, PROBE_TOKENS = 10.0, 50
_log = logging.getLogger(__name__)
_PROBE = "Reply with OK."
_REFUSED_KEY = (401, 403)
# What providers call the number of tokens that a model may write.
_MOST_TOKENS = {"ollama": "num_predict", "google_genai": "max_output_tokens"}


def make_writer(settings: Settings, spending: Spending) -> Writer | None:
    """The writer of answers; None where the settings name no model. Raises SettingsError."""
    if not settings.chat_model:
        return None
    from retrieval.writing.options import Limits
    from retrieval.writing.writer import Writer

    limits = Limits(settings.chat_seconds, settings.chat_tokens_per_question)
    model = make_chat_model(settings)
    # OpenAI's forms do not tell, through LangChain, how many tokens they took; its tools do.
    own = settings.chat_model.startswith("openai:") and not settings.chat_base_url
    method = "function_calling" if own else None
    return Writer(model, settings.chat_model, limits, spending.account(), form_method=method)


def make_chat_model(settings: Settings) -> BaseChatModel:
    """The model of LangChain. Raises SettingsError naming what to install or to set."""
    from langchain.chat_models import init_chat_model

    provide_to_libraries()
    provider, _, name = settings.chat_model.partition(":")
    try:
        model: BaseChatModel = init_chat_model(
            name, model_provider=provider, **_options(provider, settings)
        )
    except ImportError as error:
        raise SettingsError(_to_install(provider, error)) from None
    except Exception as error:  # noqa: BLE001 (each provider has exceptions of its own)
        raise SettingsError(_misconfigured(provider, error)) from None
    if provider in _KEYS and not settings.chat_base_url and not is_provided(_key_of(provider)):
        raise SettingsError(_without_key(provider))
    return model


def probe(settings: Settings) -> None:
    """Ask the model for a word, to know at the start whether its provider knows model and key.

    One that cannot be reached now may be reached later. Raises SettingsError for what will not
    mend by itself.
    """
    provider, _, name = settings.chat_model.partition(":")
    try:
        brief = {"chat_seconds": PROBE_SECONDS, "chat_tokens_per_question": PROBE_TOKENS}
        make_chat_model(settings.model_copy(update=brief)).invoke(_PROBE)
    except SettingsError:
        raise
    except Exception as error:  # noqa: BLE001 (each provider has exceptions of its own)
        status = getattr(error, "status_code", None)
        if status in _REFUSED_KEY:
            raise SettingsError(
                f"{SETTING}: {provider} refused the key: set {_key_of(provider)} again"
            ) from None
        if status == 404:
            raise SettingsError(
                f"{SETTING}: {provider} does not know {name}, or VIRGOLETTE_CHAT_BASE_URL is wrong"
            ) from None
        reason = f"{type(error).__name__} {status or ''}".strip()
        _log.warning("%s does not answer now (%s): quotations alone until it does", SETTING, reason)


def _options(provider: str, settings: Settings) -> dict[str, Any]:
    options: dict[str, Any] = {
        "timeout": settings.chat_seconds,
        "max_retries": 0,  # the writer tries again, within the time that there is
        _MOST_TOKENS.get(provider, "max_tokens"): settings.chat_tokens_per_question,
    }
    if settings.chat_temperature is not None:
        options["temperature"] = settings.chat_temperature
    if settings.chat_base_url:
        options["base_url"] = settings.chat_base_url
    if provider == "openai":
        options["stream_usage"] = True
        if settings.chat_base_url and not is_provided(_key_of(provider)):
            options["api_key"] = NO_KEY
    return options


def _to_install(provider: str, error: ImportError) -> str:
    if provider in EXTRAS:
        return f"{SETTING} needs a package: pip install '.[{provider}]'"
    package = str(error).partition("pip install ")[2].split()
    known = package[0].strip("`'\".") if package else f"langchain-{provider.replace('_', '-')}"
    return f"{SETTING} needs a package: pip install {known}"


def _misconfigured(provider: str, error: Exception) -> str:
    message = str(error).lower()
    if "api_key" in message or "credentials" in message or "api key" in message:
        return _without_key(provider)
    if "unsupported" in message:
        return (
            f"{SETTING}: LangChain knows no provider {provider!r}: use openai, anthropic, ollama, "
            "or another one of init_chat_model"
        )
    return f"{SETTING} cannot be used: {type(error).__name__}"


def _without_key(provider: str) -> str:
    return f"{SETTING}: {provider} needs a key: set {_key_of(provider)}"


def _key_of(provider: str) -> str:
    return _KEYS.get(provider, f"{provider.upper()}_API_KEY")


KEPT = 31  # days
Price = tuple[float, float, str] | None  # of a million tokens sent and received, and in what


@dataclass(frozen=True)
class Spent:
    """Tokens of the last answer and of today, in UTC, and their price if it is known."""

    last: Usage
    today: Usage
    price: Price

    def describe(self, usage: Usage) -> str:
        """Tokens, and their cost if the price is known."""
        tokens = f"{usage.total} tokens"
        if self.price is None:
            return tokens
        sent, received, unit = self.price
        cost = (usage.sent * sent + usage.received * received) / 1_000_000
        return f"{tokens}, {cost:.4f} {unit}".rstrip()


class Spending:
    """The account of the chat model, in the bot's file, which is opened on first use.

    The file holds daily totals. The totals of persons are in memory only: after a restart they are
    nobody's business. Safe for several threads and processes. If the file cannot be used, nothing
    may be spent.
    """

    def __init__(self, settings: Settings) -> None:
        self._file = settings.data_dir / FILE
        self._per_user = settings.chat_tokens_per_user
        self._per_day = settings.chat_tokens_per_day
        self._lock = threading.Lock()
        self._state: State | None = None
        self._day = ""
        self._of_person: Counter[str] = Counter()

    def account(self) -> Account:
        """The account for a writer."""
        return Account(self.may_spend, self.record)

    def may_spend(self, person: str) -> bool:
        """Whether the person and the day are both below their limits."""
        with self._lock:
            if self._per_user and self._persons()[person] >= self._per_user:
                return False
        try:
            return not self._per_day or _today(self._opened()).total < self._per_day
        except StorageError as error:
            _log.error("%s", error)
            return False

    def record(self, person: str, usage: Usage) -> None:
        """Add what was spent for a person."""
        with self._lock:
            self._persons()[person] += usage.total
        now = datetime.datetime.now(datetime.UTC)
        oldest = (now - datetime.timedelta(days=KEPT)).date().isoformat()
        try:
            with self._opened().changing() as database:
                database.execute("DELETE FROM spending WHERE day < ?", (oldest,))
                database.execute(
                    "INSERT INTO spending VALUES (?, ?, ?, ?, ?) ON CONFLICT (day) DO UPDATE SET "
                    "sent = sent + excluded.sent, received = received + excluded.received, "
                    "last_sent = excluded.last_sent, last_received = excluded.last_received",
                    (_day(), *2 * (usage.sent, usage.received)),
                )
        except StorageError as error:
            _log.error("%s", error)

    def close(self) -> None:
        """Give the file back."""
        with self._lock:
            if self._state:
                self._state.close()
            self._state = None

    def _persons(self) -> Counter[str]:
        """Tokens of today by person."""
        if self._day != _day():
            self._day, self._of_person = _day(), Counter()
        return self._of_person

    def _opened(self) -> State:
        with self._lock:
            if self._state is None:
                self._state = State(self._file)
            return self._state


def spent_of(state: State, price: Price) -> Spent:
    """The cost of the last answer and of today's answers. Raises StorageError."""
    query = "SELECT last_sent, last_received FROM spending ORDER BY day DESC LIMIT 1"
    last = state.select(query) or [(0, 0)]
    return Spent(Usage(*last[0]), _today(state), price)


def _today(state: State) -> Usage:
    rows = state.select("SELECT sent, received FROM spending WHERE day = ?", _day())
    return Usage(*rows[0]) if rows else Usage()


def _day() -> str:
    return datetime.datetime.now(datetime.UTC).date().isoformat()
