"""The REPL: the very chain the bot uses, in a terminal or a pipe.

It takes a question at once; what answers it is imported and loaded meanwhile.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from threading import Thread
from typing import TYPE_CHECKING

from prompt_toolkit import PromptSession
from prompt_toolkit.history import FileHistory, History, InMemoryHistory
from rich.console import Console

from bot.locales import Texts, texts_for
from bot.settings import Settings

if TYPE_CHECKING:
    from bot.terminal.replies import Replies

_QUIT = frozenset({"/esci", "/quit", "esci", "exit", "quit"})


def run_repl(settings: Settings) -> None:
    """Read questions and commands until /esci or the end of the input.

    Raises what ``composed`` raises, at the latest at the end.
    """
    console = Console()
    say = texts_for(settings.language)
    console.print(say("chat.welcome"), highlight=False)
    with _opening(settings, console) as replies:
        for line in _lines(settings, say):
            entry = line.strip()
            if entry in _QUIT:
                break
            if entry:
                _respond(entry, replies, console, say)
        _awaited(replies, console, say)
        console.print(say("chat.goodbye"), highlight=False)


@contextmanager
def _opening(settings: Settings, console: Console) -> Iterator[Future[Replies]]:
    """What answers, opened by a thread of its own; closed at the end."""
    with ExitStack() as opened, ThreadPoolExecutor(1, "opening") as thread:

        def open_replies() -> Replies:
            from bot.compose import LOADING_TIMEOUT, composed
            from bot.terminal.replies import Replies

            parts = opened.enter_context(composed(settings))
            parts.index.follow()
            # What a first answer takes longer is done while the question is typed.
            warming = Thread(target=parts.chain.warm_up, daemon=True)
            warming.start()
            opened.callback(warming.join, LOADING_TIMEOUT)
            return Replies(parts, settings, console)

        yield thread.submit(open_replies)


def _respond(entry: str, replies: Future[Replies], console: Console, say: Texts) -> None:
    """Respond as soon as that can be; ctrl-c on a terminal gives up spinner for it."""
    try:
        found = _awaited(replies, console, say)
    except KeyboardInterrupt:
        if not sys.stdin.isatty():
            raise
        console.print(say("telegram.cancelled"), highlight=False)
    else:
        found.respond(entry)


def _awaited(replies: Future[Replies], console: Console, say: Texts) -> Replies:
    """What answers, as soon as it is there."""
    if replies.done() or not console.is_terminal:
        return replies.result()
    with console.status(say("answer.loading")):
        return replies.result()


def _lines(settings: Settings, say: Texts) -> Iterator[str]:
    """What is typed, line by line; a pipe is read without editing and history."""
    if sys.stdin is None:
        return
    if not sys.stdin.isatty():
        yield from (line.decode("utf-8", errors="replace") for line in sys.stdin.buffer)
        return
    session: PromptSession[str] = PromptSession(history=_history(settings))
    while True:
        try:
            yield session.prompt(say("chat.prompt"))
        except KeyboardInterrupt:
            continue  # ctrl-c gives up the line, not the conversation
        except EOFError:
            return


def _history(settings: Settings) -> History:
    """What was typed before, kept in the data folder if that can be written."""
    file = settings.data_dir / "history"
    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        file.open("ab").close()
    except OSError:
        return InMemoryHistory()
    return _PatientHistory(str(file))


class _PatientHistory(FileHistory):
    """Goes on without keeping what is typed where the disk is full."""

    def store_string(self, string: str) -> None:
        with suppress(OSError):
            super().store_string(string)
