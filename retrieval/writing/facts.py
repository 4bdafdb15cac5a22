"""The facts of a claim that code can compare with a passage: names, numbers and dates.

They are normalised first: "dodicimila" is "12,000", "13 settembre" is "September 13", "Mosca" is
"Moscow". Code cannot check what else a claim says: for that, the quotation stands beside it.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property

from index.text.language import (
    alternatives,
    codes,
    language,
    languages,
    month_numbers,
    month_pattern,
    vocabulary,
    weekday_numbers,
)
from index.text.names import Named, Word, known_names, words_of
from index.text.words import stems

_NUMBER = re.compile(
    r"(?<![\w.,])(?P<digits>\d+(?:[.,]\d+)*)(?P<ordinal>\s?[º°ª]|st\b|nd\b|rd\b|th\b)?"
)
_NUMERIC_DATE = re.compile(
    r"\b(?:\d{4}-(?P<month>\d{1,2})-(?P<day>\d{1,2})"
    r"|(?P<first>\d{1,2})[/.](?P<second>\d{1,2})[/.](?:\d{4}|\d{2}))\b"
)
_ADDRESS = re.compile(
    r"(?:https?://|www\.)\S+|\S+@\S+\.\w+|(?<!\w)[@#]\w+"
    r"|\b[\w-]+\.(?:com|org|net|it|eu|info|io|ru)\b"
)
_DAY_AFTER = re.compile(r"\s+(?:the\s+)?(\d{1,2})(?:st|nd|rd|th)?\b(?!\s*[:.]\d)")


@dataclass(frozen=True)
class Facts:
    """The facts in a text whose numbers are in words of these languages."""

    text: str
    languages: tuple[str, ...]

    @cached_property
    def words(self) -> list[Word]:
        """Its words."""
        return words_of(self.text)

    @cached_property
    def names(self) -> list[Named]:
        """Its names that have other forms."""
        return known_names(self.words)

    @cached_property
    def entities(self) -> frozenset[str]:
        """The entities that these names stand for."""
        return frozenset(name.entity for name in self.names)

    @cached_property
    def vocabulary(self) -> frozenset[str]:
        """Its words, folded, and their stems."""
        folded = [word.folded for word in self.words]
        return frozenset(folded) | frozenset(stems(folded))

    @cached_property
    def line(self) -> str:
        """Its words, folded, on one line."""
        return f" {' '.join(word.folded for word in self.words)} "

    @cached_property
    def numbers(self) -> list[frozenset[float]]:
        """Each number, in digits or in words, with all its readings."""
        return [number for language in self.languages for number in _numbers(self.text, language)]

    @cached_property
    def days(self) -> frozenset[tuple[int, int]]:
        """Month and day of each date."""
        return frozenset(_days(self.text))

    @cached_property
    def months(self) -> frozenset[int]:
        """The months that it names, from 1."""
        return frozenset(m for m, _ in _months(self.text)) | {month for month, _ in self.days}

    @cached_property
    def weekdays(self) -> frozenset[int]:
        """The days of the week that it names, from 0."""
        numbers = weekday_numbers()
        return frozenset(numbers[word.folded] for word in self.words if word.folded in numbers)


def unsupported(claim: str, sources: Sequence[str], language: str) -> list[str]:
    """The facts that a claim in a language states and no source holds, in the claim's words."""
    stated, held = Facts(claim, (language,)), Facts("\n".join(sources), codes())
    facts = itertools.chain(
        _addresses(claim, sources),
        _wrong_dates(stated, held),
        _wrong_numbers(stated, held),
        _wrong_names(stated, held),
    )
    return list(dict.fromkeys(facts))


def in_common(claim: str, quoted: str) -> bool:
    """Whether a claim shares a content word, a name, a number or a day with a text."""
    stated, held = Facts(claim, codes()), Facts(quoted, codes())
    content = {word.folded for word in stated.words}
    content -= vocabulary("stop_words") | vocabulary("openers")
    return bool(
        (content | set(stems(sorted(content)))) & held.vocabulary
        or stated.entities & held.entities
        or stated.days & held.days
        or stated.weekdays & held.weekdays
        or set(stated.numbers) & set(held.numbers)
    )


