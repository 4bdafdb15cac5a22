"""What ``virgolette add``, ``remove`` and ``doctor`` do."""

from __future__ import annotations

import datetime
import shutil
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from bot.compose import UNCALIBRATED, calibrated, locations, make_embedder, make_reader
from bot.settings import Settings
from bot.terminal.progress import progress_bar
from bot.terminal.report import report_lines, row
from index.articles.add import Adder, AddResult
from index.articles.fetch import Fetcher
from index.doctor import Doctor, Finding
from index.errors import CorpusError, ModelError, VirgoletteError

if TYPE_CHECKING:
    from index.building.sync import Report


INDEX_WAIT = 300.0  # seconds to wait for another process that writes the index
REMOVED = "removed"  # in DATA_DIR: what was removed can be put back


def remove_and_index(settings: Settings, path: str) -> tuple[Path, Report]:
    """Move an article's file out of the corpus and bring the index up to date.

    Where the file is now, and what the index tells. Raises CorpusError where there is no such
    file or it cannot be moved.
    """
    kept = _moved(settings, path)
    from bot.compose import locations, make_embedder
    from index.building.sync import sync

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


class AddError(VirgoletteError):
    """Nothing of a feed could be added, or what was added is not in the index yet."""


@dataclass(frozen=True)
class Addition:
    """What was added, was there already or failed; the report of the index, if it ran."""

    outcomes: tuple[AddResult, ...]
    report: Report | None = None
    trouble: VirgoletteError | None = None

    def of(self, state: str) -> list[AddResult]:
        """The outcomes of one kind."""
        return [outcome for outcome in self.outcomes if outcome.state == state]

    def as_json(self) -> dict[str, Any]:
        """``added`` and ``known`` with ``origin`` and ``path``; ``failed`` with ``reason``."""
        pairs = {
            state: [{"origin": o.origin, "path": o.path} for o in self.of(state)]
            for state in ("added", "known")
        }
        failed = [{"origin": o.origin, "reason": o.reason} for o in self.of("failed")]
        return {**pairs, "failed": failed}

    def lines(self) -> Iterator[str]:
        """A line for each outcome; then of the index's report what they do not name."""
        for outcome in self.outcomes:
            if outcome.state == "added":
                yield row("+", "added", str(outcome.path))
            elif outcome.state == "known":
                yield row("=", "there", f"{outcome.path} ({outcome.origin})")
            elif outcome.state == "failed":
                yield row("!", "failed", str(outcome.reason))
        if self.report is not None:
            yield from report_lines(self.report, {str(o.path) for o in self.of("added")})

    def raise_trouble(self) -> None:
        """Raise what made the command fail, if anything did."""
        if self.trouble:
            raise self.trouble


def checked_fields(told: Mapping[str, str | None]) -> dict[str, str]:
    """The fields that the user told; a wrong usage when one cannot be."""
    fields = {name: value for name, value in told.items() if value is not None}
    try:
        datetime.date.fromisoformat(fields.get("date") or "2023-09-11")
    except ValueError:
        raise typer.BadParameter(f"--date is {fields['date']}: write YYYY-MM-DD") from None
    address = fields.get("url")
    if address and not address.startswith(("http://", "https://")):
        raise typer.BadParameter(f"--url is {address}: it begins with http:// or https://")
    return fields


def add_and_index(
    settings: Settings,
    target: str,
    feed: str,
    told: Mapping[str, str],
    folder: str,
    hide_progress: bool,
) -> Addition:
    """Add one article, or those of a feed, and bring the index up to date if there are new ones.

    Raises what keeps a single article, or the whole feed, from being added.
    """
    fetcher = Fetcher(settings.fetch_allow, settings.max_file_bytes)
    adder = Adder(settings.corpus_dir, fetcher, told, folder)
    found = add_feed(adder, feed) if feed else Addition((adder.add(target),))
    if not found.of("added"):
        return found
    try:
        return replace(found, report=_index_new(settings, hide_progress))
    except VirgoletteError as error:
        paths = ", ".join(str(outcome.path) for outcome in found.of("added"))
        trouble = AddError(f"{paths} was added to the corpus, but the index failed: {error}")
        return replace(found, trouble=trouble)


def add_feed(adder: Adder, feed: str) -> Addition:
    """Add the entries of a feed, as far as the corpus can be written. Raises FetchError."""
    outcomes: list[AddResult] = []
    try:
        for outcome in adder.add_feed(feed):
            outcomes.append(outcome)
    except CorpusError as error:
        outcomes.append(AddResult(feed, "failed", reason=str(error)))
        return Addition(tuple(outcomes), trouble=error)
    failed = all(outcome.state == "failed" for outcome in outcomes)
    trouble = AddError(f"nothing of {feed} could be added") if failed else None
    return Addition(tuple(outcomes), trouble=trouble)


def _index_new(settings: Settings, hide_progress: bool) -> Report:
    from bot.compose import locations, make_embedder
    from bot.terminal.progress import progress_bar
    from index.building.sync import sync

    with progress_bar(hidden=hide_progress) as progress:
        return sync(
            locations(settings),
            make_embedder(settings),
            wait=INDEX_WAIT,
            progress=progress,
        )


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
