"""Finds near-duplicates: the same agency text in several outlets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from index.text.words import words

PERMUTATIONS = 128
_BANDS = 16  # of 8 permutations each: they find pairs from a similarity of about 0.7
_MIN_SIMILARITY = 0.7  # of the shingles of two texts that are the same agency text
_SHINGLE = 3  # words
_MAX_HASH = 2**64 - 1

Signatures = NDArray[np.uint32]


def signature(text: str) -> Signatures:
    """The MinHash of a text's shingles, shape (PERMUTATIONS,).

    Source: Broder, "On the resemblance and containment of documents" (1997).
    """
    tokens = words(text)
    count = max(len(tokens) - _SHINGLE + 1, 1)
    shingles = {" ".join(tokens[start : start + _SHINGLE]) for start in range(count)}
    digests = b"".join(blake2b(shingle.encode(), digest_size=8).digest() for shingle in shingles)
    hashes = np.frombuffer(digests, "<u8")
    factors, terms = _permutations()
    smallest = np.full(PERMUTATIONS, _MAX_HASH, np.uint64)
    for start in range(0, len(hashes), 1000):  # a text may be a book
        permuted = factors * hashes[start : start + 1000, None] + terms
        smallest = np.minimum(smallest, permuted.min(axis=0))
    return (smallest >> np.uint64(32)).astype(np.uint32)


def families(signatures: Signatures) -> list[list[int]]:
    """Groups of rows that are near-duplicates of each other, directly or through others.

    ``signatures`` has the shape (texts, PERMUTATIONS). Rows without a twin are left out.
    """
    parents = list(range(len(signatures)))
    for left, right in _candidates(signatures):
        a, b = _root(parents, left), _root(parents, right)
        if a != b and np.mean(signatures[left] == signatures[right]) >= _MIN_SIMILARITY:
            parents[max(a, b)] = min(a, b)
    members: dict[int, list[int]] = {}
    for row in range(len(signatures)):
        members.setdefault(_root(parents, row), []).append(row)
    return [rows for rows in members.values() if len(rows) > 1]


def _candidates(signatures: Signatures) -> Iterator[tuple[int, int]]:
    """Pairs of rows with a common band (locality-sensitive hashing)."""
    width = PERMUTATIONS // _BANDS
    for start in range(0, PERMUTATIONS, width):
        band = np.ascontiguousarray(signatures[:, start : start + width])
        keys = band.view(f"V{width * 4}").ravel()
        order = np.argsort(keys, kind="stable")
        same = keys[order[1:]] == keys[order[:-1]]
        for position in np.flatnonzero(same):
            yield int(order[position]), int(order[position + 1])


def _root(parents: Sequence[int], row: int) -> int:
    while parents[row] != row:
        row = parents[row]
    return row


@cache
def _permutations() -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """The factors and terms of multiply-add hashing modulo 2**64. Stored signatures need them.

    Source: Dietzfelbinger, "Universal hashing and k-wise independent random variables via
    integer arithmetic without primes" (1996). datasketch's MinHash imports scipy.stats, which
    takes a second in each run.
    """
    drawn = np.random.default_rng(1).integers(0, _MAX_HASH, (2, PERMUTATIONS), np.uint64)
    return drawn[0] | np.uint64(1), drawn[1]
