"""Convolutions as products of matrices: every window is a row of (kernel, channels) numbers.

Rows are laid out for as many pixels of the result as stay in the cache, channels last, and times
the weights as a matrix (kernel * channels, outputs). The derivative by the weight is the product
of the same rows with the cotangent; the adjoint by the image makes rows by a product and adds each
number to where it would have been copied from. Source: Chellapilla, Puri, Simard 2006.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod

import numpy as np

from graphflow.backends.numba_kernels.images import Image, flat, threads
from graphflow.backends.numba_kernels.lanes import move
from graphflow.backends.numba_kernels.multiply import multiply_shared, share
from graphflow.backends.numba_kernels.native import Call, kernel
from graphflow.backends.numba_kernels.words import LANES, Ints, Reals
from graphflow.ops.op import Array
from graphflow.ops.windows import Windows

ROOM = 2**21
"""Numbers that are laid out at a time."""


@kernel
def _fill(
    part: int, parts: int, x: Reals, place: Ints, window: Ints, counts: Ints, channels: int,
    first: int, end: int, rows: Reals,
) -> None:  # fmt: skip
    """The windows of pixels ``first`` to ``end`` of all results, as rows; zeros outside."""
    batch, line, pixel, height, width = place
    high, wide, down, right, below, beside, above, before = window
    tall, broad = counts
    begin, stop = share(part, parts, end - first)
    for row in range(begin, stop):
        at = first + row
        n, i, j = at // (tall * broad), at // broad % tall, at % broad
        to = row * high * wide * channels
        for p in range(high):
            h = i * down + p * below - above
            for q in range(wide):
                w = j * right + q * beside - before
                if h < 0 or h >= height or w < 0 or w >= width:
                    for c in range(to, to + channels):
                        rows[c] = 0
                else:
                    move(rows, to, x, n * batch + h * line + w * pixel, channels)
                to += channels


@kernel
def _add(
    part: int, parts: int, rows: Reals, y: Reals, place: Ints, window: Ints, counts: Ints,
    channels: int, first: int, end: int,
) -> None:  # fmt: skip
    """The adjoint of :func:`_fill` for whole images ``first`` to ``end``."""
    batch, line, pixel, height, width = place
    high, wide, down, right, below, beside, above, before = window
    tall, broad = counts
    begin, stop = share(part, parts, (end - first) * height)
    for job in range(begin, stop):
        n, h = job // height, job % height
        for w in range(width):
            to = (first + n) * batch + h * line + w * pixel
            for c in range(to, to + channels):
                y[c] = 0
            for p in range(high):
                i = h + above - p * below
                if i < 0 or i % down != 0 or i // down >= tall:
                    continue
                for q in range(wide):
                    j = w + before - q * beside
                    if j < 0 or j % right != 0 or j // right >= broad:
                        continue
                    row = (n * tall + i // down) * broad + j // right
                    at = ((row * high + p) * wide + q) * channels
                    for c in range(channels):
                        y[to + c] += rows[at + c]


@kernel
def _pack(
    part: int, parts: int, w: Reals, steps: Ints, shape: Ints, packed: Reals, lies: Ints
) -> None:
    """Weights (outputs, channels, *kernel) as a matrix of outputs and (kernel, channels).

    ``lies`` tells how far outputs and the others are apart in it.
    """
    outputs, channels, high, wide = shape
    of_output, of_channel, down, right = steps
    across, along = lies
    begin, stop = share(part, parts, -(-outputs // LANES))
    for first in range(begin * LANES, stop * LANES, LANES):
        for c in range(channels):
            for p in range(high):
                for q in range(wide):
                    to = ((p * wide + q) * channels + c) * along
                    at = c * of_channel + p * down + q * right
                    for o in range(first, min(first + LANES, outputs)):
                        packed[to + o * across] = w[at + o * of_output]


@kernel
def _unpack(part: int, parts: int, packed: Reals, shape: Ints, w: Reals, steps: Ints) -> None:
    """The way back from a matrix (outputs, kernel * channels)."""
    outputs, channels, high, wide = shape
    of_output, of_channel, down, right = steps
    begin, stop = share(part, parts, outputs)
    for o in range(begin, stop):
        for p in range(high):
            for q in range(wide):
                at = ((o * high + p) * wide + q) * channels
                to = o * of_output + p * down + q * right
                for c in range(channels):
                    w[to + c * of_channel] = packed[at + c]


@dataclass(frozen=True)
class Sweep:
    """A kernel moved over images x, one result for each place: y.

    For x too small for the kernel to be inside, only the part of the kernel that ever meets x is
    looked at; ``weight`` is that part.
    """

    x: Image
    y: Image
    weight: Array
    window: tuple[int, int, int, int, int, int, int, int]

    @classmethod
    def of(cls, x: Array, y: Array, weight: Array, windows: Windows) -> Sweep:
        """The sweep of a whole kernel, cut down to what meets x."""
        parts, starts = [slice(None), slice(None)], []
        for axis in range(2):
            stride, step = windows.stride[axis], windows.dilation[axis]
            before, _ = windows.padding[axis]
            assert isinstance(before, int)
            size, count = x.shape[2 + axis], y.shape[2 + axis]
            met = [
                k for k in range(weight.shape[2 + axis])
                if before - k * step <= (count - 1) * stride and before - k * step > -size
            ] or [0]  # fmt: skip
            parts.append(slice(met[0], met[-1] + 1))
            starts.append(before - met[0] * step)
        used = weight[tuple(parts)]
        high, wide = used.shape[2:]
        return cls(Image(x), Image(y), used,
                   (high, wide, *windows.stride, *windows.dilation, *starts))  # fmt: skip

    @property
    def channels(self) -> int:
        """Channels of x."""
        return int(self.x.array.shape[1])

    @property
    def outputs(self) -> int:
        """Channels of y."""
        return int(self.y.array.shape[1])

    @property
    def counts(self) -> tuple[int, int]:
        """Pixels of y, down and across."""
        return self.y.array.shape[2], self.y.array.shape[3]

    @property
    def pixels(self) -> int:
        """Pixels of all of y."""
        return len(self.y.array) * prod(self.counts)

    @property
    def length(self) -> int:
        """The length of a row."""
        return self.channels * prod(self.weight.shape[2:])

    @property
    def plain(self) -> bool:
        """Whether the rows are the pixels of x as they lie."""
        return self.window == (1, 1, 1, 1, *self.window[4:6], 0, 0)

    @property
    def steps(self) -> tuple[int, ...]:
        """How far neighbours are apart in the weight."""
        return tuple(s // self.weight.itemsize for s in self.weight.strides)

    def packing(self, by_outputs: bool) -> Call:
        """What lays out the weight as a matrix (outputs, kernel * channels), or turned."""
        lies = (self.length, 1) if by_outputs else (1, self.outputs)
        weight = self.weight
        return _pack.call(
            weight.dtype, threads(), flat(weight), self.steps, weight.shape, None, lies
        )

    def chunks(self, unit: int) -> list[tuple[int, int]]:
        """Parts of the pixels of y, in multiples of ``unit``, whose rows fit the room."""
        step = max(1, ROOM // (self.length * unit)) * unit
        return [(i, min(i + step, self.pixels)) for i in range(0, self.pixels, step)]

    def rows(self, first: int, end: int) -> Callable[[Array, Array], Array]:
        """What makes the rows of some pixels of x in a room."""
        if self.plain:
            start = first * self.x.place[2]
            return lambda x, room: x[start:]
        fill = _fill.call(
            self.weight.dtype, threads(), None, self.x.place, self.window, self.counts,
            self.channels, first, end, None,
        )  # fmt: skip

        def filled(x: Array, room: Array) -> Array:
            fill(x, room)
            return room

        return filled

    @property
    def lie(self) -> tuple[int, int]:
        """How far rows and their numbers are apart."""
        return (self.x.place[2] if self.plain else self.length), 1

    def room(self, chunks: list[tuple[int, int]]) -> Array:
        """Memory for the rows of one chunk."""
        most = 0 if self.plain else max(end - first for first, end in chunks)
        return np.empty(most * self.length, self.weight.dtype)


def convolution(sweep: Sweep) -> Callable[[], None]:
    """Make y = x * weight."""
    outputs, right, dtype = sweep.outputs, sweep.y.place[2], sweep.weight.dtype
    chunks, pack = sweep.chunks(1), sweep.packing(by_outputs=False)
    parts = [
        (first * right, sweep.rows(first, end), multiply_shared.call(
            dtype, threads(), end - first, sweep.length, outputs, None, sweep.lie, None,
            (outputs, 1), None, right, 0,
        )) for first, end in chunks
    ]  # fmt: skip

    def kernel() -> None:
        x, target, room = sweep.x.read(), sweep.y.room(), sweep.room(chunks)
        matrix = np.empty(sweep.weight.size, dtype)
        pack(matrix)
        for start, rows, multiply in parts:
            multiply(rows(x, room), matrix, target[start:])
        sweep.y.written(target)

    return kernel


def weight_gradient(sweep: Sweep, whole: Array) -> Callable[[], None]:
    """Make ``whole``, of which the sweep's weight is a part, the derivative of <y, x * weight>."""
    weight, right = sweep.weight, sweep.y.place[2]
    chunks, length = sweep.chunks(1), sweep.length
    parts = [
        (first * right, sweep.rows(first, end), multiply_shared.call(
            weight.dtype, threads(), sweep.outputs, end - first, length, None, (1, right), None,
            sweep.lie, None, length, int(first > 0),
        )) for first, end in chunks
    ]  # fmt: skip
    unpack = _unpack.call(weight.dtype, threads(), None, weight.shape, flat(weight), sweep.steps)

    def kernel() -> None:
        x, g, room = sweep.x.read(), sweep.y.read(), sweep.room(chunks)
        matrix = np.empty(weight.size, weight.dtype)
        for start, rows, multiply in parts:
            multiply(g[start:], rows(x, room), matrix)
        if whole.shape != weight.shape:
            whole.fill(0)
        unpack(matrix)

    return kernel


def adjoint(sweep: Sweep) -> Callable[[], None]:
    """Make x the adjoint of the convolution at y."""
    right, place, dtype = sweep.y.place[2], sweep.x.place, sweep.weight.dtype
    each, length = sweep.counts[0] * sweep.counts[1], sweep.length
    chunks, pack = sweep.chunks(each), sweep.packing(by_outputs=True)
    parts = [
        (first * right, multiply_shared.call(
            dtype, threads(), end - first, sweep.outputs, length, None, (right, 1), None,
            (length, 1), None, length, 0,
        ), _add.call(
            dtype, threads(), None, None, place, sweep.window, sweep.counts, sweep.channels,
            first // each, end // each,
        )) for first, end in chunks
    ]  # fmt: skip

    def kernel() -> None:
        g, target = sweep.y.read(), sweep.x.room()
        room = np.empty(max(e - f for f, e in chunks) * length, dtype)
        matrix = np.empty(sweep.weight.size, dtype)
        pack(matrix)
        for start, multiply, add in parts:
            multiply(g[start:], matrix, room)
            add(room, target)
        sweep.x.written(target)

    return kernel
