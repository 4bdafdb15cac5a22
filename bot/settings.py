"""Settings, read once from the environment and ``.env``, and passed down from here."""

from __future__ import annotations

import difflib
import ipaddress
import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from dotenv import dotenv_values
from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from bot.environment import ENV_FILE, PREFIX
from index.errors import UsageError


class SettingsError(UsageError):
    """A setting is wrong, unknown, or missing where it is needed."""


def _parsed(parse: Callable[[str], object]) -> BeforeValidator:
    """A validator that parses text and leaves values alone that Python code passes."""
    return BeforeValidator(lambda value: parse(value) if isinstance(value, str) else value)


def _items(value: str) -> list[str]:
    return value.replace(",", " ").split()


def _users(value: str) -> list[str]:
    users = _items(value)
    if not users:
        raise ValueError("user numbers, separated by commas")
    return users


def _host(value: str) -> str:
    try:
        return str(ipaddress.ip_network(value, strict=False))
    except ValueError:
        if not re.fullmatch(r"(?!-)[\w.-]*[^\W\d][\w.-]*", value):
            raise ValueError("hosts, addresses or networks, separated by commas") from None
        return value.lower()


def _web_address(
    expected: str,
    forbidden: Sequence[str],
    path: str = ".*",
    *,
    needs_https: bool = False,
    strip_slash: bool = False,
) -> AfterValidator:
    """A validator of a web address or "". ``needs_https``: unless the host is this machine.

    ``forbidden``: the parts that it must not have; ``path``: a pattern of its path.
    """

    def validate(value: str) -> str:
        if value:
            address = urlsplit(value)
            local = address.hostname in ("127.0.0.1", "localhost", "::1")
            schemes = ("https",) if needs_https and not local else ("http", "https")
            fits = (
                address.scheme in schemes
                and address.hostname
                and address.port != 0  # raises a ValueError of its own for an invalid port
                and re.fullmatch(path, address.path, re.DOTALL)
                and not any(getattr(address, part) for part in forbidden)
            )
            if not fits:
                raise ValueError(expected)
        return value.rstrip("/") if strip_slash else value

    return AfterValidator(validate)


def _listen(value: str) -> str:
    host, _, port = value.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise ValueError("a host and a port, like 127.0.0.1:8443 or 0.0.0.0:8443")
    return value


def _headers(value: str) -> list[tuple[str, str]]:
    headers = []
    for part in filter(str.strip, value.split(";")):
        name, _, content = map(str.strip, part.partition(":"))
        if not re.fullmatch(r"[\w-]+", name, re.ASCII) or not content:
            raise ValueError("headers like Authorization: Bearer …, separated by semicolons")
        headers.append((name, content))
    return headers


def _chat_model(value: str) -> str:
    provider, _, model = value.strip().partition(":")
    if value.strip() and not (re.fullmatch(r"[\w-]+", provider, re.ASCII) and model.strip()):
        raise ValueError("provider:model, like openai:gpt-4o-mini or ollama:llama3.2")
    return value.strip()


def _price(value: str) -> tuple[float, float, str]:
    number = r"\s*(\d{1,6}(?:\.\d{1,6})?)\s*"
    match = re.fullmatch(rf"{number}/{number}(\w{{1,9}}|[$€£])?\s*", value)
    if not match:
        raise ValueError("what a million tokens cost, read/written, like 0.15/0.60 USD")
    return float(match[1]), float(match[2]), match[3] or ""


def _token(value: SecretStr) -> SecretStr:
    token = value.get_secret_value().strip()
    if token and not re.fullmatch(r"\d+:[\w-]+", token, re.ASCII):
        raise ValueError("a token looks like 123456789:AAE-and-so-on")
    return SecretStr(token)


def _outside_corpus(value: Path, info: ValidationInfo) -> Path:
    """Refuse a folder whose files would be read as articles, and indexed again and again."""
    corpus, data = info.data.get("corpus_dir", Path("corpus")).absolute(), value.absolute()
    below = data.relative_to(corpus).parts if data.is_relative_to(corpus) else (".",)
    if not any(part.startswith(".") for part in below):  # hidden folders are not read
        raise ValueError("a folder outside the corpus folder, or a hidden one")
    return value


