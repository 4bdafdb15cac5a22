"""`virgolette add`, `remove` and `doctor`."""

from __future__ import annotations

import datetime
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import typer

from bot.compose import UNCALIBRATED, calibrated, locations, make_embedder, make_reader
from bot.feeds.following import revisitor
from bot.feeds.store import feed_store
from bot.settings import Settings
from bot.status import stored_article
from bot.terminal.output import localized
from bot.terminal.progress import progress_bar
from bot.terminal.report import report_json, report_lines, table
from index.articles.add import Adder, AddResult
from index.articles.web.fetch import Fetcher, shortened
from index.building.sync import Report, sync
from index.doctor import Doctor, Finding
from index.errors import CorpusError, ModelError, VirgoletteError
from index.generations.known import known_articles

INDEX_WAIT = 300.0  # seconds to wait for another process that writes the index
REMOVED = "removed"  # in DATA_DIR: removed articles, which can be put back


class AddError(VirgoletteError):
    """Nothing of a feed could be added, or what was added is not in the index yet."""


@dataclass(frozen=True)
class Addition:
    """What was added, was known already or failed; the report of the index, if it ran."""

    outcomes: tuple[AddResult, ...]
    report: Report | None = None
    error: VirgoletteError | None = None

    def of(self, state: str) -> list[AddResult]:
        """The outcomes with this state."""
        return [outcome for outcome in self.outcomes if outcome.state == state]

    def as_json(self) -> dict[str, Any]:
        """The documented content of ``virgolette add --json``."""
        return {
            "added": [
                {"origin": o.origin, "path": o.path, "notes": list(o.notes)}
                for o in self.of("added")
            ],
            **{
                state: [
                    {"origin": o.origin, "path": o.path, "notes": list(o.notes)}
                    for o in self.of(state)
                ]
                for state in ("changed", "unchanged", "withdrawn")
            },
            "known": [
                {"origin": o.origin, "path": o.path}
                for o in (*self.of("known"), *self.of("unchanged"))
            ],
            "failed": [{"origin": o.origin, "reason": o.reason} for o in self.of("failed")],
            "index": report_json(self.report) if self.report else None,
        }

    def lines(self) -> Iterator[str]:
        """The outcomes by their kind; then the lines of the index's report on other articles."""
        added = self.of("added")
        yield from table(
            (
                ("+", "added", [str(o.path) for o in added]),
                ("~", "changed", [str(o.path) for o in self.of("changed")]),
                ("=", "unchanged", [str(o.path) for o in self.of("unchanged")]),
                ("-", "withdrawn", [str(o.path) for o in self.of("withdrawn")]),
                ("=", "there", [f"{o.path} ({shortened(o.origin)})" for o in self.of("known")]),
                (
                    "?",
                    "note",
                    [f"{o.path}: {localized(n)}" for o in self.outcomes for n in o.notes],
                ),
                ("!", "failed", [localized(str(o.reason)) for o in self.of("failed")]),
            )
        )
        if self.report is not None:
            yield from report_lines(self.report, {str(o.path) for o in self.outcomes})

    def raise_error(self) -> None:
        """Raise the error that makes the command fail, if there is one."""
        if self.error:
            raise self.error


def checked_fields(**options: str | None) -> dict[str, str]:
    """The fields of an article that the user gave. Raises typer.BadParameter."""
    fields = {name: value for name, value in options.items() if value is not None}
    if date := fields.get("date"):
        try:
            datetime.date.fromisoformat(date)
        except ValueError:
            raise typer.BadParameter(f"--date is {date}: write YYYY-MM-DD") from None
    url = fields.get("url")
    if url and not url.startswith(("http://", "https://")):
        raise typer.BadParameter(f"--url is {url}: it begins with http:// or https://")
    return fields


def add_and_index(
    settings: Settings,
    target: str,
    feed: str,
    fields: Mapping[str, str],
    folder: str,
    hide_progress: bool,
) -> Addition:
    """Add an article, or those of a feed or a box of mails, and update the index if any is new.

    An address that is known is looked at again. Raises what keeps a single article, or the whole
    feed, from being added.
    """
    fetcher = Fetcher(settings.fetch_allow, settings.max_file_bytes)
    known = known_articles(settings.data_dir)
    adder = Adder(settings.corpus_dir, fetcher, fields, folder, known)
    if feed:
        addition = add_feed(adder, feed)
    elif target.lower().endswith(".mbox") and "://" not in target:
        addition = _all_of(adder.add_mailbox(Path(target)), target)
    elif "://" in target:
        addition = Addition((_add_address(settings, adder, fetcher, target),))
    else:
        addition = Addition((adder.add(target),))
    added = [*addition.of("added"), *addition.of("changed")]
    if not added:
        return addition
    try:
        return replace(addition, report=update_index(settings, hide_progress=hide_progress))
    except VirgoletteError as error:
        paths = ", ".join(str(outcome.path) for outcome in added)
        failure = AddError(f"{paths} was added to the corpus, but the index failed: {error}")
        return replace(addition, error=failure)


