"""Images as compiled loops take them: flat arrays in which channels lie next to each other."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.lib.stride_tricks import as_strided

from graphflow.backends.llvm.native import Call, kernel
from graphflow.backends.llvm.parts import share, threads
from graphflow.backends.llvm.words import LANES, Ints, Reals, transpose_lanes
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

    @cached_property
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
        return self._memory if self.direct else np.empty(self.array.size, self.array.dtype)

    def read(self) -> Array:
        """The flat memory that holds the image."""
        room = self.room()
        if not self.direct:
            self._in(room)
        return room

    def written(self, room: Array) -> None:
        """Take over what was written into :meth:`room`."""
        if not self.direct:
            self._out(room)

    @cached_property
    def _memory(self) -> Array:
        return flat(self.array)

    @cached_property
    def _in(self) -> Call:
        """What copies the image, channels last."""
        n, h, w, c = self.rows
        steps, memory, dtype = self.steps, self._memory, self.array.dtype
        if self._planes:
            shape, to = (n, c, h * w), (h * w * c, c)
            return transpose.call(dtype, threads(), memory, steps[::3], None, to, shape)
        return _copy.call(dtype, threads(), memory, steps, None, self._filled, self.rows)

    @cached_property
    def _out(self) -> Call:
        """What copies it back."""
        n, h, w, c = self.rows
        steps, memory, dtype = self.steps, self._memory, self.array.dtype
        if self._planes:
            shape, at = (n, h * w, c), (h * w * c, c)
            return transpose.call(dtype, threads(), None, at, memory, steps[::3], shape)
        return _copy.call(dtype, threads(), None, self._filled, memory, steps, self.rows)

    @property
    def _planes(self) -> bool:
        """Whether the pixels of each channel follow each other."""
        _, down, right, _, width = self._lies
        return right == 1 and down == width

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


def rounded(n: int, unit: int) -> int:
    """The next multiple of ``unit``."""
    return -(-n // unit) * unit


@kernel
def transpose(
    part: int, parts: int, source: Reals, steps: Ints, target: Reals, places: Ints, shape: Ints
) -> None:
    """Matrices (images, rows, columns) written with rows and columns exchanged; ``steps`` and
    ``places`` are how far images and their rows are apart.
    """
    images, rows, columns = shape
    image, row = steps
    place, line = places
    bands = -(-columns // LANES)
    begin, end = share(part, parts, images * bands)
    for job in range(begin, end):
        n, first = job // bands, job % bands * LANES
        for r in range(0, rows, LANES):
            at, to = n * image + r * row + first, n * place + first * line + r
            if r + LANES <= rows and first + LANES <= columns:
                transpose_lanes(target, to, line, source, at, row)
            else:
                for i in range(min(LANES, rows - r)):
                    for j in range(min(LANES, columns - first)):
                        target[to + j * line + i] = source[at + i * row + j]


@kernel
def _copy(
    part: int, parts: int, source: Reals, steps: Ints, target: Reals, places: Ints, shape: Ints
) -> None:
    """Copy an array of four axes from and to memory with any strides."""
    image, down, right, apart = steps
    to_image, to_down, to_right, to_apart = places
    images, height, width, channels = shape
    begin, end = share(part, parts, images * height)
    for line in range(begin, end):
        n, h = line // height, line % height
        for w in range(width):
            at = n * image + h * down + w * right
            to = n * to_image + h * to_down + w * to_right
            for c in range(channels):
                target[to + c * to_apart] = source[at + c * apart]


def met(q: int, stride: int, beside: int, before: int, size: int, count: int) -> tuple[int, int]:
    """First and end of the windows along an axis whose tap ``q`` lies inside of the image."""
    shift = before - q * beside
    first = max(0, -(-shift // stride))
    return first, max(first, min(count, (size - 1 + shift) // stride + 1))
