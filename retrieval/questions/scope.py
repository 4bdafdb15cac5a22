"""What a question says of the articles that may answer it: whose they are, and from when."""

from __future__ import annotations

import datetime
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from index.text.months import ITALIAN_OF, MONTH, MONTH_ALONE
from index.text.words import STOP_WORDS, words
from retrieval.answer import Question, Scope

if TYPE_CHECKING:
    from dateparser.date import DateDataParser

Day = datetime.date

_YEAR = r"(?:19|20)\d\d"
_LAST = r"(?:scors[oa]|passat[oa])"
_SPAN = r"(?:settimana|mese|anno)"
# "13 settembre 2023", "settembre", "2023", "la settimana scorsa", "ieri", "last month".
_TIME = re.compile(
    rf"\b(?:\d{{1,2}}[º°]?\s+{MONTH}(?:\s+(?:del\s+)?{_YEAR})?|{MONTH}\s+\d{{1,2}},?\s+{_YEAR}"
    rf"|{MONTH}\s+(?:del\s+|of\s+)?{_YEAR}|{MONTH_ALONE}|{_YEAR}|(?P<unit>{_SPAN})\s+{_LAST}"
    rf"|{_LAST}\s+(?P<late>{_SPAN})|last\s+(?:week|month|year)|ieri|yesterday)\b",
    re.IGNORECASE,
)
_PHRASE = re.compile(  # with what leads to it: "prima del", "tra il … e il"
    r"(?:\b(?:a partire|prima|dopo|fino|sino|entro|durante|da|dal|dalla|tra|fra|nel|nella|in|a|ad"
    r"|al|alla|di|del|della|il|lo|la|gli|le|e|mese|on|at|of|the|since|before|after|until|between|from|by"
    r"|during|earlier|later|than)\s+|\b(?:l|nell|dell|dall|all)[’']\s*)*" + _TIME.pattern,
    re.IGNORECASE,
)
_GLUE = r"\s+(?:(?:il|lo|la|gli|le|di|del|della|mese di|the|of)\s+|l[’']\s*)*$"
_AFTER = re.compile(rf"\b(?:dopo|after|later than){_GLUE}", re.IGNORECASE)
_SINCE = re.compile(
    rf"\b(?:da|dal|dall[’']|dalla|a partire (?:da|dal)|since){_GLUE}", re.IGNORECASE
)
_BEFORE = re.compile(rf"\b(?:prima|before|earlier than){_GLUE}", re.IGNORECASE)
_UNTIL = re.compile(
    rf"\b(?:fino (?:a|al|alla)|entro|sino (?:a|al)|until|up to|by){_GLUE}", re.IGNORECASE
)
_BETWEEN = re.compile(rf"\b(?:tra|fra|between|from){_GLUE}", re.IGNORECASE)
_NEWEST = re.compile(
    r"\b(?:di recente|recentemente|ultimamente|più recent[ei]|piu recent[ei]|attualmente|al momento"
    r"|in questo momento|adesso|oggi|ora come ora|l[’']ultim[oa]|ultime notizie|recently|lately"
    r"|latest|most recent|currently|right now|nowadays|today)\b",
    re.IGNORECASE,
)
# An outlet is only one where the question says so: "secondo X" is left out of what is searched,
# "che cosa dice X" is not.
_ARTICLE = r"(?:(?:il|lo|la|i|gli|le|the)\s+|l[’']\s*)?"
_BY = (
    r"(?P<away>(?:secondo|stando\s+a[dl]?|a\s+detta\s+di|come\s+(?:scrive|dice|riporta|riferisce)"
    r"|per|su|according\s+to|in|by)\s+(?:quanto\s+\w+\s+(?:da\s+)?)?|(?:scriv|dic|riport|rifer|raccont"
    r"|sostien|afferm)\w*\s+|(?:articol[oi]|pezz[oi])\s+d(?:i|el|ella|ell[’'])\s*|(?:does|did)\s+)"
)
_LEFT_OUT = re.compile(r"(?:secondo|stando|a\s|come|per|su|according|in|by)\b", re.IGNORECASE)
_DAY = datetime.timedelta(days=1)
_SLACK = datetime.timedelta(days=2)  # news of a day is printed on the next


@dataclass(frozen=True)
class ScopedQuestion:
    """A question as it is searched, and its scope. ``named``: the words that tell its time.

    An article from another time may still tell of that time, if it has these words. There are
    none where it may not: "after June", "last week". ``timeless``: the question without its time.
    """

    question: Question
    scope: Scope
    named: frozenset[str] = frozenset()
    timeless: Question | None = None

    def put_to(self, date: str | None) -> Question:
        """The question as an article with this date is asked.

        Without the time where the date tells that already: the text need not.
        """
        limited = self.scope.since or self.scope.until
        told = self.scope.newest or (limited and date and self.scope.covers(date))
        return self.timeless if self.timeless and told else self.question

    def allows(self, date: str | None, text: str) -> bool:
        """Whether an article with this text and this date, None if unknown, may answer."""
        if date is None or self.scope.covers(date):
            return True
        return bool(self.named) and self.named <= _named(text)


