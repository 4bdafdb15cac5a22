"""What the articles are about: the people and names that most of them mention."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from index.generations.generation import Generation
from index.text.clean import shown
from index.text.dates import ranking_day
from index.text.language import alternatives, vocabulary
from index.text.words import words

NEWEST = 200  # articles that are looked into
_NAME = re.compile(
    # In a sentence, where a capital letter says something.
    r"(?:(?<=[a-zà-öø-ÿ0-9,;)’'] )|(?<=[’'(“]))"
    r"[A-ZÀ-Ý][\w-]{2,}(?: (?:(?:di|del|della|de|von|van|al|bin) )?[A-ZÀ-Ý][\w-]+)*"
)


_PERSON = r"[A-ZÀ-Ý][\w’'-]+ (?:(?:di|de|von|van|al|bin) )?[A-ZÀ-Ý][\w-]+"
_INTRODUCED = re.compile(rf"[a-zà-ÿ]{{4,}}, (?P<name>{_PERSON}),")  # "il portavoce, John Kirby, …"


@dataclass(frozen=True)
class Person:
    """A person whom a text introduces. ``speaks``: whether it also reports their words."""

    name: str
    speaks: bool


def people(generation: Generation) -> list[Person]:
    """The people of the newest articles, in the order of the texts."""
    speaks: dict[str, bool] = {}
    for path in _newest(generation):
        article = generation.store.article(path)
        text = shown(article.text) if article else ""
        for match in _INTRODUCED.finditer(text):
            name = match["name"]
            said = re.search(
                rf"{re.escape(name)}\b[^.:;“\"]{{0,30}} {alternatives('says')}\b", text
            )
            speaks[name] = speaks.get(name, False) or said is not None
    return [Person(*item) for item in speaks.items()]


def subjects(generation: Generation, most: int) -> list[str]:
    """The names of the newest articles, those of the most articles first; none is part of another.

    Only the articles of ``generation`` are read; where none has names there is nothing to tell.
    """
    articles, counts = Counter[str](), Counter[str]()
    for path in _newest(generation):
        article = generation.store.article(path)
        names = list(_names(shown(article.text))) if article else []
        counts.update(names)
        articles.update(set(names))
    chosen: list[str] = []
    for name in sorted(counts, key=lambda n: (-articles[n], -counts[n], n)):
        if len(chosen) == most:
            break
        if counts[name] > 1 and not any(_alike(name, other) for other in chosen):
            chosen.append(_fullest(name, counts))
    return list(dict.fromkeys(chosen))


def _newest(generation: Generation) -> list[str]:
    headers = generation.store.article_headers()
    return [
        a.path for a in sorted(headers, key=lambda a: ranking_day(a.date), reverse=True)[:NEWEST]
    ]


def _names(text: str) -> Iterator[str]:
    for match in _NAME.finditer(text):
        if not set(words(match[0])) & vocabulary("stop_words") or " " in match[0]:
            yield match[0]


def _alike(one: str, other: str) -> bool:
    """Whether one name is part of the other: "Kim" of "Kim Jong-un"."""
    a, b = set(words(one)), set(words(other))
    return a <= b or b <= a


def _fullest(name: str, counts: Counter[str]) -> str:
    """The longer name that this one is most often part of, where there is one."""
    within = set(words(name))
    longer = [n for n in counts if within < set(words(n)) and counts[n] * 4 >= counts[name]]
    return max(longer, key=lambda n: counts[n]) if longer else name
