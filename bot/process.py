"""How a command begins to write, and is ended from outside."""

from __future__ import annotations

import io
import signal
import sys

TERMINATED = 143  # the exit code


def write_utf8() -> None:
    """Write UTF-8, whatever the system's locale is, and what cannot be written as "?"."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # None when it was closed
            stream.reconfigure(encoding="utf-8", errors="replace")


def end_on_sigterm() -> None:
    """Make SIGTERM an exception, so that what a run has begun is taken back."""

    def end(number: int, _: object) -> None:
        signal.signal(number, signal.SIG_IGN)  # once is enough
        sys.exit(TERMINATED)

    signal.signal(signal.SIGTERM, end)
