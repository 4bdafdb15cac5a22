"""Processes of ours that work with Chroma beside the one that indexes.

Embedded Chroma can hang, or take its process with it when its files are damaged; and to import it
takes a second or two, which passes while the model is loaded. What they are told is pickled.
"""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from tempfile import TemporaryFile
from types import TracebackType
from typing import IO, Any, Self, cast

from index.chroma import import_chroma
from index.errors import ServerError, StorageError, VirgoletteError

FAILED, NO_SERVER = 1, 3  # exit codes


class Helper:
    """A running ``python -m module`` that waits to be told what to do.

    A context manager: the process ends with the ``with``, whatever it does.
    """

    def __init__(self, module: str) -> None:
        self._complaints = TemporaryFile()  # noqa: SIM115 a pipe that nobody reads can fill
        # -P: a folder named "index" where the user stands must not be taken for this package.
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", module],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=self._complaints,
        )
        self._told = cast("IO[bytes]", self._process.stdin)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.communicate()
        self._complaints.close()

    def tell(self, message: object) -> None:
        """Send one message. That the process has ended is told by ``finish``."""
        with suppress(BrokenPipeError):
            pickle.dump(message, self._told)
            self._told.flush()

    def finish(self, timeout: float | None = None) -> None:
        """Wait until it has done everything.

        Raises:
            StorageError: it failed; with what it said last. ServerError where it did.
            subprocess.TimeoutExpired: it takes longer than ``timeout`` seconds.
        """
        self._process.communicate(timeout=timeout)
        code = self._process.returncode
        if code:
            self._complaints.seek(0)
            lines = self._complaints.read().decode(errors="replace").split("\n")
            said = [line for line in lines if line.strip()] or [f"exit code {code}"]
            raise (ServerError if code == NO_SERVER else StorageError)(said[-1])


def help_with(work: Callable[[Iterator[Any]], None]) -> None:
    """Be such a process: do the work with all that is told; its errors end the process."""
    try:
        import_chroma()
        work(_messages())
    except VirgoletteError as error:
        print(error, file=sys.stderr)
        sys.exit(NO_SERVER if isinstance(error, ServerError) else FAILED)


def _messages() -> Iterator[Any]:
    """What this process is told, one message after another, to the end."""
    with suppress(EOFError):
        while True:
            yield pickle.load(sys.stdin.buffer)  # noqa: S301 of the process that started this one
