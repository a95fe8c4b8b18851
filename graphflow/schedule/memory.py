"""The memory planner: from sizes and lifetimes to places in one arena."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Sequence
from typing import NamedTuple

ALIGNMENT = 64
"""Every buffer begins at a multiple of this: a cache line, and the widest vector register."""


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

    Buffers whose lifetimes overlap do not overlap in the arena. In order of birth, each one takes
    the smallest hole that holds it (best fit); holes that touch are joined.

    >>> place([64, 64, 64], [Lifetime(0, 1), Lifetime(1, 2), Lifetime(2, 3)])
    ([0, 64, 0], 128)
    """
    arena = _Arena()
    offsets = [0] * len(sizes)
    births = sorted(range(len(sizes)), key=lambda i: (lifetimes[i].first, -sizes[i], i))
    deaths = sorted(range(len(sizes)), key=lambda i: (lifetimes[i].last, i))
    dead = 0
    for i in births:
        while lifetimes[deaths[dead]].last < lifetimes[i].first:
            gone = deaths[dead]
            arena.release(offsets[gone], aligned(sizes[gone]))
            dead += 1
        offsets[i] = arena.take(aligned(sizes[i]))
    return offsets, arena.size


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
