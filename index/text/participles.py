"""The participles in a text, by their shape and a dictionary."""

from __future__ import annotations

from functools import cache

from index.text.language import MAIN, language, pattern
from index.text.sentences import Span


def participles(text: str) -> list[Span]:
    """Where words stand that have the shape of a participle, but for those of "to be".

    A word that the dictionary of the main language knows must be a form of a verb there: "sabato"
    is none. Others must be in lower case: "Alberto" is none.
    """
    return [
        Span(*match.span())
        for match in pattern("participles").finditer(text)
        if not pattern("auxiliaries").fullmatch(match.group()) and _may_be_verb(match.group())
    ]


@cache
def _may_be_verb(word: str) -> bool:
    from simplemma import is_known, lemmatize

    if not is_known(word.lower(), lang=MAIN):
        return word.islower()
    lemma = lemmatize(word.lower(), lang=MAIN)
    lemmas = (lemma, lemmatize(lemma, lang=MAIN))  # "sequestrato" of "sequestrati", "sequestrare"
    return any(one.endswith(tuple(language(MAIN).verb_endings)) for one in lemmas)
