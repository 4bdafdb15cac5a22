"""`virgolette ask`: answers one question, or those on standard input."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console

from bot.compose import Parts
from bot.locales import texts_for
from bot.settings import Settings
from bot.terminal.documents.receipts import Collected
from bot.terminal.output import localized, print_json
from bot.terminal.progress import Spinner
from bot.terminal.render import print_answer, print_talk
from index.errors import VirgoletteError
from retrieval.answer import Question, Reason


@dataclass(frozen=True)
class Answerer:
    """Prints answers in words or in JSON, and stops the spinner before."""

    settings: Settings
    parts: Parts
    spinner: Spinner
    as_json: bool
    collected: Collected = field(default_factory=Collected)

    def answer(self, text: str) -> bool:
        """Print the answer to a question; whether there is an index. Raises VirgoletteError."""
        question = Question.parse(text)
        say = texts_for(self.settings.language, question)
        self.spinner.update(say("answer.searching"))
        answer = self.parts.chain.invoke(question)
        self.spinner.stop()
        self.collected.add(answer.quotes)
        if self.as_json:
            print_json(answer.as_json())
        elif answer.reason is Reason.TALK:
            print_talk(Console(), answer, self.parts.index, say)
        else:
            print_answer(Console(), answer, say)
        return answer.reason is not Reason.EMPTY_INDEX

    def write_receipt(self, file: Path) -> None:
        """Write the quotations of all answers to a file. Raises StorageError."""
        print(self.collected.write(file, texts_for(self.settings.language)), file=sys.stderr)

    def answer_input(self) -> None:
        """Answer a question a line; an error takes the place of its answer."""
        for line in sys.stdin.buffer if sys.stdin else ():
            text = line.decode("utf-8", errors="replace").rstrip("\r\n")
            try:
                self.answer(text)
            except VirgoletteError as error:
                if self.as_json:
                    print_json({"question": text, "error": str(error)})
                else:
                    print(f"virgolette: {localized(str(error))}", file=sys.stderr)
