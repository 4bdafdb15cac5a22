"""What a generation was made from, as a file in it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from index.errors import StorageError
from index.generations.layout import MANIFEST, Locations

if TYPE_CHECKING:  # status loads no numpy
    from index.models.embedder import Embedder

EMBEDDED = "embedded"  # in the stamp, where the vectors are in no server
# Digests of what each part of indexing makes of the samples in tests/test_stamp.py, which compares
# them: a change of the output changes the digest, and every index is rebuilt.
OUTPUTS = {
    "loaders": "748a2be283c9",
    "splitter": "e840330b37b3",
    "keywords": "708611f9bce7",
    "prompts": "264aabdcd72c",
    "duplicates": "22ae91176f71",
    "schema": "f509fec3f78b",
}
LIBRARIES = (
    "charset-normalizer dateparser justext lxml mammoth markdown-it-py pypdfium2 pystemmer pyyaml"
    " simplemma striprtf trafilatura"
).split()


def needed_stamp(embedder: Embedder) -> dict[str, str]:
    """What an index must be made with to answer questions from it."""
    return {**OUTPUTS, "model": embedder.fingerprint}


def current_stamp(paths: Locations, embedder: Embedder) -> dict[str, str]:
    """Everything but the articles that determines an index."""
    vectors = paths.server.url if paths.server else EMBEDDED
    return {**needed_stamp(embedder), "vectors": vectors, "libraries": _libraries()}


def _libraries() -> str:
    """The versions of what makes text of files and terms of text: others may make others."""
    return ", ".join(f"{name} {version(name)}" for name in LIBRARIES)


def rebuild_reason(before: Manifest | None, stamp: dict[str, str]) -> str:
    """Why nothing of the current generation can be taken over, in words; "" where it can."""
    if before is None:
        return "the previous index cannot be read"
    other = [name for name, value in stamp.items() if before.stamp.get(name) != value]
    return f"the previous index was built differently ({', '.join(other)})" if other else ""


@dataclass(frozen=True)
class Manifest:
    """What a generation was made from.

    ``stamp`` names the model and the versions of loaders, splitter and schema. ``files`` has
    the SHA-256 of every file's bytes by path ("" where it could not be read), those that
    became no article included; ``skipped`` says why they did not. ``thinned`` is how many
    passages were taken out of Chroma's collection since that was made.
    ``notes`` has those of the documents that this run read, by path.
    """

    stamp: dict[str, str]
    files: dict[str, str]
    skipped: dict[str, str]
    created: str
    thinned: int = 0
    notes: dict[str, list[str]] = field(default_factory=dict)


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
