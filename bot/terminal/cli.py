"""The command line. Each command imports what it needs, so that all of them start fast."""

from __future__ import annotations

import gc
import sys
from contextlib import closing
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from bot.environment import write_utf8
from bot.terminal.feeds import feed_lines, feeds_app
from bot.terminal.help import Command, Group, usage_error
from bot.terminal.output import localized, print_content, print_json
from bot.terminal.questions.commands import ask, timeline, verify
from bot.terminal.setup import FAILED, WRONG_USAGE, OutcomeAsJson, command_settings
from index.errors import UsageError, VirgoletteError

ArticleName = Annotated[
    str, typer.Argument(help="The article's path, number or title, or words of the title.")
]

app = typer.Typer(
    cls=Group,
    help="Answers questions about a folder of articles with quotations and their source.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

feedback_app = typer.Typer(
    cls=Group,
    help="Feedback on the answers in Telegram.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(feedback_app, name="feedback")
app.add_typer(feeds_app, name="feeds")
command = partial(app.command, cls=Command)


def _print_version(requested: bool) -> None:
    if requested:
        from importlib.metadata import version

        print(f"virgolette {version('virgolette')}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    """Options that need no command."""


def main() -> None:
    """Run a command; an error becomes one line on standard error and an exit code."""
    # Objects that imports create stay for good: with Python's own thresholds (700, 10, 10), a
    # sixth of the start-up time goes into searching them for garbage.
    gc.set_threshold(50_000, 50, 100)
    write_utf8()
    try:
        sys.exit(app(standalone_mode=False))
    except VirgoletteError as error:
        print(f"virgolette: {localized(str(error))}", file=sys.stderr)
        sys.exit(WRONG_USAGE if isinstance(error, UsageError) else FAILED)
    except typer.TyperException as error:
        print(usage_error(error), file=sys.stderr)
        sys.exit(error.exit_code)
    except typer.Abort:  # the input ended where an answer was needed
        sys.exit(FAILED)
    finally:
        gc.freeze()  # otherwise the exit searches all objects once more, for half a second


for function in (ask, timeline, verify):
    command()(function)


@command()
def chat() -> None:
    """Ask and read answers, one after another."""
    from bot.terminal.repl import run_repl

    run_repl(command_settings())


@command()
def index(
    rebuild: Annotated[
        bool, typer.Option(help="Build a new index even if nothing changed.")
    ] = False,
    allow_empty: Annotated[bool, typer.Option(help="Accept a corpus without articles.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
    quiet: Annotated[
        bool, typer.Option(help="Print nothing when nothing changed; with --watch only errors.")
    ] = False,
    wait: Annotated[
        float,
        typer.Option(min=0, help="Seconds to wait for another process that writes (watching: 600)"),
    ] = 0,
    watch: Annotated[
        bool,
        typer.Option(
            help="Go on and follow the corpus and the feeds; --rebuild and --allow-empty hold for "
            "the first run."
        ),
    ] = False,
) -> None:
    """Bring the index up to date with the corpus."""
    settings = command_settings(writes=True)
    if watch:
        from bot.feeds.following import configure_feeds
        from bot.watching import follow

        configure_feeds(settings)
        first = [*["--rebuild"] * rebuild, *["--allow-empty"] * allow_empty]
        feeds = settings.data_dir
        follow(settings.corpus_dir, first, wait, as_json=as_json, quiet=quiet, feeds=feeds)
        return
    from bot.compose import locations, make_embedder
    from bot.terminal.progress import progress_bar
    from bot.terminal.report import report_json, report_lines
    from index.building.sync import sync

    with progress_bar(hidden=as_json) as progress:
        report = sync(
            locations(settings),
            make_embedder(settings),
            rebuild=rebuild,
            allow_empty=allow_empty,
            wait=wait,
            progress=progress,
        )
    if not quiet or not report.unchanged:
        print_content(report_json(report), report_lines(report), as_json)


@command()
def add(
    target: Annotated[str, typer.Argument(metavar="URL|FILE", help="An article to add.")] = "",
    feed: Annotated[
        str, typer.Option(metavar="URL", help="Add every entry of an RSS or Atom feed instead.")
    ] = "",
    title: Annotated[str | None, typer.Option(help="The article's title.")] = None,
    source: Annotated[str | None, typer.Option(help="The outlet that published it.")] = None,
    date: Annotated[str | None, typer.Option(help="The day it is from, YYYY-MM-DD.")] = None,
    url: Annotated[str | None, typer.Option(help="Where it can be read on the web.")] = None,
    language: Annotated[str | None, typer.Option(help="Its language: it, en, …")] = None,
    into: Annotated[str, typer.Option(metavar="FOLDER", help="A folder in the corpus.")] = "",
    as_json: OutcomeAsJson = False,
) -> None:
    """Put an article into the corpus, and index it. Your options override its own metadata."""
    from bot.terminal.maintenance import add_and_index, checked_fields

    if bool(target) == bool(feed):
        raise typer.BadParameter("give the address or the file of one article, or --feed URL")
    if feed and (title or date or url):
        raise typer.BadParameter("--title, --date and --url are of one article, not of a feed")
    fields = checked_fields(title=title, source=source, date=date, url=url, language=language)
    addition = add_and_index(command_settings(writes=True), target, feed, fields, into, as_json)
    print_content(addition.as_json(), addition.lines(), as_json)
    addition.raise_error()


@command()
def remove(article: ArticleName, as_json: OutcomeAsJson = False) -> None:
    """Take an article out of the corpus and of the index. Its file is kept in the data folder."""
    from bot.terminal.maintenance import remove_and_index
    from bot.terminal.report import report_json, report_lines, row

    path, kept, report = remove_and_index(command_settings(writes=True), article)
    content = {"removed": path, "kept": str(kept), "index": report_json(report)}
    print_content(content, [row("→", "kept", str(kept)), *report_lines(report)], as_json)


@command()
def show(article: ArticleName) -> None:
    """Print the stored text of an article: what start and end count in."""
    from bot.status import stored_article

    text = stored_article(command_settings().data_dir, article).text
    if not sys.stdout.isatty():
        sys.stdout.buffer.write(text.encode())
        return
    from rich.console import Console

    from bot.terminal.render import print_article

    print_article(Console(highlight=False), text)


@command()
def history(
    article: ArticleName,
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
) -> None:
    """Show the former versions of an article, and what has changed, word by word."""
    from bot.terminal.corrections.history import show_history

    show_history(command_settings(), article, as_json)


@command()
def status(
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
) -> None:
    """Tell what is indexed, and with which model."""
    from bot.feeds.report import feed_json
    from bot.feeds.store import followed_feeds
    from bot.status import read_status
    from bot.terminal.report import status_lines

    settings = command_settings()
    content, feeds = read_status(settings), followed_feeds(settings.data_dir)
    lines = [*status_lines(content), *(feed_lines(feeds) if feeds else ())]
    print_content({**content, "feeds": list(map(feed_json, feeds))}, lines, as_json)


@command()
def doctor(
    repair: Annotated[bool, typer.Option(help="Do what there is to be done.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
) -> None:
    """Check the index and what it depends on."""
    from bot.terminal.maintenance import examine, finding_line

    findings = examine(command_settings(writes=True), repair=repair)
    sound = not any(finding.trouble for finding in findings)
    content = {"findings": list(map(asdict, findings)), "sound": sound}
    print_content(content, map(finding_line, findings), as_json)
    sys.exit(0 if sound else FAILED)


@command("eval")
def evaluate(
    file: Annotated[
        Path, typer.Argument(help="SQuAD's JSON or lines of JSON: see docs/quality.md.")
    ],
    index_also: Annotated[
        list[Path] | None, typer.Option(help="A SQuAD file whose paragraphs are indexed too.")
    ] = None,
    leave_out: Annotated[
        float, typer.Option(min=0, max=1, help="Share of the texts with an answer not indexed.")
    ] = 0,
    seed: Annotated[int, typer.Option(help="Random seed of --leave-out and --limit.")] = 0,
    limit: Annotated[
        int | None, typer.Option(min=1, help="A random sample of this many questions.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="A folder for figures, picture and questions.")
    ] = None,
    chat: Annotated[bool, typer.Option(help="With VIRGOLETTE_CHAT_MODEL.")] = False,
    fit: Annotated[
        bool,
        typer.Option(
            help="Instead of measuring, fit what chooses and refuses to VIRGOLETTE_EMBEDDING_MODEL."
        ),
    ] = False,
) -> None:
    """Measure how good the answers are, with questions whose answers are known."""
    from bot.terminal import evaluating

    settings = command_settings()
    exam = evaluating.prepared_exam(file, index_also or [], leave_out, seed, limit)
    if fit:
        print(localized(evaluating.fit_weights(settings, exam)))
        return
    folder = evaluating.made_folder(out) if out else None
    evaluation = evaluating.evaluate(settings, exam, chat=chat)
    print("\n".join(evaluation.lines()))
    for warning in evaluating.write_evaluation(evaluation, folder) if folder else ():
        print(f"virgolette: {localized(warning)}", file=sys.stderr, flush=True)


@command()
def invite(
    uses: Annotated[int, typer.Option(min=1, help="How many people it lets in.")] = 1,
    days: Annotated[float, typer.Option(min=0.01, help="Days until it expires.")] = 7,
) -> None:
    """Print an invitation to the Telegram bot, for those who are not listed."""
    from bot.access import Invitations
    from bot.state import FILE, State

    with closing(State(command_settings().data_dir / FILE)) as state:
        print(f"/start {Invitations(state).invite(uses, days)}")


@feedback_app.command("export", cls=Command)
def export_feedback(
    good: Annotated[bool, typer.Option(help="What people found good, instead of bad.")] = False,
) -> None:
    """Print the answers that people marked 👎, as lines that `virgolette eval` reads."""
    from bot.state import FILE, State, voted

    with closing(State(command_settings().data_dir / FILE)) as state:
        for line in voted(state, good=good):
            print_json(line)


@command()
def mcp(
    http: Annotated[
        int | None,
        typer.Option(
            metavar="PORT",
            min=1,
            max=65535,
            help="Serve HTTP on this port of this machine, not stdin and stdout.",
        ),
    ] = None,
) -> None:
    """Let programs ask and verify: serve the Model Context Protocol, read-only."""
    from bot.terminal.mcp import run_mcp

    run_mcp(command_settings(), http)


@command()
def bot() -> None:
    """Run the Telegram bot."""
    from bot.compose import composed
    from bot.telegram.app import run_bot

    settings = command_settings()
    with composed(settings) as parts:
        run_bot(parts, settings)


if __name__ == "__main__":
    main()
