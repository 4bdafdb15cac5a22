"""Turn the packed default model into a directory that sentence-transformers loads."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from index.errors import ModelError, StorageError

if TYPE_CHECKING:
    import torch

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
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def unpacked_model(
    models_dir: Path, packed: Path = PACKED, *, dtype: torch.dtype | None = None
) -> Path:
    """The directory of the unpacked default model, made on first use.

    Its weights are in ``dtype``, else in fp32: those that are computed with as they are stored
    are mapped into memory, and only what is used of them takes any.

    The packed files are checked against their checksum before they are unpacked.

    Raises:
        ModelError: the packed files are not those the checksum was taken of.
        StorageError: the directory cannot be written.
    """
    import torch
    from safetensors import SafetensorError

    told, kind = packed_checksum(packed), dtype or torch.float32
    target = models_dir / f"default-{told[:16]}-{str(kind).removeprefix('torch.')}"
    if _is_whole(target, told):
        return target
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        if checksum(packed) != told:
            raise ModelError(f"the model in {packed} does not match its checksum: install again")
        _make(target, packed, told, kind)
    except (OSError, SafetensorError) as error:  # which has what the system told in its text
        reason = getattr(error, "strerror", None) or error
        raise StorageError(f"cannot unpack the model into {target.parent}: {reason}") from error
    return target


def unpacked_models(models_dir: Path) -> list[Path]:
    """The directories that were made there by unpacking."""
    return [
        marker.parent for marker in sorted(models_dir.glob(f"*/{MARKER}")) if _told(marker.parent)
    ]


def unpacked_fault(models_dir: Path) -> str:
    """What is wrong with the unpacked models; "" where nothing is.

    Where none is unpacked nothing is: that is done when it is needed.
    """
    for target in unpacked_models(models_dir):
        files = _told(target).get("files", {})
        if any(digest != _digest(target / path) for path, (_, digest) in files.items()):
            return f"the model in {target} is not the one that was unpacked there"
    return ""


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
    told = _told(target)
    sizes = {path: size for path, (size, _) in told.get("files", {}).items()}
    found = {path.relative_to(target).as_posix(): path.stat().st_size for path in _files(target)}
    return told.get("packed") == checksum and sizes == found


def _told(target: Path) -> dict[str, Any]:
    """What was unpacked, and into which files; nothing where that was not written down."""
    try:
        return dict(json.loads((target / MARKER).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return {}


def _files(directory: Path) -> list[Path]:
    return [path for path in directory.rglob("*") if path.is_file() and path.name != MARKER]


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        return str(error)


def _write(work: Path, packed: Path, dtype: torch.dtype) -> None:
    """The files of the default model, for sentence-transformers."""
    import torch
    from safetensors.torch import save_file

    for path in packed.rglob("*.json"):
        copy = work / path.relative_to(packed)
        copy.parent.mkdir(exist_ok=True)
        shutil.copyfile(path, copy)
    weights = {key: torch.from_numpy(one).to(dtype) for key, one in _weights(packed).items()}
    save_file(weights, work / "model.safetensors", metadata={"format": "pt"})


def _make(target: Path, packed: Path, checksum: str, dtype: torch.dtype) -> None:
    """The directory appears whole, by a rename: a reader never meets half of it."""
    work = Path(tempfile.mkdtemp(prefix=".unpacking-", dir=target.parent))
    try:
        _write(work, packed, dtype)
        written = {
            path.relative_to(work).as_posix(): (path.stat().st_size, _digest(path))
            for path in _files(work)
        }
        told = {"packed": checksum, "files": written}
        (work / MARKER).write_text(json.dumps(told), encoding="utf-8")
        if target.exists() and not _is_whole(target, checksum):
            shutil.rmtree(target)
        _rename(work, target, checksum)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _rename(work: Path, target: Path, name: str) -> None:
    try:
        work.rename(target)
    except OSError:
        if not _is_whole(target, name):  # else another process was faster, with the same files
            raise
