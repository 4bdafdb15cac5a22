"""What a chat model made of the questions of an exam: what was shown, and what was not."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterator, Sequence

from retrieval.evaluation.outcomes import Outcome


def writing_lines(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """A table: claims made, shown and dropped, answers without any, how claims are held."""
    asked = [one for one in outcomes if not one.refused]
    shown = sum(one.claims for one in asked)
    dropped = Counter(fault for one in asked for fault in one.dropped)
    yield f"  {'claims made':<36} {shown + dropped.total()}"
    yield f"  {'claims shown':<36} {shown}"
    for fault, count in dropped.most_common():
        yield f"  {f'dropped: {fault}':<36} {count}"
    fallbacks = Counter(one.fallback for one in asked if one.fallback)
    yield f"  {'answers written':<36} {sum(one.claims > 0 for one in asked)} of {len(asked)}"
    for fallback, count in fallbacks.most_common():
        yield f"  {f'without the model: {fallback}':<36} {count}"
    support = [cosine for one in asked for cosine in one.support]
    if support:
        told = f"{statistics.median(support):.3f}, lowest {min(support):.3f}"
        yield f"  {'cosine of claim and quotation':<36} {told}"
    yield f"  {'false quotations shown':<36} {sum(one.false for one in outcomes)}"
