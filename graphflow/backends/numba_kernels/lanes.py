"""Numbers that follow each other, moved in rows of ``LANES``."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from graphflow.backends.llvm.words import LANES, Reals, apart, copy_lanes

BITS: Mapping[int, np.dtype[np.generic]] = {4: np.dtype(np.int32), 8: np.dtype(np.int64)}
"""What is only copied is copied as integers of its size, so that few loops are compiled."""


@apart
def copy_few(target: Reals, to: int, source: Reals, at: int, count: int) -> None:
    """Copy fewer than ``LANES`` numbers, one by one."""
    for c in range(count):
        target[to + c] = source[at + c]


def move(target: Reals, to: int, source: Reals, at: int, count: int) -> None:
    """Copy ``count`` numbers."""
    whole = count // LANES * LANES
    for c in range(0, whole, LANES):
        copy_lanes(target, to + c, source, at + c)
    copy_few(target, to + whole, source, at + whole, count - whole)


def spill(target: Reals, to: int, source: Reals, at: int, count: int, length: int) -> None:
    """The same from a source of ``length`` numbers, where up to ``LANES`` numbers behind may be
    overwritten.
    """
    for c in range(0, count, LANES):
        if at + c + LANES <= length:
            copy_lanes(target, to + c, source, at + c)
        else:
            copy_few(target, to + c, source, at + c, count - c)


def add(target: Reals, to: int, source: Reals, at: int, count: int) -> None:
    """Add ``count`` numbers to others."""
    half = LANES // 2
    whole = count // half * half
    for c in range(0, whole, half):
        for e in range(c, c + half):
            target[to + e] += source[at + e]
    for e in range(whole, count):
        target[to + e] += source[at + e]
