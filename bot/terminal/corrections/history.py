"""`virgolette history`: the former versions of an article, and what has changed."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console
from rich.text import Text

from bot.corrections.changes import Kind, Part
from bot.corrections.record import Record, moment_of, record_of, state_lines, version_changes
from bot.locales import Texts, texts_for
from bot.settings import Settings
from bot.status import stored_article
from bot.terminal.output import print_json
from bot.terminal.render import print_lines
from index.articles.versions.history import History
from index.errors import VirgoletteError
from index.text.clean import printable

_STYLES = {Kind.SAME: "", Kind.REMOVED: "red strike", Kind.ADDED: "green"}
_MARKS = {Kind.SAME: "{}", Kind.REMOVED: "[-{}-]", Kind.ADDED: "{{+{}+}}"}  # as wdiff writes them


def show_history(settings: Settings, name: str, as_json: bool) -> None:
    """Print the history of an article. Raises VirgoletteError if nothing fits the name."""
    record = _record(settings, name)
    if as_json:
        print_json(record.as_json())
        return
    console = Console(highlight=False)
    say = texts_for(settings.language)
    print_lines(console, _lines(record, settings, say, is_terminal=console.is_terminal))


def _record(settings: Settings, name: str) -> Record:
    try:
        article = stored_article(settings.data_dir, name)
    except VirgoletteError:
        if not History(settings.data_dir).versions(name):
            raise
        return record_of(settings.data_dir, name, None)  # it was removed
    return record_of(settings.data_dir, article.path, article)


def _lines(
    record: Record, settings: Settings, say: Texts, *, is_terminal: bool
) -> Iterator[tuple[int, str, Text]]:
    title = f"{record.article.title} ({record.path})" if record.article else record.path
    yield 2, "", Text(printable(title), style="bold")
    if record.article is None:
        yield 2, "", Text(say("chat.not_indexed"))
    for line in state_lines(settings.data_dir, record.path, say):
        yield 2, "", Text(line)
    if not record.versions:
        yield 2, "", Text(say("chat.no_versions"))
    for version, after in record.steps():
        yield 0, "", Text()
        yield 2, "", Text(say("chat.until", moment=moment_of(version.until, say)), style="dim")
        found = list(version_changes(version, after))
        for change in found:
            yield 4, "~ ", _change(change, is_terminal=is_terminal)
        if after and not found:
            yield 4, "", Text(say("chat.only_marks"))


def _change(change: list[Part], *, is_terminal: bool) -> Text:
    """A change in a line: in colours on a terminal, elsewhere between marks."""
    if is_terminal:
        parts = [Text(printable(part.text), style=_STYLES[part.kind]) for part in change]
    else:
        parts = [Text(_MARKS[part.kind].format(printable(part.text))) for part in change]
    return Text().join(parts)
