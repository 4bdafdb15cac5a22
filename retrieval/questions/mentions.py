"""The proper names in a question, and how they stand in it."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property

from index.text.language import vocabulary
from index.text.words import words

# Words with a capital letter that name nobody and nothing.
_NO_NAMES = frozenset(
    """
    difesa esteri interno interni presidente ministro ministero leader i ok no si mr mrs
    lunedi martedi mercoledi giovedi venerdi sabato domenica gennaio febbraio marzo aprile maggio
    giugno luglio agosto settembre ottobre novembre dicembre monday tuesday wednesday thursday
    friday saturday sunday january february march april may june july august september october
    november december secondo according dimmi parlami raccontami spiegami tell describe
    explain name list give show can could should may might must let please
    """.split()
)
_PEOPLES = re.compile(r"\w+(?:ian|ean|can|ese|ish|tern)s?")  # "Russian", "Korean", "Western"
# What is no person although its name may stand without an article: the world's countries, cities
# by which papers name governments, and Italy's regions and large cities.
_NO_PERSONS = frozenset(
    """
    afghanistan albania algeria angola argentina armenia australia austria azerbaigian azerbaijan
    bahrein bahrain bangladesh belgio belgium belize benin bhutan bielorussia belarus birmania
    myanmar bolivia bosnia botswana brasile brazil bulgaria burkina burundi cambogia cambodia
    camerun cameroon canada ciad cile chile cina china cipro cyprus colombia congo corea korea
    croazia croatia cuba danimarca denmark ecuador egitto egypt eritrea estonia etiopia ethiopia
    figi fiji filippine philippines finlandia finland francia france gabon gambia germania germany
    ghana giamaica jamaica giappone japan gibuti giordania grecia greece guatemala guinea guyana
    haiti honduras india indonesia iran iraq irlanda ireland islanda iceland israele israel italia
    italy kazakistan kazakhstan kenya kirghizistan kosovo kuwait laos lesotho lettonia latvia libano
    lebanon liberia libia libya liechtenstein lituania lithuania lussemburgo luxembourg macedonia
    madagascar malawi maldive malaysia mali malta marocco morocco mauritania messico mexico moldavia
    moldova mongolia montenegro mozambico namibia nepal nicaragua niger nigeria norvegia norway oman
    olanda netherlands pakistan palestina palestine panama paraguay peru polonia poland
    portogallo portugal qatar cechia romania ruanda rwanda russia senegal serbia singapore siria
    syria slovacchia slovakia slovenia somalia spagna spain sudafrica sudan svezia sweden svizzera
    switzerland tagikistan taiwan tanzania thailandia thailand togo tunisia turchia turkey
    turkmenistan ucraina ukraine uganda ungheria hungary uruguay uzbekistan vaticano venezuela
    vietnam yemen zambia zimbabwe stati uniti usa united states regno kingdom gran bretagna britain
    inghilterra england scozia scotland galles wales europa europe america africa asia occidente
    west north south nord sud onu nato ue eu uk consiglio council agency casa bianca white house
    cremlino kremlin quirinale viminale farnesina pentagono pentagon
    roma rome parigi paris londra london berlino berlin madrid lisbona lisbon vienna bruxelles
    brussels atene athens mosca moscow kiev kyiv varsavia warsaw praga prague budapest bucarest
    belgrado belgrade ankara istanbul gerusalemme jerusalem teheran tehran baghdad damasco beirut
    cairo tunisi algeri rabat tripoli washington pechino beijing tokyo seul seoul pyongyang delhi
    islamabad kabul ottawa canberra brasilia caracas avana havana
    abruzzo basilicata calabria campania emilia friuli lazio liguria lombardia marche molise
    piemonte puglia sardegna sicilia toscana umbria veneto milano napoli torino palermo genova
    bologna firenze bari catania venezia verona padova trieste brescia parma modena
    """.split()
)
_HEADS = r"(?:Corea|Consiglio|Federazione|Repubblica|Regno|Council|Republic|Department|University)"
_INNER = r"(?:di|del|della|dell[’']|dei|degli|of|of the)"
_WORD = re.compile(r"[^\W\d_]\w*(?:-\w+)*")
_ARTICLES = ("il", "lo", "la", "l", "i", "gli", "le", "the")
_SUFFIXES = dict(zip(_ARTICLES, ("l", "llo", "lla", "ll", "i", "gli", "lle"), strict=False))
_STEMS = {"a": "a", "da": "da", "di": "de", "in": "ne", "su": "su"}
_KINDS = {
    "place": "a ad in verso to at into",
    "from": "da from",
    "of": "di of",
    "with": "con with",
    "about": "su riguardo about on",
    "for": "per for",
    "against": "contro against",
    "between": "tra fra between",
    "by": "by",
}
_PREPOSITIONS = {
    form: (word, kind)
    for kind, several in _KINDS.items()
    for word in several.split()
    for form in (
        word,
        *(_STEMS[word] + suffix for suffix in _SUFFIXES.values() if word in _STEMS),
    )
}
PREPOSITION = rf"(?:{'|'.join(sorted(_PREPOSITIONS, key=len, reverse=True))}|d)(?:\s+|[’']\s*)"
CONTRACTED = (
    rf"(?:(?:{'|'.join(f for f, (word, _) in _PREPOSITIONS.items() if f != word)})(?:\s+|[’']\s*))"
)
ARTICLE = r"(?:(?:il|lo|la|i|gli|le|un|uno|una|the|an?)\s+|(?:l|un)[’']\s*)"
LEAD = re.compile(rf"(?P<preposition>\b{PREPOSITION})?(?P<article>\b{ARTICLE})?$", re.IGNORECASE)


@dataclass(frozen=True)
class Mention:
    """A name in a text: ``text[start:end]``, and the preposition and the article before it."""

    start: int
    end: int
    name: str
    preposition: str = ""
    article: str = ""

    @property
    def phrase_start(self) -> int:
        """Where its preposition and its article begin."""
        return self.start - len(self.preposition) - len(self.article)

    @cached_property
    def kind(self) -> str:
        """What its preposition says of it; "" without one."""
        return kind_of(self.preposition)

    @property
    def is_person(self) -> bool:
        """Whether it may be somebody: without an article, no place that is known, no acronym."""
        word, _ = _form(self.preposition)
        contracted = self.preposition.strip(" ’'").lower() not in (word, "d")
        return (
            not (self.article or contracted or word == "in")
            and not set(words(self.name)) & _NO_PERSONS
            and not (self.name.isupper() and len(self.name) > 1)
        )


def kind_of(preposition: str) -> str:
    """What a preposition says, in either language and with or without its article."""
    return _form(preposition)[1]


def _form(preposition: str) -> tuple[str, str]:
    """The preposition without an article, and its kind."""
    word = preposition.strip(" ’'").lower()
    return _PREPOSITIONS.get("di" if word == "d" else word, (word, ""))


def put_after(preposition: str, phrase: str) -> str:
    """A phrase after a preposition: "dalla " and "il Cremlino" are "dal Cremlino"."""
    base, _ = _form(preposition)
    article = re.match(r"(il|lo|la|i|gli|le)\s+|(l)[’']\s*", phrase, re.IGNORECASE)
    if not article:
        return f"{base} {phrase}"
    if base not in _STEMS:
        return preposition + phrase
    short = (article[1] or article[2]).lower()
    joined = _STEMS[base] + _SUFFIXES[short]
    return f"{joined}{'’' if short == 'l' else ' '}{phrase[article.end() :]}"


def names_told(text: str) -> frozenset[str]:
    """The words that begin with a capital letter inside the sentences of a text, in lower case."""
    found = re.finditer(r"(?<=[\w,;:’'“«(\]] )[A-ZÀ-Ý][\w-]+|(?<=[’'“«])[A-ZÀ-Ý][\w-]+", text)
    return frozenset(w for m in found for w in words(m[0])) - _NO_NAMES - vocabulary("stop_words")


def mentions(text: str, known: Collection[str] = (), *, inside: bool = False) -> list[Mention]:
    """The names in a question, in order.

    ``inside``: the text is not the beginning of a sentence, so that its first capital tells.
    ``known`` are words of names told before: they are names in lower case too, and at the
    beginning. In a question all in lower case, a word that no dictionary has is a name.
    """
    shadow = _capitalised(text, known, inside=inside)
    word = r"[A-ZÀ-Ý]\w*(?:-\w+)*"
    pattern = rf"(?:\b{_HEADS}\s+{_INNER}\s*{word}|\b{word})(?:\s+{word})*"
    found = []
    for match in re.finditer(pattern, shadow):
        lead = LEAD.search(text[: match.start()])
        before, article = (lead["preposition"], lead["article"]) if lead else ("", "")
        name = text[match.start() : match.end()]
        found.append(Mention(match.start(), match.end(), name, before or "", article or ""))
    return found


def _capitalised(text: str, known: Collection[str], *, inside: bool) -> str:
    """The text with capital letters where a name is, and nowhere else."""
    plain = not any(c.isupper() for c in (text if inside else text[1:]))
    shadow = list(text.lower())
    at_start = not inside
    for match in _WORD.finditer(text):
        if _is_name(match[0], plain, at_start, known, text[match.end() :]):
            shadow[match.start()] = text[match.start()].upper()
            shadow[match.start() + 1 : match.end()] = text[match.start() + 1 : match.end()]
        at_start = False
    if len(shadow) != len(text):  # a letter whose small form is two
        return text
    joined = "".join(shadow)
    return re.sub(
        rf"\b{_HEADS}(?=\s+{_INNER}\s*[A-Z])",
        lambda head: head[0].capitalize(),
        joined,
        flags=re.IGNORECASE,
    )


def _is_name(word: str, plain: bool, at_start: bool, known: Collection[str], after: str) -> bool:
    parts = words(word)
    if not parts or parts[0] in vocabulary("stop_words") or parts[0] in _NO_NAMES:
        return False
    if _PEOPLES.fullmatch(word.lower()) and word[0].isupper():
        return False
    if re.match(r"\s+\w+(?:ean|ern)\b", after) and word.lower() in ("north", "south"):
        return False  # "North Korean"
    if plain or at_start:
        told = parts[0] in known and (plain or word[0].isupper())
        begins = word[0].isupper() and (parts[0] in _NO_PERSONS or re.match(r"\s+[A-ZÀ-Ý]", after))
        if told or begins:
            return True
        return (
            _is_unknown(word, ("it",))
            if word[0].isupper()
            else plain and _is_unknown(word, ("it", "en"))
        )
    return word[0].isupper()


def _is_unknown(word: str, languages: Sequence[str]) -> bool:
    """Whether no dictionary of these languages has it; "-tà" and the like are no names."""
    from simplemma import is_known

    known = any(is_known(word.lower(), lang=language) for language in languages)
    return len(word) > 2 and not known and word[-1] not in "àèéìòù"
