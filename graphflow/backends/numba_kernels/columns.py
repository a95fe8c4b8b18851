"""Convolutions as products of matrices: every window is a row of (kernel, channels) numbers.

Each thread lays out rows for as many pixels of the result as stay in its cache, channels last, and
multiplies them with the weights as a matrix. The derivative by the weight is the product of the
same rows with the cotangent; the adjoint by the image makes rows by a product, and each pixel of
the image gathers from them what would have been copied there. Source: Chellapilla, Puri, Simard
2006.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import prod

import numpy as np

from graphflow.backends.llvm.native import Call, Kernel, kernel
from graphflow.backends.llvm.parts import share, threads
from graphflow.backends.llvm.words import LANES, Ints, Reals, apart, beyond
from graphflow.backends.numba_kernels.images import Image, flat
from graphflow.backends.numba_kernels.lanes import move
from graphflow.backends.numba_kernels.multiply import multiply_by_parts
from graphflow.ops.op import Array
from graphflow.ops.windows import Windows

ROOM, FEWEST = 2**17, 256
"""Numbers that a thread lays out at a time, and pixels that these are at least."""


@apart
def _fill(
    x: Reals, place: Ints, window: Ints, counts: Ints, channels: int, first: int, end: int,
    rows: Reals,
) -> None:  # fmt: skip
    """The windows of pixels ``first`` to ``end`` of all results, as rows; zeros outside."""
    batch, line, pixel, height, width = place
    high, wide, down, right, below, beside, above, before = window
    tall, broad = counts
    to = 0
    for at in range(first, end):
        n, i, j = at // (tall * broad), at // broad % tall, at % broad
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
def _convolve(
    part: int, parts: int, x: Reals, place: Ints, window: Ints, counts: Ints, channels: int,
    outputs: int, pixels: int, block: int, plain: int, right: int, w: Reals, y: Reals,
    rooms: Reals,
) -> None:  # fmt: skip
    """Make y = x * w; ``w`` is (length, outputs), pixels of y are ``right`` apart. With ``plain``
    the pixels of x are the rows. Threads share out the pixels, or the outputs, if those are few.
    """
    length = channels * window[0] * window[1]
    begin, stop = share(part, parts, pixels)
    start, last = 0, outputs
    if pixels < outputs:
        begin, stop = 0, pixels
        start, last = share(part, parts, outputs)
    own, apart_by = beyond(rooms, part * block * length), place[2] if plain else length
    for first in range(begin, stop, block):
        end = min(first + block, stop)
        if plain == 0:
            _fill(x, place, window, counts, channels, first, end, own)
        multiply_by_parts(
            end - first, length, last - start, beyond(x, first * apart_by) if plain else own,
            apart_by, 1, beyond(w, start), outputs, 1, beyond(y, first * right + start), right, 0,
        )  # fmt: skip


@kernel
def _derive(
    part: int, parts: int, x: Reals, place: Ints, window: Ints, counts: Ints, channels: int,
    outputs: int, pixels: int, block: int, plain: int, right: int, sums: Reals, g: Reals,
    rooms: Reals,
) -> None:  # fmt: skip
    """The derivative by the weight of <g, x * w>, (outputs, length): of some pixels for each
    thread, to be added; or, if pixels are few, some outputs of it.
    """
    length = channels * window[0] * window[1]
    begin, stop = share(part, parts, pixels)
    start, last, total = 0, outputs, beyond(sums, part * outputs * length)
    if pixels < outputs:
        begin, stop = 0, pixels
        start, last = share(part, parts, outputs)
        total = beyond(sums, start * length)
    own, apart_by = beyond(rooms, part * block * length), place[2] if plain else length
    if begin == stop:
        for i in range((last - start) * length):
            total[i] = 0
    for first in range(begin, stop, block):
        end = min(first + block, stop)
        if plain == 0:
            _fill(x, place, window, counts, channels, first, end, own)
        multiply_by_parts(
            last - start, end - first, length, beyond(g, first * right + start), 1, right,
            beyond(x, first * apart_by) if plain else own, apart_by, 1, total, length,
            1 if first > begin else 0,
        )  # fmt: skip


@apart
def _gather(
    rows: Reals, y: Reals, to: int, place: Ints, window: Ints, broad: int, channels: int,
    top: int, bottom: int, line: int, end: int,
) -> None:  # fmt: skip
    """The adjoint of :func:`_fill` for lines ``top`` to ``bottom`` of one image; ``rows`` are of
    lines ``line`` to ``end`` of its results.
    """
    _, down_y, pixel, _, width = place
    high, wide, down, right, below, beside, above, before = window
    for h in range(top, bottom):
        for w in range(width):
            at = to + h * down_y + w * pixel
            for c in range(at, at + channels):
                y[c] = 0
            for p in range(high):
                i = h + above - p * below
                if i < line * down or i % down != 0 or i // down >= end:
                    continue
                for q in range(wide):
                    j = w + before - q * beside
                    if j < 0 or j % right != 0 or j // right >= broad:
                        continue
                    row = (i // down - line) * broad + j // right
                    start = ((row * high + p) * wide + q) * channels
                    for c in range(channels):
                        y[at + c] += rows[start + c]


@kernel
def _give_back(
    part: int, parts: int, y: Reals, place: Ints, window: Ints, counts: Ints, channels: int,
    outputs: int, images: int, at_once: int, lines: int, right: int, w: Reals, g: Reals,
    rooms: Reals, room: int,
) -> None:  # fmt: skip
    """Make y the adjoint at g, pixels of which are ``right`` apart; ``w`` is (outputs, length).

    A thread works on ``at_once`` images, or on ``lines`` of one, at a time.
    """
    batch, _, _, height, _ = place
    high, wide, down, _, below, _, above, _ = window
    tall, broad = counts
    length, bands = channels * high * wide, -(-height // lines)
    rows = beyond(rooms, part * room)
    begin, stop = share(part, parts, -(-images // at_once) * bands)
    for job in range(begin, stop):
        n, top = job // bands * at_once, job % bands * lines
        count, bottom = min(at_once, images - n), min(top + lines, height)
        line, end = 0, tall
        if bands > 1:
            line = max(0, -((below * (high - 1) - top - above) // down))
            end = max(line, min(tall, (bottom - 1 + above) // down + 1))
        pixels = count * (end - line) * broad
        given = beyond(g, (n * tall + line) * broad * right)
        multiply_by_parts(pixels, outputs, length, given, right, 1, w, length, 1, rows, length, 0)
        for k in range(count):
            own = beyond(rows, k * tall * broad * length)
            _gather(own, y, (n + k) * batch, place, window, broad, channels, top, bottom, line,
                    end)  # fmt: skip


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
def _unpack(
    part: int, parts: int, packed: Reals, count: int, shape: Ints, w: Reals, steps: Ints
) -> None:
    """The way back from the sum of ``count`` matrices (outputs, kernel * channels)."""
    outputs, channels, high, wide = shape
    of_output, of_channel, down, right = steps
    begin, stop = share(part, parts, outputs)
    length = high * wide * channels
    for o in range(begin, stop):
        for other in range(1, count):
            for i in range(o * length, (o + 1) * length):
                packed[i] += packed[other * outputs * length + i]
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
    def met(self) -> Sweep:
        """Where x is copied first, the same of those pixels alone that a kernel of one pixel meets.
        """
        high, wide, down, right, below, beside, *starts = self.window
        if self.x.direct or (high, wide, *starts) != (1, 1, 0, 0):
            return self
        tall, broad = self.counts
        x = self.x.array[:, :, : tall * down : down, : broad * right : right]
        return replace(self, x=Image(x), window=(1, 1, 1, 1, below, beside, 0, 0))

    @property
    def dtype(self) -> np.dtype[np.generic]:
        """The number type of all of them."""
        return self.weight.dtype

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

    @property
    def block(self) -> int:
        """Pixels of y that are worked on at a time."""
        return min(max(ROOM // self.length, FEWEST), self.pixels)

    def call(self, kernel: Kernel) -> Call:
        """A kernel, bound to all but x, the weight, y and the room."""
        return kernel.call(
            self.weight.dtype, threads(), None, self.x.place, self.window, self.counts,
            self.channels, self.outputs, self.pixels, self.block, int(self.plain),
            self.y.place[2], None, None, None,
        )  # fmt: skip

    def room(self) -> Array:
        """Memory for the rows of each thread."""
        each = 0 if self.plain else self.block * self.length
        return np.empty(threads() * each, self.weight.dtype)


def convolution(sweep: Sweep) -> Callable[[], None]:
    """Make y = x * weight."""
    sweep = sweep.met
    convolve, pack, dtype = sweep.call(_convolve), sweep.packing(by_outputs=False), sweep.dtype

    def kernel() -> None:
        target, matrix = sweep.y.room(), np.empty(sweep.weight.size, dtype)
        pack(matrix)
        convolve(sweep.x.read(), matrix, target, sweep.room())
        sweep.y.written(target)

    return kernel


def weight_gradient(sweep: Sweep, whole: Array) -> Callable[[], None]:
    """Make ``whole``, of which the sweep's weight is a part, the derivative of <y, x * weight>."""
    sweep, weight = sweep.met, sweep.weight
    derive, count = sweep.call(_derive), 1 if sweep.pixels < sweep.outputs else threads()
    unpack = _unpack.call(
        weight.dtype, threads(), None, count, weight.shape, flat(weight), sweep.steps
    )

    def kernel() -> None:
        sums = np.empty(count * weight.size, weight.dtype)
        derive(sweep.x.read(), sums, sweep.y.read(), sweep.room())
        if whole.shape != weight.shape:
            whole.fill(0)
        unpack(sums)

    return kernel


