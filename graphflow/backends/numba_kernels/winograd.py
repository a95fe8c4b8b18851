"""Convolutions of 3 x 3, stride 1, by Winograd's F(4 x 4, 3 x 3); see :mod:`tiles`.

Images are flat arrays in which channels lie next to each other; a ``place`` says how far images,
rows and pixels are apart, and their height and width. A ``grid`` is how many tiles an image has
down and across, and how many pixels of padding come before it. Values at the 36 points are 36
matrices (tiles, channels) behind each other, so that the products over channels are BLAS's.

Two ways to share out the work: *by tiles*, where each thread takes some images through everything
while they are in its cache, and *by channels*, for many channels and few tiles, where each thread
makes some of the results' channels and transforms no more than their part of the kernels.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numba import prange

from graphflow.backends.numba_kernels.images import Image, rounded, threads
from graphflow.backends.numba_kernels.jit import njit
from graphflow.backends.numba_kernels.lanes import LANES, L, U, copy_lanes
from graphflow.backends.numba_kernels.multiply import multiply_by_parts, share
from graphflow.backends.numba_kernels.tiles import (
    KERNEL,
    POINTS,
    SIZE,
    STEP,
    evaluate_cotangent,
    evaluate_input,
    evaluate_kernel,
    gather_kernel,
    interpolate,
)
from graphflow.ops.op import Array
from graphflow.ops.windows import Windows

TAPS = KERNEL * KERNEL


@njit()
def _load(x, place, n, top, left, first, lanes, side, a):  # type: ignore[no-untyped-def]
    """A square of pixels, ``lanes`` channels from ``first`` on; zeros outside of the image."""
    batch, down, right, height, width = place
    for i in range(side):
        for j in range(side):
            h, w, to = top + i, left + j, U(i * side + j) * L
            if h < 0 or h >= height or w < 0 or w >= width:
                for c in range(to, to + L):
                    a[c] = 0
                continue
            at = U(n * batch + h * down + w * right + first)
            if lanes == LANES:
                copy_lanes(a, to, x, at)
            else:
                for c in range(U(lanes)):
                    a[to + c] = x[at + c]
                for c in range(U(lanes), L):
                    a[to + c] = 0


@njit()
def _store(a, y, place, n, top, left, first, lanes):  # type: ignore[no-untyped-def]
    """Results of a tile, as far as they lie inside the image."""
    batch, down, right, height, width = place
    for i in range(min(STEP, height - top)):
        for j in range(min(STEP, width - left)):
            at = U(i * STEP + j) * L
            to = U(n * batch + (top + i) * down + (left + j) * right + first)
            if lanes == LANES:
                copy_lanes(y, to, a, at)
            else:
                for c in range(U(lanes)):
                    y[to + c] = a[at + c]


@njit()
def _room(x):  # type: ignore[no-untyped-def]
    """Two tiles to work in."""
    return np.empty(POINTS * LANES, x.dtype), np.empty(POINTS * LANES, x.dtype)


@njit()
def _spread(x, place, grid, side, tiles, channels, values, row):  # type: ignore[no-untyped-def]
    """Tiles of an image evaluated at the points: of its input, or of a cotangent of the results.

    ``tiles`` and ``channels`` are (first, end); ``values`` is (points, rows, width), the first tile
    goes to ``row``.
    """
    a, b = _room(x)
    down, across, above, before = grid
    if side == STEP:
        above, before = 0, 0
    flat, wide = values.reshape(-1), values.shape[2]
    plane = U(values.shape[1] * wide)
    for tile in range(tiles[0], tiles[1]):
        n, i, j = tile // (down * across), tile // across % down, tile % across
        for c in range(channels[0], channels[1], LANES):
            lanes = min(LANES, channels[1] - c)
            _load(x, place, n, i * STEP - above, j * STEP - before, c, lanes, side, a)
            if side == SIZE:
                evaluate_input(a, b)
            else:
                evaluate_cotangent(a, b)
            to = U((row + tile - tiles[0]) * wide + c - channels[0])
            for k in range(U(POINTS)):
                copy_lanes(flat, k * plane + to, a, k * L)


@njit()
def _collect(values, row, y, place, grid, tiles, channels):  # type: ignore[no-untyped-def]
    """Results interpolated from values at the points, written into the image."""
    a, b = _room(y)
    down, across = grid[0], grid[1]
    flat, wide = values.reshape(-1), values.shape[2]
    plane = U(values.shape[1] * wide)
    for tile in range(tiles[0], tiles[1]):
        n, i, j = tile // (down * across), tile // across % down, tile % across
        for c in range(channels[0], channels[1], LANES):
            at = U((row + tile - tiles[0]) * wide + c - channels[0])
            for k in range(U(POINTS)):
                copy_lanes(a, k * L, flat, k * plane + at)
            interpolate(a, b)
            lanes = min(LANES, channels[1] - c)
            _store(a, y, place, n, i * STEP, j * STEP, c, lanes)


@njit()
def _kernels(w, steps, rows, columns, values, to_row):  # type: ignore[no-untyped-def]
    """Kernels evaluated at the points: ``values`` (points, rows, columns) from ``to_row`` on.

    ``steps`` tells how far apart in ``w`` the kernels of neighbouring rows and columns are, and
    whether they are turned around; ``rows`` and ``columns`` are (first, end).
    """
    a, b = _room(w)
    of_row, of_column, turned = steps
    flat, wide = values.reshape(-1), values.shape[2]
    plane = U(values.shape[1] * wide)
    for row in range(rows[0], rows[1]):
        for first in range(columns[0], columns[1], LANES):
            for lane in range(LANES):
                column = min(first + lane, columns[1] - 1)
                at = row * of_row + column * of_column
                for tap in range(TAPS):
                    a[tap * LANES + lane] = w[at + (TAPS - 1 - tap if turned else tap)]
            evaluate_kernel(a, b)
            to = U((to_row + row - rows[0]) * wide + first - columns[0])
            for k in range(U(POINTS)):
                copy_lanes(flat, k * plane + to, a, k * L)


@njit()
def _gather(values, at, w, row, columns, inputs):  # type: ignore[no-untyped-def]
    """One row of the kernels' derivatives (outputs, inputs, taps) from their values at points."""
    a, b = _room(w)
    flat, wide = values.reshape(-1), values.shape[2]
    plane = U(values.shape[1] * wide)
    for first in range(0, columns, LANES):
        for k in range(U(POINTS)):
            copy_lanes(a, k * L, flat, k * plane + U(at * wide + first))
        gather_kernel(a, b)
        for lane in range(min(LANES, columns - first)):
            to = (row * inputs + first + lane) * TAPS
            for tap in range(TAPS):
                w[to + tap] = a[tap * LANES + lane]


