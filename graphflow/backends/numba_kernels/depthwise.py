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
from graphflow.backends.numba_kernels.images import Image
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
    x: Reals, at: int, taps: Ints, count: int, weights: Reals, each: int, y: Reals, to: int,
    channel: int, outputs: int, groups: int,
) -> None:  # fmt: skip
    """All groups of one pixel of y: for each output the sum of weights[b] * x[a + at] over the
    first ``count`` pairs (a, b) of taps. Outputs are ``channel`` apart in y, and their weights
    ``each``.
    """
    w = 0
    for lane in range(0, groups, LANES):
        group = min(lane, groups - LANES)
        own = at + group
        for o in range(outputs):
            s0 = repeated(0)
            for t in range(count):
                s0 += lanes(weights, taps[2 * t + 1] + w) * lanes(x, taps[2 * t] + own)
            put(y, to + o * channel + group, s0)
            w += each


@apart
def _meet_some(
    x: Reals, at: int, step: int, taps: Ints, count: int, weights: Reals, each: int, y: Reals,
    to: int, across: int, channel: int, outputs: int, groups: int,
) -> None:  # fmt: skip
    """The same for ``PIXELS`` of y that are ``across`` apart, from pixels of x ``step`` apart."""
    w = 0
    for lane in range(0, groups, LANES):
        group = min(lane, groups - LANES)
        own = at + group
        for o in range(outputs):
            s0, s1, s2, s3 = repeated(0), repeated(0), repeated(0), repeated(0)
            for t in range(count):
                a, weight = taps[2 * t] + own, lanes(weights, taps[2 * t + 1] + w)
                s0 += weight * lanes(x, a)
                s1 += weight * lanes(x, a + step)
                s2 += weight * lanes(x, a + 2 * step)
                s3 += weight * lanes(x, a + 3 * step)
            result = to + o * channel + group
            put(y, result, s0)
            put(y, result + across, s1)
            put(y, result + 2 * across, s2)
            put(y, result + 3 * across, s3)
            w += each


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
    lanes of groups, and the last pixels of a run, overlap those before.
    """
    images, high, inputs, outputs, groups = shape
    image, _, _, of_pixel = xs
    to_image, to_channel, to_line, to_pixel = ys
    each = inputs * size[0]
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
            at, to = n * image, n * to_image + i * to_line + first * to_pixel
            move, across = step * of_pixel, by * to_pixel
            if length < PIXELS:
                for j in range(length):
                    _meet(x, at + j * move, taps, count, weights, each, y, to + j * across,
                          to_channel, outputs, groups)  # fmt: skip
            else:
                for begun in range(0, length, PIXELS):
                    j = min(begun, length - PIXELS)
                    _meet_some(x, at + j * move, move, taps, count, weights, each, y,
                               to + j * across, across, to_channel, outputs, groups)  # fmt: skip


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
    each = inputs * size[0]
    all_weights = -(-groups // LANES) * outputs * each
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
                    w = (lane // LANES * outputs + o) * each
                    _add_products(
                        total, w, taps, count, x, n * image + group, step * of_pixel, g,
                        line + o * from_channel + group, from_pixel, length,
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


class _Weights:
    """Weights (outputs, inputs of a group, *kernel) as loops take them, for ``LANES`` groups at a
    time: (.., outputs of a group, inputs, *kernel, ``LANES``), the last of which overlap.
    """

    def __init__(self, weight: Array, groups: int, back: bool = False) -> None:
        parted = weight.reshape(groups, -1, *weight.shape[1:])  # the same memory
        self._turned = parted.transpose(2, 1, 3, 4, 0) if back else parted.transpose(1, 2, 3, 4, 0)
        wide = max(groups, LANES)
        firsts = np.minimum(np.arange(0, wide, LANES), wide - LANES)
        self._groups = np.minimum(firsts[:, None] + np.arange(LANES), groups - 1)
        self._places = np.arange(groups)
        self._places[len(firsts) * LANES - LANES :] += len(firsts) * LANES - wide
        self.shape = (len(firsts), *self._turned.shape[:4], LANES)
        high, wide = self.shape[3:5]
        self.steps = high * wide * LANES, wide * LANES, LANES

    def laid(self) -> Array:
        """The weights."""
        return np.ascontiguousarray(np.moveaxis(self._turned[..., self._groups], 4, 0))

    def write(self, laid: Array) -> None:
        """Take over what was made."""
        rows = np.moveaxis(laid, 0, 4).reshape(*self.shape[1:5], -1)
        np.copyto(self._turned, rows[..., self._places])


def convolution(
    x: Array, weight: Array, y: Array, windows: Windows, groups: int, back: bool = False
) -> Callable[[], None]:
    """Make y = x * weight; with ``back`` the adjoint of the convolution with this weight."""
    met, weights = meetings(y, x, windows, back), _Weights(weight, groups, back)
    source, target = _Grouped(x, groups), _Grouped(y, groups)
    most, taps = room_for_taps(met, source.each)
    convolve = _convolve.call(
        x.dtype, threads(), None, source.steps, None, target.steps, None, weights.steps,
        (len(y), y.shape[2], source.each, target.each, source.wide), *met, most, None,
    )  # fmt: skip

    def run() -> None:
        results = target.room()
        convolve(source.read(), results, weights.laid(), np.empty(taps, np.int64))
        target.written(results)

    return run


def weight_gradient(
    x: Array, g: Array, weight: Array, windows: Windows, groups: int
) -> Callable[[], None]:
    """Make ``weight`` the derivative by w of <g, x * w>."""
    met, weights = meetings(g, x, windows), _Weights(weight, groups)
    source, cotangent = _Grouped(x, groups), _Grouped(g, groups)
    most, taps = room_for_taps(met, source.each)
    sums = np.empty((threads(), *weights.shape), x.dtype)
    derive = _derive.call(
        x.dtype, threads(), None, source.steps, None, cotangent.steps, weights.steps,
        (len(g), g.shape[2], source.each, cotangent.each, source.wide), *met, most, sums, None,
    )  # fmt: skip

    def run() -> None:
        derive(source.read(), cotangent.read(), np.empty(taps, np.int64))
        weights.write(sums.sum(axis=0))

    return run
