"""Questions made of the text itself: a clause in which a name or a number is left out.

Thousands of them before the real ones teach the reader to match a question with a passage, which
so few real ones do not (Lewis, Denoyer, Riedel, "Unsupervised Question Answering by Cloze
Translation", ACL 2019: there the clauses are made questions by a translator, here by dropping and
moving words, which that paper calls noise).
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence

from index.sentences import Span, sentences
from training.questions import Candidates, Example

_NAME = re.compile(r"(?<!^)\b[A-ZÀ-Ý][\w’']+(?:\s+[A-ZÀ-Ý][\w’']+)*")
_NUMBER = re.compile(r"\b\d+(?:[.,]\d+)*\b")
_ASKED = {  # for a name, for a number
    "it": (("chi", "dove", "che cosa", "quale"), ("quanto", "quando", "quanti", "in che anno")),
    "en": (("who", "where", "what", "which"), ("how much", "when", "how many", "in what year")),
    "es": (("quién", "dónde", "qué", "cuál"), ("cuánto", "cuándo", "cuántos", "en qué año")),
    "ro": (("cine", "unde", "ce", "care"), ("cât", "când", "câți", "în ce an")),
    "de": (("wer", "wo", "was", "welche"), ("wie viel", "wann", "wie viele", "in welchem Jahr")),
}
_SHORTEST, _LONGEST = 40, 400  # characters of a sentence
_AROUND = 1  # sentences before it and after it that are read with it
_BEFORE, _AFTER = 12, 12  # words, at most
_DROPPED, _SHUFFLED, _INVERTED = 0.3, 0.3, 0.7  # how often
_UNANSWERED = 3  # one in so many is read with another passage too
_TIMES = {"it": 4}  # clauses out of a sentence; half as many in other languages
_MARKS = ' .,;:()[]"“”«»'


def cloze_pairs(found: Sequence[Candidates], rng: random.Random) -> Iterator[list[Example]]:
    """Questions with a few sentences that answer them, some with a passage that does not."""
    for passage, (language, others) in _passages(found).items():
        spans = sentences(passage)
        for at, span in enumerate(spans):
            sentence = passage[span.start : span.end]
            if not _SHORTEST <= len(sentence) <= _LONGEST:
                continue
            start = spans[max(0, at - _AROUND)].start
            end = spans[min(len(spans) - 1, at + _AROUND)].end
            for answer, question in _questions(sentence, language, rng):
                words = sentence[answer.start : answer.end]
                moved = Span(*(place + span.start - start for place in (answer.start, answer.end)))
                pair = [Example(question, passage[start:end], (moved,))]
                lacking = [other for other in others if words.lower() not in other.lower()]
                if lacking and rng.randrange(_UNANSWERED) == 0:
                    pair.append(Example(question, rng.choice(lacking), ()))
                yield pair


def _passages(found: Sequence[Candidates]) -> dict[str, tuple[str, list[str]]]:
    """The passages with their languages, and with others of the same article."""
    passages: dict[str, tuple[str, list[str]]] = {}
    for one in sorted(found, key=lambda c: c.language != "it"):  # others ask about Italian ones too
        others = [negative.passage for negative in one.negatives]
        passages.setdefault(one.positive.passage, (one.language, others))
    return passages


def _questions(sentence: str, language: str, rng: random.Random) -> Iterator[tuple[Span, str]]:
    """Some of the names and numbers of a sentence, with questions for them."""
    answers = [(Span(*m.span()), 0) for m in _NAME.finditer(sentence)]
    answers += [(Span(*m.span()), 1) for m in _NUMBER.finditer(sentence)]
    drawn = rng.sample(answers, min(_TIMES.get(language, 2), len(answers)))
    for answer, kind in drawn:
        before, after = sentence[: answer.start].split(), sentence[answer.end :].split()
        before = before[len(before) - min(len(before), rng.randint(0, _BEFORE)) :]
        after = after[: rng.randint(_AFTER // 4, _AFTER)]
        before, after = (_noisy(words, rng) for words in (before, after))
        if len(before) + len(after) > 2:
            asked = rng.choice(_ASKED[language][kind])
            inverted = rng.random() < _INVERTED
            words = [asked.capitalize(), *after, *before] if inverted else [*before, asked, *after]
            yield answer, " ".join(words) + "?"


def _noisy(words: Sequence[str], rng: random.Random) -> list[str]:
    bare = (word.strip(_MARKS) for word in words)
    kept = [word for word in bare if word and rng.random() >= _DROPPED]
    return rng.sample(kept, len(kept)) if rng.random() < _SHUFFLED else kept
