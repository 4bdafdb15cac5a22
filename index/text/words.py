"""What the words of a text are to a keyword search: the Italian analysis."""

from __future__ import annotations

import re
import threading
import unicodedata

import Stemmer

_WORD = re.compile(r"(?:[^\W\d_]\.){2,}|\d+(?:[.,]\d+)*|[^\W\d_]+(?:-\d+)?|\d*[^\W_]+")
_ACRONYM = re.compile(r"(?:[^\W\d_]\.){2,}")  # "O.N.U." is "ONU"
_COMPOUND = re.compile(r"\b([^\W\d_]{3,})-([^\W\d_]{3,})\b")  # "nord-coreano" is "nordcoreano" too
_THOUSANDS = re.compile(r"\d{1,3}(?:\.\d{3})+(?:,\d+)?")  # "7.000" is "7000"
_DIGITS = {
    word: str(number)
    for words_of in (
        "due tre quattro cinque - sette otto nove dieci undici dodici",  # "sei" is mostly a verb
        "two three four five six seven eight nine ten eleven twelve",
    )
    for number, word in enumerate(words_of.split(), 2)
}


class _WithoutMarks(dict[int, int | None]):
    """For str.translate: takes combining marks away. Looks each character up once."""

    def __missing__(self, character: int) -> int | None:
        self[character] = None if unicodedata.combining(chr(character)) else character
        return self[character]


_PLAIN = _WithoutMarks()
_LOCAL = threading.local()  # a Stemmer must not be used by two threads at once

STOP_WORDS = frozenset(
    """
    a ad agli ai al alla alle allo anche ancora avere aveva avevano c che chi ci cio come
    con cosa cui d da dagli dai dal dall dalla dalle dallo degli dei del dell della delle
    dello di dove e ed era erano essere fa fra gli ha hanno ho i il in io l la le lei li lo
    loro lui m ma mi n ne negli nei nel nell nella nelle nello noi non o ogni per perche piu
    po poi pero qual quale quali quando quant quanta quante quanti quanto quell quella
    quelle quelli quello quest questa queste questi questo s se sei si sia siano sono su
    sugli sui sul sull sulla sulle sullo t ti tra tu tutti tutto un una uno v vi voi about
    an and are as at be been by did do does for from had has have how is it its of on or
    that the their there they this to was were what when where which who whom why will with
    would
    """.split()
)


def words(text: str) -> list[str]:
    """The words of a text in order: lower case, without accents; "l’incontro" is two."""
    return [
        word.replace(".", "") if _ACRONYM.fullmatch(word) else word
        for word in _WORD.findall(plain(text))
    ]


def terms(text: str) -> list[str]:
    """The stems of a text's words, stop words left out. What is indexed and searched.

    Numbers are digits without separators; a compound counts as its parts and as a whole.
    """
    found = [_DIGITS.get(word, word) for word in words(text) if word not in STOP_WORDS]
    found = [w.replace(".", "") if _THOUSANDS.fullmatch(w) else w for w in found]
    wholes = ["".join(match.groups()) for match in _COMPOUND.finditer(plain(text))]
    return stems(found + wholes)


def plain(text: str) -> str:
    """The text in lower case, without accents."""
    return unicodedata.normalize("NFKD", text.lower()).translate(_PLAIN)


def stems(of: list[str]) -> list[str]:
    """The Italian stem of each word."""
    if not hasattr(_LOCAL, "stemmer"):
        _LOCAL.stemmer = Stemmer.Stemmer("italian")
    return list(_LOCAL.stemmer.stemWords(of))
