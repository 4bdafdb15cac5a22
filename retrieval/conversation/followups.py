"""Follow-up questions: "e quando?" is searched together with what it refers to.

By rules over words, in Italian and in English. A question that stands by itself is left alone:
what was asked before must not mix with a new subject.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from index.text.language import vocabulary
from index.text.words import stems, words
from retrieval.answer import MAX_QUESTION, Answer, Question, Turn
from retrieval.conversation.complements import complemented
from retrieval.conversation.referents import PRONOUN, has_pronoun, points_back, with_referents
from retrieval.questions.interrogatives import (
    ENDS,
    INTERROGATIVE,
    asked_anew,
    defines,
    find_interrogative,
    is_english,
    same_event,
    spelled_out,
)
from retrieval.questions.mentions import (
    ARTICLE,
    CONTRACTED,
    PREPOSITION,
    Mention,
    mentions,
    names_told,
)

MARGIN = 0.1  # of confidence, by which the user's words alone must be ahead
MOST_CONTENT = 2  # words of its own in a question that leaves open what it is about
LONGEST_PHRASE = 6  # words of "e il ministro della Difesa?"

_OPENING = re.compile(
    r"^(?:(?:e|ed|ma|invece|allora|poi|quindi|però|ok|okay|bene|anche|per\s+quanto\s+riguarda"
    r"|riguardo\s+a|and|but|so|also|what\s+about|how\s+about|as\s+for)\b[\s,]+)+",
    re.IGNORECASE,
)
_VERB = re.compile(
    r"\b(?:è|sono|era|ha|hanno|aveva|sarà|saranno|fu|vuole|vogliono|può|is|are|was|were|has|have"
    r"|had|will|would|did|does|do|can|could|si|\w{2,}(?:rà|ranno|rebbe))\b",
    re.IGNORECASE,
)
_PHRASE = re.compile(  # what "e …?" goes on with where no name begins it
    rf"{PREPOSITION}|{ARTICLE}|(?:quell[oaei]|secondo|according|{PRONOUN}|her|suo|sua|suoi|sue|his"
    r"|their|dopo|prima|poi|oggi|ora|adesso|ieri|domani|after|before|now|today|yesterday|tomorrow"
    r")\b|\d",
    re.IGNORECASE,
)
_TO_US = re.compile(  # said to whoever answers, or about the day: it belongs to no subject
    r"\b(?:tu|te|ti|sei|stai|chiami|puoi|sai|fai|you|your|ciao|salve|buongiorno|buonasera|grazie"
    r"|thanks|thank|hello|hi|che\s+tempo\s+fa|che\s+or[ae]|che\s+giorno\s+è|what\s+time\s+is"
    r"|the\s+weather)\b",
    re.IGNORECASE,
)
_OCCASION = re.compile(r"\b(?:la\s+(?:prima|ultima)|l['’]ultima)\s+volta\b", re.IGNORECASE)
_OWNED = re.compile(rf"\b{ARTICLE}[^\W\d_]+\s+d(?:i|el|ella|ei|egli|elle|ell[’'])\s*[A-ZÀ-Ý]")
_IMPERSONAL = re.compile(
    r"\b(?:chi|c['’]è|ci|si|succed\w+|accad\w+|avv(?:iene|err\w+|enut\w))\b", re.IGNORECASE
)
_LIGHT = frozenset(  # words that tell of no subject of their own
    """
    fatto fare dice dicono detto dire stato stata stati state va vanno andra vuole vogliono puo
    possono deve devono sara saranno era erano fu furono avra avrebbe sarebbe fa fanno mai
    esattamente proprio poi invece allora altro altri altra ok parla parlano finora gia adesso ora
    bene male davvero insieme sempre said say says go goes going went want wants get can could
    should may might exactly else really then tell told know happened happen happens any some now
    far yet already
    """.split()
)


@dataclass(frozen=True)
class FollowUp:
    """A question together with what it refers to.

    ``elliptic``: the words alone ask nothing, as in "e quando?", and all of them are part of it.
    """

    question: Question
    elliptic: bool


def questions_to_try(question: Question, rewritten: Question | None = None) -> list[Question]:
    """The question as it is, or first together with what it refers to; ``preferred`` takes one.

    ``rewritten``: what a chat model takes it to mean, instead of what the rules here find. Words
    that ask nothing by themselves, as in "e quando?", are not tried alone.
    """
    found = together(question)
    if rewritten:
        found = FollowUp(rewritten, elliptic=found is not None and found.elliptic)
    if found is None:
        return [question]
    return [found.question] if found.elliptic else [found.question, question]


def preferred(answers: Sequence[Answer]) -> int:
    """Which of the answers to ``questions_to_try`` is the better one.

    One that answers is better than a refusal. Of two that do, the one to the user's words alone
    must be surer by MARGIN: that a pronoun means somebody else than it seems is rarer than that
    words without a subject resemble some sentence by chance.
    """
    together, *others = answers
    for alone in others:
        surer = alone.confidence > together.confidence + MARGIN
        if not alone.refused and (together.refused or surer):
            return 1
    return 0


def together(question: Question) -> FollowUp | None:
    """The question together with what it refers to; None where it stands by itself."""
    turn = _last_asking(question.previous)
    if turn is None or _TO_US.search(question.text):
        return None
    turn = replace(turn, query=_OPENING.sub("", spelled_out(turn.query)))
    known = names_told(f"{turn.told} {turn.answer}") | names_told(f"- {turn.query}")
    text = ENDS.sub("", spelled_out(question.text))
    rest = _OPENING.sub("", text)
    found = _elliptic(rest, rest != text, turn, known)
    wording = found or _pointing(rest, rest != text, turn, known)
    if wording is None:
        return None
    wording = _kept_to_outlet(" ".join(wording.split()), turn)
    if len(wording) > MAX_QUESTION or wording == question.text:
        return None
    return FollowUp(replace(question, text=wording, previous=()), elliptic=found is not None)


def _last_asking(turns: Sequence[Turn]) -> Turn | None:
    """The last turn that asked for something: not "grazie"."""
    return next((turn for turn in reversed(turns) if not _TO_US.search(turn.query)), None)


def _elliptic(rest: str, opened: bool, turn: Turn, known: Collection[str]) -> str | None:
    """The previous question, asked with "quando", or of "Putin", or both; None for a sentence."""
    interrogative = same_event(rest)
    if interrogative:
        return asked_anew(turn, interrogative)
    phrase, asks = _phrase_and_interrogative(rest, mentions(rest, known, inside=opened))
    begins = re.match(rf"{PREPOSITION}|(?:secondo|according)\b", phrase, re.IGNORECASE)
    if not phrase or not (opened or asks or begins):
        return None
    if has_pronoun(phrase):
        phrase = with_referents(phrase, turn, known) or phrase
    wording = complemented(turn.query, phrase, known)
    return asked_anew(Turn(wording), asks) if asks else wording


def _phrase_and_interrogative(rest: str, names: Sequence[Mention]) -> tuple[str, str]:
    """ "Kim" or "Kim, quando": a phrase without a verb, and what is asked of it, if anything."""
    own = find_interrogative(rest)
    phrase = f"{rest[: own.start()]}{rest[own.end() :]}".strip(" ,") if own else rest
    if own and (own["noun"] or not names or phrase != names[0].name):
        return "", ""
    if _VERB.search(phrase) or len(words(phrase)) > LONGEST_PHRASE:
        return "", ""
    named = names and names[0].phrase_start == 0
    if not (own or named or _PHRASE.match(phrase)):
        return "", ""
    return phrase, own[0] if own else ""


def _pointing(rest: str, opened: bool, turn: Turn, known: Collection[str]) -> str | None:
    """A sentence with what it points back to, if it does."""
    names = mentions(rest, known, inside=opened)
    if not points_back(rest, names) and not _is_open(rest, opened, names, turn):
        return None
    found = with_referents(rest, turn, known)
    return f"{found[:1].upper()}{found[1:]}?" if found else None


def _is_open(rest: str, opened: bool, names: Sequence[Mention], turn: Turn) -> bool:
    """Whether a question without a subject leaves open what it is about.

    It asks or goes on ("e …") in few words, of which all but one were told before, and so was
    every thing that it speaks of as known: "quando finisce la visita?", but not "quanto costa la
    benzina?".
    """
    asks = INTERROGATIVE.search(rest)
    if names and not (asks and _lacks_subject(rest, asks[0], names)):
        return False
    rest = _OCCASION.sub("", rest)
    named = {word for name in names for word in _content(name.name)}
    content = [word for word in _content(rest) if word not in named]
    if not (asks or opened or _VERB.match(rest)) or len(content) > MOST_CONTENT:
        return False
    if content and defines(rest):
        return False  # "chi è il papa?"
    new = set(content) - set(_content(f"{turn.query} {turn.told}"))
    things = re.findall(rf"\b(?:{ARTICLE}|{CONTRACTED})([^\W\d_]+)", rest, re.IGNORECASE)
    return len(new) <= 1 and not new.intersection(_content(" ".join(things)))


def _lacks_subject(rest: str, asks: str, names: Sequence[Mention]) -> bool:
    """Whether every name stands after a preposition: "che cosa ha detto alla BBC?".

    In Italian the verb then has no subject, unless somebody is asked for or it is impersonal. The
    subject may be what is somebody's: "quante carrozze ha il treno di Kim?".
    """
    prepositions = all(name.kind for name in names) and not _OWNED.search(rest)
    return prepositions and not is_english(asks) and not _IMPERSONAL.search(rest)


def _content(text: str) -> list[str]:
    """The stems of the words that tell of something."""
    asked = INTERROGATIVE.sub(lambda m: m["noun"] or "", text)
    return stems([w for w in words(asked) if w not in vocabulary("stop_words") and w not in _LIGHT])


def _kept_to_outlet(wording: str, turn: Turn) -> str:
    """The outlet that the question before kept to is kept to, unless another is named."""
    if len(turn.sources) != 1 or re.search(r"\b(?:secondo|according)\b", wording, re.IGNORECASE):
        return wording
    return f"{wording.rstrip('?')} secondo {turn.sources[0]}?"
