"""Images as compiled loops take them: flat arrays in which channels lie next to each other."""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
from numba import prange
from numpy.lib.stride_tricks import as_strided

from graphflow.backends.numba_kernels.jit import njit
from graphflow.backends.numba_kernels.lanes import LANES, U, transpose_lanes
from graphflow.ops.op import Array
from graphflow.ops.windows import Windows

Place = tuple[int, int, int, int, int]
"""How far images, rows and pixels are apart, in numbers; height and width."""


@dataclass(frozen=True)
class Image:
    """An array (batch, channels, height, width), to be read or written channels last.

    Where it does not lie so, what is read is a copy, and what is written is copied back.
    """

    array: Array

    @property
    def direct(self) -> bool:
        """Whether channels lie next to each other, and all pixels at one distance."""
        batch, down, right, height, width = self._lies
        adjacent = self.steps[3] == 1 or self.array.shape[1] == 1
        return adjacent and down == width * right and batch == height * down

    @property
    def _lies(self) -> Place:
        """Where the array's pixels lie; an axis of one element says nothing of it."""
        n, h, w, c = self.rows
        batch, down, right, _ = self.steps
        right = right if w > 1 else down if h > 1 else batch if n > 1 else c
        down = down if h > 1 else w * right
        return (batch if n > 1 else h * down), down, right, h, w

    @property
    def steps(self) -> tuple[int, int, int, int]:
        """How far neighbours along batch, height, width and channels are apart, in numbers."""
        n, c, h, w = (s // self.array.itemsize for s in self.array.strides)
        return n, h, w, c

    @property
    def rows(self) -> tuple[int, int, int, int]:
        """The shape with channels last."""
        n, c, h, w = self.array.shape
        return n, h, w, c

    @property
    def place(self) -> Place:
        """Where pixels lie in :meth:`read` and :meth:`room`."""
        _, h, w, c = self.rows
        return self._lies if self.direct else (h * w * c, w * c, c, h, w)

    def room(self) -> Array:
        """The flat memory that is to be written."""
        return flat(self.array) if self.direct else np.empty(self.array.size, self.array.dtype)

    def read(self) -> Array:
        """The flat memory that holds the image."""
        if self.direct:
            return flat(self.array)
        room = self.room()
        n, h, w, c = self.rows
        if self._planes:
            steps = self.steps
            transpose(flat(self.array), steps[0], steps[3], room, h * w * c, c, (n, c, h * w))
        else:
            _copy(flat(self.array), self.steps, room, self._filled, self.rows)
        return room

    def written(self, room: Array) -> None:
        """Take over what was written into :meth:`room`."""
        n, h, w, c = self.rows
        if self.direct:
            return
        if self._planes:
            steps = self.steps
            transpose(room, h * w * c, c, flat(self.array), steps[0], steps[3], (n, h * w, c))
        else:
            _copy(room, self._filled, flat(self.array), self.steps, self.rows)

    @property
    def _planes(self) -> bool:
        """Whether the pixels of each channel follow each other."""
        _, down, right, _ = self.steps
        return right == 1 and down == self.array.shape[3]

    @property
    def _filled(self) -> tuple[int, int, int, int]:
        _, h, w, c = self.rows
        return h * w * c, w * c, c, 1


def usable(array: Array, kinds: str = "fd") -> bool:
    """Whether loops can go through an array: floats, four axes, forwards, not empty."""
    whole = all(s >= 0 and s % array.itemsize == 0 for s in array.strides)
    return whole and array.ndim == 4 and array.size > 0 and array.dtype.char in kinds


def flat(array: Array) -> Array:
    """All memory from the first element of an array to its last."""
    last = sum((n - 1) * s for n, s in zip(array.shape, array.strides, strict=True))
    return as_strided(array, (last // array.itemsize + 1,), (array.itemsize,))


def steps_of(array: Array) -> tuple[int, ...]:
    """How far neighbours along each axis are apart, in numbers."""
    return tuple(s // array.itemsize for s in array.strides)


def numbers(windows: Windows) -> tuple[int, ...]:
    """Of windows on two axes the kernel, stride, dilation, and the padding above and before."""
    (above, _), (before, _) = windows.padding
    found = (*windows.kernel, *windows.stride, *windows.dilation, above, before)
    return tuple(int(n) for n in found)  # type: ignore[arg-type]


def threads() -> int:
    """How many parts work is shared out to."""
    return int(numba.get_num_threads())


def rounded(n: int, unit: int) -> int:
    """The next multiple of ``unit``."""
    return -(-n // unit) * unit


@njit(parallel=True)
def transpose(source, image, row, target, place, line, shape):  # type: ignore[no-untyped-def]
    """Matrices (images, rows, columns) written with rows and columns exchanged."""
    images, rows, columns = shape
    bands = -(-columns // LANES)
    for job in prange(images * bands):
        n, first = job // bands, job % bands * LANES
        for r in range(0, rows, LANES):
            at, to = n * image + r * row + first, n * place + first * line + r
            if r + LANES <= rows and first + LANES <= columns:
                transpose_lanes(target, U(to), U(line), source, U(at), U(row))
            else:
                for i in range(min(LANES, rows - r)):
                    for j in range(min(LANES, columns - first)):
                        target[to + j * line + i] = source[at + i * row + j]


@njit(parallel=True)
def _copy(source, steps, target, places, shape):  # type: ignore[no-untyped-def]
    """Copy an array of four axes from and to memory with any strides."""
    images, height, width, channels = shape
    for line in prange(images * height):
        at = line // height * steps[0] + line % height * steps[1]
        to = line // height * places[0] + line % height * places[1]
        for w in range(width):
            for c in range(channels):
                target[to + w * places[2] + c * places[3]] = source[
                    at + w * steps[2] + c * steps[3]
                ]


@njit()
def met(q, stride, beside, before, size, count):  # type: ignore[no-untyped-def]
    """First and end of the windows along an axis whose tap ``q`` lies inside of the image."""
    shift = before - q * beside
    first = max(0, -(-shift // stride))
    return first, max(first, min(count, (size - 1 + shift) // stride + 1))
