"""What ``virgolette doctor`` does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict

from bot.compose import UNCALIBRATED, calibrated, locations, make_embedder, make_reader
from bot.settings import Settings
from bot.terminal.progress import progress_bar
from index.doctor import Doctor, Finding
from index.errors import ModelError


def examine(settings: Settings, *, repair: bool) -> list[dict[str, str]]:
    """The findings, after the repair if one was asked for: ``name``, ``trouble``, ``remedy``."""
    doctor = Doctor(locations(settings), make_embedder(settings))
    if repair:
        with progress_bar() as progress:
            doctor.repair(progress)
    return [asdict(finding) for finding in (*doctor.examine(), *_models(settings))]


def _models(settings: Settings) -> Iterator[Finding]:
    try:
        fitted = calibrated(settings)
    except ModelError:  # told already: the model itself cannot be read
        fitted = True
    trouble = "" if fitted else UNCALIBRATED % settings.embedding_model
    yield Finding("calibration", trouble)
    reader = make_reader(settings, make_embedder(settings))
    if reader is None:
        return
    try:
        reader.load()
        yield Finding("reader")
    except ModelError as error:
        yield Finding("reader", str(error))
