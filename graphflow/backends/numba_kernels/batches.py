"""Convolutions of images with few channels that lie with their batch last.

The same pixel of all images lies together, so that one instruction works on ``LANES`` images. For
pixels next to each other that meet the same taps of the kernel there is a list of where these lie
and which weight is theirs; sums over such a list stay in registers. The adjoint has other lists and
is otherwise the same; stride, dilation and padding are a matter of the lists alone.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numba import prange

from graphflow.backends.numba_kernels.images import flat, numbers, steps_of, threads, transpose
from graphflow.backends.numba_kernels.jit import njit
from graphflow.backends.numba_kernels.lanes import FAST, LANES, U, copy_lanes
from graphflow.backends.numba_kernels.multiply import share
from graphflow.backends.numba_kernels.register_sums import OUTPUTS, SQUARE, correlate, meet
from graphflow.ops.op import Array
from graphflow.ops.windows import Windows


def suits(x: Array, y: Array) -> bool:
    """Whether y lies with its batch last, in whole rows of lanes, and x so or row by row."""
    return _lies(y) and (_lies(x) or (x.flags.c_contiguous and x.shape[0] > 1))


def _lies(array: Array) -> bool:
    """Whether images lie with their batch last, in whole rows of lanes."""
    return array.strides[0] == array.itemsize and array.shape[0] % LANES == 0


@njit()
def _list(rows, columns, channels, xs, size, taps):  # type: ignore[no-untyped-def]
    """Write which pixels some results meet, and with which weights, into ``taps``; how many."""
    count = 0
    for c in range(channels):
        for r in range(len(rows)):
            for s in range(len(columns)):
                taps[count, 0] = c * xs[1] + rows[r, 0] * xs[2] + columns[s, 0] * xs[3]
                taps[count, 1] = c * size[0] + rows[r, 1] * size[1] + columns[s, 1] * size[2]
                count += 1
    return count


@njit()
def _some(pairs):  # type: ignore[no-untyped-def]
    """The pairs before the first that is none."""
    count = 0
    while pairs[count, 0] >= 0:
        count += 1
    return pairs[:count]


@njit(parallel=True)
def _convolve(x, xs, y, ys, weights, size, shape, rows, columns, runs, parts):  # type: ignore[no-untyped-def]
    """Make y = x * w.

    ``runs`` are first, end and step of columns of y that meet the same taps in columns of x which
    are ``step`` apart. ``rows[i]`` are pairs of a row of x that row i of y meets and the row of the
    kernel; ``columns`` are the same for the first column of each run. Behind the last pair is -1.
    """
    images, outputs, high, channels = shape
    for part in prange(parts):
        room = np.empty(OUTPUTS * LANES, y.dtype)
        taps = np.empty((channels * rows.shape[1] * columns.shape[1], 2), np.int64)
        listed, blocks = taps.reshape(-1), images // LANES
        begin, stop = share(part, parts, blocks * high)
        while begin < stop:
            i, first = begin // blocks, begin % blocks
            end = min(blocks, first + stop - begin)
            begin += end - first
            for r in range(len(runs)):
                count = _list(_some(rows[i]), _some(columns[r]), channels, xs, size, taps)
                for n in range(first * LANES, end * LANES, LANES):
                    for j in range(runs[r, 0], runs[r, 1]):
                        at = n + (j - runs[r, 0]) * runs[r, 2] * xs[3]
                        to = n + i * ys[2] + j * ys[3]
                        for o in range(0, outputs, OUTPUTS):
                            meet(room, x, at, listed, count, weights, o)
                            for k in range(min(OUTPUTS, outputs - o)):
                                copy_lanes(y, U(to + (o + k) * ys[1]), room, U(k * LANES))


@njit(fastmath=FAST)
def _add_products(total, outputs, taps, x, at, g, to, step, length, room, places):  # type: ignore[no-untyped-def]
    """Add to each weight of each tap the products of what both sides of it are, ``length`` long."""
    for t in range(0, len(taps), SQUARE):
        for o in range(0, outputs, SQUARE):
            for k in range(SQUARE):
                places[k] = taps[min(t + k, len(taps) - 1), 0]
                places[SQUARE + k] = min(o + k, outputs - 1) * step
            correlate(room, x, at, g, to, places, length // LANES)
            for a in range(min(SQUARE, len(taps) - t)):
                for b in range(min(SQUARE, outputs - o)):
                    start, found = (a * SQUARE + b) * LANES, g.dtype.type(0)
                    for e in range(U(start), U(start + LANES)):
                        found += room[e]
                    total[taps[t + a, 1] + o + b] += found


@njit(parallel=True)
def _derive(x, xs, g, gs, sums, size, shape, rows, columns, runs):  # type: ignore[no-untyped-def]
    """The derivative by w of <g, x * w>, in parts to be added, one for some rows of g each."""
    images, outputs, high, channels = shape
    for part in prange(len(sums)):
        room, places = np.empty(SQUARE * SQUARE * LANES, g.dtype), np.empty(2 * SQUARE, np.int64)
        taps = np.empty((channels * rows.shape[1] * columns.shape[1], 2), np.int64)
        sums[part] = 0
        begin, stop = share(part, len(sums), high)
        for i in range(begin, stop):
            for r in range(len(runs)):
                first, end, step = runs[r]
                count = _list(_some(rows[i]), _some(columns[r]), channels, xs, size, taps)
                whole = step * xs[3] == images and gs[3] == images
                pixels, length = (1, (end - first) * images) if whole else (end - first, images)
                for j in range(pixels):
                    at, to = j * step * xs[3], i * gs[2] + (first + j) * gs[3]
                    _add_products(sums[part], outputs, taps[:count], x, at, g, to, gs[1], length,
                                  room, places)  # fmt: skip


def _meetings(result: Array, x: Array, windows: Windows, back: bool = False) -> tuple[Array, ...]:
    """Rows, columns and runs of a convolution of x, or with ``back`` of the adjoint of one."""
    rows, columns = (
        [_met(k, axis, x.shape[2 + axis], windows, back) for k in range(result.shape[2 + axis])]
        for axis in range(2)
    )
    step = 1 if back else windows.stride[1]
    runs: list[tuple[int, int, int]] = []
    for j, pairs in enumerate(columns):
        first = runs[-1][0] if runs else 0
        if runs and pairs == [(at + step * (j - first), tap) for at, tap in columns[first]]:
            runs[-1] = (first, j + 1, step)
        else:
            runs.append((j, j + 1, step))
    return _table(rows), _table([columns[first] for first, *_ in runs]), np.array(runs)


def _met(k: int, axis: int, size: int, windows: Windows, back: bool) -> list[tuple[int, int]]:
    """The elements along an axis that element k of a result meets, each with its tap."""
    kernel, stride, dilation, before = numbers(windows)[axis::2]
    found = []
    for tap in range(kernel):
        if back:
            at, rest = divmod(k + before - tap * dilation, stride)
        else:
            at, rest = k * stride + tap * dilation - before, 0
        if rest == 0 and 0 <= at < size:
            found.append((at, tap))
    return found


def _table(lists: list[list[tuple[int, int]]]) -> Array:
    """Lists of pairs as an array, filled up with -1."""
    table = np.full((len(lists), max(map(len, lists)) + 1, 2), -1)
    for row, pairs in zip(table, lists, strict=True):
        row[: len(pairs)] = np.reshape(pairs, (-1, 2))
    return table


def _laid(x: Array) -> tuple[Array, tuple[int, ...]]:
    """Flat memory of images with their batch last, and the steps along its axes."""
    n, c, h, w = x.shape
    steps = 1, h * w * n, w * n, n
    if _lies(x):
        return flat(x), steps_of(x)
    laid = np.empty(x.size, x.dtype)
    transpose(flat(x), 0, c * h * w, laid, 0, n, (1, n, c * h * w))
    return laid, steps


def convolution(
    x: Array, weight: Array, y: Array, windows: Windows, back: bool = False
) -> Callable[[], None]:
    """Make y = x * weight; with ``back`` the adjoint of the convolution with this weight."""
    met = _meetings(y, x, windows, back)
    images, outputs, high, _ = y.shape
    inputs, room = x.shape[1], -(-outputs // OUTPUTS) * OUTPUTS
    _, _, p, q = weight.shape
    weights = np.zeros((inputs, p, q, room), weight.dtype)
    size = p * q * room, q * room, room
    turned = weight.transpose(0, 2, 3, 1) if back else weight.transpose(1, 2, 3, 0)
    shape, parts, target = (images, outputs, high, inputs), threads(), (flat(y), steps_of(y))

    def kernel() -> None:
        weights[..., :outputs] = turned
        _convolve(*_laid(x), *target, weights.reshape(-1), size, shape, *met, parts)  # type: ignore[call-arg]

    return kernel


def weight_gradient(x: Array, g: Array, weight: Array, windows: Windows) -> Callable[[], None]:
    """Make ``weight`` the derivative by w of <g, x * w>."""
    met = _meetings(g, x, windows)
    images, outputs, high, _ = g.shape
    inputs, p, q = weight.shape[1:]
    size = p * q * outputs, q * outputs, outputs
    sums, shape = np.empty((threads(), weight.size), weight.dtype), (images, outputs, high, inputs)

    def kernel() -> None:
        _derive(*_laid(x), *_laid(g), sums, size, shape, *met)
        total = sums.sum(axis=0).reshape(inputs, p, q, outputs)
        np.copyto(weight, total.transpose(3, 0, 1, 2))

    return kernel