def _expand_home(value: Path) -> Path:
    try:
        return value.expanduser()
    except RuntimeError:
        raise ValueError(f"there is no home for {value.parts[0]}") from None


Folder = Annotated[Path, AfterValidator(_expand_home)]
Users = Annotated[frozenset[int], NoDecode, _parsed(_users)]
Host = Annotated[str, AfterValidator(_host)]
Headers = Annotated[tuple[tuple[str, SecretStr], ...], NoDecode, _parsed(_headers)]
Price = Annotated[tuple[float, float, str] | None, NoDecode, _parsed(_price)]
_bot_api_address = _web_address(
    "an address that begins with http:// or https:// and ends in /bot",
    forbidden=("query", "fragment"),
    path=".*/bot",
)
_chroma_address = _web_address(
    "an address like http://localhost:8000, without a path",
    forbidden=("username", "query"),
    path="/*",
    strip_slash=True,
)
_webhook_address = _web_address(
    "an address like https://bot.example.org or https://example.org/bot",
    forbidden=("query",),
    needs_https=True,  # a Bot API server on the same machine does without
    strip_slash=True,
)
_chat_address = _web_address(
    "an address like http://localhost:8080/v1", forbidden=("username", "query", "fragment")
)


def _feeds(value: str) -> str:
    if "://" in value:
        for address in _items(value):
            parts = urlsplit(address)
            if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
                raise ValueError("addresses of feeds, separated by spaces, or a file with some")
    return value.strip()


