"""Starts the suite's commands as forks of one process that has the model's libraries imported.

Importing sentence-transformers takes six to ten seconds on two cores, and openai one more; some two
hundred commands of the suite need one or both. A fork is a process of its own as any other: with
its arguments, environment, working directory, standard streams, signals and exit code. Nothing of
Virgolette is imported before it, nor Chroma, which reads the environment when it is. What an import
decides, and what a terminal sees, is tested with processes that are started as users start them.

Started by itself, this file is the process that forks; it is told what to start, and where to tell
how that went, through the socket that is its standard input.
"""

from __future__ import annotations

import atexit
import ctypes
import gc
import importlib
import io
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

LIBRARIES = (  # without onnxruntime, which starts a thread: a fork would wait for it at its end
    "jsonschema",  # Chroma imports it, as it does OpenTelemetry
    "langchain.chat_models",
    "langchain_core.retrievers",
    "langchain_openai",
    "openai.resources.chat",
    "opentelemetry.exporter.otlp.proto.grpc.trace_exporter",
    "prompt_toolkit",
    "pydantic_settings",
    "rapidfuzz.fuzz",
    "sentence_transformers",
    "simplemma",
    "telegram.ext",
    "transformers.models.bert.modeling_bert",
    "typer",
)
STREAMS = 3
LENGTH = 4  # bytes before what is told


class Process:
    """A command that was started. What subprocess.Popen offers of the same name does the same."""

    def __init__(self, status: int) -> None:
        self._status = os.fdopen(status, "rb", buffering=0)
        self.pid = int(self._status.readline())
        self.returncode: int | None = None

    def poll(self) -> int | None:
        with suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        if self.returncode is None:
            if not select.select([self._status], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
            self.returncode = os.waitstatus_to_exitcode(int(self._status.readline()))
            self._status.close()
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


class Warm:
    """The process that has the libraries, and starts commands."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._socket, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, __file__], stdin=theirs.fileno(), env=environment
            )

    def start(
        self, arguments: Sequence[str], cwd: Path, env: dict[str, str], streams: Sequence[int]
    ) -> Process:
        """Start ``virgolette`` with these arguments, in a process group of its own.

        ``streams`` are the files of its standard input, output and errors.
        """
        status, theirs = os.pipe()
        told = json.dumps([list(arguments), str(cwd), env]).encode()
        with os.fdopen(theirs, "wb"):
            socket.send_fds(self._socket, [len(told).to_bytes(LENGTH, "big")], [*streams, theirs])
            self._socket.sendall(told)
        return Process(status)

    def __enter__(self) -> Warm:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()
        self._process.wait()


def _serve() -> None:
    """Fork for each command that is asked for, until nobody can ask any more."""
    os.environ["OMP_WAIT_POLICY"] = "PASSIVE"  # as Virgolette does before it imports torch
    kept: list[str] = []
    atexit.register(_keep, kept)  # the first to be registered is the last to run
    before = set(sys.modules)
    for name in LIBRARIES:
        importlib.import_module(name)
    kept += sys.modules.keys() - before
    gc.collect()
    gc.freeze()  # else each command would look through all of it for garbage
    asked = socket.socket(fileno=os.dup(0))
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those that wait
    while True:
        head, files, *_ = socket.recv_fds(asked, LENGTH, STREAMS + 1)
        if not head:
            return
        told = asked.recv(int.from_bytes(head, "big"), socket.MSG_WAITALL)
        if os.fork() == 0:
            asked.close()
            _command(files[:STREAMS], files[STREAMS], *json.loads(told))
            return  # the end of the command is that of this process, as of any other
        for file in files:
            os.close(file)


def _keep(names: Iterable[str]) -> None:
    """Leave the libraries to the operating system, which frees the memory of a process at once.

    The interpreter would take them apart object by object, at the end of each command.
    """
    kept = [sys.modules.pop(name, None) for name in names]
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(kept))


def _command(streams: Sequence[int], status: int, arguments: list[str], cwd: str, env: Any) -> None:
    """Be the command, after a fork that waits for its end and tells it."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    if child := os.fork():
        os.setpgid(child, child)
        os.write(status, f"{child}\n".encode())
        os.write(status, f"{os.waitpid(child, 0)[1]}\n".encode())
        os._exit(0)
    os.close(status)
    # A suite that runs in the background has ctrl-c ignored, and would pass that on.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number, file in enumerate(streams):
        os.dup2(file, number)
        os.close(file)
    sys.stdin = io.TextIOWrapper(os.fdopen(0, "rb", closefd=False))
    sys.stdout = io.TextIOWrapper(os.fdopen(1, "wb", closefd=False))
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    sys.argv = ["virgolette", *arguments]
    runpy.run_module("bot.terminal.cli", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    _serve()
