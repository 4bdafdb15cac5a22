"""A second opinion on which blocks of a page are its article: what trafilatura extracts.

The learnt models know the layouts that they were fitted to; trafilatura's rules are of wider
experience, but lose what stands around advertising and above the body. Each has a vote.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from copy import deepcopy
from typing import Any

from index.articles.extraction.blocks import Block

# In log-odds. docs/quality.md has what they gain on pages of other projects, and cost.
_TAKEN = 2.0
_BESIDE = -1.0  # between what it takes, or between the headline and that
_OUTSIDE = -2.0
_SAME = 0.5  # of a block's word 4-grams
_MIN_LENGTH = 40  # characters of a block that tells where the article begins and ends


def extracted_text(tree: Any) -> str:
    """What trafilatura takes for the article, or "" if it fails. The tree stays as it is."""
    from trafilatura import bare_extraction
    from trafilatura.settings import Document

    logging.getLogger("trafilatura").setLevel(logging.CRITICAL)  # the models go on without it
    try:
        # Without favor_precision, a short or empty page yields its menu.
        document = bare_extraction(deepcopy(tree), favor_precision=True, include_comments=False)
    except Exception:  # trafilatura does not catch all errors of strange pages
        logging.getLogger(__name__).debug("trafilatura failed", exc_info=True)
        return ""
    return (document.text or "") if isinstance(document, Document) else ""


def second_opinion(
    blocks: Sequence[Block], shares: Sequence[float], headline: int | None
) -> list[float]:
    """What to add to the log-odds of each block.

    ``shares``: how much of each block trafilatura takes, 0–1. ``headline``: its place, if known.
    """
    taken = [
        at
        for at, (block, share) in enumerate(zip(blocks, shares, strict=True))
        if share > _SAME and len(block.text) > _MIN_LENGTH
    ]
    if not taken:
        return [0.0] * len(blocks)
    first = taken[0] if headline is None else min(headline, taken[0])
    return [
        _TAKEN if share > _SAME else _BESIDE if first < at < taken[-1] else _OUTSIDE
        for at, share in enumerate(shares)
    ]