@njit()
def _products(values, rows, inputs, kernels, outputs, results):  # type: ignore[no-untyped-def]
    """At every point the product over channels."""
    for k in range(POINTS):
        x, y = values[k, :rows, :inputs], kernels[k, :inputs, :outputs]
        multiply_by_parts(x, y, results[k, :rows, :outputs], 0)


@njit(parallel=True)
def convolve_by_tiles(x, xs, w, steps, y, ys, grid, counts, kernels, values, results):  # type: ignore[no-untyped-def]
    """Make y = x * w; ``counts`` are tiles, channels of x and of y.

    Room to work in: ``kernels`` (points, inputs, outputs) and for each thread ``values`` and
    ``results`` (points, tiles of a block, channels).
    """
    tiles, inputs, outputs = counts
    parts, block = len(values), values.shape[2] - 1
    for part in prange(parts):
        own = share(part, parts, inputs)
        _kernels(w, steps, own, (0, outputs), kernels, own[0])
    for part in prange(parts):
        begin, end = share(part, parts, tiles)
        for first in range(begin, end, block):
            some = first, min(first + block, end)
            _spread(x, xs, grid, SIZE, some, (0, inputs), values[part], 0)
            _products(values[part], some[1] - first, inputs, kernels, outputs, results[part])
            _collect(results[part], 0, y, ys, grid, some, (0, outputs))


