"""Finds the day that a page shows its readers beside the headline."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from lxml.html import HtmlElement

from index.articles.page_dates import day_of
from index.text.dates import printed_days, ranking_day, without_days
from index.text.language import vocabulary, weekday_numbers
from index.text.words import words

_FIRST = "1994"  # year; before, there was no news on the web
_MAX_LENGTH = 120  # characters of a dateline
_MAX_TEASER = 300  # characters of what leads to another article
_MIN_LINK = 5  # words of the link in it
_BESIDE = 2  # elements around the headline in which the day may come before it
_FOREIGN = frozenset({"aside", "nav", "footer", "figure", "article", "blockquote"})
_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
_INLINE = frozenset({"a", "abbr", "b", "em", "i", "small", "span", "strong", "time"})
_MAX_ANCESTORS = 20


def day_beside(headline: HtmlElement, zone: ZoneInfo | None) -> str:
    """The day of publication beside a headline, in a ``<time>`` or in print; "" for none.

    The nearest counts, as YYYY-MM-DD; that of an update, of a teaser or of today does not.
    """
    for distance, around in enumerate(headline.iterancestors()):
        if distance == _MAX_ANCESTORS:
            break
        before, after = _days(around, headline, zone)
        if after:
            return after
        if before and distance < _BESIDE and around.tag != "body":
            return before
    return ""


def _days(around: HtmlElement, headline: HtmlElement, zone: ZoneInfo | None) -> tuple[str, str]:
    """The last day before the headline, and the first one after it."""
    before, passed = "", False
    for element in around.iter("*"):
        if element is headline:
            passed = True
        elif (day := _day(element, zone)) and not _is_foreign(element, around):
            if passed:
                return before, day
            before = day
    return before, ""


def _day(element: HtmlElement, zone: ZoneInfo | None) -> str:
    """The day of publication that an element gives, by itself or with the line it is in."""
    if element.tag == "time":
        days = [day_of(element.get("datetime") or element.text_content(), zone)]
        days = [] if _is_update(element) else days
    else:
        days = list(_printed(element, zone))
    return min((day for day in days if _FIRST < day == ranking_day(day)), default="")


def _is_update(time: HtmlElement) -> bool:
    """Whether a ``<time>`` is of an update, according to its attributes or the words before it."""
    previous, parent = time.getprevious(), time.getparent()
    before = parent.text if previous is None else previous.tail or previous.text_content()
    names = f"{time.get('class')} {time.get('itemprop')} {parent.get('class')}"
    named = {*words(names.replace("-", " ").replace("dateM", "m")), *words(before or "")[-3:]}
    return not named.isdisjoint(vocabulary("update_words"))


def _printed(element: HtmlElement, zone: ZoneInfo | None) -> list[str]:
    """The days in the element's own text, if the whole line says no more than when and by whom."""
    own = " ".join(filter(None, (element.text, *(child.tail for child in element))))
    if len(own) > _MAX_LENGTH or not any(c.isdigit() for c in own):
        return []
    days = list(printed_days(own, day_first=zone is not None))
    line = _line(element) if days else ""
    if not line or len(line) > _MAX_LENGTH or not _is_dateline(line):
        return []
    is_update = not vocabulary("update_words").isdisjoint(words(line))
    return days if len(days) > 1 or not is_update else []


def _line(element: HtmlElement) -> str:
    """The text of the block that an element is in, "" for a heading."""
    while element.tag in _INLINE and element.getparent() is not None:
        element = element.getparent()
    return "" if element.tag in _HEADINGS else " ".join(element.text_content().split())


def _is_dateline(line: str) -> bool:
    """Whether a line has no words but names and those of datelines."""
    known = vocabulary("stop_words") | vocabulary("byline_words") | vocabulary("update_words")
    known |= weekday_numbers().keys()
    tokens = (token for token in without_days(line).split() if not token[0].isupper())
    return all(word[0].isdigit() or word in known for token in tokens for word in words(token))


def _is_foreign(element: HtmlElement, around: HtmlElement) -> bool:
    """Whether an element is in a part of the page that is not about the article."""
    while element is not around:
        if element.tag in _FOREIGN or _is_teaser(element):
            return True
        element = element.getparent()
    return False


def _is_teaser(element: HtmlElement) -> bool:
    """Whether an element leads to another article: it is short, with a heading or a long link."""
    if len(element.text_content()) > _MAX_TEASER:
        return False
    headings = (one for one in element.iter("a", *_HEADINGS))
    return any(one.tag != "a" or len(words(one.text_content())) >= _MIN_LINK for one in headings)
