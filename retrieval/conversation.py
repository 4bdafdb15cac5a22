"""Follow-up questions: "e quando?" means something only after the question before it.

No rule says whom "lui" means. A question is read in several ways, and the surest one answers: its
own words in the articles that were just quoted, its words joined to the question before it, and
its words alone in all articles. docs/quality.md has figures beside those of rules.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from index.text.language import vocabulary
from index.text.words import terms, words
from retrieval.answer import MAX_QUESTION, Answer, Question
from retrieval.questions.interrogatives import joined

# By the number of content words in a question: how much surer its words alone must be than the
# other interpretations. With more words it stands alone if it is answered.
MARGINS = (0.4, 0.4, 0.1, 0.0)
MAX_JOINED = 2  # content words of a question that is joined to the one before it
REPEATED = 2  # words that it shares with that one, from which it stands alone


@dataclass(frozen=True)
class Interpretation:
    """A way to read a question: what is searched, and the ``articles`` that are read first.

    ``only``: no other articles are read. ``sources``: the outlets that it keeps to, unless it
    names some itself.
    """

    question: Question
    articles: tuple[str, ...] = ()
    only: bool = False
    sources: tuple[str, ...] = ()


def in_context(question: Question, meant: Question | None = None) -> list[Interpretation]:
    """The interpretations of a question after the ones before it; none at the start.

    ``meant``: what a chat model takes it to mean.
    """
    if not question.previous:
        return []
    turn, alone = question.previous[-1], replace(question, previous=())
    interpretations = [Interpretation(alone, turn.articles, only=True)] if turn.articles else []
    text = joined(question.text, turn.query)
    if _content_words(question) <= MAX_JOINED and len(text) <= MAX_QUESTION:
        interpretations.append(
            Interpretation(replace(alone, text=text), turn.articles, sources=turn.sources)
        )
    return [*interpretations, *([Interpretation(meant)] if meant else [])]


def is_self_contained(question: Question) -> bool:
    """Whether a question has so many words of its own that it needs none from before.

    So it does if it repeats what it is about: "Dove va il treno?" after "Chi è sul treno?".
    """
    before = {term for turn in question.previous[-1:] for term in terms(turn.query)}
    repeated = len(before.intersection(terms(question.text)))
    return _content_words(question) >= len(MARGINS) or repeated >= REPEATED


def stands_alone(question: Question, alone: Answer, together: Answer) -> bool:
    """Whether the answer to a question's words alone is better than the best one in context."""
    if alone.refused:
        return together.refused and is_self_contained(question)
    if together.quotes[:1] and together.quotes[0].text == alone.quotes[0].text:
        return True  # the context adds nothing
    margin = MARGINS[min(_content_words(question), len(MARGINS) - 1)]
    return alone.confidence > together.confidence + margin


def _content_words(question: Question) -> int:
    return sum(word not in vocabulary("stop_words") for word in words(question.text))
