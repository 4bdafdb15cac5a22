"""Whom and what a follow-up question means by "he", "there", "its", or by nothing at all."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from index.text.words import words
from retrieval.answer import Turn
from retrieval.conversation.complements import is_same
from retrieval.questions.interrogatives import (
    ENDS,
    LONGEST_ANSWER,
    asks_for_somebody,
    defines,
    find_interrogative,
    statement_of,
    thing_asked_for,
)
from retrieval.questions.mentions import ARTICLE, PREPOSITION, Mention, mentions, names_told

# "I due" are they, but not in "i due leader": what follows is no verb and no preposition there.
_NO_NOUN = (
    r"(?:ad?|al|allo|alla|di|da|dal|dalla|in|nel|nella|con|su|sul|sulla|per|tra|fra|e|o|si|ci|non"
    r"|è|dopo|prima|oggi|domani|ieri|insieme|anche|\w+(?:ano|ono|anno))\b"
)
_THE_TWO = rf"i due(?!\s+(?!{_NO_NOUN})[^\W\d_])"
PRONOUN = rf"(?:lui|lei|loro|egli|ella|essi|esse|costui|costei|{_THE_TWO}|he|she|they|him|them)"
_PLURAL = re.compile(rf"\b(?:loro|essi|esse|{_THE_TWO}|they|them|their)\b", re.IGNORECASE)
_ENGLISH = re.compile(r"\b(?:he|she|they|him|them|his|her|their|its)\b", re.IGNORECASE)
_SUBJECT = re.compile(rf"\b{PRONOUN}\b(?!\s+stess)", re.IGNORECASE)
_ADJECTIVES = r"(?:nuov|prim|ultim|prossim|stess)[oaie]|vice|ex|grande"
_POSSESSIVE = re.compile(
    rf"\b(?P<lead>{ARTICLE}|{PREPOSITION})?(?:suo|sua|suoi|sue|loro)\s+"
    rf"(?P<noun>(?:(?:{_ADJECTIVES})\s+)*[^\W\d_]+(?:\s+(?:della|degli|dell['’])\s*\w+)?)",
    re.IGNORECASE,
)
_HIS = re.compile(r"\b(?:his|her|their|its)\b(?=\s+\w)", re.IGNORECASE)
_CLITIC = re.compile(  # "l'ha invitato", "chi lo accompagna": "lo" is no article here
    r"\b(?P<which>gli|le|lo|la|li|l['’])\s*(?=(?:ha|hanno|aveva|avevano|avrebbe|avrebbero|avrà|è|sarà)\b)"
    r"|(?<=(?:osa|chi|ché|ove|ndo|ome) )"
    r"(?P<short>(?:lo|li|gli)\s+(?=[^\W\d_]+$)|(?:la|le)\s+(?=\w+(?:rà|ranno|ò)$))",
    re.IGNORECASE,
)
_THEM = re.compile(r"\s+(?:them|it)$", re.IGNORECASE)
_THERE = re.compile(r"\b(?:there|lì|là)$|\bci\s+(?=(?:va|vanno|and\w+)\b)", re.IGNORECASE)
_SAYS_SO = re.compile(
    r"^(?P<who>secondo chi|chi|who)\s+(?P<clitic>(?:lo\s+|l['’]\s*)?)"
    r"(?P<says>(?:(?:ha|hanno|has)\s+)?(?:dett|dic|afferm|conferm|sostien|riport|riferi|said|say|told"
    r"|confirm|claim|report)\w*)(?P<object>(?:\s+(?:it|that|this|so|questo|ciò))?)$",
    re.IGNORECASE,
)
_VAGUE = re.compile(  # what means something told before without saying whom
    r"\b(?:ne|ci|vi|esso|essa|quest[oaie]|quell[oaie]|ciò|lì|là|tale|tali|entrambi|entrambe"
    r"|stess[oaie]|it|its|that|this|these|those|there|both|ones?)\b",
    re.IGNORECASE,
)
_NOT_VAGUE = re.compile(
    r"\b(?:ci\s+(?:sono|sar\w+|fu\w*|era\w*)|c['’]è|quest['’]?[oa]?\s*(?:anno|mese|settimana|volta)"
    r"|(?:is|are|was|were|will)\s+there(?=\s)|there\s+(?:is|are|was|were|will)"
    r"|this\s+(?:week|month|year)|it\s+true)\b",
    re.IGNORECASE,
)
_VERBS = re.compile(  # "ha inviato", "non viaggiava", "verrà"
    r"\s(?:non\s+)?(?:si\s+)?(?:(?:ha|hanno|aveva|avrebbe|è|sono)\s+(?:stat[oaie]\s+)?\w+[ts][oaie]"
    r"|\w+(?:rà|ranno|rebbe|rebbero|ava|eva|avano|evano))\b",
    re.IGNORECASE,
)


def has_pronoun(text: str) -> bool:
    """Whether somebody is meant by a pronoun or a possessive."""
    return any(pattern.search(text) for pattern in (_SUBJECT, _POSSESSIVE, _HIS))


def points_back(text: str, names: Sequence[Mention]) -> bool:
    """Whether a question means somebody by a pronoun, before any name of its own."""
    if _THERE.search(text) or has_pronoun(text[: names[0].start] if names else text):
        return True
    return not names and bool(_CLITIC.search(text) or _VAGUE.search(_NOT_VAGUE.sub("", text)))


def with_referents(text: str, turn: Turn, known: Collection[str]) -> str | None:
    """A question with what it refers to in the place of its pronoun, or at its end."""
    says = _SAYS_SO.match(text)
    if says and (says["clitic"] or says["object"]):
        that = "that" if says["who"].lower() == "who" else "che"
        return f"{says['who']} {says['says']} {that} {statement_of(turn.query)}"
    return _with_persons(text, turn, known) or _with_topic(text, turn, known)


def _with_persons(text: str, turn: Turn, known: Collection[str]) -> str | None:
    own = mentions(text, known)
    found = _persons(turn, known, plural=_PLURAL.search(text) is not None)
    persons = [name for name in found if not any(is_same(name, m.name) for m in own)]
    if not persons or _THERE.search(text):
        return None
    joined = (" and " if _ENGLISH.search(text) else " e ").join(persons)
    return (
        _with_possessor(text, joined) or _with_subject(text, joined) or _with_object(text, joined)
    )


def _with_topic(text: str, turn: Turn, known: Collection[str]) -> str | None:
    topic = _topic(turn, known)
    if not topic or topic.lower() in text.lower():
        return None
    text = _CLITIC.sub("", _THEM.sub("", text))
    return _run_on(_THERE.sub("", text).split(), topic.split())


def _run_on(text: Sequence[str], topic: Sequence[str]) -> str:
    """The words of a text and a topic; those that end the one and begin the other once."""
    sizes = range(min(len(text), len(topic)), 0, -1)
    shared = next((n for n in sizes if text[-n:] == topic[:n]), 0)
    return " ".join([*text, *topic[shared:]])


def _with_possessor(text: str, name: str) -> str | None:
    """ "La sua visita" is "la visita di Putin"."""
    his = _HIS.search(text)
    if his:
        return f"{text[: his.start()]}{name}’s{text[his.end() :]}"
    found = _POSSESSIVE.search(text)
    if not found:
        return None
    put = f"{found['lead'] or ''}{found['noun']} di {name}"
    return f"{text[: found.start()]}{put}{text[found.end() :]}"


def _with_subject(text: str, name: str) -> str | None:
    """ "Lui cosa ha detto" is "cosa ha detto Kim"; elsewhere the name stands where "lui" does."""
    found = _SUBJECT.search(text)
    if not found:
        return None
    before, after = text[: found.start()], text[found.end() :]
    if not before.strip() and find_interrogative(after):
        return f"{after.strip(' ,')} {name}"
    return f"{before}{name}{after}"


def _with_object(text: str, name: str) -> str | None:
    """ "Chi lo accompagna" is "chi accompagna Putin"; "l'ha scritto" is rather of a thing."""
    found = _CLITIC.search(text)
    which = (found["which"] or found["short"]).strip().lower() if found else ""
    if found is None or which in ("l'", "l’", "la", "li"):
        return None
    to = " a" if which in ("gli", "le") else ""
    return f"{text[: found.start()]}{text[found.end() :]}{to} {name}"


def _persons(turn: Turn, known: Collection[str], *, plural: bool) -> list[str]:
    """Who may be meant: whom the question asked for, who is its subject, or who is named at all."""
    asked = mentions(turn.query, known)
    people = [name for name in asked if name.is_person]
    subjects = [name for name in people if not name.kind]
    answered = _somebody_answered(turn, known)
    if answered and not plural:
        return [answered]
    if plural and not people:
        return []  # "they" may be things
    if people:
        return list(dict.fromkeys(m.name for m in (people if plural else subjects or people)))
    own = find_interrogative(turn.query)
    if own and asks_for_somebody(own[0]) and (turn.answer or _told(turn)):
        return [turn.answer] if turn.answer else _told(turn)
    bare = [name for name in asked if not name.kind]
    return [name.name for name in bare or asked][:1] or _told(turn)


def _told(turn: Turn) -> list[str]:
    """The first person that the answer names."""
    for text in (turn.answer, turn.told):
        people = [m.name for m in mentions(text, names_told(text)) if m.is_person]
        if people:
            return people[:1]
    return []


def _somebody_answered(turn: Turn, known: Collection[str]) -> str:
    """The name that a question for somebody was answered with; "" of "chi è Kim?": he is meant."""
    own = find_interrogative(turn.query)
    if not own or not asks_for_somebody(own[0]):
        return ""
    if defines(turn.query) and any(not m.kind for m in mentions(turn.query, known)):
        return ""
    return next((m.name for m in mentions(turn.answer, known) if m.is_person), "")


def _topic(turn: Turn, known: Collection[str]) -> str:
    """What a question is about: what it is answered with, if that is somebody, and its things."""
    query = ENDS.sub("", turn.query)
    answered = _somebody_answered(turn, known)
    if answered and defines(query):
        return answered
    own = find_interrogative(query)
    people = any(name.is_person for name in mentions(query, known))
    if not (answered or people or defines(query)) and own and asks_for_somebody(own[0]):
        answered = " ".join(_told(turn))
    found = " ".join(filter(None, (answered, thing_asked_for(own))))
    topic = f"{found} {_things(query, known)}".strip()
    if topic:
        return topic
    short = turn.answer if len(words(turn.answer)) <= LONGEST_ANSWER else ""
    return short or " ".join(_told(turn))


def _things(query: str, known: Collection[str]) -> str:
    """The question from its first name or article on, without its verbs."""
    own = find_interrogative(query)
    begin = own.end() if own else 0
    names = mentions(query, known)
    noun = re.search(rf"(?:\b{PREPOSITION})?\b{ARTICLE}", query[begin:], re.IGNORECASE)
    starts = [name.phrase_start for name in names if name.phrase_start >= begin]
    if noun:
        starts.append(begin + noun.start())
    if not starts:
        return " ".join(name.name for name in names)
    return _VERBS.sub("", query[min(starts) :]).strip()
