"""What a question asks with, and the same question asked with something else."""

from __future__ import annotations

import re

from index.text.words import words
from retrieval.answer import Turn
from retrieval.questions.mentions import PREPOSITION, mentions, names_told, put_after

LONGEST_ANSWER = 6  # words of a short answer that stands in for "who" or "what"

_AUXILIARY = (
    r"(?:è|e['’]|era|erano|sono|fu|furono|ha|hanno|aveva|avevano|avrebbe|avrebbero|sarà|saranno"
    r"|sarebbe|sarebbero|può|possono|potrebbe|potrebbero|deve|devono|dovrebbe|dovrebbero|vuole"
    r"|vogliono|fa|fanno|dice|dicono|si|is|are|was|were|did|does|do|will|would|has|have|had|can"
    r"|could|should|may|might|happened|happens)"
)
_NOUN = rf"(?!{_AUXILIARY}\b)[^\W\d_][\w-]*"
_WITH = (
    r"(?:(?:(?:in|a)\s+(?:cambio|causa|bordo)\s+di|insieme\s+a|grazie\s+a|per\s+conto\s+di"
    r"|fino\s+a|in\s+(?:exchange|return)\s+for|because\s+of|according\s+to|a|ad|da|di|in|con|su"
    r"|per|tra|fra|contro|verso|secondo|from|to|with|for|about|by|of|since|until|at|on|against)"
    r"\s+)?"
)
_ASKS = (
    r"(?:che\s+cosa|cos['’]?altro|cosa|che\s+tipo\s+di\s+\w+|come\s+mai|come|chi|dove|quando"
    r"|quanto\s+tempo|perch[eéè]['’]?|how\s+come|how\s+(?:long|old|far|often)|what\s+(?:else|for)"
    r"|who|whom|where|when|why|how(?!\s+(?:many|much)\b)"
    r"|(?:quant[oaie]|qual[ei]|qual|che|how\s+(?:many|much)|what|which|whose)"
    rf"(?:\s+(?P<noun>{_NOUN}))?)"
)
INTERROGATIVE = re.compile(rf"\b{_WITH}{_ASKS}(?![\w’'])", re.IGNORECASE)
_RELATIVE = re.compile(r"(?:che(?!\s+(?:cosa|tipo)\b)|what|which)\b", re.IGNORECASE)
_ELIDED = re.compile(r"\b(dov|cos|com|quand|quant)['’](?=[èe])", re.IGNORECASE)
_ENDINGS = {"cos": "a ", "quand": "o ", "quant": "o "}
_CONTRACTED = re.compile(r"\b(who|what|where|when|why|how)['’]s\b", re.IGNORECASE)
_CIRCUMSTANCE = re.compile(  # of these no short answer stands in for what was asked
    r"^(?:(?:da|fino a|per|since|until|from)\s+)?(?:quando|dove|perch|come|when|where|why|how)"
    r"|\b(?:anno|giorno|mese|città|paese|luogo|posto|year|day|month|city|country|place|time)\b",
    re.IGNORECASE,
)
_SORT = re.compile(  # a noun that only says what sort of answer is asked for
    r"(?:anno|anni|giorno|giorni|mese|data|ora|città|paese|luogo|posto|motivo|ragione|modo|mezzo"
    r"|volte|year|day|date|month|time|city|country|place|reason|way)$",
    re.IGNORECASE,
)
ENDS = re.compile(r"[\s?!.…]+$")
_EXACTLY = (
    r"(?:esattamente|di preciso|precisamente|proprio|invece|poi|mai|però|altro|lì|là|exactly"
    r"|precisely|then|else|so|not|there|(?:questo|ciò|quello|that|this|it))"
)
# "quando è successo", "why did he do that": nothing is said but that it is the same event.
_SAME = re.compile(
    rf"(?:\s+{_EXACTLY}|,)*"
    r"(?P<event>\s+(?:(?:è|e['’]|era|sarebbe)\s+(?:successo|avvenuto|accaduto|stato)"
    r"|(?:si\s+)?(?:succede(?:rà)?|avverrà|avviene|accad(?:rà|e))|è|fu|sarà"
    r"|(?:did|does|will|would)\s+(?:that|it|this|they)\s+(?:happen|be|take\s+place)"
    r"|(?:is|was)\s+(?:that|it|this)))?"
    r"(?P<deed>\s+(?:l['’]\s*|lo\s+)?(?:(?:ha|hanno|aveva|avrebbe(?:ro)?)\s+fatto|fa|fanno"
    r"|farà|faranno)(?:\s+(?:questo|ciò))?"
    r"|\s+(?:did|does|do|will|would)\s+(?:he|she|they|it)\s+do\s+(?:that|it|this|so)"
    r"|\s+(?:did|does|do|will)\s+(?:he|she|they))?"
    rf"(?:\s+{_EXACTLY}|,)*",
    re.IGNORECASE,
)
_PLEASE = re.compile(
    r"^(?:parlami|dimmi|raccontami|tell me)\s+(?:di|del\w*|about)\b\s*", re.IGNORECASE
)
_VERB_GROUP = re.compile(
    r"(?:(?:si|ci|ne|gli|le)\s+)?"
    r"(?:(?:ha|hanno|aveva|è|sono|sono stati|sono state|avrebbe)\s+)?[^\W\d_]+",
    re.IGNORECASE,
)


