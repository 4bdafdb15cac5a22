"""Turn the packed default model into a directory that sentence-transformers loads."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

from index.errors import ModelError, StorageError

PACKED = Path(__file__).parent
WEIGHTS = "weights.q4.safetensors"
MARKER = "SHA256"
ADAPTER = "adapter.safetensors"  # what was learnt, see index.model.adapter


def packed_checksum(packed: Path = PACKED) -> str:
    """The checksum that was written when the model was made: its identity."""
    return (packed / MARKER).read_text(encoding="ascii").strip()


def checksum(directory: Path, *, learnt: bool = True) -> str:
    """SHA-256 over the names and contents of the model's files, in the order of the names.

    Without what was learnt, it tells which model that was learnt in: the token embeddings are its.
    """
    digest = hashlib.sha256()
    for path in sorted(p for p in directory.rglob("*") if p.suffix in {".json", ".safetensors"}):
        if learnt or path.name != ADAPTER:
            digest.update(path.relative_to(directory).as_posix().encode() + b"\0")
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def unpacked_model(models_dir: Path, packed: Path = PACKED) -> Path:
    """The directory of the unpacked default model, made on first use.

    The packed files are checked against their checksum before they are unpacked, and the
    directory appears whole, by a rename: a reader never meets half a model.

    Raises:
        ModelError: the packed files are not those the checksum was taken of.
        StorageError: the directory cannot be written.
    """
    name = packed_checksum(packed)
    target = models_dir / f"default-{name[:16]}"
    if _is_whole(target, name):
        return target
    if checksum(packed) != name:
        raise ModelError(f"the model in {packed} does not match its checksum: install again")
    try:
        models_dir.mkdir(parents=True, exist_ok=True)
        _unpack_into(target, packed, name)
    except OSError as error:
        raise StorageError(
            f"cannot unpack the model into {models_dir}: {error.strerror}"
        ) from error
    return target


def packed_fault(packed: Path = PACKED) -> str:
    """What is wrong with the default model as it was installed; "" where nothing is."""
    if checksum(packed) != packed_checksum(packed):
        return f"the model in {packed} does not match its checksum"
    return ""


def unpacked_fault(models_dir: Path, packed: Path = PACKED) -> str:
    """What is wrong with the unpacked default model, if the packed one is as it was."""
    name = packed_checksum(packed)
    target = models_dir / f"default-{name[:16]}"
    if not target.exists():
        return ""  # unpacked when it is needed
    if not _is_whole(target, name) or not _is_unpacked_from(packed, target):
        return f"the model in {target} is not the one that was unpacked there"
    return ""


def _is_unpacked_from(packed: Path, target: Path) -> bool:
    import numpy as np
    from safetensors.numpy import load_file

    try:
        weights = load_file(target / "model.safetensors")
    except Exception:  # noqa: BLE001 (safetensors raises an error of its own for damage)
        return False
    whole = _weights(packed)
    return weights.keys() == whole.keys() and all(
        np.array_equal(weights[k], whole[k]) for k in whole
    )


def _weights(packed: Path) -> dict[str, Any]:
    """The weights by name, in fp32."""
    from safetensors.numpy import load_file

    from index.model.adapter import changes
    from index.model.q4 import dequantize

    blocks = load_file(packed / WEIGHTS)
    weights = {k: dequantize(v) if v.dtype == "uint8" else v for k, v in blocks.items()}
    if (packed / ADAPTER).exists():  # the checksum tells whether it belongs there
        for name, change in changes(packed / ADAPTER):
            weights[name] = weights[name] + change
    return weights


def _is_whole(target: Path, checksum: str) -> bool:
    """Whether the marker, written last, is there and every file has the size it tells."""
    try:
        told = json.loads((target / MARKER).read_text(encoding="utf-8"))
        return bool(told["packed"] == checksum and told["sizes"] == _sizes(target))
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _sizes(directory: Path) -> dict[str, int]:
    files = (path for path in directory.rglob("*") if path.is_file() and path.name != MARKER)
    return {path.relative_to(directory).as_posix(): path.stat().st_size for path in files}


def _unpack_into(target: Path, packed: Path, name: str) -> None:
    from safetensors.numpy import save_file

    work = Path(tempfile.mkdtemp(prefix=".unpacking-", dir=target.parent))
    try:
        for path in packed.rglob("*.json"):
            copy = work / path.relative_to(packed)
            copy.parent.mkdir(exist_ok=True)
            shutil.copyfile(path, copy)
        save_file(_weights(packed), work / "model.safetensors", metadata={"format": "pt"})
        told = {"packed": name, "sizes": _sizes(work)}
        (work / MARKER).write_text(json.dumps(told), encoding="utf-8")
        if target.exists() and not _is_whole(target, name):
            shutil.rmtree(target)
        _rename(work, target, name)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _rename(work: Path, target: Path, name: str) -> None:
    try:
        work.rename(target)
    except OSError:
        if not _is_whole(target, name):  # else another process was faster, with the same files
            raise
