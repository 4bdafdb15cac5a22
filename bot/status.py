"""What is indexed, told without loading the model or Chroma."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bot.settings import Settings
from index.errors import StorageError, VirgoletteError
from index.generation import STORE, current_name, generations_dir, read_manifest
from index.store import Store


def read_status(settings: Settings) -> dict[str, Any]:
    """Counts, model and time of the current generation; None where there is no index."""
    name = current_name(settings.data_dir)
    told: dict[str, Any] = {
        "generation": name,
        "created": None,
        "model": None,
        "articles": 0,
        "passages": 0,
        "sentences": 0,
        "near_twins": 0,
        "skipped": 0,
        "corpus": str(settings.corpus_dir),
        "data": str(settings.data_dir),
    }
    if name is not None:
        directory = generations_dir(settings.data_dir) / name
        manifest = read_manifest(directory)
        told |= {"created": manifest.created, "model": manifest.stamp["model"]}
        told |= {"skipped": len(manifest.skipped)}
        store = _open(directory / STORE)
        told |= {table: store.count(table) for table in ("articles", "passages", "sentences")}
        told |= {"near_twins": store.count("twins")}
        store.close()
    return told


def stored_text(data_dir: Path, path: str) -> str:
    """The stored text of an article of the current generation."""
    name = current_name(data_dir)
    if name is None:
        raise StorageError(f"there is no index in {data_dir}: run virgolette index")
    store = _open(generations_dir(data_dir) / name / STORE)
    article = store.article(path)
    known = [header.path for header in store.article_headers()]
    store.close()
    if article is None:
        shown = ", ".join(known[:5]) + (", …" if len(known) > 5 else "")
        raise VirgoletteError(f"there is no article {path} in the index; there are: {shown}")
    return article.text


def _open(path: Path) -> Store:
    if not path.exists():
        raise StorageError(f"the index lacks {path}: run virgolette index --rebuild")
    return Store(path)
