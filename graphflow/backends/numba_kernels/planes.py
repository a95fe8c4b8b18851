"""Convolutions of images with few channels that lie row by row, image by image.

For some lines of the result the numbers that each element (channel, row, column) of the kernel
meets are a row of their own: a matrix (channels * kernel, pixels), laid out by copying lines, that
stays in the cache of one thread. The result, its derivative by the weight and the adjoint are
products with it, whether the results lie row by row or with their channels last.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numba import prange

from graphflow.backends.numba_kernels.images import flat, met, numbers, steps_of, threads
from graphflow.backends.numba_kernels.jit import njit
from graphflow.backends.numba_kernels.lanes import FAST, LANES, U, add, spill
from graphflow.backends.numba_kernels.multiply import matrix, multiply_by_parts, share
from graphflow.ops.op import Array
from graphflow.ops.windows import Windows

ROOM = 2**16
"""Numbers that one thread lays out at a time."""
FEW = 16
"""Channels from which a pixel is long enough to be copied as one."""


@njit(fastmath=FAST)
def _lay_out(x, at, xs, shape, counts, window, first, end, room):  # type: ignore[no-untyped-def]
    """What every element of the kernel meets at the lines ``first`` to ``end`` of a result."""
    channels, height, width = shape
    high, wide, down, right, below, beside, above, before = window
    to = U(0)
    for row in range(channels * high * wide):
        c, p, q = row // (high * wide), row // wide % high, row % wide
        begin, stop = met(q, right, beside, before, width, counts[1])
        for i in range(first, end):
            h, after = i * down + p * below - above, to + U(counts[1])
            if h < 0 or h >= height:
                for e in range(to, after):
                    room[e] = 0
            else:
                line = at + c * xs[1] + h * xs[2] + (begin * right + q * beside - before) * xs[3]
                for e in range(to, to + U(begin)):
                    room[e] = 0
                if right * xs[3] == 1:
                    spill(room, to + U(begin), x, U(line), U(stop - begin))
                else:
                    for e in range(U(stop - begin)):
                        room[to + U(begin) + e] = x[U(line) + e * U(right * xs[3])]
                for e in range(to + U(stop), after):
                    room[e] = 0
            to = after


@njit(fastmath=FAST)
def _add_back(room, x, at, xs, shape, counts, window, first, end):  # type: ignore[no-untyped-def]
    """The adjoint of :func:`_lay_out`."""
    channels, height, width = shape
    high, wide, down, right, below, beside, above, before = window
    start = 0
    for row in range(channels * high * wide):
        c, p, q = row // (high * wide), row // wide % high, row % wide
        begin, stop = met(q, right, beside, before, width, counts[1])
        for i in range(first, end):
            h = i * down + p * below - above
            if 0 <= h < height:
                line = at + c * xs[1] + h * xs[2] + (begin * right + q * beside - before) * xs[3]
                if right * xs[3] == 1:
                    add(x, U(line), room, U(start + begin), U(stop - begin))
                else:
                    for e in range(U(stop - begin)):
                        x[U(line) + e * U(right * xs[3])] += room[U(start + begin) + e]
            start += counts[1]


@njit()
def _results(y, n, ys, counts, first, end, outputs):  # type: ignore[no-untyped-def]
    """Some lines of one image's results as a matrix (outputs, pixels), or if channels lie last the
    other way around.
    """
    part, pixels = y[n * ys[0] + first * ys[2] :], (end - first) * counts[1]
    if ys[1] == 1:
        return matrix(part, (pixels, outputs, ys[3], 1))
    return matrix(part, (outputs, pixels, ys[1], 1))


@njit(parallel=True)
def _convolve(x, xs, y, ys, w, shape, counts, window, outputs, lines, parts):  # type: ignore[no-untyped-def]
    """Make y = x * w; ``w`` is (outputs, length), or turned if channels of y lie last."""
    for part in prange(parts):
        length = shape[1] * window[0] * window[1]
        room = np.empty(length * lines * counts[1] + LANES, x.dtype)
        begin, stop = share(part, parts, shape[0])
        for n in range(begin, stop):
            for first in range(0, counts[0], lines):
                end = min(first + lines, counts[0])
                pixels = (end - first) * counts[1]
                _lay_out(x, n * xs[0], xs, shape[1:], counts, window, first, end, room)
                laid = matrix(room, (length, pixels, pixels, 1))
                out = _results(y, n, ys, counts, first, end, outputs)
                if ys[1] == 1:
                    weights = matrix(w, (length, outputs, outputs, 1))
                    multiply_by_parts(laid.T, weights, out, 0.0)
                else:
                    weights = matrix(w, (outputs, length, length, 1))
                    multiply_by_parts(weights, laid, out, 0.0)


@njit(parallel=True)
def _derive(x, xs, g, gs, sums, shape, counts, window, outputs, lines):  # type: ignore[no-untyped-def]
    """The derivative by w of <g, x * w>, in parts to be added; each lies as ``w`` above."""
    for part in prange(len(sums)):
        length = shape[1] * window[0] * window[1]
        room, total = np.empty(length * lines * counts[1] + LANES, x.dtype), sums[part]
        begin, stop = share(part, len(sums), shape[0])
        total[:] = 0
        for n in range(begin, stop):
            for first in range(0, counts[0], lines):
                end = min(first + lines, counts[0])
                pixels = (end - first) * counts[1]
                _lay_out(x, n * xs[0], xs, shape[1:], counts, window, first, end, room)
                laid = matrix(room, (length, pixels, pixels, 1))
                given = _results(g, n, gs, counts, first, end, outputs)
                if gs[1] == 1:
                    multiply_by_parts(
                        laid, given, matrix(total, (length, outputs, outputs, 1)), 1.0
                    )
                else:
                    multiply_by_parts(
                        given, laid.T, matrix(total, (outputs, length, length, 1)), 1.0
                    )


@njit(parallel=True)
def _give_back(x, xs, g, gs, w, shape, counts, window, outputs, lines, parts):  # type: ignore[no-untyped-def]
    """Make x the adjoint of the convolution at g; ``w`` is (outputs, length)."""
    for part in prange(parts):
        length = shape[1] * window[0] * window[1]
        room = np.empty(length * lines * counts[1] + LANES, x.dtype)
        weights = matrix(w, (length, outputs, 1, length))
        begin, stop = share(part, parts, shape[0])
        for n in range(begin, stop):
            for c in range(shape[1]):
                for h in range(shape[2]):
                    for e in range(U(shape[3])):
                        x[U(n * xs[0] + c * xs[1] + h * xs[2]) + e * U(xs[3])] = 0
            for first in range(0, counts[0], lines):
                end = min(first + lines, counts[0])
                pixels = (end - first) * counts[1]
                laid = matrix(room, (length, pixels, pixels, 1))
                given = _results(g, n, gs, counts, first, end, outputs)
                multiply_by_parts(weights, given.T if gs[1] == 1 else given, laid, 0.0)
                _add_back(room, x, n * xs[0], xs, shape[1:], counts, window, first, end)


def suits(x: Array, y: Array) -> bool:
    """Whether x has few channels and lies row by row, and lines of y without gaps."""
    few = x.shape[1] < FEW and (x.strides[3] == x.itemsize or x.shape[3] == 1)
    last = y.strides[1] == y.itemsize and y.strides[2] == y.shape[3] * y.strides[3]
    first = y.strides[3] == y.itemsize and y.strides[2] == y.shape[3] * y.itemsize
    return few and min(y.shape) > 1 and (last or first)


def _common(x: Array, y: Array, windows: Windows) -> tuple[object, ...]:
    """Shape of x, pixels of y, the window, outputs and lines at a time."""
    counts, window = y.shape[2:], numbers(windows)
    length = x.shape[1] * window[0] * window[1]
    lines = min(counts[0], max(1, ROOM // (length * counts[1])))
    return x.shape, counts, window, y.shape[1], lines


def convolution(x: Array, weight: Array, y: Array, windows: Windows) -> Callable[[], None]:
    """Make y = x * weight."""
    common, parts, last = _common(x, y, windows), threads(), y.strides[1] == y.itemsize
    places = flat(x), steps_of(x), flat(y), steps_of(y)

    def kernel() -> None:
        rows = weight.reshape(len(weight), -1)
        w = np.ascontiguousarray(rows.T if last else rows).reshape(-1)
        _convolve(*places, w, *common, parts)  # type: ignore[call-arg]

    return kernel


def weight_gradient(x: Array, g: Array, weight: Array, windows: Windows) -> Callable[[], None]:
    """Make ``weight`` the derivative by w of <g, x * w>."""
    common, parts, last = _common(x, g, windows), threads(), g.strides[1] == g.itemsize
    places = flat(x), steps_of(x), flat(g), steps_of(g)

    def kernel() -> None:
        sums = np.empty((parts, weight.size), weight.dtype)
        _derive(*places, sums, *common)
        total = sums.sum(axis=0)
        rows = total.reshape(-1, len(weight)).T if last else total
        np.copyto(weight, rows.reshape(weight.shape))

    return kernel


def adjoint(x: Array, weight: Array, g: Array, windows: Windows) -> Callable[[], None]:
    """Make x the adjoint of the convolution at g."""
    common, parts = _common(x, g, windows), threads()
    places = flat(x), steps_of(x), flat(g), steps_of(g)

    def kernel() -> None:
        w = np.ascontiguousarray(weight).reshape(-1)
        _give_back(*places, w, *common, parts)  # type: ignore[call-arg]

    return kernel
