"""Settings: read here, once, from the environment and ``.env``, and passed down."""

from __future__ import annotations

import difflib
import ipaddress
import os
import re
from pathlib import Path
from typing import Annotated, Any, Literal
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

from index.errors import UsageError

PREFIX = "VIRGOLETTE_"
ENV_FILE = Path(".env")


class SettingsError(UsageError):
    """A setting is wrong, unknown, or missing where it is needed."""


def _users(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    users = value.replace(",", " ").split()
    if not users:
        raise ValueError("user numbers, apart by commas")
    return users


def _hosts(value: Any) -> Any:
    return value.replace(",", " ").split() if isinstance(value, str) else value


def _host(value: str) -> str:
    try:
        return str(ipaddress.ip_network(value, strict=False))
    except ValueError:
        if not re.fullmatch(r"(?!-)[\w.-]*[^\W\d][\w.-]*", value):
            raise ValueError("hosts, addresses or networks, apart by commas") from None
        return value.lower()


def _bot_address(value: str) -> str:
    if value:
        address = urlsplit(value)
        # .port raises a ValueError of its own for what is no port
        known = address.scheme in ("http", "https") and address.hostname and address.port != 0
        if not known or not address.path.endswith("/bot") or address.query or address.fragment:
            raise ValueError("an address that begins with http:// or https:// and ends in /bot")
    return value


def _server_address(value: str) -> str:
    if value:
        address = urlsplit(value)
        known = address.scheme in ("http", "https") and address.hostname and address.port != 0
        if not known or address.path.strip("/") or address.username or address.query:
            raise ValueError("an address like http://localhost:8000, without a path")
    return value.rstrip("/")


def _webhook_address(value: str) -> str:
    if value:
        address = urlsplit(value)
        local = address.hostname in ("127.0.0.1", "localhost", "::1")  # a Bot API server beside it
        known = address.scheme == "https" or (address.scheme == "http" and local)
        if not known or not address.hostname or address.port == 0 or address.query:
            raise ValueError("an address like https://bot.example.org or https://example.org/bot")
    return value.rstrip("/")


def _listen(value: str) -> str:
    host, _, port = value.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise ValueError("a host and a port, like 127.0.0.1:8443 or 0.0.0.0:8443")
    return value


def _headers(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    pairs = []
    for part in filter(str.strip, value.split(";")):
        name, _, told = map(str.strip, part.partition(":"))
        if not re.fullmatch(r"[\w-]+", name, re.ASCII) or not told:
            raise ValueError("headers like Authorization: Bearer …, apart by semicolons")
        pairs.append((name, told))
    return tuple(pairs)


def _chat_model(value: str) -> str:
    provider, _, model = value.strip().partition(":")
    if value.strip() and not (re.fullmatch(r"[\w-]+", provider, re.ASCII) and model.strip()):
        raise ValueError("provider:model, like openai:gpt-4o-mini or ollama:llama3.2")
    return value.strip()


def _model_server(value: str) -> str:
    if value:
        address = urlsplit(value)
        known = address.scheme in ("http", "https") and address.hostname and address.port != 0
        if not known or address.username or address.query or address.fragment:
            raise ValueError("an address like http://localhost:8080/v1")
    return value


def _price(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    number = r"\s*(\d{1,6}(?:\.\d{1,6})?)\s*"
    found = re.fullmatch(rf"{number}/{number}(\w{{1,9}}|[$€£])?\s*", value)
    if not found:
        raise ValueError("what a million tokens cost, read/written, like 0.15/0.60 USD")
    return float(found[1]), float(found[2]), found[3] or ""


def _token(value: SecretStr) -> SecretStr:
    token = value.get_secret_value().strip()
    if token and not re.fullmatch(r"\d+:[\w-]+", token, re.ASCII):
        raise ValueError("a token looks like 123456789:AAE-and-so-on")
    return SecretStr(token)


def _outside_the_corpus(value: Path, info: ValidationInfo) -> Path:
    """What is written there would be read as articles, and indexed again and again."""
    corpus, data = info.data.get("corpus_dir", Path("corpus")).absolute(), value.absolute()
    below = data.relative_to(corpus).parts if data.is_relative_to(corpus) else (".",)
    if not any(part.startswith(".") for part in below):  # hidden folders are not read
        raise ValueError("a folder outside the corpus folder, or a hidden one")
    return value


def _at_home(value: Path) -> Path:
    try:
        return value.expanduser()
    except RuntimeError:
        raise ValueError(f"there is no home for {value.parts[0]}") from None


Folder = Annotated[Path, AfterValidator(_at_home)]


class Settings(BaseSettings):
    """What a user can set. The name in the environment is the field's with VIRGOLETTE_ before."""

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
    data_dir: Annotated[Folder, AfterValidator(_outside_the_corpus)] = Field(
        Path("data"),
        description="Where index, bot state and REPL history are kept, outside the corpus.",
        validate_default=True,
    )
    embedding_model: str = Field(
        "",
        description="A sentence-transformers name or path; empty: the model that comes along.",
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
    chat_base_url: Annotated[str, AfterValidator(_model_server)] = Field(
        "", description="A server of your own for it, as http://localhost:8080/v1."
    )
    chat_temperature: float | None = Field(
        None, ge=0, le=2, description="How freely it writes; empty: as its provider has it."
    )
    chat_seconds: float = Field(
        60,
        gt=0,
        le=600,
        description="Seconds that it has for a question; then the answer goes without.",
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
    chat_price: Annotated[tuple[float, float, str] | None, NoDecode, BeforeValidator(_price)] = (
        Field(
            None, description="What a million tokens cost, read/written and in what: 0.15/0.60 USD."
        )
    )
    chroma_url: Annotated[str, AfterValidator(_server_address)] = Field(
        "", description="A Chroma server for the vectors; empty: Chroma runs inside Virgolette."
    )
    chroma_headers: Annotated[
        tuple[tuple[str, SecretStr], ...], NoDecode, BeforeValidator(_headers)
    ] = Field(
        (),
        description="Headers for the Chroma server, Authorization: Bearer …, apart by semicolons.",
    )
    chroma_certificate: Folder | None = Field(
        None, description="A file of authorities to trust for the Chroma server's https."
    )
    watch: bool = Field(True, description="Whether the bot follows the corpus by itself.")
    fetch_allow: Annotated[
        frozenset[Annotated[str, AfterValidator(_host)]], NoDecode, BeforeValidator(_hosts)
    ] = Field(
        frozenset(), description="Hosts and networks that are fetched though they are not public."
    )
    max_file_mb: float = Field(
        20, gt=0, allow_inf_nan=False, description="Millions of bytes that a file may have."
    )
    language: Literal["auto", "it", "en"] = Field(
        "auto", description="Of what the bot says: it, en, or auto, the user's own."
    )
    telegram_bot_token: Annotated[SecretStr, AfterValidator(_token)] = Field(
        SecretStr(""), description="The token that @BotFather gave."
    )
    telegram_base_url: Annotated[str, AfterValidator(_bot_address)] = Field(
        "", description="A Bot API server of your own, ending in /bot; empty for Telegram's."
    )
    telegram_allowed_users: Annotated[frozenset[int], NoDecode, BeforeValidator(_users)] = Field(
        frozenset(),
        description="The numbers of the users and groups that may ask, by commas; empty: anyone.",
    )
    telegram_admins: Annotated[frozenset[int], NoDecode, BeforeValidator(_users)] = Field(
        frozenset(), description="The numbers of the users who look after the bot, by commas."
    )
    telegram_invited_only: bool = Field(
        False, description="Whether those not listed need an invitation (virgolette invite)."
    )
    telegram_questions_per_hour: int = Field(
        60, ge=0, description="How many questions a user may ask in an hour; 0: any number."
    )
    telegram_webhook_url: Annotated[str, AfterValidator(_webhook_address)] = Field(
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


def provide_to_libraries() -> None:
    """Give the libraries of chat models and of tracing what ``.env`` holds for them.

    They read their keys from the environment themselves, under names of their own. What the
    environment has already stays.
    """
    for name, value in dotenv_values(ENV_FILE, encoding="utf-8").items():
        if value and not name.upper().startswith(PREFIX):
            os.environ.setdefault(name, value)


def is_provided(name: str) -> bool:
    """Whether a library finds this name of its own in the environment."""
    return bool(os.environ.get(name, "").strip())


def read_settings() -> Settings:
    """The settings of this process. Raises SettingsError, which never holds a value."""
    _refuse_unknown()
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        name = f"{PREFIX}{'_'.join(str(part) for part in first['loc'][:1])}".upper()
        told = first["msg"].removeprefix("Value error, ")
        if first["type"] == "bool_parsing":
            told = "it takes on or off"
        raise SettingsError(f"{name} is wrong: {told}") from None


def _refuse_unknown() -> None:
    known = {f"{PREFIX}{name}".upper() for name in Settings.model_fields}
    try:
        told = {**dotenv_values(ENV_FILE, encoding="utf-8"), **os.environ}
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{ENV_FILE} cannot be read: {error}") from None
    for name, value in told.items():
        if name.upper().startswith(PREFIX) and name.upper() not in known and value:
            bare = [other.removeprefix(PREFIX) for other in sorted(known)]
            near = difflib.get_close_matches(name.upper().removeprefix(PREFIX), bare, 1)
            hint = (
                f": did you mean {PREFIX}{near[0]}?"
                if near
                else ": docs/settings.md lists them all"
            )
            raise SettingsError(f"{name} is not a setting{hint}")
