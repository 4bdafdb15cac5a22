"""Commands of the command line, run beside the bot: what they write must not be written here."""

from __future__ import annotations

import asyncio
import json
from asyncio.subprocess import DEVNULL, PIPE, Process
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from bot.following import GRACE, command_line


@dataclass(frozen=True)
class Ran:
    """How a command ended: its JSON, {} where it printed none, and its complaint."""

    code: int
    told: dict[str, Any]
    complaint: str


async def run_command(*arguments: str) -> Ran:
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
    return Ran(process.returncode or 0, _json(output), complaint.removeprefix("virgolette: "))


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