def _add_address(settings: Settings, adder: Adder, fetcher: Fetcher, url: str) -> AddResult:
    """Add the article at an address, or compare it with its page where it is known."""
    result = adder.add(url)
    with feed_store(settings.data_dir) as store:
        visitor = revisitor(settings, store, fetcher)
        if result.state == "known" and result.path:
            return visitor.look(url, result.path)
        visitor.register(result)
    return result


def add_feed(adder: Adder, feed: str) -> Addition:
    """Add the entries of a feed until the corpus cannot be written. Raises FetchError."""
    return _all_of(adder.add_feed(feed), feed)


def _all_of(results: Iterable[AddResult], origin: str) -> Addition:
    outcomes: list[AddResult] = []
    try:
        for outcome in results:
            outcomes.append(outcome)
    except CorpusError as error:
        outcomes.append(AddResult(origin, "failed", reason=str(error)))
        return Addition(tuple(outcomes), error=error)
    if all(outcome.state == "failed" for outcome in outcomes):
        return Addition(tuple(outcomes), error=AddError(f"nothing of {origin} could be added"))
    return Addition(tuple(outcomes))


def remove_and_index(settings: Settings, name: str) -> tuple[str, Path, Report]:
    """Move an article's file out of the corpus and bring the index up to date.

    ``name``: its path in the corpus, or what names it in the index. Returns its path and where the
    file is now. Raises CorpusError if there is no such file or it cannot be moved.
    """
    path = name
    if not _is_inside(settings.corpus_dir, path):
        path = stored_article(settings.data_dir, name).path
    if not _is_inside(settings.corpus_dir, path):
        raise CorpusError(f"there is no article {path} in {settings.corpus_dir}")
    file = settings.corpus_dir / path
    folder = settings.data_dir / REMOVED / time.strftime("%Y%m%dT%H%M%S", time.gmtime())
    kept = folder / file.relative_to(settings.corpus_dir)
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(file, kept)
    except OSError as error:
        raise CorpusError(f"{path} cannot be moved to {kept}: {error.strerror}") from error
    return path, kept, update_index(settings, hide_progress=True, allow_empty=True)


def _is_inside(corpus: Path, path: str) -> bool:
    """Whether there is such a file, which no link leads out of the corpus."""
    file = corpus / path
    return file.resolve().is_relative_to(corpus.resolve()) and file.is_file()


def update_index(settings: Settings, *, hide_progress: bool, allow_empty: bool = False) -> Report:
    """Bring the index up to date, after another process that writes it."""
    with progress_bar(hidden=hide_progress) as progress:
        return sync(
            locations(settings),
            make_embedder(settings),
            allow_empty=allow_empty,
            wait=INDEX_WAIT,
            progress=progress,
        )


def examine(settings: Settings, *, repair: bool) -> list[Finding]:
    """The findings of the doctor, after the repair if that is requested."""
    doctor = Doctor(locations(settings), make_embedder(settings))
    if repair:
        with progress_bar() as progress:
            doctor.repair(progress)
    return [*doctor.examine(), *_model_findings(settings)]


def _model_findings(settings: Settings) -> Iterator[Finding]:
    try:
        fitted = calibrated(settings)
    except ModelError:  # the doctor has found already that the model cannot be read
        fitted = True
    yield Finding("calibration", "" if fitted else UNCALIBRATED % settings.embedding_model)
    reader = make_reader(settings, make_embedder(settings))
    if reader is None:
        return
    try:
        reader.load()
        yield Finding("reader")
    except ModelError as error:
        yield Finding("reader", str(error))


def finding_line(finding: Finding) -> str:
    """A finding in one line for the terminal, with the remedy."""
    sign, state = ("!", finding.trouble) if finding.trouble else (" ", "in order")
    remedy = f": {localized(finding.remedy)}" if finding.remedy else ""
    return f"{sign} {localized(finding.name):<13} {localized(state)}{remedy}"