def adjoint(sweep: Sweep) -> Callable[[], None]:
    """Make x the adjoint of the convolution at y."""
    place, (tall, broad), length = sweep.x.place, sweep.counts, sweep.length
    images, height, pixels = len(sweep.x.array), place[3], max(ROOM // length, FEWEST)
    at_once, lines, rows = max(1, min(images // threads(), pixels // (tall * broad))), height, tall
    high, _, down, _, below = sweep.window[:5]
    if tall * broad > pixels or images < threads():
        around = below * (high - 1) // down + 2  # lines of y that lines of x meet, beyond their own
        fit = max(1, min(pixels // broad - around, -(-tall * images // threads()))) * down
        lines, rows = min(height, fit), min(tall, fit // down + around)
    room = at_once * rows * broad * length
    give_back = _give_back.call(
        sweep.dtype, threads(), None, place, sweep.window, sweep.counts, sweep.channels,
        sweep.outputs, images, at_once, lines, sweep.y.place[2], None, None, None, room,
    )  # fmt: skip
    pack = sweep.packing(by_outputs=True)

    def kernel() -> None:
        target, matrix = sweep.x.room(), np.empty(sweep.weight.size, sweep.dtype)
        pack(matrix)
        rooms = np.empty(threads() * room, sweep.dtype)
        give_back(target, matrix, sweep.y.read(), rooms)
        sweep.x.written(target)

    return kernel
