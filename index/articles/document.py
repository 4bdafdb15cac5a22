"""What a loader makes of a file."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Document:
    """The text to store and what the file says about it.

    ``fields`` has the known ones of title, source, date, url and language. ``notes`` tell the
    user, in one English sentence each, what could not be read as it is written in the file;
    ``bot/locales`` translates them. ``is_teaser``: a page shows subscribers more than that.
    """

    text: str
    fields: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    is_teaser: bool = field(default=False, repr=False)  # no index depends on it