def scoped(question: Question, sources: Collection[str], dates: Collection[str]) -> ScopedQuestion:
    """The question without the words that name an outlet, and what it keeps to.

    ``sources`` and ``dates`` (ISO 8601) are those that articles have: a question keeps to no
    outlet that none of them has, and "settembre" is the last September that one of them has.
    """
    text, named_sources = _outlets(question.text, sources)
    since, until, named = _time(question, dates)
    newest = bool(dates) and _NEWEST.search(question.text) is not None
    scope = Scope(named_sources, since, until, newest=newest)
    timeless = _timeless(text) if newest or since or until else text
    return ScopedQuestion(
        Question(text, question.day), scope, named, Question(timeless, question.day)
    )


def _outlets(text: str, sources: Collection[str]) -> tuple[str, tuple[str, ...]]:
    """The text without "secondo AgenPress", and the outlets that are named so."""
    found = []
    for source in sorted(sources, key=len, reverse=True):
        for name in dict.fromkeys((source, re.sub(r"\.\w{2,3}$", "", source))):
            if name.lower() not in text.lower():
                continue  # there may be hundreds
            match = re.search(
                rf",?\s*\b{_BY}{_ARTICLE}(?P<name>{re.escape(name)})(?!\w),?", text, re.IGNORECASE
            )
            if match and _is_meant(match["name"], name):
                found.append(source)
                if _LEFT_OUT.match(match["away"]):
                    text = _without(text, match)
                break
    return text, tuple(sorted(found))


def _is_meant(written: str, name: str) -> bool:
    """Whether this is the outlet's name: "la stampa" may be any press, "La Stampa" is not."""
    from simplemma import is_known

    if any(c.isupper() for c in written):
        return True
    return not all(is_known(word, lang="it") for word in name.lower().split())


def _without(text: str, match: re.Match[str]) -> str:
    """The text without a match; all of it, if there is nothing beside."""
    rest = " ".join(f"{text[: match.start()]} {text[match.end() :]}".split())
    rest = re.sub(r"\s+([?,.!])", r"\1", rest).lstrip(" ,")
    return rest[:1].upper() + rest[1:] if len(words(rest)) > 1 else text


def _time(
    question: Question, dates: Collection[str]
) -> tuple[Day | None, Day | None, frozenset[str]]:
    """First and last day of what the question keeps to, and the words that name it."""
    if not dates:
        return None, None, frozenset()
    matches = list(_TIME.finditer(question.text))
    if not matches:
        return None, None, frozenset()
    for day in _readings(question.day, dates):
        since, until, open_ended = _bounds(question.text, matches, day)
        if any(Scope((), since, until).covers(date) for date in dates):
            break
    else:
        since, until, open_ended = _bounds(question.text, matches, question.day)
    relative = any(not re.search(rf"{MONTH}|{_YEAR}", m[0], re.IGNORECASE) for m in matches)
    named = frozenset(word for match in matches for word in _named(match[0]))
    return since, until, frozenset() if open_ended or relative else named


def _timeless(text: str) -> str:
    """The text without the words that tell a time."""
    for pattern in (_PHRASE, _NEWEST):
        while match := pattern.search(text):
            shorter = _without(text, match)
            if shorter == text:
                break
            text = shorter
    return text


def _named(text: str) -> set[str]:
    """The words of a text, months in Italian, without those that every text has."""
    return {ITALIAN_OF.get(word, word) for word in words(text) if word not in STOP_WORDS}


def _readings(day: Day, dates: Collection[str]) -> Iterator[Day]:
    """Days from which to look back at a month without a year: now, then the years before."""
    yield day
    for year in sorted({int(date[:4]) for date in dates}, reverse=True):
        if year < day.year:
            yield Day(year, 12, 31)


def _bounds(
    text: str, matches: list[re.Match[str]], day: Day
) -> tuple[Day | None, Day | None, bool]:
    """First and last day, and whether one of them is open."""
    periods = [_period(match, day) for match in matches]
    first, before = periods[0], text[: matches[0].start()]
    if first is None:
        return None, None, False
    if len(periods) > 1 and periods[1] and _BETWEEN.search(before):
        return first[0], periods[1][1], True
    if _AFTER.search(before):
        return first[1] + _DAY, None, True
    if _SINCE.search(before):
        return first[0], None, True
    if _BEFORE.search(before):
        return None, first[0] - _DAY, True
    if _UNTIL.search(before):
        return None, first[1], True
    return first[0], first[1] + _SLACK, False


def _period(match: re.Match[str], day: Day) -> tuple[Day, Day] | None:
    """First and last day of what was matched, as somebody would mean it on a day."""
    unit = match["unit"] or match["late"]
    told = f"{unit} scorso" if unit else re.sub(r"\b(?:del|of)\s+|[º°]", "", match[0])
    if unit == "settimana":
        told = "settimana scorsa"
    base = datetime.datetime.combine(day, datetime.time())
    found = _parser(base).get_date_data(told.lower())
    if found.date_obj is None:
        return None
    start: Day = found.date_obj.date()
    if found.period == "year":
        return Day(start.year, 1, 1), Day(start.year, 12, 31)
    if found.period == "month":
        after = Day(start.year + start.month // 12, start.month % 12 + 1, 1)
        return start.replace(day=1), after - _DAY
    if found.period == "week":
        monday = start - datetime.timedelta(days=start.weekday())
        return monday, monday + datetime.timedelta(days=6)
    return start, start


@cache
def _parser(base: datetime.datetime) -> DateDataParser:
    from dateparser.date import DateDataParser

    settings = {"RELATIVE_BASE": base, "PREFER_DATES_FROM": "past", "PREFER_DAY_OF_MONTH": "first"}
    return DateDataParser(languages=["it", "en"], settings=settings)
