"""Convolutions of images with few channels that lie with their batch last.

The same pixel of all images lies together, so that one instruction works on ``LANES`` images. For
pixels next to each other that meet the same taps of the kernel there is a list of where these lie
and which weight is theirs; sums over such a list stay in registers. The adjoint has other lists and
is otherwise the same; stride, dilation and padding are a matter of the lists alone.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from graphflow.backends.numba_kernels.images import (
    flat,
    numbers,
    rounded,
    steps_of,
    threads,
    transpose,
)
from graphflow.backends.numba_kernels.multiply import share
from graphflow.backends.numba_kernels.native import kernel
from graphflow.backends.numba_kernels.register_sums import OUTPUTS, SQUARE, correlate, meet
from graphflow.backends.numba_kernels.words import (
    LANES,
    Ints,
    Reals,
    apart,
    beyond,
    copy_lanes,
    room,
)
from graphflow.ops.op import Array
from graphflow.ops.windows import Windows

HELD = max(OUTPUTS, SQUARE * SQUARE) * LANES
"""Numbers in room for sums."""


def suits(x: Array, y: Array) -> bool:
    """Whether y lies with its batch last, in whole rows of lanes, and x so or row by row."""
    return _lies(y) and (_lies(x) or (x.flags.c_contiguous and x.shape[0] > 1))


def _lies(array: Array) -> bool:
    """Whether images lie with their batch last, in whole rows of lanes."""
    return array.strides[0] == array.itemsize and array.shape[0] % LANES == 0


def _some(pairs: Ints) -> int:
    """How many pairs there are before the first that is none."""
    count = 0
    while pairs[2 * count] >= 0:
        count += 1
    return count


@apart
def _list(rows: Ints, columns: Ints, channels: int, xs: Ints, size: Ints, taps: Ints) -> int:
    """Write which pixels some results meet, and with which weights, into ``taps``; how many."""
    _, of_channel, of_line, of_pixel = xs
    to_channel, to_line, to_pixel = size
    count, high, wide = 0, _some(rows), _some(columns)
    for c in range(channels):
        for r in range(high):
            for s in range(wide):
                at, tap = rows[2 * r] * of_line, rows[2 * r + 1] * to_line
                taps[2 * count] = c * of_channel + at + columns[2 * s] * of_pixel
                taps[2 * count + 1] = c * to_channel + tap + columns[2 * s + 1] * to_pixel
                count += 1
    return count


@kernel
def _convolve(
    part: int, parts: int, x: Reals, xs: Ints, y: Reals, ys: Ints, weights: Reals, size: Ints,
    shape: Ints, rows: Ints, columns: Ints, runs: Ints, most: Ints, lists: Ints,
) -> None:  # fmt: skip
    """Make y = x * w.

    ``runs`` are first, end and step of columns of y that meet the same taps in columns of x which
    are ``step`` apart. ``rows`` are for each row of y pairs of a row of x that it meets and the row
    of the kernel; ``columns`` are the same for the first column of each run. Behind the last pair
    is -1. ``most`` are places for pairs in each row, in each column, and runs; ``lists`` is room
    for taps of each thread.
    """
    images, outputs, high, channels = shape
    _, to_channel, to_line, to_pixel = ys
    more_rows, more_columns, count_of_runs = most
    held, of_pixel = room(HELD), xs[3]
    taps, blocks = beyond(lists, part * 2 * channels * more_rows * more_columns), images // LANES
    begin, stop = share(part, parts, blocks * high)
    while begin < stop:
        i, first = begin // blocks, begin % blocks
        end = min(blocks, first + stop - begin)
        begin += end - first
        for r in range(count_of_runs):
            run, after, step = runs[3 * r], runs[3 * r + 1], runs[3 * r + 2]
            count = _list(beyond(rows, 2 * i * more_rows), beyond(columns, 2 * r * more_columns),
                          channels, xs, size, taps)  # fmt: skip
            for n in range(first * LANES, end * LANES, LANES):
                for j in range(run, after):
                    at, to = n + (j - run) * step * of_pixel, n + i * to_line + j * to_pixel
                    for o in range(0, outputs, OUTPUTS):
                        meet(held, x, at, taps, count, weights, o)
                        for k in range(min(OUTPUTS, outputs - o)):
                            copy_lanes(y, to + (o + k) * to_channel, held, k * LANES)


def _tap(taps: Ints, t: int, count: int) -> int:
    """Where a tap is; behind the last that one."""
    place: int = taps[2 * min(t, count - 1)]
    return place


@apart
def _add_products(
    total: Reals, outputs: int, taps: Ints, count: int, x: Reals, at: int, g: Reals, to: int,
    step: int, length: int,
) -> None:  # fmt: skip
    """Add to each weight of each tap the products of what both sides of it are, ``length`` long."""
    held, last = room(HELD), outputs - 1
    for t in range(0, count, SQUARE):
        for o in range(0, outputs, SQUARE):
            correlate(
                held, x, at + _tap(taps, t, count), at + _tap(taps, t + 1, count),
                at + _tap(taps, t + 2, count), at + _tap(taps, t + 3, count),
                g, to + o * step, to + min(o + 1, last) * step, to + min(o + 2, last) * step,
                to + min(o + 3, last) * step, length // LANES,
            )  # fmt: skip
            for a in range(min(SQUARE, count - t)):
                for b in range(min(SQUARE, outputs - o)):
                    start, found = (a * SQUARE + b) * LANES, 0.0
                    for e in range(start, start + LANES):
                        found += held[e]
                    total[taps[2 * (t + a) + 1] + o + b] += found


@kernel
def _derive(
    part: int, parts: int, x: Reals, xs: Ints, g: Reals, gs: Ints, sums: Reals, count: int,
    size: Ints, shape: Ints, rows: Ints, columns: Ints, runs: Ints, most: Ints, lists: Ints,
) -> None:  # fmt: skip
    """The derivative by w of <g, x * w>, in parts of ``count`` numbers to be added, one for some
    rows of g each.
    """
    images, outputs, high, channels = shape
    _, to_channel, to_line, to_pixel = gs
    more_rows, more_columns, count_of_runs = most
    taps, of_pixel = beyond(lists, part * 2 * channels * more_rows * more_columns), xs[3]
    total = beyond(sums, part * count)
    for i in range(count):
        total[i] = 0
    begin, stop = share(part, parts, high)
    for i in range(begin, stop):
        for r in range(count_of_runs):
            run, after, step = runs[3 * r], runs[3 * r + 1], runs[3 * r + 2]
            found = _list(beyond(rows, 2 * i * more_rows), beyond(columns, 2 * r * more_columns),
                          channels, xs, size, taps)  # fmt: skip
            whole = step * of_pixel == images and to_pixel == images
            pixels, length = 1 if whole else after - run, (after - run if whole else 1) * images
            for j in range(pixels):
                at, to = j * step * of_pixel, i * to_line + (run + j) * to_pixel
                _add_products(total, outputs, taps, found, x, at, g, to, to_channel, length)


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


class _Laid:
    """Flat memory of images with their batch last, a copy where they do not lie so."""

    def __init__(self, x: Array) -> None:
        n, c, h, w = x.shape
        self.steps: tuple[int, ...] = (1, h * w * n, w * n, n)
        self._array, self._memory = x, flat(x)
        self._copies = None
        if _lies(x):
            self.steps = steps_of(x)
        else:
            pixels = c * h * w
            self._copies = transpose.call(
                x.dtype, threads(), self._memory, (0, pixels), None, (0, n), (1, n, pixels)
            )

    def read(self) -> Array:
        """The memory."""
        if self._copies is None:
            return self._memory
        laid = np.empty(self._array.size, self._array.dtype)
        self._copies(laid)
        return laid


def _lists(met: tuple[Array, ...], channels: int) -> tuple[tuple[int, ...], int]:
    """How many pairs there are at most, how many runs, and what lists of taps hold."""
    rows, columns, runs = met
    most = rows.shape[1], columns.shape[1], len(runs)
    return most, threads() * 2 * channels * most[0] * most[1]


def convolution(
    x: Array, weight: Array, y: Array, windows: Windows, back: bool = False
) -> Callable[[], None]:
    """Make y = x * weight; with ``back`` the adjoint of the convolution with this weight."""
    met = _meetings(y, x, windows, back)
    images, outputs, high, _ = y.shape
    inputs, room = x.shape[1], rounded(y.shape[1], OUTPUTS)
    _, _, p, q = weight.shape
    weights = np.zeros((inputs, p, q, room), weight.dtype)
    turned = weight.transpose(0, 2, 3, 1) if back else weight.transpose(1, 2, 3, 0)
    (most, room_for_taps), laid = _lists(met, inputs), _Laid(x)
    convolve = _convolve.call(
        x.dtype, threads(), None, laid.steps, flat(y), steps_of(y), weights,
        (p * q * room, q * room, room), (images, outputs, high, inputs), *met, most, None,
    )  # fmt: skip

    def run() -> None:
        weights[..., :outputs] = turned
        convolve(laid.read(), np.empty(room_for_taps, np.int64))

    return run


def weight_gradient(x: Array, g: Array, weight: Array, windows: Windows) -> Callable[[], None]:
    """Make ``weight`` the derivative by w of <g, x * w>."""
    met = _meetings(g, x, windows)
    images, outputs, high, _ = g.shape
    inputs, p, q = weight.shape[1:]
    (most, room_for_taps), image, cotangent = _lists(met, inputs), _Laid(x), _Laid(g)
    sums = np.empty((threads(), weight.size), weight.dtype)
    derive = _derive.call(
        x.dtype, threads(), None, image.steps, None, cotangent.steps, sums, weight.size,
        (p * q * outputs, q * outputs, outputs), (images, outputs, high, inputs), *met, most, None,
    )  # fmt: skip

    def run() -> None:
        derive(image.read(), cotangent.read(), np.empty(room_for_taps, np.int64))
        total = sums.sum(axis=0).reshape(inputs, p, q, outputs)
        np.copyto(weight, total.transpose(3, 0, 1, 2))

    return run
