"""How well the quotations of drafts are found and judged.

``python -m benchmarks.drafts [DRAFT …]`` checks the marked drafts of ``tests/gold/drafts``, or the
named ones, against the index of ``corpus/`` and prints figures and errors.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.settings import read_settings
from index.generations.current import CurrentIndex
from index.generations.generation import Generation
from retrieval.verifying.drafts.outcome import NOT_JUDGED, Checked
from retrieval.verifying.drafts.reading import Draft
from retrieval.verifying.drafts.review import review
from retrieval.verifying.outcome import Verdict

GOLD = Path(__file__).parent.parent / "tests" / "gold" / "drafts"
OTHER = "other"  # marks that mark no quotation: inches, apostrophes
_SAME_WORDS = (Verdict.VERBATIM, Verdict.PUNCTUATION)


@dataclass(frozen=True)
class Judged:
    """What is marked at a span of a draft, and what is found there; None where there is nothing."""

    draft: str
    mark: dict[str, Any] | None
    checked: Checked | None

    @property
    def expected(self) -> str:
        """The verdict that is marked."""
        return str((self.mark and self.mark["verdict"]) or NOT_JUDGED)

    @property
    def right(self) -> bool:
        """Whether the verdict is the marked one. A title or a term may be in an article."""
        if self.mark is None or self.checked is None:
            return False
        verdict, same = self.checked.verdict, _SAME_WORDS
        both = self.expected in (*same, NOT_JUDGED) and verdict in same
        return verdict == self.expected or both


def judged(names: Sequence[str], generation: Generation) -> Iterator[Judged]:
    """Every span of the drafts that is marked, or found."""
    lines = (GOLD / "marks.jsonl").read_text(encoding="utf-8").splitlines()
    marks = [mark for mark in map(json.loads, lines) if mark["kind"] != OTHER]
    for name in names:
        text = (GOLD / f"{name}.txt").read_text(encoding="utf-8")
        checked = {(c.start, c.end): c for c in review(Draft(text, 0), generation).quotations}
        marked = {(m["start"], m["end"]): m for m in marks if m["draft"] == f"{name}.txt"}
        for span in sorted(checked.keys() | marked.keys()):
            yield Judged(name, marked.get(span), checked.get(span))


def figures(results: Sequence[Judged]) -> tuple[float, float, float]:
    """Precision and recall of finding; the share of right verdicts on what is marked."""
    both = sum(1 for result in results if result.mark and result.checked)
    marked = sum(1 for result in results if result.mark)
    found = sum(1 for result in results if result.checked)
    return both / found, both / marked, sum(result.right for result in results) / marked


def main() -> None:
    """Print the figures, and what is wrong."""
    names = sys.argv[1:] or sorted(file.stem for file in GOLD.glob("*.txt"))
    with (
        closing(CurrentIndex(read_settings().data_dir)) as index,
        index.reading() as generation,
    ):
        if generation is None:
            sys.exit("there is no index yet: run virgolette index")
        results = list(judged(names, generation))
    for result in results:
        if not result.right:
            print(_line(result))
    print("precision {:.3f}, recall {:.3f}, verdicts {:.3f}".format(*figures(results)))


def _line(result: Judged) -> str:
    mark, checked = result.mark, result.checked
    text = checked.text if checked else str(mark and mark["text"])
    got = checked.verdict if checked else "missed"
    return f"{result.draft}: {result.expected if mark else 'nothing'} → {got}: {text[:70]!r}"


if __name__ == "__main__":
    main()
