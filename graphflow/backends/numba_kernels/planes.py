"""Convolutions of images with few channels that lie row by row, image by image.

For some lines of the result the numbers that each element (channel, row, column) of the kernel
meets are a row of their own: a matrix (channels * kernel, pixels), laid out by copying lines, that
stays in the cache of one thread. The result, its derivative by the weight and the adjoint are
products with it, whether the results lie row by row or with their channels last.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from graphflow.backends.llvm.native import Call, Kernel, kernel
from graphflow.backends.llvm.parts import share, threads
from graphflow.backends.llvm.words import LANES, Ints, Reals, apart, beyond
from graphflow.backends.numba_kernels.images import flat, met, numbers, steps_of
from graphflow.backends.numba_kernels.lanes import add, spill
from graphflow.backends.numba_kernels.multiply import multiply_by_parts
from graphflow.ops.op import Array
from graphflow.ops.windows import Windows

ROOM = 2**16
"""Numbers that one thread lays out at a time."""
FEW = 16
"""Channels from which a pixel is long enough to be copied as one."""


@apart
def _lay_out(
    x: Reals, at: int, size: int, xs: Ints, shape: Ints, counts: Ints, window: Ints, first: int,
    end: int, room: Reals,
) -> None:  # fmt: skip
    """What every element of the kernel meets at the lines ``first`` to ``end`` of a result; x has
    ``size`` numbers, its image begins ``at`` one of them.
    """
    _, channels, height, width = shape
    _, of_channel, of_line, of_pixel = xs
    high, wide, down, right, below, beside, above, before = window
    _, broad = counts
    to = 0
    for row in range(channels * high * wide):
        c, p, q = row // (high * wide), row // wide % high, row % wide
        begin, stop = met(q, right, beside, before, width, broad)
        for i in range(first, end):
            h, after = i * down + p * below - above, to + broad
            if h < 0 or h >= height:
                for e in range(to, after):
                    room[e] = 0
            else:
                line = at + c * of_channel + h * of_line
                line += (begin * right + q * beside - before) * of_pixel
                for e in range(to, to + begin):
                    room[e] = 0
                if right * of_pixel == 1:
                    spill(room, to + begin, x, line, stop - begin, size)
                else:
                    for e in range(stop - begin):
                        room[to + begin + e] = x[line + e * right * of_pixel]
                for e in range(to + stop, after):
                    room[e] = 0
            to = after


@apart
def _add_back(
    room: Reals, x: Reals, at: int, xs: Ints, shape: Ints, counts: Ints, window: Ints, first: int,
    end: int,
) -> None:  # fmt: skip
    """The adjoint of :func:`_lay_out`."""
    _, channels, height, width = shape
    _, of_channel, of_line, of_pixel = xs
    high, wide, down, right, below, beside, above, before = window
    _, broad = counts
    start = 0
    for row in range(channels * high * wide):
        c, p, q = row // (high * wide), row // wide % high, row % wide
        begin, stop = met(q, right, beside, before, width, broad)
        for i in range(first, end):
            h = i * down + p * below - above
            if 0 <= h < height:
                line = at + c * of_channel + h * of_line
                line += (begin * right + q * beside - before) * of_pixel
                if right * of_pixel == 1:
                    add(x, line, room, start + begin, stop - begin)
                else:
                    for e in range(stop - begin):
                        x[line + e * right * of_pixel] += room[start + begin + e]
            start += broad


@kernel
def _convolve(
    part: int, parts: int, x: Reals, size: int, xs: Ints, y: Reals, ys: Ints, w: Reals,
    shape: Ints, counts: Ints, window: Ints, outputs: int, lines: int, rooms: Reals,
) -> None:  # fmt: skip
    """Make y = x * w; ``w`` is (outputs, length), or turned if channels of y lie last."""
    images, channels, _, _ = shape
    high, wide, _, _, _, _, _, _ = window
    image, of_channel, of_line, of_pixel = ys
    tall, broad = counts
    length = channels * high * wide
    room = beyond(rooms, part * (length * lines * broad + LANES))
    begin, stop = share(part, parts, images)
    for n in range(begin, stop):
        for first in range(0, tall, lines):
            end = min(first + lines, tall)
            pixels = (end - first) * broad
            _lay_out(x, n * xs[0], size, xs, shape, counts, window, first, end, room)
            out = beyond(y, n * image + first * of_line)
            if of_channel == 1:
                multiply_by_parts(pixels, length, outputs, room, 1, pixels, w, outputs, 1,
                                  out, of_pixel, 0)  # fmt: skip
            else:
                multiply_by_parts(outputs, length, pixels, w, length, 1, room, pixels, 1,
                                  out, of_channel, 0)  # fmt: skip


@kernel
def _derive(
    part: int, parts: int, x: Reals, size: int, xs: Ints, g: Reals, gs: Ints, sums: Reals,
    shape: Ints, counts: Ints, window: Ints, outputs: int, lines: int, rooms: Reals,
) -> None:  # fmt: skip
    """The derivative by w of <g, x * w>, in parts to be added; each lies as ``w`` above."""
    images, channels, _, _ = shape
    high, wide, _, _, _, _, _, _ = window
    image, of_channel, of_line, of_pixel = gs
    tall, broad = counts
    length = channels * high * wide
    room = beyond(rooms, part * (length * lines * broad + LANES))
    total = beyond(sums, part * length * outputs)
    begin, stop = share(part, parts, images)
    for i in range(length * outputs):
        total[i] = 0
    for n in range(begin, stop):
        for first in range(0, tall, lines):
            end = min(first + lines, tall)
            pixels = (end - first) * broad
            _lay_out(x, n * xs[0], size, xs, shape, counts, window, first, end, room)
            given = beyond(g, n * image + first * of_line)
            if of_channel == 1:
                multiply_by_parts(length, pixels, outputs, room, pixels, 1, given, of_pixel, 1,
                                  total, outputs, 1)  # fmt: skip
            else:
                multiply_by_parts(outputs, pixels, length, given, of_channel, 1, room, 1, pixels,
                                  total, length, 1)  # fmt: skip


@kernel
def _give_back(
    part: int, parts: int, x: Reals, size: int, xs: Ints, g: Reals, gs: Ints, w: Reals,
    shape: Ints, counts: Ints, window: Ints, outputs: int, lines: int, rooms: Reals,
) -> None:  # fmt: skip
    """Make x the adjoint of the convolution at g; ``w`` is (outputs, length)."""
    images, channels, height, width = shape
    to_image, to_channel, to_line, to_pixel = xs
    high, wide, _, _, _, _, _, _ = window
    image, of_channel, of_line, of_pixel = gs
    tall, broad = counts
    length = channels * high * wide
    room = beyond(rooms, part * (length * lines * broad + LANES))
    begin, stop = share(part, parts, images)
    for n in range(begin, stop):
        for c in range(channels):
            for h in range(height):
                for e in range(width):
                    x[n * to_image + c * to_channel + h * to_line + e * to_pixel] = 0
        for first in range(0, tall, lines):
            end = min(first + lines, tall)
            pixels = (end - first) * broad
            given = beyond(g, n * image + first * of_line)
            if of_channel == 1:
                multiply_by_parts(length, outputs, pixels, w, 1, length, given, 1, of_pixel,
                                  room, pixels, 0)  # fmt: skip
            else:
                multiply_by_parts(length, outputs, pixels, w, 1, length, given, of_channel, 1,
                                  room, pixels, 0)  # fmt: skip
            _add_back(room, x, n * to_image, xs, shape, counts, window, first, end)


def suits(x: Array, y: Array) -> bool:
    """Whether x has few channels and lies row by row, and lines of y without gaps."""
    few = x.shape[1] < FEW and (x.strides[3] == x.itemsize or x.shape[3] == 1)
    last = y.strides[1] == y.itemsize and y.strides[2] == y.shape[3] * y.strides[3]
    first = y.strides[3] == y.itemsize and y.strides[2] == y.shape[3] * y.itemsize
    return few and min(y.shape) > 1 and (last or first)


@dataclass(frozen=True)
class _Bands:
    """How x and y lie, and how many lines of y are worked on at a time."""

    x: Array
    y: Array
    windows: Windows

    @property
    def length(self) -> int:
        """Numbers that one element of y meets."""
        high, wide = numbers(self.windows)[:2]
        return int(self.x.shape[1] * high * wide)

    @property
    def lines(self) -> int:
        tall, broad = self.y.shape[2:]
        return int(min(tall, max(1, ROOM // (self.length * broad))))

    def call(self, kernel: Kernel) -> Call:
        """A kernel on x, y and a third array, which is handed over with the room."""
        memory = flat(self.x)
        return kernel.call(
            self.x.dtype, threads(), memory, memory.size, steps_of(self.x), flat(self.y),
            steps_of(self.y), None, self.x.shape, self.y.shape[2:], numbers(self.windows),
            self.y.shape[1], self.lines, None,
        )  # fmt: skip

    def room(self) -> Array:
        """Room for the rows of each thread."""
        each = self.length * self.lines * self.y.shape[3] + LANES
        return np.empty(threads() * each, self.x.dtype)


def convolution(x: Array, weight: Array, y: Array, windows: Windows) -> Callable[[], None]:
    """Make y = x * weight."""
    bands, last = _Bands(x, y, windows), y.strides[1] == y.itemsize
    convolve = bands.call(_convolve)

    def run() -> None:
        rows = weight.reshape(len(weight), -1)
        convolve(np.ascontiguousarray(rows.T if last else rows), bands.room())

    return run


def weight_gradient(x: Array, g: Array, weight: Array, windows: Windows) -> Callable[[], None]:
    """Make ``weight`` the derivative by w of <g, x * w>."""
    bands, last, parts = _Bands(x, g, windows), g.strides[1] == g.itemsize, threads()
    derive = bands.call(_derive)

    def run() -> None:
        sums = np.empty((parts, weight.size), weight.dtype)
        derive(sums, bands.room())
        total = sums.sum(axis=0)
        rows = total.reshape(-1, len(weight)).T if last else total
        np.copyto(weight, rows.reshape(weight.shape))

    return run


def adjoint(x: Array, weight: Array, g: Array, windows: Windows) -> Callable[[], None]:
    """Make x the adjoint of the convolution at g."""
    bands = _Bands(x, g, windows)
    give_back = bands.call(_give_back)

    def run() -> None:
        give_back(np.ascontiguousarray(weight), bands.room())

    return run
