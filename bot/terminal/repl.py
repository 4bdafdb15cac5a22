"""The REPL: the answer chain of the bot, in a terminal or a pipe.

It reads the first question at once and imports and loads what answers it meanwhile.
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
from bot.terminal.progress import spinner

if TYPE_CHECKING:
    from bot.terminal.replies import Replies

_QUIT = frozenset({"/esci", "/quit", "esci", "exit", "quit"})


def run_repl(settings: Settings) -> None:
    """Read questions and commands until /esci or the end of the input.

    Raises what ``probe`` raises, and at the latest at the end what ``composed`` raises.
    """
    say = texts_for(settings.language)
    if settings.chat_model:
        with spinner() as spin:
            from bot.chat_model import probe

            spin.update(say("answer.loading"))
            probe(settings)  # it may take seconds
    console = Console(highlight=False)
    console.print(say("chat.welcome"))
    with _opened(settings, console) as opening:
        for line in _lines(settings, say):
            entry = line.strip()
            if entry in _QUIT:
                break
            if entry:
                _respond(entry, opening, console, say)
        _result(opening, console, say)
        console.print(say("chat.goodbye"))


@contextmanager
def _opened(settings: Settings, console: Console) -> Iterator[Future[Replies]]:
    """The replies, which a thread opens; closed at the end."""
    with ExitStack() as resources, ThreadPoolExecutor(1, "opening") as thread:

        def open_replies() -> Replies:
            from bot.compose import LOADING_TIMEOUT, composed
            from bot.terminal.replies import Replies

            parts = resources.enter_context(composed(settings))
            parts.index.follow()
            # The extra work of the first answer is done while the question is typed.
            warming = Thread(target=parts.chain.warm_up, daemon=True)
            warming.start()
            resources.callback(warming.join, LOADING_TIMEOUT)
            return Replies(parts, settings, console)

        yield thread.submit(open_replies)


def _respond(entry: str, opening: Future[Replies], console: Console, say: Texts) -> None:
    """Respond as soon as the replies are open; on a terminal, ctrl-c gives up the wait."""
    try:
        replies = _result(opening, console, say)
    except KeyboardInterrupt:
        if not sys.stdin.isatty():
            raise
        console.print(say("telegram.cancelled"))
    else:
        replies.respond(entry)


def _result(opening: Future[Replies], console: Console, say: Texts) -> Replies:
    if opening.done() or not console.is_terminal:
        return opening.result()
    with console.status(say("answer.loading")):
        return opening.result()


def _lines(settings: Settings, say: Texts) -> Iterator[str]:
    """The lines of the input; editing and history are for terminals, not for pipes."""
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
    """The input history: in the data folder if that can be written, else in memory."""
    file = settings.data_dir / "history"
    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        file.open("ab").close()
    except OSError:
        return InMemoryHistory()
    return _PatientHistory(str(file))


class _PatientHistory(FileHistory):
    """Survives a full disk, which loses entries."""

    def store_string(self, string: str) -> None:
        with suppress(OSError):
            super().store_string(string)
