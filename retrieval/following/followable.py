"""Which questions can stay asked."""

from __future__ import annotations

from retrieval.answer import Intent, Question
from retrieval.answering.requests import SURE
from retrieval.questions.topic import topic_words

# What asks for words that a new article may have. The latest news, a summary, a count … are asked
# for again.
FOLLOWABLE = frozenset({Intent.FACT, Intent.YESNO, Intent.LIST, Intent.SAID, Intent.TIMELINE})


def is_followable(question: Question, intent: Intent, probability: float) -> bool:
    """Whether articles to come may answer a question, which has an intent with a probability.

    What is not surely something else is taken for a question about a fact, as when it is asked.
    """
    is_fact = intent in FOLLOWABLE or (probability < SURE and not intent.is_talk)
    return is_fact and bool(topic_words(question.text))
