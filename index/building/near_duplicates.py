"""Near-duplicates: the same agency text in several outlets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from index.text.words import words

PERMUTATIONS = 128
BANDS = 16  # of 8 permutations each: pairs from a similarity of about 0.7 are found
ALIKE = 0.7  # of the shingles of both, from which two texts are the same agency text
SHINGLE = 3  # words
_LARGEST = 2**64 - 1

Signatures = NDArray[np.uint32]


def signature(text: str) -> Signatures:
    """The MinHash of a text's shingles, shape (PERMUTATIONS,).

    Source: Broder, "On the resemblance and containment of documents" (1997).
    """
    found = words(text)
    last = max(len(found) - SHINGLE + 1, 1)
    shingles = {" ".join(found[at : at + SHINGLE]) for at in range(last)}
    digests = b"".join(blake2b(one.encode(), digest_size=8).digest() for one in shingles)
    hashes = np.frombuffer(digests, "<u8")
    factors, terms = _permutations()
    smallest = np.full(PERMUTATIONS, _LARGEST, np.uint64)
    for start in range(0, len(hashes), 1000):  # of a book, too, some at a time
        permuted = factors * hashes[start : start + 1000, None] + terms
        smallest = np.minimum(smallest, permuted.min(axis=0))
    return (smallest >> np.uint64(32)).astype(np.uint32)


def families(signatures: Signatures) -> list[list[int]]:
    """Which rows are near-duplicates of each other, directly or by way of others.

    ``signatures`` has the shape (texts, PERMUTATIONS). Rows without a twin are left out.
    """
    parents = list(range(len(signatures)))
    for one, other in _candidates(signatures):
        a, b = _root(parents, one), _root(parents, other)
        if a != b and np.mean(signatures[one] == signatures[other]) >= ALIKE:
            parents[max(a, b)] = min(a, b)
    members: dict[int, list[int]] = {}
    for row in range(len(signatures)):
        members.setdefault(_root(parents, row), []).append(row)
    return [rows for rows in members.values() if len(rows) > 1]


def _candidates(signatures: Signatures) -> Iterator[tuple[int, int]]:
    """Pairs of rows that have a whole band in common (locality-sensitive hashing)."""
    width = PERMUTATIONS // BANDS
    for start in range(0, PERMUTATIONS, width):
        band = np.ascontiguousarray(signatures[:, start : start + width])
        keys = band.view(f"V{width * 4}").ravel()
        order = np.argsort(keys, kind="stable")
        same = keys[order[1:]] == keys[order[:-1]]
        for at in np.flatnonzero(same):
            yield int(order[at]), int(order[at + 1])


def _root(parents: Sequence[int], row: int) -> int:
    while parents[row] != row:
        row = parents[row]
    return row


@cache
def _permutations() -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """The factors and terms of multiply-add hashing, modulo 2**64: the same for ever.

    Source: Dietzfelbinger, "Universal hashing and k-wise independent random variables via
    integer arithmetic without primes" (1996). datasketch has MinHash too, but imports
    scipy.stats for it: a second at every run.
    """
    drawn = np.random.default_rng(1).integers(0, _LARGEST, (2, PERMUTATIONS), np.uint64)
    return drawn[0] | np.uint64(1), drawn[1]