class Settings(BaseSettings):
    """What a user can set. In the environment a field's name has VIRGOLETTE_ in front."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_file=ENV_FILE,
        env_file_encoding="utf-8",
        env_ignore_empty=True,
        extra="ignore",  # .env may hold other programs' names; ours are checked in read_settings
        hide_input_in_errors=True,
        frozen=True,
    )

    corpus_dir: Folder = Field(Path("corpus"), description="The folder of articles.")
    data_dir: Annotated[Folder, AfterValidator(_outside_corpus)] = Field(
        Path("data"),
        description="Where index, bot state and REPL history are kept, outside the corpus.",
        validate_default=True,
    )
    embedding_model: str = Field(
        "",
        description="A sentence-transformers name or path; empty: the bundled model.",
    )
    reader: bool = Field(
        True,
        description="Whether a reader picks the words that answer; off: faster, and finds less.",
    )
    caution: Literal["cautious", "balanced", "generous"] = Field(
        "balanced", description="How sure an answer must be: cautious, balanced or generous."
    )
    chat_model: Annotated[str, AfterValidator(_chat_model)] = Field(
        "", description="A chat model that writes the answers, provider:model; empty: none does."
    )
    chat_base_url: Annotated[str, _chat_address] = Field(
        "", description="A server of your own for it, as http://localhost:8080/v1."
    )
    chat_temperature: float | None = Field(
        None, ge=0, le=2, description="How freely it writes; empty: the provider's default."
    )
    chat_seconds: float = Field(
        60,
        gt=0,
        le=600,
        description="Seconds per question; after that, the answer goes without it.",
    )
    chat_tokens_per_question: int = Field(
        2000, ge=50, description="Tokens that it may write for a question."
    )
    chat_tokens_per_user: int = Field(
        100_000, ge=0, description="Tokens, read and written, for a user in a day; 0: any number."
    )
    chat_tokens_per_day: int = Field(
        1_000_000, ge=0, description="Tokens, read and written, in a day; 0: any number."
    )
    chat_price: Price = Field(
        None, description="What a million tokens cost, read/written and in what: 0.15/0.60 USD."
    )
    chroma_url: Annotated[str, _chroma_address] = Field(
        "", description="A Chroma server for the vectors; empty: Chroma runs inside Virgolette."
    )
    chroma_headers: Headers = Field(
        (),
        description="Headers for Chroma, like Authorization: Bearer …, separated by semicolons.",
    )
    chroma_certificate: Folder | None = Field(
        None, description="A file of authorities to trust for the Chroma server's https."
    )
    watch: bool = Field(True, description="Whether the bot follows the corpus by itself.")
    feeds: Annotated[str, AfterValidator(_feeds)] = Field(
        "", description="Feeds to follow: addresses, or a file (OPML, or one address a line)."
    )
    feed_minutes: float = Field(
        30, ge=1, allow_inf_nan=False, description="Minutes between two visits to a feed."
    )
    fetch_allow: Annotated[frozenset[Host], NoDecode, _parsed(_items)] = Field(
        frozenset(), description="Hosts and networks that may be fetched although not public."
    )
    max_file_mb: float = Field(
        20, gt=0, allow_inf_nan=False, description="Millions of bytes that a file may have."
    )
    language: Literal["auto", "it", "en"] = Field(
        "auto",
        description="The language: it, en, or auto (that of the user, the question or the locale).",
    )
    telegram_bot_token: Annotated[SecretStr, AfterValidator(_token)] = Field(
        SecretStr(""), description="The token that @BotFather gave."
    )
    telegram_base_url: Annotated[str, _bot_api_address] = Field(
        "", description="A Bot API server of your own, ending in /bot; empty for Telegram's."
    )
    telegram_allowed_users: Users = Field(
        frozenset(),
        description="The numbers of the users and groups that may ask, by commas; empty: anyone.",
    )
    telegram_admins: Users = Field(
        frozenset(), description="The user numbers of the admins, separated by commas."
    )
    telegram_invited_only: bool = Field(
        False, description="Whether those not listed need an invitation (virgolette invite)."
    )
    telegram_questions_per_hour: int = Field(
        60, ge=0, description="How many questions a user may ask in an hour; 0: any number."
    )
    follows: int = Field(
        20, ge=0, description="How many questions a user may follow; 0: any number."
    )
    corrections_days: float = Field(
        30,
        ge=0,
        le=30,
        description="Days for which people are told that a quotation has changed; 0: never.",
    )
    telegram_rich: bool = Field(
        False, description="Whether comparisons and lists are rich messages, which old apps drop."
    )
    telegram_webhook_url: Annotated[str, _webhook_address] = Field(
        "", description="Where Telegram reaches the bot, https://…; empty: the bot asks Telegram."
    )
    telegram_webhook_listen: Annotated[str, AfterValidator(_listen)] = Field(
        "127.0.0.1:8443", description="Where the bot listens for that, host:port."
    )
    telegram_webhook_certificate: Folder | None = Field(
        None, description="The file of its certificate, where no proxy before the bot has one."
    )
    telegram_webhook_key: Folder | None = Field(
        None, description="The file of that certificate's private key."
    )

    @property
    def max_file_bytes(self) -> int:
        """``max_file_mb`` in bytes."""
        return int(self.max_file_mb * 1_000_000)


def read_settings() -> Settings:
    """The settings of this process. Raises SettingsError, whose message never holds a value."""
    _refuse_unknown()
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        name = f"{PREFIX}{''.join(map(str, first['loc'][:1]))}".upper()
        reason = first["msg"].removeprefix("Value error, ")
        if first["type"] == "bool_parsing":
            reason = "it must be on or off"
        raise SettingsError(f"{name} is wrong: {reason}") from None


def _refuse_unknown() -> None:
    known = sorted(name.upper() for name in Settings.model_fields)
    try:
        environment = {**dotenv_values(ENV_FILE, encoding="utf-8"), **os.environ}
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{ENV_FILE} cannot be read: {error}") from None
    for variable, value in environment.items():
        name = variable.upper().removeprefix(PREFIX)
        if value and variable.upper().startswith(PREFIX) and name not in known:
            similar = difflib.get_close_matches(name, known, 1)
            hint = (
                f"did you mean {PREFIX}{similar[0]}?"
                if similar
                else "docs/settings.md lists them all"
            )
            raise SettingsError(f"{variable} is not a setting: {hint}")
