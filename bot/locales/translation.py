"""Translates the English sentences of help, errors and reports.

They are in the code, in English, where they are raised: files, logs and JSON keep them so. The
file of another language has a translation for each, by its template, as gettext's catalogues do:
``{name}`` stands for a value. The values of ``_SENTENCES`` are sentences in turn.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from string import Formatter

_SENTENCES = ("error", "state", "formats")  # values that are translated, too


def translated(text: str, language: str) -> str:
    """An English text in this language; the text itself where there is no translation."""
    if language == "en" or not text:
        return text
    catalogue = _catalogue(language)
    if text in catalogue:
        return catalogue[text]
    fitting = [(t, values) for t in catalogue if (values := values_in(t, text)) is not None]
    if not fitting:
        return text
    template, values = min(fitting, key=lambda fit: _looseness(*fit))
    return catalogue[template].format_map(
        {n: translated(v, language) if n in _SENTENCES else v for n, v in values.items()}
    )


def _looseness(template: str, values: dict[str, str]) -> tuple[int, int]:
    """How late in the text the words of a template begin; then how few they are.

    Sentences stand at the end of others: the outer one begins first.
    """
    literals, names = _parts(template)
    return 0 if literals[0] else len(values[names[0]]), -len("".join(literals))


def values_in(template: str, text: str) -> dict[str, str] | None:
    """What the names in a template stand for in a text; None if it is not made from it.

    Between two names there must be something else.
    """
    literals, names = _parts(template)
    first, last = literals[0], literals[-1]
    fits = text.startswith(first) and text.endswith(last)
    if not names or not fits or len(text) < len(first) + len(last):
        return None
    values, rest = {}, text[len(first) : len(text) - len(last)]
    for literal, name in zip(literals[1:-1], names, strict=False):
        values[name], found, rest = rest.partition(literal)
        if not found:
            return None
    return {**values, names[-1]: rest}


@cache
def _parts(template: str) -> tuple[list[str], list[str]]:
    """What stands before, between and after the names of a template; the names."""
    parsed = [(literal, name) for literal, name, *_ in Formatter().parse(template)]
    names = [name for _, name in parsed if name is not None]
    return [literal for literal, _ in parsed] + [""] * (len(names) == len(parsed)), names


@cache
def _catalogue(language: str) -> dict[str, str]:
    """Translations by English templates."""
    import tomllib

    file = Path(__file__).with_name(f"{language}_translations.toml")
    sections = tomllib.loads(file.read_text(encoding="utf-8"))
    return {english: other for named in sections.values() for english, other in named.items()}
