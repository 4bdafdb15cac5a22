"""`virgolette feeds`: the feeds that are followed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bot.terminal.help import Command, Group
from bot.terminal.output import localized, print_content
from bot.terminal.report import row, table
from bot.terminal.setup import FAILED, OutcomeAsJson, command_settings
from index.errors import BusyError, FetchError, UsageError
from index.text.clean import printable

if TYPE_CHECKING:
    from bot.feeds.store import Feed
    from bot.feeds.visits import Visit
    from bot.settings import Settings
    from index.articles.add import AddResult

_ARRIVAL = (
    "its articles come with virgolette feeds fetch, or by themselves while virgolette bot or "
    "virgolette index --watch runs"
)
FeedName = Annotated[str, typer.Argument(help="The feed's address or number.")]

feeds_app = typer.Typer(
    cls=Group,
    help="The feeds that are followed: lists them with their state, if no command is given.",
    invoke_without_command=True,
    rich_markup_mode=None,
)
command = partial(feeds_app.command, cls=Command)


@feeds_app.callback()
def list_feeds(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
) -> None:
    """List the feeds."""
    if context.invoked_subcommand is not None:
        return
    from bot.feeds.report import feed_json
    from bot.feeds.store import followed_feeds

    feeds = followed_feeds(_settings().data_dir)
    print_content({"feeds": list(map(feed_json, feeds))}, feed_lines(feeds), as_json)


@command("add")
def add_feed(
    url: Annotated[str, typer.Argument(metavar="URL", help="The address of an RSS or Atom feed.")],
    into: Annotated[str, typer.Option(metavar="FOLDER", help="A folder in the corpus.")] = "",
    as_json: OutcomeAsJson = False,
) -> None:
    """Follow a feed: `virgolette bot` and `virgolette index --watch` fetch its articles."""
    from bot.feeds.following import feed_visitor
    from bot.feeds.report import feed_json
    from bot.feeds.store import checked_address
    from index.articles.add import checked_folder

    settings = _settings()
    checked_folder(settings.corpus_dir, into)
    with feed_visitor(settings) as visitor:
        feed, sign, kind = visitor.store.find(url), "=", "there"
        if feed is None or feed.ended:
            title = visitor.check(checked_address(url)).title
            feed, sign, kind = visitor.store.add(url, into, title=title), "+", "added"
    lines = [row(sign, kind, f"{feed.name} ({feed.url})")]
    lines += [localized(_ARRIVAL)] * (kind == "added")
    print_content({kind: feed_json(feed)}, lines, as_json)


@command("remove")
def remove_feed(feed: FeedName, as_json: OutcomeAsJson = False) -> None:
    """Follow a feed no more. Its articles stay in the corpus."""
    from bot.feeds.report import feed_json
    from bot.feeds.store import feed_store

    settings = _settings()
    with feed_store(settings.data_dir) as store:
        known = store.find(feed)
        if known is None:
            raise UsageError(f"no feed {feed} is followed: virgolette feeds lists them")
        if known.configured and settings.feeds:
            raise UsageError(f"{known.url} is in VIRGOLETTE_FEEDS: take it out there")
        store.remove(known)
    lines = [row("-", "removed", f"{known.name} ({known.url})")]
    print_content({"removed": feed_json(known)}, lines, as_json)


@command("import")
def import_feeds(
    file: Annotated[Path, typer.Argument(help="An OPML file, or one address on each line.")],
    as_json: OutcomeAsJson = False,
) -> None:
    """Follow all feeds of a list, as other programs export it."""
    from bot.feeds.lists import addresses_in
    from bot.feeds.store import feed_store

    outcome: dict[str, list[Any]] = {"added": [], "known": [], "failed": []}
    addresses = addresses_in(file)
    with feed_store(_settings().data_dir) as store:
        for address in addresses:
            try:
                known = store.find(address)
                store.add(address)
                is_known = known is not None and not known.ended
                outcome["known" if is_known else "added"].append(address)
            except FetchError as error:
                outcome["failed"].append({"origin": address, "reason": str(error)})
    reasons = [localized(failed["reason"]) for failed in outcome["failed"]]
    kinds = (("+", "added", outcome["added"]), ("=", "there", outcome["known"]))
    print_content(outcome, table((*kinds, ("!", "failed", reasons))), as_json)


@command("export")
def export_feeds() -> None:
    """Print the feeds as an OPML file, which other programs import."""
    from bot.feeds.lists import opml
    from bot.feeds.store import followed_feeds

    print(opml(followed_feeds(_settings().data_dir)), end="")


@command("fetch")
def fetch_feeds(
    due: Annotated[bool, typer.Option("--due", help="Only those that are due by now.")] = False,
    index: Annotated[
        bool, typer.Option(help="Bring the index up to date if there are new articles.")
    ] = True,
    quiet: Annotated[bool, typer.Option(help="Print nothing where nothing is new.")] = False,
    as_json: OutcomeAsJson = False,
) -> None:
    """Visit the feeds now and add their new articles."""
    from bot.feeds.report import results_json, visit_json
    from bot.terminal.report import report_json, report_lines

    settings = _settings(writes=True)
    try:
        visits, revisited = _visits(settings, only_due=due)
    except BusyError:
        if due:  # what is due, the other process fetches
            return
        raise
    results = [*(r for visit in visits for r in visit.results), *revisited]
    is_new = any(result.state in ("added", "changed") for result in results)
    report = None
    if index and is_new:
        from bot.terminal.maintenance import update_index

        report = update_index(settings, hide_progress=as_json)
    news = [result for result in revisited if result.state != "unchanged"]
    if not quiet or news or any(visit.is_news for visit in visits):
        content = {
            "feeds": list(map(visit_json, visits)),
            "revisited": results_json(revisited),
            "index": report_json(report) if report else None,
        }
        added = {str(result.path) for result in results}
        lines = [line for visit in visits for line in _visit_lines(visit)]
        lines += [localized("articles looked at again:"), *table(_kinds(news))] if news else []
        lines += [*report_lines(report, added)] if report else []
        print_content(content, lines or _none_lines(settings), as_json)
    if visits and not due and all(visit.feed.error for visit in visits):
        raise typer.Exit(FAILED)


def feed_lines(feeds: list[Feed]) -> Iterator[str]:
    """The feeds with their state, one below the other."""
    from bot.feeds.report import health

    if not feeds:
        yield localized("no feed is followed: virgolette feeds add URL")
    for feed in feeds:
        state, *wrong = map(localized, health(feed))
        yield f"{feed.number}. {printable(feed.title)} {feed.url}".replace("  ", " ")
        yield f"     {state}"
        yield from (f"   ! {reason}" for reason in wrong)


def _settings(*, writes: bool = False) -> Settings:
    """The settings; the feeds that they name are followed from now on.

    Where they name none, the bot may run with others: nothing changes.
    """
    from bot.feeds.following import configure_feeds

    settings = command_settings(writes=writes)
    if settings.feeds:
        configure_feeds(settings)
    return settings


def _visits(settings: Settings, *, only_due: bool) -> tuple[list[Visit], list[AddResult]]:
    """The visits to feeds, and what became of the articles that are looked at again."""
    from bot.feeds.following import feed_visitor
    from bot.feeds.visits import visiting

    with feed_visitor(settings) as visitor, visiting(settings.data_dir):
        return visitor.visit_all(only_due=only_due), visitor.revisit()


def _visit_lines(visit: Visit) -> Iterator[str]:
    """What a visit did: the feed, then a table."""
    feed = visit.feed
    yield f"{printable(feed.name)}:"
    lines = list(table(_kinds(visit.results, visit.notes, [feed.error] * bool(feed.error))))
    yield from lines or [row("=", "", localized("nothing new"))]


def _kinds(
    results: Sequence[AddResult], notes: Sequence[str] = (), errors: Sequence[str] = ()
) -> Iterator[tuple[str, str, list[str]]]:
    """The rows of a table of what became of articles."""
    signs = {"added": "+", "changed": "~", "withdrawn": "-", "known": "="}
    for state, sign in signs.items():
        paths = [str(result.path) for result in results if result.state == state]
        yield sign, "there" if state == "known" else state, paths
    own = [f"{r.path}: {localized(note)}" for r in results for note in r.notes]
    yield "?", "note", [*map(localized, notes), *own]
    reasons = [str(result.reason) for result in results if result.state == "failed"]
    yield "!", "failed", [localized(reason) for reason in (*errors, *reasons)]


def _none_lines(settings: Settings) -> list[str]:
    from bot.feeds.store import followed_feeds

    feeds = followed_feeds(settings.data_dir)
    return [localized("no feed is due")] if feeds else list(feed_lines(feeds))
