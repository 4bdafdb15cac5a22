"""The frame of all commands that measure against targets."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from benchmarks.corpus import NoDataError
from benchmarks.processes import BenchmarkError
from benchmarks.report import Figure, write_section

FAILED, WRONG_USAGE = 1, 2

Measure = Callable[[Path], tuple[Sequence[Figure], str]]


def printed(measures: Iterable[Iterable[Figure]]) -> Iterator[Figure]:
    """The figures, each printed as soon as it is known: a full run takes long."""
    for figures in measures:
        for figure in figures:
            print(figure.row(), flush=True)
            yield figure


def run_command(measure: Measure, section: str, title: str, *, write: bool) -> int:
    """Measure in a new folder, print, and write if asked; the exit code: 1 if a target is failed.

    ``measure`` returns the figures and the report on them, in Markdown.
    """
    try:
        with tempfile.TemporaryDirectory(prefix="virgolette-bench-") as work:
            figures, report = measure(Path(work))
    except NoDataError as error:
        print(error, file=sys.stderr)
        return WRONG_USAGE
    except BenchmarkError as error:
        print(error, file=sys.stderr)
        return FAILED
    print(f"\n{report}")
    if write:
        write_section(section, f"## {title}\n\n{report}")
    failed = [figure.name for figure in figures if figure.met is False]
    print(f"Targets failed: {'; '.join(failed) or 'none'}")
    return FAILED if failed else 0
