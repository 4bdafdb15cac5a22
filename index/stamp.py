"""What makes an index another one, beside its articles."""

from __future__ import annotations

from importlib.metadata import version

from index.embedder import Embedder
from index.manifest import EMBEDDED, Manifest
from index.place import Locations

# Raise one of these whenever what it names makes other output of the same files.
VERSIONS = {"loaders": "3", "splitter": "1", "keywords": "5", "prompts": "3", "schema": "3"}
LIBRARIES = (
    "charset-normalizer justext lxml markdown-it-py pypdf pystemmer simplemma trafilatura"
).split()


def needed_stamp(embedder: Embedder) -> dict[str, str]:
    """What an index must have been made with, for questions to be answered from it."""
    return {**VERSIONS, "model": embedder.fingerprint}


def current_stamp(paths: Locations, embedder: Embedder) -> dict[str, str]:
    """What makes an index another one, beside its articles."""
    vectors = paths.server.url if paths.server else EMBEDDED
    return {**needed_stamp(embedder), "vectors": vectors, "libraries": _libraries()}


def _libraries() -> str:
    """The versions of what makes text of files and terms of text: others may make others."""
    return ", ".join(f"{name} {version(name)}" for name in LIBRARIES)


def why_anew(before: Manifest | None, stamp: dict[str, str]) -> str:
    """Why nothing of the current generation can be taken over, in words; "" where it can."""
    if before is None:
        return "the one before cannot be read"
    other = [name for name, value in stamp.items() if before.stamp.get(name) != value]
    return f"the one before was made otherwise ({', '.join(other)})" if other else ""
