"""What the REPL says to a question or a command."""

from __future__ import annotations

import sys

from rich.console import Console

from bot.captions import source_line
from bot.compose import Parts
from bot.conversations import Conversations
from bot.listing import article_at, listed
from bot.locales import Texts, texts_for
from bot.settings import Settings
from bot.smalltalk import talk, talked_back
from bot.terminal.render import print_answer, print_claims, print_verification
from bot.terminal.report import printable
from index.errors import VirgoletteError
from retrieval.answer import MAX_QUESTION, Answer, Question, QuestionError
from retrieval.answering.verification import MAX_CLAIM, ClaimError, verify_in
from retrieval.writing.options import AnswerOptions

_SOURCES = frozenset({"/fonti", "/sources"})
_HELP = frozenset({"/aiuto", "/help", "aiuto", "help"})
_ARTICLE = frozenset({"/articolo", "/article"})
_VERIFY = frozenset({"/verifica", "/verify"})
_NEW = frozenset({"/nuova", "/new"})

_HERE = "terminal"  # the key of the only conversation that is kept here


class Replies:
    """Those of one conversation, printed."""

    def __init__(self, parts: Parts, settings: Settings, console: Console) -> None:
        self._parts = parts
        self._settings = settings
        self._console = console
        self._conversations = Conversations()

    def respond(self, entry: str) -> None:
        """Respond, or say why that cannot be: the conversation goes on."""
        try:
            _respond(entry, self._parts, self._settings, self._console, self._conversations)
        except VirgoletteError as error:
            self._console.print(str(error), style="red", highlight=False, markup=False)


def _respond(
    entry: str, parts: Parts, settings: Settings, console: Console, conversations: Conversations
) -> None:
    say = texts_for(settings.language)
    if entry in _HELP:
        console.print(say("chat.help"), highlight=False)
    elif entry in _NEW:
        conversations.forget(_HERE)
        console.print(say("chat.forgotten"), highlight=False)
    elif entry in _SOURCES:
        _print_sources(parts, console, say)
    elif entry.split()[0] in _ARTICLE:
        _print_article(entry.removeprefix(entry.split()[0]), parts, console, say)
    elif entry.split()[0] in _VERIFY:
        _print_verification(entry.removeprefix(entry.split()[0]), parts, console, say)
    elif entry.startswith("/"):
        shown = printable(entry.split()[0])
        console.print(say("chat.unknown_command", command=shown), highlight=False, markup=False)
    elif said := talk(entry):
        say = texts_for(settings.language, Question(entry))
        console.print(printable(talked_back(said, parts.index, say)), highlight=False, markup=False)
    else:
        _print_answer(entry, parts, settings, console, conversations)


def _print_answer(
    entry: str, parts: Parts, settings: Settings, console: Console, conversations: Conversations
) -> None:
    try:
        question = Question.parse(entry, previous=conversations.recall(_HERE))
    except QuestionError as error:
        say = texts_for(settings.language)
        console.print(say(f"problem.{error.problem}", limit=MAX_QUESTION), highlight=False)
        return
    say = texts_for(settings.language, question)
    try:
        answer, printed = _answered(question, parts, console, say)
    except KeyboardInterrupt:
        if not sys.stdin.isatty():
            raise
        console.print(say("telegram.cancelled"), highlight=False)
        return
    conversations.remember(_HERE, answer)
    print_answer(console, answer, say, printed)


def _answered(question: Question, parts: Parts, console: Console, say: Texts) -> tuple[Answer, int]:
    """The answer, and how many of its claims were printed while it was being written."""
    printed = 0
    writing = console.status(say("answer.writing"))

    def show(draft: Answer) -> None:
        nonlocal printed
        if not draft.claims:
            if console.is_terminal:
                writing.start()
            return
        writing.stop()
        if not printed:
            console.print()
        printed = print_claims(console, draft, printed)

    try:
        return parts.chain.invoke(question, options=AnswerOptions(show=show)), printed
    finally:
        writing.stop()


def _print_verification(sentence: str, parts: Parts, console: Console, say: Texts) -> None:
    try:
        print_verification(console, verify_in(parts.index, sentence), say)
    except ClaimError as error:
        console.print(say(f"verify.problem_{error.problem}", limit=MAX_CLAIM), highlight=False)


def _print_sources(parts: Parts, console: Console, say: Texts) -> None:
    articles = listed(parts.index)
    if not articles:
        console.print(say("chat.no_articles"))
    for number, article in enumerate(articles, 1):
        console.print(
            f"{number:>4}  {printable(source_line(article, say))}", highlight=False, markup=False
        )
        console.print(
            f"      {printable(article.path)}", style="dim", highlight=False, markup=False
        )


def _print_article(told: str, parts: Parts, console: Console, say: Texts) -> None:
    number = told.strip()
    if not number.isdecimal():
        console.print(say("chat.article_usage"), highlight=False)
        return
    article = article_at(parts.index, int(number[:9]))
    if article is None:
        console.print(say("chat.no_such_article", number=printable(number)), highlight=False)
        return
    console.print(printable(source_line(article, say)), style="bold", highlight=False, markup=False)
    console.print(printable(article.text), soft_wrap=True, highlight=False, markup=False)
