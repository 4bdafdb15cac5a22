"""What the REPL replies to a question or a command."""

from __future__ import annotations

import sys

from rich.console import Console

from bot.captions import source_line
from bot.compose import Parts
from bot.conversations import Conversations
from bot.listing import article_by_number, listed_articles
from bot.locales import Texts, texts_for
from bot.settings import Settings
from bot.terminal.render import print_answer, print_claims, print_talk, print_verification
from index.errors import VirgoletteError
from index.text.clean import printable
from retrieval.answer import MAX_QUESTION, Answer, Question, QuestionError, Reason
from retrieval.verifying.claim import MAX_CLAIM
from retrieval.verifying.outcome import ClaimError
from retrieval.verifying.verification import verify_in
from retrieval.writing.options import AnswerOptions

_SOURCES = frozenset({"/fonti", "/sources"})
_HELP = frozenset({"/aiuto", "/help", "aiuto", "help"})
_ARTICLE = frozenset({"/articolo", "/article"})
_VERIFY = frozenset({"/verifica", "/verify"})
_NEW = frozenset({"/nuova", "/new"})

_CONVERSATION = "terminal"  # the key of the only conversation here


class Replies:
    """The replies of one conversation, printed. The console must not highlight."""

    def __init__(self, parts: Parts, settings: Settings, console: Console) -> None:
        self._parts = parts
        self._settings = settings
        self._console = console
        self._conversations = Conversations()

    def respond(self, entry: str) -> None:
        """Respond, or print the error: the conversation goes on."""
        try:
            self._respond(entry)
        except VirgoletteError as error:
            self._print(str(error), style="red")

    def _respond(self, entry: str) -> None:
        say = texts_for(self._settings.language)
        command = entry.split()[0]
        argument = entry.removeprefix(command)
        if entry in _HELP:
            self._print(say("chat.help"))
        elif entry in _NEW:
            self._conversations.forget(_CONVERSATION)
            self._print(say("chat.forgotten"))
        elif entry in _SOURCES:
            self._print_sources(say)
        elif command in _ARTICLE:
            self._print_article(argument.strip(), say)
        elif command in _VERIFY:
            self._print_verification(argument, say)
        elif entry.startswith("/"):
            self._print(say("chat.unknown_command", command=printable(command)))
        else:
            self._print_answer(entry, say)

    def _print(self, text: str, style: str | None = None, *, soft_wrap: bool = False) -> None:
        self._console.print(text, style=style, soft_wrap=soft_wrap, markup=False, emoji=False)

    def _print_answer(self, entry: str, say: Texts) -> None:
        previous = self._conversations.recall(_CONVERSATION)
        try:
            question = Question.parse(entry, previous=previous)
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
        print_answer(self._console, answer, say, printed_claims)

    def _answer(self, question: Question, say: Texts) -> tuple[Answer, int]:
        """The answer, and how many of its claims were printed while it was being written."""
        printed = 0
        writing = self._console.status(say("answer.writing"))

        def show(draft: Answer) -> None:
            nonlocal printed
            if not draft.claims:
                if self._console.is_terminal:
                    writing.start()
                return
            writing.stop()
            if not printed:
                self._console.print()
            printed = print_claims(self._console, draft, printed)

        try:
            return self._parts.chain.invoke(question, options=AnswerOptions(show=show)), printed
        finally:
            writing.stop()

    def _print_verification(self, sentence: str, say: Texts) -> None:
        try:
            print_verification(self._console, verify_in(self._parts.index, sentence), say)
        except ClaimError as error:
            self._print(say(f"verify.problem_{error.problem}", limit=MAX_CLAIM))

    def _print_sources(self, say: Texts) -> None:
        articles = listed_articles(self._parts.index)
        if not articles:
            self._print(say("chat.no_articles"))
        for number, article in enumerate(articles, 1):
            self._print(f"{number:>4}  {printable(source_line(article, say))}")
            self._print(f"      {printable(article.path)}", style="dim")

    def _print_article(self, number: str, say: Texts) -> None:
        if not number.isdecimal():
            self._print(say("chat.article_usage"))
            return
        article = article_by_number(self._parts.index, int(number[:9]))
        if article is None:
            self._print(say("chat.no_such_article", number=printable(number)))
            return
        self._print(printable(source_line(article, say)), style="bold")
        self._print(printable(article.text), soft_wrap=True)
