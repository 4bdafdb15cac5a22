"""The bot as people use it: a process that speaks the Bot API with a Telegram on loopback."""

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

from benchmarks.processes import SAMPLED, BenchmarkError, memory, variables
from bot.locales import texts
from tests.bot_api import FakeBotApi

PATIENCE = 300.0  # seconds for an answer, or for all that are waited for together
REST = 10.0  # seconds without a question, after which it is idle
OK = 200  # the status of a message that was taken
NEWS = "Il ponte sul lago riapre lunedì, dopo sei mesi di lavori."  # the model is loaded for it
LOOKED = 0.02  # seconds between two looks for replies
FIRST = 5000  # the id of the first of those who ask; each question comes from another one


def _check(told: str) -> None:
    """Raise BenchmarkError where the bot is too busy, or fails: that is no answer."""
    if told in {texts("it")(f"problem.{name}") for name in ("busy", "failed")}:
        raise BenchmarkError(f"no answer: {told}")


class RunningBot:
    """``virgolette bot`` in a folder with a corpus and an index, for the length of a ``with``."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._api = FakeBotApi()
        self._people = FIRST

    def __enter__(self) -> Self:
        self._api.__enter__()
        told = {
            "VIRGOLETTE_TELEGRAM_BOT_TOKEN": self._api.token,
            "VIRGOLETTE_TELEGRAM_BASE_URL": self._api.base_url,
            "VIRGOLETTE_TELEGRAM_QUESTIONS_PER_HOUR": "0",
        }
        with (self._folder / "bot.log").open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "bot.terminal.cli", "bot"],
                cwd=self._folder,
                env={**variables(), **told},
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
        """Ask all of these at once, each in a chat of its own; the seconds until each answer.

        Raises BenchmarkError where one is not answered.
        """
        asked = {}
        for question in questions:
            self._people += 1
            asked[self._api.say(question, user_id=self._people)] = time.perf_counter()
        took: dict[int, float] = {}
        end, seen = time.monotonic() + PATIENCE, 0
        while len(took) < len(asked):
            if time.monotonic() > end or self._process.poll() is not None:
                raise BenchmarkError(f"{len(asked) - len(took)} of {len(asked)} are not answered")
            time.sleep(LOOKED)
            calls = self._api.calls
            for call in calls[seen:]:
                number = call.params.get("reply_parameters", {}).get("message_id")
                if call.method == "sendMessage" and call.status == OK and number in asked:
                    _check(call.params["text"])
                    took.setdefault(number, time.perf_counter() - asked[number])
            seen = len(calls)
        return list(took.values())

    def by_turns(
        self, questions: Sequence[str], rounds: int
    ) -> tuple[list[float], list[float], float]:
        """Seconds for all questions one after another, and at once, of each round.

        The last number is the time within which 95 % of those that ask at once are answered.
        """
        alone: list[float] = []
        together: list[list[float]] = []
        for number in range(rounds):
            # Other texts each time, by a mark: the vectors of questions are kept.
            one = [question + " ?" * 2 * number for question in questions]
            other = [question + " ?" * (2 * number + 1) for question in questions]
            if number % 2:
                together.append(sorted(self.ask(*other)))
            alone.append(sum(self.ask(question)[0] for question in one))
            if not number % 2:
                together.append(sorted(self.ask(*other)))
        slow = median(took[int(0.95 * len(took))] for took in together)
        return alone, [took[-1] for took in together], slow

    def resting(self) -> int:
        """The bytes that all its processes have in memory, when nobody has asked for a while."""
        time.sleep(REST)
        return memory(self._process.pid)

    def reindexed(self, question: str) -> int:
        """The most bytes that it and a whole new build, with a new article, hold meanwhile.

        It is asked one question after another all the while.
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
                time.sleep(SAMPLED)

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
