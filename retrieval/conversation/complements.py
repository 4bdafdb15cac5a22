"""The previous question about somebody or something else: "e Putin?", "e nel 2024?"."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from index.text.language import month_pattern
from retrieval.questions.interrogatives import ENDS, defines
from retrieval.questions.mentions import (
    ARTICLE,
    CONTRACTED,
    PREPOSITION,
    Mention,
    kind_of,
    mentions,
    put_after,
)

_TIME = re.compile(
    r"(?:\b(?:nel(?:l['’]|la|lo)?|in|a|ad|il|l['’]|lo|la|dal|del(?:l['’])?|dopo|prima di|entro"
    r"|after|before|since|on)\s*)*"
    rf"\b(?:\d{{1,2}}\s+{month_pattern()}(?:\s+(?:(?:del|of)\s+)?(?:19|20)\d\d)?"
    rf"|{month_pattern()}\s+(?:(?:del|of)\s+)?(?:19|20)\d\d|{month_pattern()}|(?:19|20)\d\d"
    r"|oggi|ieri|domani|today|yesterday|tomorrow"
    r"|(?:anno|mese|settimana)\s+(?:scors|prossim|passat)[oa]|(?:last|next|this)\s+(?:week|month|year)"
    r"|lunedì|martedì|mercoledì|giovedì|venerdì|sabato|domenica"
    r"|(?:mon|tues|wednes|thurs|fri|satur|sun)day)\b",
    re.IGNORECASE,
)
_ACCORDING = r"(?:secondo|stando\s+a\w*|a\s+detta\s+di|according\s+to)\s+"
_SPEAKER = re.compile(rf",?\s*\b{_ACCORDING}[^,?]+(?:,|(?=\?)|$)", re.IGNORECASE)
_PEOPLE = re.compile(
    r"\b(?:albanes|american|argentin|australian|austriac|belg|brasilian|britannic|bulgar|canades"
    r"|ceco|cilen|cines|colomban|(?:nord|sud)\s?-?corean|croat|cuban|danes|egizian|europe|filippin"
    r"|finlandes|frances|giappones|grec|indian|ingles|iranian|irachen|irlandes|israelian|italian"
    r"|libanes|libic|marocchin|messican|norveges|olandes|pakistan|palestines|polacc|portoghes|romen"
    r"|russ|saudit|serb|sirian|spagnol|statunitens|svedes|svizzer|tedesc|tunisin|turc|ucrain"
    r"|ungheres|venezuelan|vietnamit)[oaieh]{1,2}\b"
    r"|\b(?:albanian|american|argentinian|australian|austrian|belgian|brazilian|british|bulgarian"
    r"|canadian|chilean|chinese|colombian|croatian|cuban|czech|danish|dutch|egyptian|english|european"
    r"|filipino|finnish|french|german|greek|hungarian|indian|iranian|iraqi|irish|israeli|italian"
    r"|japanese|(?:north|south)\s+korean|lebanese|libyan|mexican|moroccan|norwegian|pakistani"
    r"|palestinian|polish|portuguese|romanian|russian|saudi|serbian|spanish|swedish|swiss|syrian"
    r"|tunisian|turkish|ukrainian|venezuelan|vietnamese)\b",
    re.IGNORECASE,
)
_ORDINAL = re.compile(
    r"\b(?:prim|second|terz|quart|quint|ultim|prossim)[oaie]\b"
    r"|\b(?:first|second|third|fourth|last|next|latest)\b",
    re.IGNORECASE,
)
_OCCASION = r"(?:ones?|time|volta|incontro|vertice|meeting|summit)"
_ONE = r"(?:quell[oaei]|the|il|la|lo|i|le|gli|l['’])\s*"
_ADJECTIVE = rf"(?:\s+(?:{_PEOPLE.pattern}|\w+(?:ic[oai]|iche|al[ei]|iv[oaie]|ar[ei])\b))?"
_THING = re.compile(
    rf"\b(?P<preposition>{CONTRACTED}|about (?=the ))(?:the )?(?![A-ZÀ-Ý])\w+{_ADJECTIVE}"
)
_NOUN_PHRASE = re.compile(
    rf"\b{ARTICLE}(?!\w+['’])[^\W\d_]+(?:\s+(?:di|del|della)\b.*)?", re.IGNORECASE
)


def complemented(previous: str, phrase: str, known: Collection[str]) -> str:
    """The previous question with a phrase in place of what is like it, or at its end.

    An outlet stands in for an outlet, a time for a time, "il secondo" for "il primo", a name for
    the only name that stands likewise.
    """
    asked = ENDS.sub("", previous)
    found = (
        _with_speaker(asked, phrase)
        or _with_people(asked, phrase)
        or _with_ordinal(asked, phrase)
        or _with_time(asked, phrase)
        or _defining(asked, phrase, known)
        or _with_name(asked, phrase, known)
        or f"{asked} {phrase}"
    )
    return f"{found[:1].upper()}{found[1:]}?"


def is_same(one: str, other: str) -> bool:
    """Whether two names may be one: "Kim" and "Kim Jong-un"."""
    a, b = (set(re.sub(rf"^{ARTICLE}", "", name.lower()).split()) for name in (one, other))
    return bool(a and b) and (a <= b or b <= a)


def _with_speaker(asked: str, phrase: str) -> str | None:
    if not re.match(_ACCORDING, phrase, re.IGNORECASE):
        return None
    return f"{_SPEAKER.sub('', asked).strip(' ,')} {phrase}"


def _with_people(asked: str, phrase: str) -> str | None:
    """ "Il ministro russo" with "quello sudcoreano"."""
    new = re.fullmatch(rf"{_ONE}(?P<of>{_PEOPLE.pattern})(?:\s+ones?)?", phrase, re.IGNORECASE)
    return _PEOPLE.sub(new["of"], asked, count=1) if new and _PEOPLE.search(asked) else None


def _with_ordinal(asked: str, phrase: str) -> str | None:
    """ "La prima volta" with "il secondo incontro" is "la seconda volta"."""
    pattern = rf"(?:{_ONE})?(?P<of>{_ORDINAL.pattern})(?:\s+{_OCCASION})?"
    new, old = re.fullmatch(pattern, phrase, re.IGNORECASE), _ORDINAL.search(asked)
    if not new or not old:
        return None
    put = new["of"] if new["of"][-1] not in "oaie" else new["of"][:-1] + old[0][-1]
    return asked[: old.start()] + put + asked[old.end() :]


def _with_time(asked: str, phrase: str) -> str | None:
    if not _TIME.fullmatch(phrase):
        return None
    if not _TIME.search(asked):
        return f"{asked} {phrase}"
    return " ".join(_TIME.sub(f" {phrase}", asked, count=1).split())


def _defining(asked: str, phrase: str, known: Collection[str]) -> str | None:
    """ "Chi è Kirby" with "Shoigu"."""
    who = defines(asked)
    if not who or re.match(PREPOSITION, phrase, re.IGNORECASE):
        return None
    names = mentions(who["whom"], known)
    if names and names[0].name != who["whom"] and "’s" in who["whom"].replace("'s", "’s"):
        return None  # "what is Putin’s job"
    return f"{who['asked']} {phrase}"


def _with_name(asked: str, phrase: str, known: Collection[str]) -> str | None:
    phrase = re.sub(r"^quell[oaie]\s+(?=d)|['’]s$", "", phrase, flags=re.IGNORECASE)
    names, about = mentions(asked, known), mentions(phrase, known, inside=True)
    preposition = re.match(PREPOSITION, phrase, re.IGNORECASE)
    if preposition:
        kind = kind_of(preposition[0])
        alike = [name for name in names if name.kind == kind] if about else []
        return _replaced(asked, alike, phrase, whole=True) or _with_thing(asked, phrase, kind)
    if len(about) == 2 and about[1].kind and not about[0].kind:
        return _with_both(asked, phrase, about, known)
    bare = [name for name in names if not name.kind]
    same = [name for name in names if is_same(name.name, phrase)]
    if same:
        return _swapped(asked, bare, same[0], phrase)
    if len(bare) > 1 and about:
        bare = [name for name in bare if name.is_person == about[0].is_person]
    return _replaced(asked, bare or names, phrase) or _with_noun(asked, phrase, names)


def _with_both(
    asked: str, phrase: str, about: Sequence[Mention], known: Collection[str]
) -> str | None:
    """ "Cosa offre Mosca a Pyongyang" with "Kim a Putin": one after the other."""
    first, second = phrase[: about[0].end], phrase[about[1].phrase_start :]
    begun = _with_name(asked, first, known)
    return _with_name(begun or asked, second, known) if begun else None


def _with_thing(asked: str, phrase: str, kind: str) -> str | None:
    """ "Del programma" with "dei documenti": the only thing without a name that stands so."""
    found = [m for m in _THING.finditer(asked) if kind_of(m["preposition"]) == kind]
    return (
        f"{asked[: found[0].start()]}{phrase}{asked[found[0].end() :]}" if len(found) == 1 else None
    )


def _with_noun(asked: str, phrase: str, names: list[Mention]) -> str | None:
    """ "Il forum" with "la visita", where nothing has a name."""
    found = _NOUN_PHRASE.search(asked)
    if names or not found or not re.match(ARTICLE, phrase, re.IGNORECASE):
        return None
    return asked[: found.start()] + phrase + asked[found.end() :]


def _replaced(asked: str, alike: list[Mention], phrase: str, *, whole: bool = False) -> str | None:
    """The only name that stands likewise is replaced, with its preposition if so told."""
    if len(alike) != 1:
        return None
    only = alike[0]
    if only.kind and not whole:
        phrase = put_after(only.preposition, phrase)
    return f"{asked[: only.phrase_start]}{phrase}{asked[only.end :]}"


def _swapped(asked: str, bare: list[Mention], same: Mention, phrase: str) -> str | None:
    """ "Cosa vuole Kim da Putin" about Putin: "Cosa vuole Putin da Kim"."""
    if same in bare or len(bare) != 1:
        return None
    other = bare[0]
    parts = {
        other.start: phrase,
        same.start: put_after(same.preposition, other.article + other.name),
    }
    first, second = sorted((other, same), key=lambda name: name.start)
    between = asked[first.end : second.phrase_start]
    begun = asked[: first.phrase_start] + parts[first.start] + between
    return begun + parts[second.start] + asked[second.end :]
