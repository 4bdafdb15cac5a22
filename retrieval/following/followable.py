"""Which questions can stay asked."""

from __future__ import annotations

from retrieval.answer import Intent, Question
from retrieval.answering.requests import SURE, is_on_subject
from retrieval.questions.topic import topic_words

# What asks for words that a new article may have. A count, a comparison … are asked for again.
_QUESTIONS = frozenset({Intent.FACT, Intent.YESNO, Intent.LIST, Intent.SAID, Intent.TIMELINE})


def has_follow(intent: Intent, question: str) -> bool:
    """Whether articles to come may say more to a message that was taken for this intent."""
    return intent in _QUESTIONS or is_on_subject(intent, question)


def is_followable(question: Question, intent: Intent, probability: float) -> bool:
    """Whether articles to come may answer a question, which has an intent with a probability.

    What is not surely something else is taken for a question about a fact, as when it is asked.
    """
    is_possible = has_follow(intent, question.text) or (probability < SURE and not intent.is_talk)
    return is_possible and bool(topic_words(question.text))
