"""Standard output and SIGTERM of a command."""

from __future__ import annotations

import io
import signal
import sys

TERMINATED = 143  # the exit code


def write_utf8() -> None:
    """Write UTF-8 whatever the locale, with "?" for what cannot be encoded."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # None if it is closed
            stream.reconfigure(encoding="utf-8", errors="replace")


def end_on_sigterm() -> None:
    """Turn SIGTERM into SystemExit, so that unfinished work is rolled back."""

    def end(number: int, _: object) -> None:
        signal.signal(number, signal.SIG_IGN)  # once is enough
        sys.exit(TERMINATED)

    signal.signal(signal.SIGTERM, end)
