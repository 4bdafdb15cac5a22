"""A follow-up question, rewritten by a chat model to stand alone: accepted if it only asks."""

from __future__ import annotations

import re
from collections.abc import Sequence

from langchain_core.runnables import RunnableConfig

from index.text.words import words
from retrieval.answer import MAX_QUESTION, Question, Turn
from retrieval.questions.interrogatives import find_interrogative
from retrieval.writing.asking import Asking
from retrieval.writing.facts import Facts, unsupported
from retrieval.writing.prompt import rewriting_messages
from retrieval.writing.writer import Writer, WritingError

MOST_WORDS = 40  # of a question that was rewritten

_INTERROGATIVES = frozenset(
    """
    chi che cosa dove quando come perche qual quale quali quanto quanta quanti quante
    who whom whose what which where when why how
    """.split()
)
_LABEL = re.compile(r"^(?:(?:rewritten|stand-?alone|last)?\s*(?:question|domanda))\s*:\s*", re.I)


def rewritten(
    question: Question,
    writer: Writer,
    asking: Asking,
    until: float,
    config: RunnableConfig | None = None,
) -> Question | None:
    """The question as it stands alone; None where it does already, or what came cannot be used.

    Raises GivenUpError. A failing model is no error: the rules of
    ``retrieval.conversation.followups`` remain.
    """
    if not question.previous:
        return None
    messages = rewriting_messages(question, question.previous)
    told = ""
    try:
        for piece in writer.text(messages, asking, until, config):
            told += piece
            if len(told) > MAX_QUESTION:
                return None
    except WritingError:
        return None
    text = _LABEL.sub("", " ".join(told.split()).strip('"“”«»` '))
    if text == question.text or not asks_the_same(text, question, question.previous):
        return None
    return Question(text, question.day)


def asks_the_same(text: str, question: Question, turns: Sequence[Turn]) -> bool:
    """Whether a rewriting asks what the question asks: it does not answer, nor change a name.

    It is a question in the same language, with the same interrogative where there is one. Every
    name, number and date in it was said before, and those of the question are in it.
    """
    language = "en" if question.is_english else "it"
    said = [question.text, *(part for t in turns for part in (t.query, t.answer, t.told))]
    asked, own = find_interrogative(text), find_interrogative(question.text)
    return (
        text.endswith("?")
        and len(Facts(text).words) <= MOST_WORDS
        and (own is None or (asked is not None and _asks_alike(own[0], asked[0])))
        and not unsupported(text, said, language)
        and not unsupported(question.text, [text], language)
    )


def _asks_alike(one: str, other: str) -> bool:
    """Whether two interrogatives are the same but for a preposition: "da dove" and "dove"."""
    return bool(_INTERROGATIVES & set(words(one)) & set(words(other)))
