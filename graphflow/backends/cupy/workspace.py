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
    """As large as the operation needs it that needs most: they run on one stream. They say what
    they need when they are bound, and are given it when they first run.
    """

    def __init__(self, xp: Namespace) -> None:
        self._xp, self._most = xp, 0
        self._memory: Array = xp.empty(0, np.uint8)

    def reserve(self, wanted: Sequence[Room], more: int) -> None:
        """There will be room for arrays of one operation, and for ``more`` bytes."""
        self._most = max(self._most, _starts(wanted)[-1] + more)

    def rooms(self, wanted: Sequence[Room]) -> tuple[list[Array], Array]:
        """Arrays for one operation, to which others may write between two of its runs, and the
        bytes behind them.
        """
        if self._most > self._memory.size:
            self._memory = self._xp.empty(self._most, np.uint8)
        starts = _starts(wanted)
        found = [
            self._seen(self._memory[start : start + _bytes(room)], *room)
            for start, room in zip(starts, wanted, strict=False)
        ]
        return found, self._memory[starts[-1] :]

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


def _starts(wanted: Sequence[Room]) -> list[int]:
    """Where rooms begin, one behind the other, and where they end."""
    starts = [0]
    for room in wanted:
        starts.append(starts[-1] + -(-_bytes(room) // ALIGNMENT) * ALIGNMENT)
    return starts


def _bytes(room: Room) -> int:
    shape, strides, dtype = room
    return _reach(shape, strides) * dtype.itemsize


def _reach(shape: Sizes, strides: Strides) -> int:
    if 0 in shape:
        return 0
    return 1 + sum((n - 1) * stride for n, stride in zip(shape, strides, strict=True))
