"""Runs `virgolette` commands beside the bot, and follows the corpus with one of them."""

from __future__ import annotations

import asyncio
import json
import logging
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.environment import in_english
from bot.watching import (
    FEEDS_LOOK,
    FEEDS_PAUSE,
    GRACE,
    command_line,
    following_line,
    is_visit_due,
)

COUNTED = ("added", "changed", "renamed", "removed", "skipped")  # lists of an index report
_PAUSE = 60.0  # seconds before a process that ended unexpectedly is started again
_MAX_LINE = 2**26  # bytes of a report, which names all files
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class CommandResult:
    """How a command ended: its JSON, {} where it printed none, and its last line of errors."""

    code: int
    output: dict[str, Any]
    complaint: str


async def run_command(*arguments: str) -> CommandResult:
    """Run `virgolette` with these arguments. Raises OSError where it cannot be started."""
    async with _started(command_line(*arguments)) as process:
        output, errors = await process.communicate()
    complaint = _last_line(errors).removeprefix("virgolette: ")
    return CommandResult(process.returncode or 0, _json(_last_line(output)), complaint)


async def follow_corpus(corpus: Path) -> None:
    """Follow the corpus in a process beside the bot and log its reports, until cancelled.

    A process, because the event loop would feel even the watching: when it starts, watchfiles
    walks through the corpus and lets no other thread run meanwhile. When the bot dies, that
    process ends too, as nobody reads its output any more.
    """
    while True:
        try:
            code = await _follow(corpus)
            _log.error("index: following the corpus ended with exit code %s", code)
        except (OSError, ValueError) as error:  # no process, or a line that is too long
            _log.error("index: the corpus cannot be followed: %s", error)
        await asyncio.sleep(_PAUSE)


async def follow_feeds(data_dir: Path, *, updates_index: bool) -> None:
    """Visit the feeds of a data folder when they are due, and log what comes, until cancelled.

    ``updates_index``: nothing else follows the corpus.
    """
    options = [] if updates_index else ["--no-index"]
    problem = ""
    while True:
        await asyncio.sleep(FEEDS_LOOK)
        if not await asyncio.to_thread(is_visit_due, data_dir):
            continue
        try:
            result = await run_command("feeds", "fetch", "--due", "--quiet", "--json", *options)
        except OSError as error:
            result = CommandResult(1, {}, str(error))
        for visit in result.output.get("feeds", []):
            _log_visit(visit)
        _log_revisited(result.output.get("revisited", {}))
        if result.code and result.complaint != problem:
            _log.warning("feeds: %s", result.complaint)
        problem = result.complaint if result.code else ""
        await asyncio.sleep(FEEDS_PAUSE)


def _log_visit(visit: dict[str, Any]) -> None:
    counts = [f"{len(visit[name])} {name}" for name in ("added", "known", "changed", "failed")]
    _log.info("feed %s: %s", visit["url"], ", ".join(counts))
    reasons = [visit["error"], *visit["notes"], *(failed["reason"] for failed in visit["failed"])]
    for reason in filter(None, reasons):
        _log.warning("feed %s: %s", visit["url"], reason)


def _log_revisited(outcomes: dict[str, Any]) -> None:
    """Log which articles were corrected and withdrawn, and which pages could not be read."""
    for name in ("changed", "withdrawn"):
        for article in outcomes.get(name, []):
            _log.info("%s: %s %s", article["origin"], name, article["path"])
    for failed in outcomes.get("failed", []):
        _log.warning("looked at again: %s", failed["reason"])


async def _follow(corpus: Path) -> int:
    async with _started(following_line(corpus)) as process:
        await asyncio.gather(
            _each_line(process.stdout, _log_report), _each_line(process.stderr, _log_error)
        )
        return await process.wait()


@asynccontextmanager
async def _started(command: list[str]) -> AsyncIterator[Process]:
    """A process for the length of an ``async with``; a run that is cut off is undone."""
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=DEVNULL,
        stdout=PIPE,
        stderr=PIPE,
        limit=_MAX_LINE,
        env=in_english(),
        start_new_session=True,  # the terminal's ctrl-c is for the bot
    )
    try:
        yield process
    finally:
        await _end(process)


async def _end(process: Process) -> None:
    if process.returncode is None:
        with suppress(ProcessLookupError):
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), 2 * GRACE)
        except TimeoutError:
            process.kill()
            await process.wait()


async def _each_line(stream: asyncio.StreamReader | None, log: Callable[[str], None]) -> None:
    while stream is not None and (line := await stream.readline()):
        log(line.decode("utf-8", errors="replace").rstrip())


def _log_report(line: str) -> None:
    report = json.loads(line)
    counts = [f"{len(report[name])} {name}" for name in COUNTED if report[name]]
    counts.append(f"{report['embedded']} texts embedded")
    _log.info("index: %s (generation %s)", ", ".join(counts), report["generation"])


def _log_error(line: str) -> None:
    _log.warning("index: %s", line.removeprefix("virgolette: "))


def _last_line(output: bytes) -> str:
    return output.decode("utf-8", "replace").strip().rpartition("\n")[2]


def _json(line: str) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
