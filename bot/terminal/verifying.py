"""`virgolette verify`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager

from rich.console import Console

from bot.compose import chroma_server
from bot.locales import Texts, texts_for
from bot.settings import Settings
from bot.terminal.output import print_json
from bot.terminal.progress import spinner
from bot.terminal.render import print_verification
from index.generations.current import CurrentIndex
from retrieval.verifying.verification import verify_in


def verify_sentence(settings: Settings, sentence: str, as_json: bool) -> None:
    """Print whether a sentence is in the articles. Raises ClaimError."""
    say = texts_for(settings.language)
    with searching(settings, say, as_json) as index:
        outcome = verify_in(index, sentence)
    if as_json:
        print_json(outcome.as_json())
    else:
        print_verification(Console(), outcome, say)


@contextmanager
def searching(settings: Settings, say: Texts, as_json: bool) -> Iterator[CurrentIndex]:
    """The index, and a spinner that says that it is searched."""
    with (
        spinner(hidden=as_json) as spin,
        closing(CurrentIndex(settings.data_dir, chroma_server(settings))) as index,
    ):
        spin.update(say("answer.searching"))
        yield index
