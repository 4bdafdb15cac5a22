"""One name for an outlet, however its pages spell it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence

from index.text.language import alternatives, vocabulary

_SEPARATOR = r"\s+[-–—|·•:»]+\s+"  # between a title and what pages append to it


def outlet_name(names: Sequence[str], titles: Sequence[str], host: str) -> str:
    """The name of the outlet of a page, "" if it gives none.

    ``names`` are those that the page gives, the most reliable first; ``titles`` may end with one.
    A name that is the site's host with an article, a domain or a channel ("la Repubblica",
    "Repubblica.it", "Repubblica Tv" on repubblica.it) loses these, begins with a capital and is
    spelt as where it has the most words. Any other name stays: one site may have several outlets.
    """
    if not names:
        return ""
    core = _core(names[0], host)
    if not core:
        return names[0]
    spelt = [*names, *(part for title in titles for part in re.split(_SEPARATOR, title))]
    cores = (_core(name, host) for name in spelt)
    fullest = max((one for one in cores if letters(one) == letters(core)), key=_words)
    return fullest[0].upper() + fullest[1:]


def without_outlet(title: str, outlet: str, host: str) -> str:
    """The title without the outlet's name that many pages append."""
    for match in re.finditer(_SEPARATOR, title) if outlet else ():
        end = title[match.end() :]
        if letters(outlet) in (letters(end), letters(_core(end, host))) and title[: match.start()]:
            return title[: match.start()]
    return title


def letters(name: str) -> str:
    """The letters and digits of a name, without case and accents: what makes it the same."""
    plain = unicodedata.normalize("NFKD", name.casefold())
    return "".join(character for character in plain if character.isalnum())


def _core(name: str, host: str) -> str:
    """The part of a name that is the site's host; "" where the name says more than that."""
    labels = host.split(".")
    for form in _forms(name, labels):
        parts = form.split()
        for end in range(len(parts), 0, -1):
            channels = {letters(part) for part in parts[end:]} - vocabulary("outlet_channels")
            if not channels and letters("".join(parts[:end])) in labels[:-1]:
                return " ".join(parts[:end])
    return ""


def _forms(name: str, labels: Sequence[str]) -> Iterator[str]:
    """The name without "www." and its domain; then without its article too."""
    name = re.sub(r"^www\.", "", name, flags=re.IGNORECASE)
    for domain in (".".join(["", *labels[-2:]]), f".{labels[-1]}"):
        if len(domain) > 1 and name.casefold().endswith(domain):
            name = name[: -len(domain)]
    yield name
    yield re.sub(rf"^{alternatives('article')}(?:\s+|(?<=[’']))", "", name, flags=re.IGNORECASE)


def _words(name: str) -> int:
    return len(name.split())