@njit(parallel=True)
def convolve_by_channels(x, xs, w, steps, y, ys, grid, counts, kernels, values, results):  # type: ignore[no-untyped-def]
    """The same for many channels: here ``kernels`` and ``results`` are of one thread and a block
    of outputs, ``values`` of all tiles.
    """
    tiles, inputs, outputs = counts
    parts, block = len(kernels), kernels.shape[3]
    for part in prange(parts):
        own = share(part, parts, tiles)
        _spread(x, xs, grid, SIZE, own, (0, inputs), values, own[0])
    for part in prange(parts):
        begin, end = share(part, parts, -(-outputs // block))
        for first in range(begin * block, min(end * block, outputs), block):
            some = first, min(first + block, outputs)
            _kernels(w, steps, (0, inputs), some, kernels[part], 0)
            _products(values, tiles, inputs, kernels[part], some[1] - first, results[part])
            _collect(results[part], 0, y, ys, grid, (0, tiles), some)


@njit(parallel=True)
def kernels_by_tiles(x, xs, g, gs, w, grid, counts, values, cotangents, sums):  # type: ignore[no-untyped-def]
    """The derivative by w of <g, x * w>, contiguous; ``counts`` are tiles, channels of x and of g.

    Each thread has room for ``values`` and ``cotangents`` (points, tiles of a block, channels) and
    adds up its own ``sums`` (points, outputs, inputs); these are added in their order.
    """
    tiles, inputs, outputs = counts
    parts, block = len(values), values.shape[2] - 1
    for part in prange(parts):
        begin, end = share(part, parts, tiles)
        if begin == end:
            sums[part] = 0
        for first in range(begin, end, block):
            some = first, min(first + block, end)
            _spread(x, xs, grid, SIZE, some, (0, inputs), values[part], 0)
            _spread(g, gs, grid, STEP, some, (0, outputs), cotangents[part], 0)
            for k in range(POINTS):
                left = cotangents[part, k, : some[1] - first, :outputs].T
                right = values[part, k, : some[1] - first, :inputs]
                multiply_by_parts(left, right, sums[part, k, :outputs, :inputs], first != begin)
    for part in prange(parts):
        begin, end = share(part, parts, outputs)
        for row in range(begin, end):
            for other in range(1, parts):
                for k in range(POINTS):
                    for c in range(inputs):
                        sums[0, k, row, c] += sums[other, k, row, c]
            _gather(sums[0], row, w, row, inputs, inputs)


@njit(parallel=True)
def kernels_by_channels(x, xs, g, gs, w, grid, counts, values, cotangents, sums):  # type: ignore[no-untyped-def]
    """The same for many channels: here ``values`` are of all tiles, ``cotangents`` and ``sums`` of
    one thread and a block of outputs.
    """
    tiles, inputs, outputs = counts
    parts, block = len(sums), sums.shape[2] - 1
    for part in prange(parts):
        own = share(part, parts, tiles)
        _spread(x, xs, grid, SIZE, own, (0, inputs), values, own[0])
    for part in prange(parts):
        begin, end = share(part, parts, -(-outputs // block))
        for first in range(begin * block, min(end * block, outputs), block):
            last = min(first + block, outputs)
            _spread(g, gs, grid, STEP, (0, tiles), (first, last), cotangents[part], 0)
            for k in range(POINTS):
                left = cotangents[part, k, :tiles, : last - first].T
                right = values[k, :tiles, :inputs]
                multiply_by_parts(left, right, sums[part, k, : last - first, :inputs], 0)
            for row in range(first, last):
                _gather(sums[part], row - first, w, row, inputs, inputs)


BLOCK = 32
"""Tiles, or channels, that one thread works on at a time."""
HEAVY = 1_000_000
"""Numbers that kernels have at all points: with more, each thread should see but a part of them."""
KEPT = 2_000_000
"""Numbers that all tiles may have at all points to be kept until every thread has used them."""
FEWEST = 16
"""Channels below which transforming costs more than it saves."""
GAIN = 0.65
"""Products at the points for each product of a plain convolution, up to which it is worth it."""


def worthwhile(windows: Windows, x: Array, y: Array) -> bool:
    """Whether to convolve x to y (or back) by tiles rather than directly."""
    plain = (windows.kernel, windows.stride, windows.dilation) == ((3, 3), (1, 1), (1, 1))
    height, width = y.shape[2:]
    products = POINTS * -(-height // STEP) * -(-width // STEP)
    enough = min(x.shape[1], y.shape[1]) >= FEWEST
    return plain and enough and products <= GAIN * TAPS * height * width


def convolution(
    x: Image, weight: Array, y: Image, padding: tuple[int, int], turned: bool = False
) -> Callable[[], None]:
    """Make y = x * weight; with ``turned`` by the kernels turned around, inputs
    and outputs exchanged.

    ``padding`` is what lies above and before x; it may be negative.
    """
    grid, tiles = _grid(y, padding)
    inputs, outputs = x.array.shape[1], y.array.shape[1]
    steps = (outputs * TAPS, TAPS, 1) if turned else (TAPS, inputs * TAPS, 0)
    parts, block = threads(), _block(tiles)
    wide, far, count = rounded(inputs, LANES), rounded(outputs, LANES), (tiles, inputs, outputs)
    rooms: tuple[tuple[int, ...], ...]
    if _by_channels(count):
        convolve = convolve_by_channels
        rooms = (parts, POINTS, inputs + 1, BLOCK), (POINTS, tiles + 1, wide), (
            parts, POINTS, tiles + 1, BLOCK)  # fmt: skip
    else:
        convolve = convolve_by_tiles
        rooms = (POINTS, inputs + 1, far), (parts, POINTS, block + 1, wide), (
            parts, POINTS, block + 1, far)  # fmt: skip

    def kernel() -> None:
        target = y.room()
        spaces = [np.empty(shape, weight.dtype) for shape in rooms]
        convolve(
            x.read(), x.place, weight.reshape(-1), steps, target, y.place, grid, count, *spaces
        )
        y.written(target)

    return kernel


def weight_gradient(
    x: Image, g: Image, weight: Array, padding: tuple[int, int]
) -> Callable[[], None]:
    """Make ``weight`` the derivative by w of <g, x * w>."""
    grid, tiles = _grid(g, padding)
    inputs, outputs = x.array.shape[1], g.array.shape[1]
    parts, block = threads(), _block(tiles)
    wide, far, count = rounded(inputs, LANES), rounded(outputs, LANES), (tiles, inputs, outputs)
    rooms: tuple[tuple[int, ...], ...]
    if _by_channels(count):
        derive = kernels_by_channels
        rooms = (POINTS, tiles + 1, wide), (parts, POINTS, tiles + 1, BLOCK), (
            parts, POINTS, BLOCK + 1, wide)  # fmt: skip
    else:
        derive = kernels_by_tiles
        rooms = (parts, POINTS, block + 1, wide), (parts, POINTS, block + 1, far), (
            parts, POINTS, outputs + 1, wide)  # fmt: skip

    def kernel() -> None:
        spaces = [np.empty(shape, weight.dtype) for shape in rooms]
        derive(x.read(), x.place, g.read(), g.place, weight.reshape(-1), grid, count, *spaces)

    return kernel


def _grid(y: Image, padding: tuple[int, int]) -> tuple[tuple[int, int, int, int], int]:
    """Tiles down and across and the padding; the number of all tiles."""
    n, height, width, _ = y.rows
    down, across = -(-height // STEP), -(-width // STEP)
    return (down, across, *padding), n * down * across


def _block(tiles: int) -> int:
    return min(BLOCK, -(-tiles // threads()))


def _by_channels(count: tuple[int, int, int]) -> bool:
    """Whether kernels are so large, and tiles so few, that work is shared out by channels."""
    tiles, inputs, outputs = count
    return POINTS * inputs * outputs > HEAVY and POINTS * tiles * inputs <= KEPT
