"""What a generation was made from, as a file in it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from index.errors import StorageError
from index.layout import MANIFEST

EMBEDDED = "embedded"  # in the stamp, where the vectors are in no server


@dataclass(frozen=True)
class Manifest:
    """What a generation was made from.

    ``stamp`` names the model and the versions of loaders, splitter and schema. ``files`` has
    the SHA-256 of every file's bytes by path ("" where it could not be read), those that
    became no article included; ``skipped`` says why they did not. ``thinned`` is how many
    passages were taken out of Chroma's collection since that was made.
    """

    stamp: dict[str, str]
    files: dict[str, str]
    skipped: dict[str, str]
    created: str
    thinned: int = 0


def read_manifest(generation: Path) -> Manifest:
    """The manifest of the generation in this directory."""
    try:
        return Manifest(**json.loads((generation / MANIFEST).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise StorageError(
            f"the index in {generation} is damaged ({error}): run virgolette index --rebuild"
        ) from error


def write_manifest(generation: Path, manifest: Manifest) -> None:
    """Write the manifest into the generation's directory."""
    text = json.dumps(asdict(manifest), ensure_ascii=False, indent=1)
    (generation / MANIFEST).write_text(text, encoding="utf-8")
