"""Memory that the operations of a plan use one after the other, besides operands and results."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from graphflow.backends.cuda import Operand
from graphflow.backends.cuda.arrays import Strides, row_by_row
from graphflow.backends.described import Sizes
from graphflow.ops.op import Array, Namespace

BOUNDARY = 16
"""Bytes that are read or written at once lie on such a boundary."""
ALIGNMENT = 256
"""Bytes on whose boundaries pieces of the memory begin."""
Room = tuple[Sizes, Strides, np.dtype[np.generic]]
"""An array to be made: its shape, its strides in elements, its number type."""


class Workspace:
    """As large as the operation needs it that needs most: they run on one stream."""

    def __init__(self, xp: Namespace) -> None:
        self._xp = xp
        self._memory: Array = xp.empty(0, np.uint8)

    def bytes(self, count: int) -> Array:
        """So many bytes, which others may write to between two runs of an operation."""
        if count > self._memory.size:
            self._memory = self._xp.empty(count, np.uint8)
        return self._memory[:count]

    def rooms(self, wanted: Sequence[Room], more: int = 0) -> tuple[list[Array], Array]:
        """Arrays for one operation, and ``more`` bytes that overlap none of them."""
        sizes = [_reach(shape, strides) * dtype.itemsize for shape, strides, dtype in wanted]
        starts = [0]
        for size in sizes:
            starts.append(starts[-1] + -(-size // ALIGNMENT) * ALIGNMENT)
        memory = self.bytes(starts[-1] + more)
        found = [
            self._seen(memory[start : start + size], *room)
            for start, size, room in zip(starts, sizes, wanted, strict=False)
        ]
        return found, memory[starts[-1] :]

    def _seen(
        self, memory: Array, shape: Sizes, strides: Strides, dtype: np.dtype[np.generic]
    ) -> Array:
        apart = tuple(stride * dtype.itemsize for stride in strides)
        seen: Array = self._xp.lib.stride_tricks.as_strided(memory.view(dtype), shape, apart)
        return seen


def room(x: Array, strides: Strides) -> Room:
    """One for an array's numbers, whose neighbours lie so many elements apart."""
    return x.shape, strides, x.dtype


def packed_rows(x: Array) -> Operand:
    """How a result lies: row by row, on a boundary."""
    return Operand(row_by_row(x.shape), True)


def lies(x: Array, how: Operand) -> bool:
    """Whether an array lies in memory as an operation expects it."""
    if how.packed and x.data.ptr % BOUNDARY:  # type: ignore[attr-defined]  # CuPy has it
        return False
    axes = zip(x.shape, x.strides, how.strides, strict=True)
    return not x.size or all(n == 1 or a == b * x.itemsize for n, a, b in axes)


def overlap(x: Array, y: Array) -> bool:
    """Whether two arrays begin in the same place: those of a plan lie side by side or so."""
    return bool(x.size and y.size and x.data.ptr == y.data.ptr)  # type: ignore[attr-defined]


def _reach(shape: Sizes, strides: Strides) -> int:
    if 0 in shape:
        return 0
    return 1 + sum((n - 1) * stride for n, stride in zip(shape, strides, strict=True))
