"""The bot as people use it: a process that speaks the Bot API with a Telegram on loopback."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from benchmarks.processes import BenchmarkError, memory, variables
from tests.bot_api import FakeBotApi

PATIENCE = 300.0  # seconds for an answer, or for all that are waited for together
REST = 10.0  # seconds without a question, after which it is idle
LOOKED = 0.02  # seconds between two looks for replies
FIRST = 5000  # the id of the first of those who ask; each question comes from another one


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
                [sys.executable, "-m", "bot.cli", "bot"],
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

    def ask(self, *texts: str) -> list[float]:
        """Ask all of these at once, each in a chat of its own; the seconds until each answer.

        Raises BenchmarkError where one is not answered.
        """
        asked = {}
        for text in texts:
            self._people += 1
            asked[self._api.say(text, user_id=self._people)] = time.perf_counter()
        took: dict[int, float] = {}
        end, seen = time.monotonic() + PATIENCE, 0
        while len(took) < len(asked):
            if time.monotonic() > end or self._process.poll() is not None:
                raise BenchmarkError(f"{len(asked) - len(took)} of {len(asked)} are not answered")
            time.sleep(LOOKED)
            calls = self._api.calls
            for call in calls[seen:]:
                number = call.params.get("reply_parameters", {}).get("message_id")
                if call.method == "sendMessage" and number in asked:
                    took.setdefault(number, time.perf_counter() - asked[number])
            seen = len(calls)
        return list(took.values())

    def by_turns(self, texts: Sequence[str], rounds: int) -> tuple[list[float], list[float], float]:
        """Seconds for all questions one after another, and at once, of each round.

        The last number is the time within which 95 % of those that ask at once are answered.
        """
        alone, together, slow = [], [], []
        for _ in range(rounds):
            alone.append(sum(self.ask(text)[0] for text in texts))
            took = sorted(self.ask(*texts))
            together.append(took[-1])
            slow.append(took[int(0.95 * len(took))])
        return alone, together, sorted(slow)[len(slow) // 2]

    def resting(self) -> int:
        """The bytes that all its processes have in memory, when nobody has asked for a while."""
        time.sleep(REST)
        return memory(self._process.pid)

    def reindexed(self, text: str) -> int:
        """The most bytes that it and a whole new build hold while it answers."""
        building = subprocess.Popen(
            [sys.executable, "-m", "bot.cli", "index", "--rebuild", "--quiet"],
            cwd=self._folder,
            env=variables(),
        )
        peak = 0
        while building.poll() is None:
            self.ask(text)
            peak = max(peak, memory(self._process.pid) + memory(building.pid))
        if building.returncode:
            raise BenchmarkError("the index was not built beside the bot")
        return peak
