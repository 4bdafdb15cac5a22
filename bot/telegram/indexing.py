"""The bot's index follows the corpus."""

from __future__ import annotations

import asyncio
import json
import logging
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.watching import GRACE, command_line, following_line

PAUSE = 60.0  # seconds before what ended unexpectedly is begun again
LONGEST_LINE = 2**26  # bytes of a report, which names every file
_COUNTED = ("added", "changed", "renamed", "removed", "skipped")
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class CommandResult:
    """How a command ended: its JSON, {} where it printed none, and its complaint."""

    code: int
    output: dict[str, Any]
    complaint: str


async def run_command(*arguments: str) -> CommandResult:
    """Run `virgolette` with these arguments to its end. Raises OSError where it cannot begin."""
    process = await asyncio.create_subprocess_exec(
        *command_line(*arguments),
        stdin=DEVNULL,
        stdout=PIPE,
        stderr=PIPE,
        start_new_session=True,  # the terminal's ctrl-c is for the bot
    )
    try:
        output, errors = await process.communicate()
    finally:
        await end_process(process)
    complaint = errors.decode("utf-8", "replace").strip().rpartition("\n")[2]
    return CommandResult(
        process.returncode or 0, _json(output), complaint.removeprefix("virgolette: ")
    )


async def end_process(process: Process) -> None:
    """End a process that is still running; what it has begun it takes back."""
    if process.returncode is None:
        with suppress(ProcessLookupError):
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), 2 * GRACE)
        except TimeoutError:
            process.kill()
            await process.wait()


def _json(output: bytes) -> dict[str, Any]:
    try:
        told = json.loads(output.decode("utf-8", "replace").strip().rpartition("\n")[2] or "{}")
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


class CorpusFollower:
    """Has the corpus followed by a process beside the bot and logs what it tells.

    A process of its own, because the event loop would feel even the watching: when it begins,
    watchfiles walks through the corpus and lets no other thread run meanwhile. When the bot
    dies, that process ends too, as nobody reads it any more.
    """

    def __init__(self, corpus: Path) -> None:
        self._corpus = corpus
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin, on the running event loop."""
        self._task = asyncio.create_task(self._keep_following())

    async def stop(self) -> None:
        """End, an indexing run under way included; what it has begun is taken back."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _keep_following(self) -> None:
        while True:
            try:
                code = await _follow(self._corpus)
                _log.error("index: following the corpus ended with exit code %s", code)
            except (OSError, ValueError) as error:  # no process, or a line beyond all measure
                _log.error("index: the corpus cannot be followed: %s", error)
            await asyncio.sleep(PAUSE)


async def _follow(corpus: Path) -> int:
    process = await asyncio.create_subprocess_exec(
        *following_line(corpus),
        stdin=DEVNULL,
        stdout=PIPE,
        stderr=PIPE,
        limit=LONGEST_LINE,
        start_new_session=True,  # the terminal's ctrl-c is for the bot
    )
    try:
        await asyncio.gather(
            _each_line(process.stdout, _log_report), _each_line(process.stderr, _log_trouble)
        )
        return await process.wait()
    finally:
        await end_process(process)


async def _each_line(stream: asyncio.StreamReader | None, log: Callable[[str], None]) -> None:
    while stream is not None and (line := await stream.readline()):
        log(line.decode("utf-8", errors="replace").rstrip())


def _log_report(line: str) -> None:
    report = json.loads(line)
    counts = [f"{len(report[name])} {name}" for name in _COUNTED if report[name]]
    counts.append(f"{report['embedded']} texts embedded")
    _log.info("index: %s (generation %s)", ", ".join(counts), report["generation"])


def _log_trouble(line: str) -> None:
    _log.warning("index: %s", line.removeprefix("virgolette: "))
