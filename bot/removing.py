"""What ``virgolette remove`` does: an article out of the corpus, and of the index."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING

from bot.adding import INDEX_WAIT
from bot.settings import Settings
from index.errors import CorpusError

if TYPE_CHECKING:
    from index.sync import Report

REMOVED = "removed"  # in DATA_DIR: what was removed can be put back


def remove_and_index(settings: Settings, path: str) -> tuple[Path, Report]:
    """Move an article's file out of the corpus and bring the index up to date.

    Where the file is now, and what the index tells. Raises CorpusError where there is no such
    file or it cannot be moved.
    """
    kept = _moved(settings, path)
    from bot.compose import locations, make_embedder
    from index.sync import sync

    report = sync(locations(settings), make_embedder(settings), wait=INDEX_WAIT, allow_empty=True)
    return kept, report


def _moved(settings: Settings, path: str) -> Path:
    file = settings.corpus_dir / path
    inside = file.resolve().is_relative_to(settings.corpus_dir.resolve())
    if not inside or not file.is_file():
        raise CorpusError(f"there is no article {path} in {settings.corpus_dir}")
    folder = settings.data_dir / REMOVED / time.strftime("%Y%m%dT%H%M%S", time.gmtime())
    kept = folder / file.relative_to(settings.corpus_dir)
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(file, kept)
    except OSError as error:
        raise CorpusError(f"{path} cannot be moved to {kept}: {error.strerror}") from error
    return kept
