"""What ``virgolette doctor`` does."""

from __future__ import annotations

from dataclasses import asdict

from bot.compose import locations, make_embedder
from bot.progress import progress_bar
from bot.settings import Settings
from index.doctor import Doctor


def examine(settings: Settings, *, repair: bool) -> list[dict[str, str]]:
    """The findings, after the repair if one was asked for: ``name``, ``trouble``, ``remedy``."""
    doctor = Doctor(locations(settings), make_embedder(settings))
    if repair:
        with progress_bar() as progress:
            doctor.repair(progress)
    return [asdict(finding) for finding in doctor.examine()]