def spelled_out(text: str) -> str:
    """The text with "dove è" for "dov’è", "who is" for "who’s": the words can be told apart."""
    whole = _ELIDED.sub(lambda m: m[1] + _ENDINGS.get(m[1].lower(), "e "), text)
    return _CONTRACTED.sub(r"\1 is", whole)


def find_interrogative(text: str) -> re.Match[str] | None:
    """What a question asks with: at its beginning, after a comma, or else somewhere.

    In the midst of it "che" alone, "what" and "which" are none: "è vero che …?".
    """
    found = list(INTERROGATIVE.finditer(text))
    for match in found:
        before = text[: match.start()].rstrip()
        if not before or before.endswith(","):
            return match
    return next((m for m in found if not _RELATIVE.match(m[0])), None)


def asks_whether(question: str) -> bool:
    """Whether a question is one of yes or no: no words of a text are the short answer to it."""
    return question.rstrip().endswith("?") and find_interrogative(spelled_out(question)) is None


def is_english(interrogative: str) -> bool:
    """Whether an interrogative is English."""
    return re.search(r"\b(?:wh\w+|how)\b", interrogative, re.IGNORECASE) is not None


def thing_asked_for(own: re.Match[str] | None) -> str:
    """The thing in "quanti container" and "what weapons"; "" for "in che anno" and "quando"."""
    noun = own["noun"] or "" if own else ""
    return "" if _SORT.match(noun) else noun


def same_event(text: str) -> str | None:
    """The interrogative of a question that asks nothing else: "quando?", "why did he do that?"."""
    own = INTERROGATIVE.match(text)
    rest = _SAME.fullmatch(text, own.end()) if own else None
    if own is None or rest is None:
        return None
    if rest["event"] and not _CIRCUMSTANCE.search(own[0]):
        return None  # "chi è?", "what is it?"
    if (own["noun"] and rest[0].strip()) or (rest["deed"] and words(own[0]) in (["che"], ["what"])):
        return None
    return own[0]


def statement_of(asked: str) -> str:
    """A question without what it asks with: "Putin visiterà Pyongyang" of "quando Putin …?"."""
    asked = ENDS.sub("", asked)
    own = find_interrogative(asked)
    if own is None:
        return asked
    return " ".join(f"{asked[: own.start()]} {thing_asked_for(own)} {asked[own.end() :]}".split())


def asked_anew(turn: Turn, interrogative: str) -> str:
    """The previous question with another interrogative in place of its own.

    What its own asked for, "who" or "what", is told by its short answer if there is one.
    """
    asked = ENDS.sub("", turn.query)
    own = find_interrogative(asked)
    if own is None:
        return f"{_started(interrogative)} {_continued(_PLEASE.sub('', asked))}?"
    before, after = asked[: own.start()].strip(), asked[own.end() :].strip()
    if is_english(own[0]):
        after = re.sub(r"\s+(?:from|to|with|for|about)$", "", after)
    after = _with_answer(after, own, turn)
    return f"{_started(' '.join(filter(None, (before, interrogative, after))))}?"


def _with_answer(after: str, own: re.Match[str], turn: Turn) -> str:
    """What follows an interrogative, with what that asked for in its place."""
    noun = thing_asked_for(own)
    if noun:
        return f"{after} {noun}" if is_english(own[0]) else _after_verb(after, noun)
    if not _stands_in(own[0], after, turn):
        return after
    preposition = re.match(PREPOSITION, own[0], re.IGNORECASE)
    if preposition:
        return f"{after} {put_after(preposition[0], turn.answer)}"
    of_object = is_english(own[0]) and re.match(rf"{_AUXILIARY}\b", after, re.IGNORECASE)
    if asks_for_somebody(own[0]) and not of_object:
        return f"{turn.answer} {after}"
    return f"{after} {turn.answer}"


def _stands_in(own: str, after: str, turn: Turn) -> bool:
    """Whether the short answer may be put in the place of the interrogative."""
    if _CIRCUMSTANCE.search(own) or not 0 < len(words(turn.answer)) <= LONGEST_ANSWER:
        return False
    if set(words(turn.answer)) & set(words(after)) or defines(turn.query):
        return False
    persons = any(m.is_person for m in mentions(turn.answer, names_told(turn.told)))
    return asks_for_somebody(own) or not persons  # "what" is not answered with a name: no sure one


def asks_for_somebody(interrogative: str) -> bool:
    """Whether an interrogative is "chi" or "who"."""
    return re.search(r"\b(?:chi|who|whom)\b", interrogative, re.IGNORECASE) is not None


def defines(question: str) -> re.Match[str] | None:
    """The parts ``asked`` and ``whom`` of "chi è Kirby", "what is the forum"."""
    return re.match(
        r"(?P<asked>(?:chi|che cosa|cosa|who|what)\s+(?:è|era|sono|is|was|are))\s+(?P<whom>.+)$",
        question,
        re.IGNORECASE,
    )


def _after_verb(after: str, noun: str) -> str:
    """The thing that was counted, behind the verb: "ha spedito container la Corea"."""
    verb = _VERB_GROUP.match(after)
    end = verb.end() if verb else 0
    return f"{after[:end]} {noun}{after[end:]}"


def _started(text: str) -> str:
    return text[:1].upper() + text[1:]


def _continued(text: str) -> str:
    """The text without its capital, unless a name begins with it."""
    first = mentions(text)
    return text if first and first[0].start == 0 else text[:1].lower() + text[1:]
