"""Convolutions in many narrow groups, of one channel each above all (depthwise ones).

Groups lie next to each other, so that one instruction works on ``LANES`` of them; where a group has
several channels, images are laid out anew as (batch, height, width, channels of a group, groups).
Sums over the taps that a pixel meets stay in registers, for some pixels next to each other that
meet the same ones, and so do sums over a line's pixels in the derivative by the weight.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

import numpy as np

from graphflow.backends.llvm.native import Call, kernel
from graphflow.backends.llvm.parts import share, threads
from graphflow.backends.llvm.words import (
    LANES,
    Ints,
    Reals,
    apart,
    beyond,
    lanes,
    put,
    repeated,
)
from graphflow.backends.numba_kernels.images import Image, rounded, steps_of
from graphflow.backends.numba_kernels.meetings import list_taps, meetings, room_for_taps
from graphflow.ops.op import Array
from graphflow.ops.windows import Windows

FEWEST = LANES // 2
"""Groups from which it pays to work on ``LANES`` of them at a time."""
BROADEST = 64
"""Products of a group's channels on both sides up to which it does."""
PIXELS = 4
"""Pixels, or taps, whose sums are in registers at a time."""


def suits(groups: int, inputs: int, outputs: int) -> bool:
    """Whether a convolution of ``inputs`` to ``outputs`` channels has many narrow groups."""
    return groups >= FEWEST and (inputs // groups) * (outputs // groups) <= BROADEST


@apart
def _meet(
    x: Reals, at: int, step: int, taps: Ints, count: int, weights: Reals, first: int, y: Reals,
    to: int, across: int, length: int,
) -> None:  # fmt: skip
    """Some groups of ``length`` pixels of y, ``across`` apart, from pixels of x ``step`` apart.

    Each is the sum of weights[b + first] * x[a + at] over the first ``count`` pairs (a, b) of taps.
    """
    whole = length // PIXELS * PIXELS
    for j in range(0, whole, PIXELS):
        s0, s1, s2, s3 = repeated(0), repeated(0), repeated(0), repeated(0)
        own = at + j * step
        for t in range(count):
            a, w = taps[2 * t] + own, lanes(weights, taps[2 * t + 1] + first)
            s0 += w * lanes(x, a)
            s1 += w * lanes(x, a + step)
            s2 += w * lanes(x, a + 2 * step)
            s3 += w * lanes(x, a + 3 * step)
        result = to + j * across
        put(y, result, s0)
        put(y, result + across, s1)
        put(y, result + 2 * across, s2)
        put(y, result + 3 * across, s3)
    for j in range(whole, length):
        s0, own = repeated(0), at + j * step
        for t in range(count):
            s0 += lanes(weights, taps[2 * t + 1] + first) * lanes(x, taps[2 * t] + own)
        put(y, to + j * across, s0)


@apart
def _add_products(
    total: Reals, first: int, taps: Ints, count: int, x: Reals, at: int, step: int, g: Reals,
    to: int, across: int, length: int,
) -> None:  # fmt: skip
    """Add to the weights of all taps, for some groups, the sum over a line's pixels of what both
    sides of each are.
    """
    whole = count // PIXELS * PIXELS
    for t in range(0, whole, PIXELS):
        s0, s1, s2, s3 = repeated(0), repeated(0), repeated(0), repeated(0)
        a0, a1 = taps[2 * t] + at, taps[2 * t + 2] + at
        a2, a3 = taps[2 * t + 4] + at, taps[2 * t + 6] + at
        for j in range(length):
            cotangent, e = lanes(g, to + j * across), j * step
            s0 += cotangent * lanes(x, a0 + e)
            s1 += cotangent * lanes(x, a1 + e)
            s2 += cotangent * lanes(x, a2 + e)
            s3 += cotangent * lanes(x, a3 + e)
        w0, w1 = taps[2 * t + 1] + first, taps[2 * t + 3] + first
        w2, w3 = taps[2 * t + 5] + first, taps[2 * t + 7] + first
        put(total, w0, lanes(total, w0) + s0)
        put(total, w1, lanes(total, w1) + s1)
        put(total, w2, lanes(total, w2) + s2)
        put(total, w3, lanes(total, w3) + s3)
    for t in range(whole, count):
        s0, a0, w0 = repeated(0), taps[2 * t] + at, taps[2 * t + 1] + first
        for j in range(length):
            s0 += lanes(g, to + j * across) * lanes(x, a0 + j * step)
        put(total, w0, lanes(total, w0) + s0)


@kernel
def _convolve(
    part: int, parts: int, x: Reals, xs: Ints, y: Reals, ys: Ints, weights: Reals, size: Ints,
    shape: Ints, rows: Ints, columns: Ints, runs: Ints, most: Ints, lists: Ints,
) -> None:  # fmt: skip
    """Make y = x * w.

    ``rows``, ``columns`` and ``runs`` are as :func:`meetings` makes them, ``most`` places for
    pairs in each row, in each column, and runs; ``lists`` is room for taps of each thread. The last
    lanes of groups overlap those before.
    """
    images, high, inputs, outputs, groups = shape
    image, _, _, of_pixel = xs
    to_image, to_channel, to_line, to_pixel = ys
    more_rows, more_columns, count_of_runs = most
    taps = beyond(lists, part * 2 * inputs * more_rows * more_columns)
    begin, stop = share(part, parts, images * high)
    for job in range(begin, stop):
        n, i = job // high, job % high
        for r in range(count_of_runs):
            own = beyond(runs, 4 * r)
            first, length, by, step = own
            count = list_taps(
                beyond(rows, 2 * i * more_rows), beyond(columns, 2 * r * more_columns), inputs,
                xs, size, taps,
            )  # fmt: skip
            line = n * to_image + i * to_line + first * to_pixel
            for lane in range(0, groups, LANES):
                group = min(lane, groups - LANES)
                for o in range(outputs):
                    _meet(x, n * image + group, step * of_pixel, taps, count, weights,
                          o * groups + group, y, line + o * to_channel + group, by * to_pixel,
                          length)  # fmt: skip


@kernel
def _derive(
    part: int, parts: int, x: Reals, xs: Ints, g: Reals, gs: Ints, size: Ints, shape: Ints,
    rows: Ints, columns: Ints, runs: Ints, most: Ints, sums: Reals, lists: Ints,
) -> None:  # fmt: skip
    """The derivative by w of <g, x * w>, in parts to be added, one for some lines of g each.

    The last lanes have room of their own, so that none is added twice.
    """
    images, high, inputs, outputs, groups = shape
    image, _, _, of_pixel = xs
    from_image, from_channel, from_line, from_pixel = gs
    more_rows, more_columns, count_of_runs = most
    taps = beyond(lists, part * 2 * inputs * more_rows * more_columns)
    all_weights, room = inputs * size[0], -(-groups // LANES) * LANES
    total = beyond(sums, part * all_weights)
    for e in range(all_weights):
        total[e] = 0
    begin, stop = share(part, parts, images * high)
    for job in range(begin, stop):
        n, i = job // high, job % high
        for r in range(count_of_runs):
            own = beyond(runs, 4 * r)
            first, length, _, step = own
            count = list_taps(
                beyond(rows, 2 * i * more_rows), beyond(columns, 2 * r * more_columns), inputs,
                xs, size, taps,
            )  # fmt: skip
            line = n * from_image + i * from_line + first * from_pixel
            for lane in range(0, groups, LANES):
                group = min(lane, groups - LANES)
                for o in range(outputs):
                    _add_products(
                        total, o * room + lane, taps, count, x, n * image + group,
                        step * of_pixel, g, line + o * from_channel + group, from_pixel, length,
                    )  # fmt: skip


@kernel
def _gather(
    part: int, parts: int, x: Reals, right: int, laid: Reals, pixels: int, each: int, groups: int,
    wide: int,
) -> None:  # fmt: skip
    """Pixels (groups, each) written as (each, groups), the latter filled up with zeros."""
    begin, stop = share(part, parts, pixels)
    for pixel in range(begin, stop):
        for k in range(each):
            at, to = pixel * right + k, (pixel * each + k) * wide
            for i in range(groups):
                laid[to + i] = x[at + i * each]
            for i in range(groups, wide):
                laid[to + i] = 0


@kernel
def _scatter(
    part: int, parts: int, laid: Reals, x: Reals, right: int, pixels: int, each: int, groups: int,
    wide: int,
) -> None:  # fmt: skip
    """The way back."""
    begin, stop = share(part, parts, pixels)
    for pixel in range(begin, stop):
        for k in range(each):
            to, at = pixel * right + k, (pixel * each + k) * wide
            for i in range(groups):
                x[to + i * each] = laid[at + i]


class _Grouped:
    """Images with groups next to each other, ``wide`` of them; where they do not lie so, what is
    read is a copy, and what is written is copied back.
    """

    def __init__(self, array: Array, groups: int) -> None:
        self._image, self._dtype = Image(array), array.dtype
        self.each, self.wide = array.shape[1] // groups, max(groups, LANES)
        self._direct = self.each == 1 and groups >= LANES
        self._counts = array.size // array.shape[1], self.each, groups, self.wide

    @property
    def steps(self) -> tuple[int, int, int, int]:
        """How far images, channels of a group, rows and pixels are apart."""
        batch, down, right, height, width = self._image.place
        if not self._direct:
            right = self.each * self.wide
            down, batch = width * right, height * width * right
        return batch, self.wide, down, right

    def read(self) -> Array:
        """The memory that holds the images."""
        memory = self._image.read()
        if self._direct:
            return memory
        laid = self.room()
        self._in(memory, laid)
        return laid

    def room(self) -> Array:
        """The memory that is to be written."""
        if self._direct:
            return self._image.room()
        pixels, each, _, wide = self._counts
        return np.empty(pixels * each * wide, self._dtype)

    def written(self, laid: Array) -> None:
        """Take over what was written into :meth:`room`."""
        target = laid if self._direct else self._image.room()
        if not self._direct:
            self._out(laid, target)
        self._image.written(target)

    @cached_property
    def _in(self) -> Call:
        right = self._image.place[2]
        return _gather.call(self._dtype, threads(), None, right, None, *self._counts)

    @cached_property
    def _out(self) -> Call:
        right = self._image.place[2]
        return _scatter.call(self._dtype, threads(), None, None, right, *self._counts)


def _split(weight: Array, groups: int) -> Array:
    """Weights (groups, outputs, inputs, *kernel), the same memory."""
    return weight.reshape(groups, -1, *weight.shape[1:])


def convolution(
    x: Array, weight: Array, y: Array, windows: Windows, groups: int, back: bool = False
) -> Callable[[], None]:
    """Make y = x * weight; with ``back`` the adjoint of the convolution with this weight."""
    met, parted = meetings(y, x, windows, back), _split(weight, groups)
    turned = parted.transpose(1, 3, 4, 2, 0) if back else parted.transpose(2, 3, 4, 1, 0)
    source, target = _Grouped(x, groups), _Grouped(y, groups)
    most, taps = room_for_taps(met, source.each)
    weights = np.zeros((*turned.shape[:4], source.wide), x.dtype)
    convolve = _convolve.call(
        x.dtype, threads(), None, source.steps, None, target.steps, weights,
        steps_of(weights)[:3], (len(y), y.shape[2], source.each, target.each, source.wide), *met,
        most, None,
    )  # fmt: skip

    def run() -> None:
        weights[..., :groups] = turned
        results = target.room()
        convolve(source.read(), results, np.empty(taps, np.int64))
        target.written(results)

    return run


def weight_gradient(
    x: Array, g: Array, weight: Array, windows: Windows, groups: int
) -> Callable[[], None]:
    """Make ``weight`` the derivative by w of <g, x * w>."""
    met, parted = meetings(g, x, windows), _split(weight, groups)
    source, cotangent = _Grouped(x, groups), _Grouped(g, groups)
    (most, taps), wide = room_for_taps(met, source.each), source.wide
    sums = np.empty((threads(), *parted.transpose(2, 3, 4, 1, 0).shape[:4], rounded(wide, LANES)),
                    x.dtype)  # fmt: skip
    derive = _derive.call(
        x.dtype, threads(), None, source.steps, None, cotangent.steps, steps_of(sums)[1:4],
        (len(g), g.shape[2], source.each, cotangent.each, wide), *met, most, sums, None,
    )  # fmt: skip
    places, last = np.arange(groups), (wide - 1) // LANES * LANES
    places[last:] += last - (wide - LANES)

    def run() -> None:
        derive(source.read(), cotangent.read(), np.empty(taps, np.int64))
        np.copyto(parted, sums.sum(axis=0)[..., places].transpose(4, 3, 0, 1, 2))

    return run
