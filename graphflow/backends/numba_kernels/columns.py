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
from numba import prange

from graphflow.backends.numba_kernels.images import Image, flat, threads
from graphflow.backends.numba_kernels.jit import njit
from graphflow.backends.numba_kernels.lanes import LANES, U, move
from graphflow.backends.numba_kernels.multiply import multiply_shared, share
from graphflow.ops.op import Array
from graphflow.ops.windows import Windows

ROOM = 2**21
"""Numbers that are laid out at a time."""


@njit(parallel=True)
def _fill(x, place, window, counts, channels, first, end, rows, parts):  # type: ignore[no-untyped-def]
    """The windows of pixels ``first`` to ``end`` of all results, as rows; zeros outside."""
    for part in prange(parts):
        high, wide, down, right, below, beside, above, before = window
        begin, stop = share(part, parts, end - first)
        for pixel in range(first + begin, first + stop):
            n, i, j = (
                pixel // (counts[0] * counts[1]), pixel // counts[1] % counts[0],
                pixel % counts[1],
            )  # fmt: skip
            to = U((pixel - first) * high * wide * channels)
            for p in range(high):
                h = i * down + p * below - above
                for q in range(wide):
                    w = j * right + q * beside - before
                    if h < 0 or h >= place[3] or w < 0 or w >= place[4]:
                        for c in range(to, to + U(channels)):
                            rows[c] = 0
                    else:
                        at = U(n * place[0] + h * place[1] + w * place[2])
                        move(rows, to, x, at, U(channels))
                    to += U(channels)