def _addresses(claim: str, sources: Sequence[str]) -> Iterator[str]:
    """Web addresses, mail addresses and accounts that no source has to the letter."""
    for match in _ADDRESS.finditer(claim):
        if not any(match[0].rstrip(".,;:!?)»”") in source for source in sources):
            yield match[0]


def _wrong_dates(stated: Facts, held: Facts) -> Iterator[str]:
    main = languages()[0]
    yield from (f"{day}/{month}" for month, day in sorted(stated.days - held.days))
    yield from (main.months[month - 1] for month in sorted(stated.months - held.months))
    yield from (main.weekdays[day] for day in sorted(stated.weekdays - held.weekdays))


def _wrong_numbers(stated: Facts, held: Facts) -> Iterator[str]:
    known = {number for readings in held.numbers for number in readings}
    known |= {float(n) for date in stated.days for n in date}  # _wrong_dates checks these
    for readings in stated.numbers:
        if not readings & known:
            yield f"{max(readings):g}"


def _numbers(text: str, language: str) -> Iterator[frozenset[float]]:
    """Each number with all its readings: "1.234" may be a thousand, or one and a bit."""
    written = {match["digits"] for match in _NUMBER.finditer(text)}
    digits = _in_digits(text, language)
    end = 0  # of the number before
    for match in _NUMBER.finditer(digits):
        if match.start() < end or (match["digits"] not in written and _is_no_number(match)):
            continue
        scale, half, length = _scale(digits[match.end() :])
        end = match.end() + length
        yield frozenset(
            scale * n + (_unit(scale * n) / 2 if half else 0) for n in _readings(match["digits"])
        )


def _scale(following: str) -> tuple[int, bool, int]:
    """The factor of a number, whether half of its unit is added, and the length of both."""
    match = _scale_pattern().match(following)
    word = (match["scale"] or "").lower() if match else ""
    scale = _scales().get(word, int(word) if word.isdigit() else 1)
    return scale, bool(match and match["half"]), match.end() if match else 0


@cache
def _scale_pattern() -> re.Pattern[str]:
    # "2.5 million" may be "2.5 1000000" by now.
    scale = rf"(?:\s+(?P<scale>{'|'.join(_scales())}|10{{3}}(?:0{{3}}){{0,2}})\b)?"
    return re.compile(rf"{scale}(?P<half>\s+{alternatives('and_a_half')}\b)?", re.IGNORECASE)


@cache
def _scales() -> dict[str, int]:
    return {word: factor for one in languages() for word, factor in one.scales.items()}


def _unit(number: float) -> int:
    """The thousand, million or billion that a number counts in."""
    return max((scale for scale in (1, *_scales().values()) if number >= scale), default=1)


def _is_no_number(match: re.Match[str]) -> bool:
    """Whether it was "un", "one", "secondo" or "first" in words, which mostly count nothing."""
    return match["digits"] == "1" or (match["digits"] == "2" and bool(match["ordinal"]))


def _in_digits(text: str, language: str) -> str:
    from text_to_num import alpha2digit

    digits: str = alpha2digit(text, language, threshold=0)
    return digits


def _readings(digits: str) -> list[float]:
    """The numbers that digits with stops and commas may mean; "1.2.3" counts as its digits."""
    bare = re.sub(r"[.,]", "", digits)
    readings = []
    if re.fullmatch(r"\d{1,3}(?:[.,]\d{3})+", digits):
        readings.append(float(bare))
    if re.fullmatch(r"\d+[.,]\d+", digits):
        readings.append(float(digits.replace(",", ".")))
    mixed = re.fullmatch(r"(\d{1,3}(?:([.,])\d{3})+)(?!\2)[.,](\d+)", digits)
    if mixed:
        readings.append(float(f"{re.sub(r'[.,]', '', mixed[1])}.{mixed[3]}"))
    return readings or [float(bare)]


def _days(text: str) -> Iterator[tuple[int, int]]:
    """Month and day of each date."""
    for match in _NUMERIC_DATE.finditer(text):
        if match["month"]:
            yield int(match["month"]), int(match["day"])
        else:  # the day comes first in Italy and in Britain
            yield int(match["second"]), int(match["first"])
    for month, named in _months(text):
        before = _days_before().search(text[max(named.start() - 40, 0) : named.start()])
        days = re.findall(r"\d+", before[0]) if before else []
        after = _DAY_AFTER.match(text, named.end())
        for day in [*days, *([after[1]] if after else [])]:
            yield month, int(day)


