"""The memory planner: from sizes and lifetimes to places in one arena."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

ALIGNMENT = 64
"""Every buffer begins at a multiple of this: a cache line, and the widest vector register."""
PATIENCE = 4096
"""How many buffers are worth the better but slower way of placing them."""


class Lifetime(NamedTuple):
    """The steps during which a value must be kept, first and last included."""

    first: int
    last: int

    def overlaps(self, other: Lifetime) -> bool:
        """Whether there is a step at which both are kept."""
        return self.first <= other.last and other.first <= self.last


def aligned(nbytes: int) -> int:
    """``nbytes`` rounded up to the alignment."""
    return -(-nbytes // ALIGNMENT) * ALIGNMENT


def place(sizes: Sequence[int], lifetimes: Sequence[Lifetime]) -> tuple[list[int], int]:
    """Offsets of buffers in one arena, and the arena's size.

    Buffers whose lifetimes overlap do not overlap in the arena. Up to ``PATIENCE`` buffers are
    placed by size, which comes close to the least that is possible but takes quadratic time; more
    of them in order of birth. Source: Pisarchyk and Lee 2020, greedy by size; best fit.

    >>> place([64, 64, 64], [Lifetime(0, 1), Lifetime(1, 2), Lifetime(2, 3)])
    ([0, 64, 0], 128)
    """
    chosen = place_by_size if len(sizes) <= PATIENCE else place_by_birth
    rounded = [aligned(n) for n in sizes]
    offsets = chosen(rounded, lifetimes)
    return offsets, max((o + n for o, n in zip(offsets, rounded, strict=True)), default=0)


def place_by_size(sizes: Sequence[int], lifetimes: Sequence[Lifetime]) -> list[int]:
    """Offsets, the largest buffer first: each in the smallest gap between those beside it."""
    order = sorted(range(len(sizes)), key=lambda i: (-sizes[i], lifetimes[i].first, i))
    births = np.array([lifetimes[i].first for i in order])
    deaths = np.array([lifetimes[i].last for i in order])
    starts, ends = np.zeros((2, len(order)), np.int64)
    offsets = [0] * len(sizes)
    for k, i in enumerate(order):
        if sizes[i] == 0:
            break
        beside = np.flatnonzero((births[:k] <= deaths[k]) & (deaths[:k] >= births[k]))
        offsets[i] = _smallest_gap(starts[beside], ends[beside], sizes[i])
        starts[k], ends[k] = offsets[i], offsets[i] + sizes[i]
    return offsets


def _smallest_gap(starts: NDArray[np.int64], ends: NDArray[np.int64], size: int) -> int:
    """Where ``size`` bytes fit most tightly between spans in use, or behind the last of them."""
    if not len(starts):
        return 0
    order = np.argsort(starts)
    covered = np.maximum.accumulate(ends[order])
    begins = np.concatenate(([0], covered[:-1]))
    gaps = starts[order] - begins
    wide = np.flatnonzero(gaps >= size)
    return int(begins[wide[np.argmin(gaps[wide])]] if len(wide) else covered[-1])


def place_by_birth(sizes: Sequence[int], lifetimes: Sequence[Lifetime]) -> list[int]:
    """Offsets in order of birth: each buffer in the smallest hole that those before it left.

    Holes that touch are joined. Takes time about linear in the number of buffers.
    """
    arena = _Arena()
    offsets = [0] * len(sizes)
    births = sorted(range(len(sizes)), key=lambda i: (lifetimes[i].first, -sizes[i], i))
    deaths = sorted(range(len(sizes)), key=lambda i: (lifetimes[i].last, i))
    dead = 0
    for i in births:
        while lifetimes[deaths[dead]].last < lifetimes[i].first:
            gone = deaths[dead]
            arena.release(offsets[gone], sizes[gone])
            dead += 1
        offsets[i] = arena.take(sizes[i])
    return offsets


class _Arena:
    """Holes between the buffers in use, by offset and by size."""

    def __init__(self) -> None:
        self.size = 0
        self._by_offset: list[tuple[int, int]] = []
        self._by_size: list[tuple[int, int]] = []

    def take(self, size: int) -> int:
        """The offset of ``size`` free bytes, which are free no longer."""
        if size == 0:
            return 0
        at = bisect_left(self._by_size, (size, 0))
        if at == len(self._by_size):
            return self._grow(size)
        hole, offset = self._by_size[at]
        self._remove(offset, hole)
        if hole > size:
            self._insert(offset + size, hole - size)
        return offset

    def release(self, offset: int, size: int) -> None:
        """Make a hole of these bytes, joined with the holes beside it."""
        if size == 0:
            return
        at = bisect_left(self._by_offset, (offset, 0))
        if at < len(self._by_offset) and self._by_offset[at][0] == offset + size:
            _, after = self._by_offset[at]
            self._remove(offset + size, after)
            size += after
        if at and sum(self._by_offset[at - 1]) == offset:
            start, before = self._by_offset[at - 1]
            self._remove(start, before)
            offset, size = start, size + before
        self._insert(offset, size)

    def _grow(self, size: int) -> int:
        """Room at the end, which begins in the last hole if that one touches the end."""
        start = self.size
        if self._by_offset and sum(self._by_offset[-1]) == self.size:
            start, hole = self._by_offset[-1]
            self._remove(start, hole)
        self.size = start + size
        return start

    def _insert(self, offset: int, size: int) -> None:
        insort(self._by_offset, (offset, size))
        insort(self._by_size, (size, offset))

    def _remove(self, offset: int, size: int) -> None:
        del self._by_offset[bisect_left(self._by_offset, (offset, size))]
        del self._by_size[bisect_left(self._by_size, (size, offset))]