@njit(parallel=True)
def _add(rows, y, place, window, counts, channels, first, end, parts):  # type: ignore[no-untyped-def]
    """The adjoint of :func:`_fill` for whole images ``first`` to ``end``."""
    for part in prange(parts):
        high, wide, down, right, below, beside, above, before = window
        begin, stop = share(part, parts, (end - first) * place[3])
        for line in range(begin, stop):
            n, h = line // place[3], line % place[3]
            for w in range(place[4]):
                to = U((first + n) * place[0] + h * place[1] + w * place[2])
                for c in range(to, to + U(channels)):
                    y[c] = 0
                for p in range(high):
                    i = h + above - p * below
                    if i < 0 or i % down != 0 or i // down >= counts[0]:
                        continue
                    for q in range(wide):
                        j = w + before - q * beside
                        if j < 0 or j % right != 0 or j // right >= counts[1]:
                            continue
                        pixel = (n * counts[0] + i // down) * counts[1] + j // right
                        at = U(((pixel * high + p) * wide + q) * channels)
                        for c in range(U(channels)):
                            y[to + c] += rows[at + c]


@njit(parallel=True)
def _pack(w, steps, shape, packed, lies, parts):  # type: ignore[no-untyped-def]
    """Weights (outputs, channels, *kernel) as a matrix of outputs and (kernel, channels).

    ``lies`` tells how far outputs and the others are apart in it.
    """
    outputs, channels, high, wide = shape
    for part in prange(parts):
        begin, stop = share(part, parts, -(-outputs // LANES))
        for first in range(begin * LANES, stop * LANES, LANES):
            for c in range(channels):
                for p in range(high):
                    for q in range(wide):
                        to = ((p * wide + q) * channels + c) * lies[1]
                        at = c * steps[1] + p * steps[2] + q * steps[3]
                        for o in range(first, min(first + LANES, outputs)):
                            packed[to + o * lies[0]] = w[at + o * steps[0]]


@njit(parallel=True)
def _unpack(packed, shape, w, steps, parts):  # type: ignore[no-untyped-def]
    """The way back from a matrix (outputs, kernel * channels)."""
    outputs, channels, high, wide = shape
    for part in prange(parts):
        begin, stop = share(part, parts, outputs)
        for o in range(begin, stop):
            for p in range(high):
                for q in range(wide):
                    at = ((o * high + p) * wide + q) * channels
                    to = o * steps[0] + p * steps[2] + q * steps[3]
                    for c in range(channels):
                        w[to + c * steps[1]] = packed[at + c]


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

    def packed(self, by_outputs: bool) -> Array:
        """The weight as a matrix (outputs, kernel * channels), or the other way around."""
        packed = np.empty(self.weight.size, self.weight.dtype)
        lies = (self.length, 1) if by_outputs else (1, self.outputs)
        _pack(flat(self.weight), self.steps, self.weight.shape, packed, lies, threads())
        return packed

    def chunks(self, unit: int) -> list[tuple[int, int]]:
        """Parts of the pixels of y, in multiples of ``unit``, whose rows fit the room."""
        step = max(1, ROOM // (self.length * unit)) * unit
        return [(i, min(i + step, self.pixels)) for i in range(0, self.pixels, step)]

    def rows(self, x: Array, first: int, end: int, room: Array) -> tuple[Array, tuple[int, ...]]:
        """The rows of some pixels, and how they lie."""
        if self.plain:
            right = self.x.place[2]
            return x[first * right :], (end - first, self.length, right, 1)
        _fill(x, self.x.place, self.window, self.counts, self.channels, first, end, room,
              threads())  # fmt: skip
        return room, (end - first, self.length, self.length, 1)

    def room(self, chunks: list[tuple[int, int]]) -> Array:
        """Memory for the rows of one chunk."""
        most = 0 if self.plain else max(end - first for first, end in chunks)
        return np.empty(most * self.length, self.weight.dtype)


def convolution(sweep: Sweep) -> Callable[[], None]:
    """Make y = x * weight."""
    parts, chunks, outputs, right = threads(), sweep.chunks(1), sweep.outputs, sweep.y.place[2]

    def kernel() -> None:
        x, target, room = sweep.x.read(), sweep.y.room(), sweep.room(chunks)
        matrix, lies = sweep.packed(by_outputs=False), (sweep.length, outputs, outputs, 1)
        for first, end in chunks:
            rows, lie = sweep.rows(x, first, end, room)
            multiply_shared(rows, lie, matrix, lies, target[first * right :],
                            (end - first, outputs, right, 1), 0.0, parts)  # fmt: skip
        sweep.y.written(target)

    return kernel


def weight_gradient(sweep: Sweep, whole: Array) -> Callable[[], None]:
    """Make ``whole``, of which the sweep's weight is a part, the derivative of <y, x * weight>."""
    parts, chunks, right = threads(), sweep.chunks(1), sweep.y.place[2]
    shape = (sweep.outputs, sweep.length, sweep.length, 1)

    def kernel() -> None:
        x, g, room = sweep.x.read(), sweep.y.read(), sweep.room(chunks)
        matrix = np.empty(sweep.weight.size, sweep.weight.dtype)
        for first, end in chunks:
            rows, lie = sweep.rows(x, first, end, room)
            multiply_shared(g[first * right :], (sweep.outputs, end - first, 1, right), rows, lie,
                            matrix, shape, float(first > 0), parts)  # fmt: skip
        if whole.shape != sweep.weight.shape:
            whole.fill(0)
        _unpack(matrix, sweep.weight.shape, flat(sweep.weight), sweep.steps, parts)

    return kernel


def adjoint(sweep: Sweep) -> Callable[[], None]:
    """Make x the adjoint of the convolution at y."""
    parts, right, place = threads(), sweep.y.place[2], sweep.x.place
    each = sweep.counts[0] * sweep.counts[1]
    chunks = sweep.chunks(each)

    def kernel() -> None:
        g, target = sweep.y.read(), sweep.x.room()
        room = np.empty(max(e - f for f, e in chunks) * sweep.length, sweep.weight.dtype)
        matrix = sweep.packed(by_outputs=True)
        lies = (sweep.outputs, sweep.length, sweep.length, 1)
        for first, end in chunks:
            lie = (end - first, sweep.length, sweep.length, 1)
            multiply_shared(g[first * right :], (end - first, sweep.outputs, right, 1), matrix,
                            lies, room, lie, 0.0, parts)  # fmt: skip
            _add(room, target, place, sweep.window, sweep.counts, sweep.channels,
                 first // each, end // each, parts)  # fmt: skip
        sweep.x.written(target)

    return kernel
