"""What surrounds a process, where that is not a setting: locale, ``.env``, streams and signals.

It imports nothing that takes time: ``--help`` needs it.
"""

from __future__ import annotations

import io
import os
import signal
import sys
from pathlib import Path

LANGUAGES = ("it", "en")  # of the texts in bot/locales; the first where none is chosen
PREFIX = "VIRGOLETTE_"
ENV_FILE = Path(".env")
TERMINATED = 143  # the exit code after SIGTERM
_LANGUAGE = f"{PREFIX}LANGUAGE"
_NEUTRAL = ("c", "posix")  # locales that name no language


def interface_language() -> str:
    """The language of help, errors and reports: "it" or "en".

    VIRGOLETTE_LANGUAGE decides if it names one; else the locale: LC_ALL, LC_MESSAGES or LANG, the
    first that is set (POSIX, "Environment Variables"), and before them LANGUAGE, a list, unless
    that locale is C (GNU gettext, "The LANGUAGE variable"). A locale in another language, and C,
    mean English; where none is set, it is Italian.
    """
    chosen = os.environ.get(_LANGUAGE) or _from_env_file(_LANGUAGE)
    if chosen in LANGUAGES:
        return chosen
    locale = next(filter(None, map(os.environ.get, ("LC_ALL", "LC_MESSAGES", "LANG"))), "")
    preferred = [] if _code(locale) in _NEUTRAL else os.environ.get("LANGUAGE", "").split(":")
    named = [code for code in map(_code, [*preferred, locale]) if code]
    return next((code for code in named if code in LANGUAGES), "en" if named else LANGUAGES[0])


def in_english() -> dict[str, str]:
    """The environment for a process of ours whose messages a program reads."""
    return {**os.environ, _LANGUAGE: "en"}


def provide_to_libraries() -> None:
    """Put the names of other programs in ``.env`` into the environment, which has precedence.

    The libraries of chat models and of tracing look for their keys only there.
    """
    from dotenv import dotenv_values

    for name, value in dotenv_values(ENV_FILE, encoding="utf-8").items():
        if value and not name.upper().startswith(PREFIX):
            os.environ.setdefault(name, value)


def is_provided(name: str) -> bool:
    """Whether the environment holds a name that a library looks for."""
    return bool(os.environ.get(name, "").strip())


def write_utf8() -> None:
    """Write UTF-8 whatever the locale, with "?" for what cannot be encoded."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # None if it is closed
            stream.reconfigure(encoding="utf-8", errors="replace")


def end_on_sigterm() -> None:
    """Turn SIGTERM into SystemExit, so that unfinished work is rolled back."""

    def end(number: int, _: object) -> None:
        signal.signal(number, signal.SIG_IGN)  # once is enough
        sys.exit(TERMINATED)

    signal.signal(signal.SIGTERM, end)


def _from_env_file(name: str) -> str | None:
    """The value of a name in ``.env``; None if it has none or cannot be read."""
    if not ENV_FILE.is_file():
        return None
    from dotenv import dotenv_values

    try:
        return dotenv_values(ENV_FILE, encoding="utf-8").get(name)
    except (OSError, UnicodeDecodeError):  # read_settings says so
        return None


def _code(locale: str) -> str:
    """The language in the name of a locale, as "it" in "it_IT.UTF-8"."""
    return locale.replace(".", "_").replace("@", "_").partition("_")[0].lower()
