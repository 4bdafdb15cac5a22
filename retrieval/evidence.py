"""What speaks for a sentence as the answer to a question, in numbers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property, lru_cache

from index.analysis import STOP_WORDS, stems, terms, words
from index.keywords import KeywordIndex
from retrieval.answer import Question

_DATE = re.compile(
    r"\b(?:gennaio|febbraio|marzo|aprile|maggio|giugno|luglio|agosto|settembre|ottobre|novembre"
    r"|dicembre|luned[iì]|marted[iì]|mercoled[iì]|gioved[iì]|venerd[iì]|sabato|domenica|secol[oi]"
    r"|ann[oi]|mes[ei]|settiman[ae]|ieri|oggi|domani|prossim[oaie]|scors[oaie]|(?:1\d|20)\d\d"
    r"|january|february|march|april|may|june|july|august|september|october|november|december"
    r"|monday|tuesday|wednesday|thursday|friday|saturday|sunday|century|years?|months?|weeks?"
    r"|yesterday|today|tomorrow|last|next)\b",
    re.IGNORECASE,
)
_NUMBER_WORDS = frozenset(
    """
    due tre quattro cinque sei sette otto nove dieci undici dodici quindici venti trenta quaranta
    cinquanta cento mille mila milione milioni miliardo miliardi decine dozzine centinaia migliaia
    meta nessuno two three four five six seven eight nine ten hundred thousand million billion half
    """.split()
)
_NAME = re.compile(r"(?<![.!?“\"«]\s)(?<!^)(?<!^[“\"«])\b[A-ZÀ-Ý][\w’'-]+")
# A place: "a Vladivostok", "nella città portuale russa di Vladivostok", "at the port of Rason".
_PLACE = re.compile(
    r"\b(?:a|ad|in|ne(?:l|i|gli|lla|llo|lle|ll[’'])|presso|da|al|alla|allo|all[’']|at)\b\s*"
    r"(?:(?:il|la|lo|l[’']|i|gli|le|the)\s*)?"
    r"(?:(?:città|capitale|porto|provincia|regione|isola|penisola|spazioporto|aeroporto|stazione"
    r"|campus|sede|base|city|port|region|capital)\b[^.,;:]{0,40}?\b)?"
    r"([A-ZÀ-Ý]\w+)"
)
_WHEN = re.compile(
    r"\b(?:quando|when|(?:che|quale|what|which) (?:anno|mese|data|giorno|secolo|ora|year|date|day"
    r"|month|century|time))\b"
)
_WHERE = re.compile(
    r"\b(?:dove|dov|where|(?:che|quale|which|what) (?:citta|paese|luogo|stato|regione|nazione|posto"
    r"|city|country|place|town))\b"
)
_HOW_MANY = re.compile(r"\b(?:quant[oaie]|how (?:many|much|long|old|far)|percentuale)\b")
_WHO = re.compile(r"\b(?:chi|who|whom|whose)\b")
_FROM_WHERE = re.compile(
    r"\bda dove\b.*\b(?:part[eiaò]|salp|decoll|fugg)"
    r"|\bfrom where\b.*\b(?:leave|left|depart|flee|fled)"
    r"|\bwhere\b.*\b(?:leave|depart|flee)\w*\b.*\bfrom\b",
    re.IGNORECASE,
)
_TOWARDS = re.compile(
    r"\b(?:a|ad|al|allo|alla|ai|agli|alle|in|nel|nello|nella|nei|negli|nelle|verso|to|towards?"
    r"|into)\s+(?:the\s+)?$|\b(?:all|nell)['’]$",
    re.IGNORECASE,
)
_ABOUT_SOMEBODY = re.compile(
    r"\W*(?:[Cc]hi (?:è|era|sono|erano|fu|furono)|[Ww]ho (?:is|are|was|were)) [A-ZÀ-Ý]"
)
_ONLY_A_NAME = re.compile(r"(?:[A-ZÀ-Ý][^\W\d_]*[\s.’'-]*)+")
_AGE = (
    re.compile(r"\b(?:quanti anni (?:ha|aveva|hanno)|how old)\b"),
    re.compile(r"\b(?:di|ha|aveva|compi\w+|a) \d+ anni\b|\b\d+enne\b|\b\d+ years old\b"),
)
_PRICE = (
    re.compile(r"\b(?:quant\w+ (?:e )?cost\w+|quant\w+ vale\w*|prezzo|how much)\b"),
    re.compile(r"(?:euro|dollar|rubl|sterlin|pound|yen|won\b|[€$£¥])", re.IGNORECASE),
)
_FUTURE = re.compile(
    r"\b(?!(?:però|tiranno|estremo|supremo|sanremo|parete|concrete|discrete|segrete)\b)"
    r"\w{2,}(?:rà|rò|ranno|remo|rete)\b|\bwill\b|\bgoing to\b"
)
_EXPECTED = re.compile(  # what is told of things to come without a future
    r"\w(?:rebbe|rebbero)\b|\b(?:previst|programm|attes|annunci|intend|prossim|domani|entro|imminent)"
    r"|\b(?:would|expected|planned|scheduled|next|tomorrow|soon)\b"
)
_COUNTED = ("quanti", "quante", "many")  # the next word is the thing that is counted
_NEAR = 4  # words between a thing and its number
_SAME_WORD = 0.5  # trigram similarity from which two words may be one, misspelt or inflected


@dataclass(frozen=True)
class Evidence:
    """One sentence against one question.

    ``cosine`` of the two vectors; ``words``: the share of the question's words, weighted by
    rarity, that the sentence with its article's title has in some spelling; ``found``: the fused
    score of its passage. ``stranger``: 1 where the question has a proper name that no passage of
    the corpus has. ``counted``: 1 where the thing counted stands by a number, -1 where it does
    not, 0 where nothing is counted; for an age or a price, which are told more surely, 1 or -2.
    ``mistyped``: 1 where the question asks for a date, a number, a place or a person and the
    sentence has none. ``untimely``: 1 where the question asks for what will be and the sentence
    tells only of what is or was. ``english``: 1 for a question in English, which cannot share the
    words of an Italian sentence. ``among``: the logarithm of how many sentences there were to
    choose from: the best of many is good by chance.

    ``reader``: the log-odds of its best words in the sentence, with a reader.
    """

    cosine: float
    words: float
    found: float
    stranger: float
    counted: float
    mistyped: float
    untimely: float
    english: float
    among: float
    reader: float = 0.0

    def value(self, name: str) -> float:
        """The number with this name."""
        return float(getattr(self, name))


class AskedWords:
    """The words of a question, and what sort of answer it asks for."""

    def __init__(self, question: Question, keywords: KeywordIndex) -> None:
        self._text = question.text
        self._keywords = keywords
        self._words = words(question.text)
        asked = " ".join(self._words)
        patterns = (_AGE[0], _PRICE[0], _WHEN, _HOW_MANY, _WHERE, _WHO)
        self._asked = {pattern for pattern in patterns if pattern.search(asked)}
        self._weights = keywords.weights(list(dict.fromkeys(terms(question.text))))
        self._total = sum(self._weights.values()) or 1.0
        self._asks_for_future = _FUTURE.search(question.text.lower()) is not None
        self.english = float(question.is_english)

    def resembled(self, found: set[str]) -> float:
        """The weighted share of the question's terms that are among these.

        A similar word counts in part: for typing errors and inflections.
        """
        total = 0.0
        for term, weight in self._weights.items():
            total += weight * (1.0 if term in found else _closest(term, found))
        return total / self._total

    def names_stranger(self, found: set[str]) -> float:
        """1 where the question has a proper name that the corpus lacks, and these words too.

        Names in an English question are often spelt otherwise in Italian: they do not count.
        """
        if self.english:
            return 0.0
        return float(any(not _closest(name, found) for name in self._unknown_names))

    def counts(self, text: str) -> float:
        """Whether the age, price or number asked for is told: 1, -1 (-2), or 0: none is asked."""
        for question, amount in (_AGE, _PRICE):
            if question in self._asked:
                return 1.0 if amount.search(text) else -2.0
        if self._counted is None:
            return 0.0
        found = words(text)
        for at, stem in enumerate(stems(found)):
            if stem == self._counted or (len(stem) > 4 and _alike(stem, self._counted) > 0.6):
                near = found[max(0, at - _NEAR) : at + _NEAR - 1]
                if any(map(_is_number, near)):
                    return 1.0
        return -1.0

    def mistypes(self, text: str) -> float:
        """1 where a date, a number, a place or a person is asked for and the text has none."""
        if _WHEN in self._asked:
            return float(_DATE.search(text) is None)
        if _HOW_MANY in self._asked:
            return float(self._counted is None and not any(map(_is_number, words(text))))
        if _WHERE in self._asked:
            return float(not self._new_names(_PLACE.findall(text)))
        if _WHO in self._asked:
            return float(not self._new_names(_NAME.findall(text)))
        return 0.0

    def untimely(self, text: str) -> float:
        """1 where it is asked for what will be and the text tells of nothing to come."""
        if not self._asks_for_future:
            return 0.0
        told = text.lower()
        return float(not _FUTURE.search(told) and not _EXPECTED.search(told))

    def admits(self, words_told: str, before: str = "") -> bool:
        """Whether words may be the answer, by themselves and by what stands before them.

        Of somebody with a name, no name tells who that is; where one came from is not where one
        goes to.
        """
        about_somebody = _ABOUT_SOMEBODY.match(self._text)
        from_where = _FROM_WHERE.search(self._text)
        return not (about_somebody and _ONLY_A_NAME.fullmatch(words_told)) and not (
            from_where and _TOWARDS.search(before)
        )

    def _new_names(self, found: list[str]) -> set[str]:
        """The words of the names found that the question does not have."""
        return {word for name in found for word in words(name)} - set(self._words)

    @cached_property
    def _unknown_names(self) -> list[str]:
        """Capitalised words after the first that stand in no passage of the corpus."""
        found = re.findall(r"[^\W_]+", self._text)[1:]
        plain = [words(word)[0] for word in found if word[:1].isupper() and words(word)]
        return [w for w in plain if w not in STOP_WORDS and not self._keywords.has(stems([w])[0])]

    @cached_property
    def _counted(self) -> str | None:
        """The stem of the thing counted in "quanti container", or None."""
        for before, thing in zip(self._words, self._words[1:], strict=False):
            if before in _COUNTED:
                return stems([thing])[0]
        return None


def _is_number(word: str) -> bool:
    return word[0].isdigit() or word in _NUMBER_WORDS


def _closest(term: str, found: set[str]) -> float:
    """The similarity of the most similar word, 0 when none is similar enough."""
    near = (word for word in found if abs(len(word) - len(term)) <= 3)
    best = max((_alike(term, word) for word in near), default=0.0)
    return best if best > _SAME_WORD else 0.0


@lru_cache(50_000)
def _alike(one: str, other: str) -> float:
    """Dice's coefficient of the two words' letter trigrams."""
    a, b = _trigrams(one), _trigrams(other)
    return 2 * len(a & b) / (len(a) + len(b))


@lru_cache(10_000)
def _trigrams(word: str) -> frozenset[str]:
    padded = f"#{word}#"
    return frozenset(padded[at : at + 3] for at in range(len(padded) - 2))