@cache
def _days_before() -> re.Pattern[str]:
    """Days before a month: "13", "l’11 e il 12", "dal 10 al 13 di"."""
    joint, article = alternatives("day_and_day"), alternatives("article")
    days = rf"(?:\b\d{{1,2}}[º°]?(?:\s*(?:,|-|–|{joint})\s*(?:\b{article}\s*)?)?){{1,4}}"
    return re.compile(rf"{days}(?:\s*(?:di|of)\b)?\s*$")


def _months(text: str) -> Iterator[tuple[int, re.Match[str]]]:
    """Each month that is named, from 1; one that is another word, too, with a capital letter."""
    for match in re.finditer(rf"(?<![^\W\d_]){month_pattern()}(?![^\W\d_])", text, re.IGNORECASE):
        if match[0] not in vocabulary("months_that_are_words"):
            yield month_numbers()[match[0].lower()], match


def _wrong_names(stated: Facts, held: Facts) -> Iterator[str]:
    """Names that no source has, and neighbouring names that are apart in the sources."""
    words = stated.words
    covered = set[int]()
    for name in stated.names:
        capital = words[name.first].written[0].isupper()
        if name.entity not in held.entities and (capital or name.is_country):
            yield " ".join(word.written for word in words[name.first : name.last + 1])
        covered.update(range(name.first, name.last + 1))
    starts = _sentence_starts(stated)
    names = [at not in covered and _is_name(stated, at, starts) for at in range(len(words))]
    for at, word in enumerate(words):
        if names[at] and not _held(word.folded, held):
            yield word.written
        elif names[at] and at and names[at - 1] and _beside(stated, at):
            pair = f" {words[at - 1].folded} {word.folded} "
            if pair not in held.line and _held(words[at - 1].folded, held):
                yield f"{words[at - 1].written} {word.written}"


def _held(word: str, held: Facts) -> bool:
    return word in held.vocabulary or word.removesuffix("s") in held.vocabulary


def _beside(stated: Facts, at: int) -> bool:
    """Whether only white space is between a word and the one before it."""
    return not stated.text[stated.words[at - 1].end : stated.words[at].start].strip()


def _sentence_starts(stated: Facts) -> frozenset[int]:
    """The words with which sentences begin."""
    ends = [
        bool(re.search(r"[.!?:;»”\"(]", stated.text[before.end : word.start]))
        for before, word in zip(stated.words, stated.words[1:], strict=False)
    ]
    return frozenset({0, *(at + 1 for at, end in enumerate(ends) if end)})


def _is_name(stated: Facts, at: int, starts: frozenset[int]) -> bool:
    """Whether a word must be in the source: a name, or one that no dictionary has."""
    word = stated.words[at]
    plain = word.folded
    if (
        plain.isdigit()
        or plain in vocabulary("stop_words")
        or plain in vocabulary("titles")
        or len(plain) < 2
    ):
        return False
    if plain in weekday_numbers() or plain in month_numbers():
        return False
    if _in_digits(word.written, stated.languages[0]) != word.written:
        return False  # a number in words
    if not word.written[0].isupper():
        return not _is_known(word.written, codes())
    if at not in starts:
        return True
    if plain in vocabulary("openers"):
        return False
    return not _begins_a_sentence(word.written.lower(), stated.languages)


def _begins_a_sentence(word: str, languages: Sequence[str]) -> bool:
    """Whether it is a verb ("Costa due euro") or a plural as in English, hardly a name then."""
    from simplemma import lemmatize

    for code in languages:
        verbs, plains = language(code).verb_endings, language(code).plain_endings
        if verbs and lemmatize(word, lang=code).endswith(tuple(verbs)):
            return True
        if plains and word.endswith(tuple(plains)) and _is_known(word, (code,)):
            return True
    return False


def _is_known(word: str, languages: Sequence[str]) -> bool:
    """Whether a dictionary has it; what has digits in it is no name."""
    from simplemma import is_known

    return any(c.isdigit() for c in word) or any(
        is_known(word.lower(), lang=one) for one in languages
    )
