"""What is indexed, told without loading the model or Chroma."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

from bot.compose import calibrated
from bot.health import bot_health
from bot.settings import Settings
from index.errors import StorageError, VirgoletteError
from index.layout import STORE
from index.manifest import read_manifest
from index.pointer import held_current
from index.store import Store


def read_status(settings: Settings) -> dict[str, Any]:
    """What is indexed, and in a line each how the bot is and what the chat model costs.

    None where there is no index, no bot, no chat model.
    """
    return {
        **index_status(settings),
        "bot": _bot_line(settings.data_dir),
        "chat": _chat_line(settings) if settings.chat_model else None,
    }


def index_status(settings: Settings) -> dict[str, Any]:
    """Counts, model and time of the current generation; None where there is no index."""
    told: dict[str, Any] = {
        "generation": None,
        "created": None,
        "model": None,
        "calibrated": calibrated(settings),
        "articles": 0,
        "passages": 0,
        "sentences": 0,
        "near_twins": 0,
        "skipped": 0,
        "corpus": str(settings.corpus_dir),
        "data": str(settings.data_dir),
    }
    with held_current(settings.data_dir) as directory:
        if directory is None:
            return told
        manifest = read_manifest(directory)
        told |= {"generation": directory.name, "skipped": len(manifest.skipped)}
        told |= {"created": manifest.created, "model": manifest.stamp["model"]}
        with closing(_open(directory / STORE)) as store:
            told |= {table: store.count(table) for table in ("articles", "passages", "sentences")}
            told |= {"near_twins": store.count("twins")}
    return told


def stored_text(data_dir: Path, path: str) -> str:
    """The stored text of an article of the current generation."""
    with held_current(data_dir) as directory:
        if directory is None:
            raise StorageError(f"there is no index in {data_dir}: run virgolette index")
        with closing(_open(directory / STORE)) as store:
            article = store.article(path)
            known = [header.path for header in store.article_headers()]
    if article is None:
        shown = ", ".join(known[:5]) + (", …" if len(known) > 5 else "")
        raise VirgoletteError(f"there is no article {path} in the index; there are: {shown}")
    return article.text


def _bot_line(data_dir: Path) -> str | None:
    """How the bot is, or why that cannot be told: what is indexed is told all the same."""
    try:
        health = bot_health(data_dir)
    except StorageError as error:
        return str(error)
    return health.line() if health else None


def _chat_line(settings: Settings) -> str:
    """The chat model, and what it has cost."""
    from bot.spending import spent_of
    from bot.state import FILE, State

    file = settings.data_dir / FILE
    if not file.exists():
        return f"{settings.chat_model}, not asked yet"
    try:
        with closing(State(file)) as state:
            spent = spent_of(state, settings.chat_price)
    except StorageError as error:
        return f"{settings.chat_model}; {error}"
    last, today = spent.told(spent.last), spent.told(spent.today)
    return f"{settings.chat_model}, last answer {last}; today {today}"


def _open(path: Path) -> Store:
    if not path.exists():
        raise StorageError(f"the index lacks {path}: run virgolette index --rebuild")
    return Store(path)
