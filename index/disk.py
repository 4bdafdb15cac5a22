"""Files on the disk that a kill or a power cut leaves whole: the old one or the new one."""

from __future__ import annotations

import os
import secrets
import shutil
from contextlib import suppress
from pathlib import Path


def replace_file(file: Path, text: str, *, durable: bool = False) -> None:
    """Write a text file in the place of another, at once. Raises OSError.

    ``durable``: it is on the disk when this returns.
    """
    new = file.with_suffix(".new")
    new.write_text(text, encoding="utf-8")
    if durable:
        sync_to_disk(new)
    new.replace(file)
    if durable:
        sync_to_disk(file.parent)


def replace_bytes(file: Path, content: bytes) -> None:
    """Write a file in the place of another, if there is one, at once and durably.

    Its permissions stay, and watchers see no other name than its own: what is hidden is no article.
    Raises OSError.
    """
    hidden = file.with_name(f".changing-{secrets.token_hex(8)}")
    try:
        hidden.write_bytes(content)
        with suppress(FileNotFoundError):
            shutil.copymode(file, hidden)
        sync_to_disk(hidden)
        hidden.replace(file)
        sync_to_disk(file.parent)
    finally:
        hidden.unlink(missing_ok=True)


def sync_to_disk(path: Path) -> None:
    """Have the content of a file, or the names in a folder, written to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
