"""Convolutions of images with few channels that lie with their batch last.

The same pixel of all images lies together, so that one instruction works on ``LANES`` images. For
pixels next to each other that meet the same taps of the kernel there is a list of where these lie
and which weight is theirs; sums over such a list stay in registers. The adjoint has other lists and
is otherwise the same; stride, dilation and padding are a matter of the lists alone.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from graphflow.backends.llvm.native import kernel
from graphflow.backends.llvm.parts import share, threads
from graphflow.backends.llvm.words import (
    LANES,
    Ints,
    Reals,
    apart,
    beyond,
    copy_lanes,
    room,
)
from graphflow.backends.numba_kernels.images import flat, rounded, steps_of, transpose
from graphflow.backends.numba_kernels.meetings import list_taps, meetings, room_for_taps
from graphflow.backends.numba_kernels.register_sums import OUTPUTS, SQUARE, correlate, meet
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


@kernel
def _convolve(
    part: int, parts: int, x: Reals, xs: Ints, y: Reals, ys: Ints, weights: Reals, size: Ints,
    shape: Ints, rows: Ints, columns: Ints, runs: Ints, most: Ints, lists: Ints,
) -> None:  # fmt: skip
    """Make y = x * w.

    ``rows``, ``columns`` and ``runs`` are as :func:`meetings` makes them, ``most`` places for
    pairs in each row, in each column, and runs; ``lists`` is room for taps of each thread.
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
            own = beyond(runs, 4 * r)
            run, length, by, step = own
            count = list_taps(
                beyond(rows, 2 * i * more_rows), beyond(columns, 2 * r * more_columns), channels,
                xs, size, taps,
            )  # fmt: skip
            for n in range(first * LANES, end * LANES, LANES):
                for j in range(length):
                    at = n + j * step * of_pixel
                    to = n + i * to_line + (run + j * by) * to_pixel
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
            own = beyond(runs, 4 * r)
            run, broad, _, step = own
            found = list_taps(
                beyond(rows, 2 * i * more_rows), beyond(columns, 2 * r * more_columns), channels,
                xs, size, taps,
            )  # fmt: skip
            whole = step * of_pixel == images and to_pixel == images
            pixels, length = 1 if whole else broad, (broad if whole else 1) * images
            for j in range(pixels):
                at, to = j * step * of_pixel, i * to_line + (run + j) * to_pixel
                _add_products(total, outputs, taps, found, x, at, g, to, to_channel, length)


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


def convolution(
    x: Array, weight: Array, y: Array, windows: Windows, back: bool = False
) -> Callable[[], None]:
    """Make y = x * weight; with ``back`` the adjoint of the convolution with this weight."""
    met = meetings(y, x, windows, back)
    images, outputs, high, _ = y.shape
    inputs, room = x.shape[1], rounded(y.shape[1], OUTPUTS)
    _, _, p, q = weight.shape
    weights = np.zeros((inputs, p, q, room), weight.dtype)
    turned = weight.transpose(0, 2, 3, 1) if back else weight.transpose(1, 2, 3, 0)
    (most, taps), laid = room_for_taps(met, inputs), _Laid(x)
    convolve = _convolve.call(
        x.dtype, threads(), None, laid.steps, flat(y), steps_of(y), weights,
        (p * q * room, q * room, room), (images, outputs, high, inputs), *met, most, None,
    )  # fmt: skip

    def run() -> None:
        weights[..., :outputs] = turned
        convolve(laid.read(), np.empty(taps, np.int64))

    return run


def weight_gradient(x: Array, g: Array, weight: Array, windows: Windows) -> Callable[[], None]:
    """Make ``weight`` the derivative by w of <g, x * w>."""
    met = meetings(g, x, windows)
    images, outputs, high, _ = g.shape
    inputs, p, q = weight.shape[1:]
    (most, taps), image, cotangent = room_for_taps(met, inputs), _Laid(x), _Laid(g)
    sums = np.empty((threads(), weight.size), weight.dtype)
    derive = _derive.call(
        x.dtype, threads(), None, image.steps, None, cotangent.steps, sums, weight.size,
        (p * q * outputs, q * outputs, outputs), (images, outputs, high, inputs), *met, most, None,
    )  # fmt: skip

    def run() -> None:
        derive(image.read(), cotangent.read(), np.empty(taps, np.int64))
        total = sums.sum(axis=0).reshape(inputs, p, q, outputs)
        np.copyto(weight, total.transpose(3, 0, 1, 2))

    return run
