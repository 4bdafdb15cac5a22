"""The bot as people use it: a process that speaks the Bot API with a server on loopback."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from types import TracebackType
from typing import Self

from benchmarks.processes import SAMPLE_INTERVAL, BenchmarkError, memory, variables
from bot.locales import texts
from tests.bot_api import FakeBotApi

PATIENCE = 300.0  # seconds for the answers to questions asked at once
REST = 10.0  # seconds without a question, after which it is idle
OK = 200  # the status of an accepted message
NEWS = "Il ponte sul lago riapre lunedì, dopo sei mesi di lavori."  # the model is loaded for it
POLL_INTERVAL = 0.02  # seconds between two looks for replies
FIRST_USER = 5000  # the id of the first user; each question comes from another one


def _check(reply: str) -> None:
    """Raise BenchmarkError for a reply that the bot is too busy, or has failed."""
    if reply in {texts("it")(f"problem.{name}") for name in ("busy", "failed")}:
        raise BenchmarkError(f"no answer: {reply}")


class RunningBot:
    """``virgolette bot`` in a folder with a corpus and an index, for the length of a ``with``."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._api = FakeBotApi()
        self._user = FIRST_USER

    def __enter__(self) -> Self:
        self._api.__enter__()
        settings = {
            "VIRGOLETTE_TELEGRAM_BOT_TOKEN": self._api.token,
            "VIRGOLETTE_TELEGRAM_BASE_URL": self._api.base_url,
            "VIRGOLETTE_TELEGRAM_QUESTIONS_PER_HOUR": "0",
        }
        with (self._folder / "bot.log").open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "bot.terminal.cli", "bot"],
                cwd=self._folder,
                env={**variables(), **settings},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.terminate()
        self._process.wait()
        self._api.__exit__(kind, error, trace)

    def ask(self, *questions: str) -> list[float]:
        """Ask all questions at once, each in a chat of its own; the seconds until each answer.

        Raises BenchmarkError where one is not answered.
        """
        sent = {}  # times by message
        for question in questions:
            self._user += 1
            sent[self._api.say(question, user_id=self._user)] = time.perf_counter()
        seconds: dict[int, float] = {}
        end, seen = time.monotonic() + PATIENCE, 0
        while len(seconds) < len(sent):
            if time.monotonic() > end or self._process.poll() is not None:
                raise BenchmarkError(f"{len(sent) - len(seconds)} of {len(sent)} are not answered")
            time.sleep(POLL_INTERVAL)
            calls = self._api.calls
            for call in calls[seen:]:
                message = call.params.get("reply_parameters", {}).get("message_id")
                if call.method == "sendMessage" and call.status == OK and message in sent:
                    _check(call.params["text"])
                    seconds.setdefault(message, time.perf_counter() - sent[message])
            seen = len(calls)
        return list(seconds.values())

    def by_turns(
        self, questions: Sequence[str], rounds: int
    ) -> tuple[list[float], list[float], float]:
        """Seconds of each round for all questions one after another, and at once.

        The last number is the time within which 95 % of the questions at once are answered.
        """
        alone: list[float] = []
        together: list[list[float]] = []
        for number in range(rounds):
            # Different texts each time, by question marks: the bot caches questions' vectors.
            first = [question + " ?" * 2 * number for question in questions]
            second = [question + " ?" * (2 * number + 1) for question in questions]
            if number % 2:
                together.append(sorted(self.ask(*second)))
            alone.append(sum(self.ask(question)[0] for question in first))
            if not number % 2:
                together.append(sorted(self.ask(*second)))
        slow = median(seconds[int(0.95 * len(seconds))] for seconds in together)
        return alone, [seconds[-1] for seconds in together], slow

    def resting(self) -> int:
        """The bytes of all its processes in memory, after a while without questions."""
        time.sleep(REST)
        return memory(self._process.pid)

    def reindexed(self, question: str) -> int:
        """The most bytes that it and a rebuild, with a new article, hold together.

        It answers one question after another all the while.
        """
        (self._folder / "corpus" / "new.txt").write_text(NEWS, encoding="utf-8")
        building = subprocess.Popen(
            [sys.executable, "-m", "bot.terminal.cli", "index", "--rebuild", "--quiet"],
            cwd=self._folder,
            env=variables(),
        )
        held: list[int] = []

        def sample() -> None:
            while building.poll() is None:
                held.append(memory(self._process.pid) + memory(building.pid))
                time.sleep(SAMPLE_INTERVAL)

        sampling = threading.Thread(target=sample)
        sampling.start()
        try:
            while building.poll() is None:
                self.ask(question)
        finally:
            building.terminate()
            sampling.join()
        if building.returncode:
            raise BenchmarkError("the index was not built beside the bot")
        return max(held)
