"""What the REPL replies to a question or a command."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.text import Text

from bot.captions import not_one_article, source_line
from bot.compose import Parts
from bot.conversations import Conversations
from bot.corrections.record import state_lines
from bot.drafts.report import problem
from bot.listing import find_article, listed_articles
from bot.locales import Texts, texts_for
from bot.settings import Settings
from bot.terminal.documents.receipts import Collected
from bot.terminal.output import localized
from bot.terminal.progress import spinner
from bot.terminal.questions.verifying import named_file, print_review, review_file
from bot.terminal.render import (
    print_answer,
    print_article,
    print_claims,
    print_help,
    print_lines,
    print_numbered,
    print_talk,
    print_verification,
)
from index.errors import VirgoletteError
from index.text.clean import printable
from retrieval.answer import MAX_QUESTION, Answer, Intent, Question, QuestionError, Reason
from retrieval.verifying.drafts.outcome import Review
from retrieval.verifying.outcome import ClaimError, Verification
from retrieval.verifying.verification import verify_in
from retrieval.writing.options import AnswerOptions

_SOURCES = frozenset({"/fonti", "/sources"})
_HELP = frozenset({"/aiuto", "/help", "aiuto", "help"})
_ARTICLE = frozenset({"/articolo", "/article"})
_TIMELINE = frozenset({"/cronologia", "/timeline"})
_VERIFY = frozenset({"/verifica", "/verify"})
_KEEP = frozenset({"/tieni", "/keep"})
_EXPORT = frozenset({"/esporta", "/export"})
_NEW = frozenset({"/nuova", "/new"})
_FOLLOW = frozenset({"/segui", "/follow", "/seguiti", "/following"})

_CONVERSATION = "terminal"  # the key of the only conversation here


class Replies:
    """The replies of one conversation, printed. The console must not highlight."""

    def __init__(self, parts: Parts, settings: Settings, console: Console) -> None:
        self._parts = parts
        self._settings = settings
        self._console = console
        self._conversations = Conversations()
        self._collected = Collected()

    def respond(self, entry: str) -> None:
        """Respond, or print the error: the conversation goes on."""
        try:
            self._respond(entry)
        except VirgoletteError as error:
            self._print(localized(str(error)), style="red")

    def _respond(self, entry: str) -> None:
        say = texts_for(self._settings.language)
        command = entry.split()[0]
        argument = entry.removeprefix(command)
        if entry in _HELP:
            print_help(self._console, say("chat.help"))
        elif entry in _NEW:
            self._conversations.forget(_CONVERSATION)
            self._print(say("chat.forgotten"))
        elif entry in _SOURCES:
            self._print_sources(say)
        elif reply := self._commands.get(command):
            reply(argument.strip(), say)
        elif entry.startswith("/"):
            self._print(say("chat.unknown_command", command=printable(command)))
        else:
            self._print_answer(entry, say)

    @property
    def _commands(self) -> dict[str, Callable[[str, Texts], None]]:
        """What answers a command with an argument."""
        replies = {
            _ARTICLE: self._print_article,
            _TIMELINE: self._print_timeline,
            _VERIFY: self._print_verification,
            _FOLLOW: lambda _, say: self._print(say("chat.follow_elsewhere")),
            _KEEP: lambda number, say: self._print(self._keep(number, say)),
            _EXPORT: lambda name, say: self._print(self._export(name, say)),
        }
        return {name: reply for names, reply in replies.items() for name in names}

    def _print(self, text: str, style: str | None = None) -> None:
        self._console.print(text, style=style, markup=False, emoji=False)

    def _print_timeline(self, subject: str, say: Texts) -> None:
        if subject:
            self._print_answer(subject, say, Intent.TIMELINE)
        else:
            self._print(say("telegram.timeline_usage"))

    def _print_answer(self, entry: str, say: Texts, intent: Intent | None = None) -> None:
        previous = self._conversations.recall(_CONVERSATION)
        try:
            question = Question.parse(entry, previous=previous, intent=intent)
        except QuestionError as error:
            self._print(say(f"problem.{error.problem}", limit=MAX_QUESTION))
            return
        say = texts_for(self._settings.language, question)
        try:
            answer, printed_claims = self._answer(question, say)
        except KeyboardInterrupt:
            if not sys.stdin.isatty():
                raise
            self._print(say("telegram.cancelled"))
            return
        if answer.reason is Reason.TALK:
            print_talk(self._console, answer, self._parts.index, say)
            return
        self._conversations.remember(_CONVERSATION, answer)
        self._collected.see(answer)
        print_answer(self._console, answer, say, printed_claims)

    def _answer(self, question: Question, say: Texts) -> tuple[Answer, int]:
        """The answer, and how many of its claims were printed while it was being written."""
        printed = 0
        with spinner() as spin:
            spin.update(say("answer.searching"))

            def show(draft: Answer) -> None:
                nonlocal printed
                if not draft.claims:
                    spin.update(say("answer.writing"))
                    return
                spin.stop()
                if not printed:
                    self._console.print()
                printed = print_claims(self._console, draft, printed)

            return self._parts.chain.invoke(question, options=AnswerOptions(show=show)), printed

    def _print_verification(self, sentence: str, say: Texts) -> None:
        try:
            with spinner() as spin:
                spin.update(say("answer.searching"))
                if file := named_file(sentence):
                    outcome: Review | Verification = review_file(self._parts.index, file)
                else:
                    outcome = verify_in(self._parts.index, sentence)
            if isinstance(outcome, Review):
                print_review(self._console, outcome, say)
            else:
                print_verification(self._console, outcome, say)
        except ClaimError as error:
            self._print(problem(error, say))

    def _keep(self, number: str, say: Texts) -> str:
        """Keep the quotations of the last answer, or one of them; what to say of it."""
        if not self._collected.quotes():
            return say("export.nothing_here")
        is_number = number.isascii() and number.isdecimal()
        quotes = self._collected.quotes(int(number[:9]) if is_number else None)
        if not quotes or (number and not is_number):
            return say("export.no_number", number=printable(number))
        self._collected.add(quotes)
        return say("export.kept", count=len(self._collected.records))

    def _export(self, name: str, say: Texts) -> str:
        """Write what was kept to a file; what to say of it. Raises StorageError."""
        if not self._collected.records:
            return say("export.nothing_here")
        if not name:
            return say("export.file_usage")
        return self._collected.write(Path(name).expanduser(), say)

    def _print_sources(self, say: Texts) -> None:
        articles = listed_articles(self._parts.index)
        if not articles:
            self._print(say("chat.no_articles"))
        for number, article in enumerate(articles, 1):
            source = Text(printable(source_line(article, say)))
            path = Text(printable(article.path), style="dim")
            print_lines(self._console, [(0, f"{number:>4}  ", source), (6, "", path)])

    def _print_article(self, name: str, say: Texts) -> None:
        if not name:
            self._print(say("chat.article_usage"))
            return
        found = find_article(self._parts.index, name)
        if found.article is None:
            print_numbered(self._console, not_one_article(found, name, say))
        else:
            states = state_lines(self._settings.data_dir, found.article.path, say)
            lines = [source_line(found.article, say), *states]
            print_article(self._console, found.article.text, printable("\n".join(lines)))
