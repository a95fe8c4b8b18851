"""The loops of :mod:`winograd`: tiles to points, products there, and back; see :mod:`tiles`.

Images are flat arrays in which channels lie next to each other; a ``place`` says how far images,
rows and pixels are apart, and their height and width. A ``grid`` is how many tiles an image has
down and across, how many pixels of padding come before it, and the side of the kernel. Values at
the 36 points are 36 matrices (tiles, channels) behind each other, so that the products over
channels are BLAS's; ``plane`` is how far the matrices are apart, ``wide`` their rows.
"""

from __future__ import annotations

from graphflow.backends.llvm.native import kernel
from graphflow.backends.llvm.parts import share
from graphflow.backends.llvm.words import (
    LANES,
    Ints,
    Reals,
    apart,
    beyond,
    copy_lanes,
    put,
    repeated,
    room,
)
from graphflow.backends.numba_kernels.lanes import copy_few
from graphflow.backends.numba_kernels.multiply import multiply_by_parts
from graphflow.backends.numba_kernels.tiles import (
    POINTS,
    SIZE,
    evaluate_cotangent_of_3,
    evaluate_cotangent_of_5,
    evaluate_input,
    evaluate_kernel_of_3,
    evaluate_kernel_of_5,
    gather_kernel_of_3,
    gather_kernel_of_5,
    interpolate_of_3,
    interpolate_of_5,
)

TILE = POINTS * LANES


def _load(
    x: Reals, place: Ints, n: int, top: int, left: int, channel: int, lanes: int, side: int,
    a: Reals,
) -> None:  # fmt: skip
    """A square of pixels, ``lanes`` channels from one on; zeros outside of the image."""
    batch, down, right, height, width = place
    for i in range(side):
        for j in range(side):
            h, w, to = top + i, left + j, (i * side + j) * LANES
            at = n * batch + h * down + w * right + channel
            if h < 0 or h >= height or w < 0 or w >= width:
                put(a, to, repeated(0))
            elif lanes == LANES:
                copy_lanes(a, to, x, at)
            else:
                put(a, to, repeated(0))
                copy_few(a, to, x, at, lanes)


def _store(
    a: Reals, step: int, y: Reals, place: Ints, n: int, top: int, left: int, channel: int,
    lanes: int,
) -> None:  # fmt: skip
    """Results of a tile, as far as they lie inside the image."""
    batch, down, right, height, width = place
    for i in range(min(step, height - top)):
        for j in range(min(step, width - left)):
            at = (i * step + j) * LANES
            to = n * batch + (top + i) * down + (left + j) * right + channel
            if lanes == LANES:
                copy_lanes(y, to, a, at)
            else:
                copy_few(y, to, a, at, lanes)


@apart
def _spread(
    x: Reals, place: Ints, grid: Ints, cotangent: int, first: int, end: int, channel: int,
    last: int, values: Reals, plane: int, wide: int,
) -> None:  # fmt: skip
    """Tiles of an image evaluated at the points: of its input, or of a ``cotangent`` of results.

    Tiles from ``first`` to ``end`` and channels from ``channel`` to ``last`` go to the first
    rows and columns of ``values``.
    """
    a, b = room(TILE), room(TILE)
    down, across, above, before, kernel = grid
    step = SIZE + 1 - kernel
    side = step if cotangent else SIZE
    if cotangent:
        above, before = 0, 0
    for tile in range(first, end):
        n, i, j = tile // (down * across), tile // across % down, tile % across
        for c in range(channel, last, LANES):
            lanes = min(LANES, last - c)
            _load(x, place, n, i * step - above, j * step - before, c, lanes, side, a)
            if side == SIZE:
                evaluate_input(a, b)
            elif kernel == 3:
                evaluate_cotangent_of_3(a, b)
            else:
                evaluate_cotangent_of_5(a, b)
            to = (tile - first) * wide + c - channel
            for k in range(POINTS):
                copy_lanes(values, k * plane + to, a, k * LANES)


@apart
def _collect(
    values: Reals, plane: int, wide: int, y: Reals, place: Ints, grid: Ints, first: int, end: int,
    channel: int, last: int,
) -> None:  # fmt: skip
    """Results interpolated from values at the points, written into the image."""
    a, b = room(TILE), room(TILE)
    down, across, _, _, kernel = grid
    step = SIZE + 1 - kernel
    for tile in range(first, end):
        n, i, j = tile // (down * across), tile // across % down, tile % across
        for c in range(channel, last, LANES):
            at = (tile - first) * wide + c - channel
            for k in range(POINTS):
                copy_lanes(a, k * LANES, values, k * plane + at)
            if kernel == 3:
                interpolate_of_3(a, b)
            else:
                interpolate_of_5(a, b)
            _store(a, step, y, place, n, i * step, j * step, c, min(LANES, last - c))


@apart
def _evaluate(
    w: Reals, steps: Ints, first: int, end: int, column: int, last: int, values: Reals,
    plane: int, wide: int,
) -> None:  # fmt: skip
    """Kernels of rows from ``first`` to ``end``, columns from ``column`` to ``last`` evaluated at
    the points: the first rows and columns of ``values``.

    ``steps`` tells how far apart in ``w`` the kernels of neighbouring rows and columns are,
    whether they are turned around, and their side.
    """
    a, b = room(TILE), room(TILE)
    of_row, of_column, turned, kernel = steps
    taps = kernel * kernel
    for row in range(first, end):
        for c in range(column, last, LANES):
            for lane in range(LANES):
                at = row * of_row + min(c + lane, last - 1) * of_column
                for tap in range(taps):
                    a[tap * LANES + lane] = w[at + (taps - 1 - tap if turned else tap)]
            if kernel == 3:
                evaluate_kernel_of_3(a, b)
            else:
                evaluate_kernel_of_5(a, b)
            to = (row - first) * wide + c - column
            for k in range(POINTS):
                copy_lanes(values, k * plane + to, a, k * LANES)


@apart
def _gather(values: Reals, plane: int, w: Reals, inputs: int, kernel: int) -> None:
    """A row of the kernels' derivatives (inputs, taps) from their values at the points."""
    a, b, taps = room(TILE), room(TILE), kernel * kernel
    for first in range(0, inputs, LANES):
        for k in range(POINTS):
            copy_lanes(a, k * LANES, values, k * plane + first)
        if kernel == 3:
            gather_kernel_of_3(a, b)
        else:
            gather_kernel_of_5(a, b)
        for lane in range(min(LANES, inputs - first)):
            for tap in range(taps):
                w[(first + lane) * taps + tap] = a[tap * LANES + lane]


@apart
def _products(
    rows: int, inputs: int, outputs: int, x: Reals, x_plane: int, x_wide: int, w: Reals,
    w_plane: int, w_wide: int, y: Reals, y_plane: int, y_wide: int,
) -> None:  # fmt: skip
    """At every point the product over channels."""
    for k in range(POINTS):
        multiply_by_parts(
            rows, inputs, outputs, beyond(x, k * x_plane), x_wide, 1, beyond(w, k * w_plane),
            w_wide, 1, beyond(y, k * y_plane), y_wide, 0,
        )  # fmt: skip


@apart
def _correlations(
    tiles: int, inputs: int, outputs: int, g: Reals, g_plane: int, g_wide: int, x: Reals,
    x_plane: int, x_wide: int, sums: Reals, plane: int, wide: int, more: int,
) -> None:  # fmt: skip
    """At every point the product over tiles, added to ``sums`` where there is ``more``."""
    for k in range(POINTS):
        multiply_by_parts(
            outputs, tiles, inputs, beyond(g, k * g_plane), 1, g_wide, beyond(x, k * x_plane),
            x_wide, 1, beyond(sums, k * plane), wide, more,
        )  # fmt: skip


@kernel
def all_kernels(
    part: int, parts: int, w: Reals, steps: Ints, inputs: int, outputs: int, kernels: Reals,
    plane: int, wide: int,
) -> None:  # fmt: skip
    """All kernels at the points: (points, inputs, outputs)."""
    first, end = share(part, parts, inputs)
    _evaluate(w, steps, first, end, 0, outputs, beyond(kernels, first * wide), plane, wide)


@kernel
def all_tiles(
    part: int, parts: int, x: Reals, place: Ints, grid: Ints, tiles: int, inputs: int,
    values: Reals, plane: int, wide: int,
) -> None:  # fmt: skip
    """All tiles at the points: (points, tiles, inputs)."""
    first, end = share(part, parts, tiles)
    own = beyond(values, first * wide)
    _spread(x, place, grid, 0, first, end, 0, inputs, own, plane, wide)


@kernel
def convolve_by_tiles(
    part: int, parts: int, x: Reals, xs: Ints, y: Reals, ys: Ints, grid: Ints, tiles: int,
    inputs: int, outputs: int, block: int, wide: int, far: int, kernels: Reals, values: Reals,
    results: Reals,
) -> None:  # fmt: skip
    """Make y = x * w, from the kernels at the points. Each thread has room for ``values`` and
    ``results`` (points, tiles of a block, channels).
    """
    x_plane, y_plane, w_plane = (block + 1) * wide, (block + 1) * far, (inputs + 1) * far
    own_x, own_y = (
        beyond(values, part * POINTS * x_plane), beyond(results, part * POINTS * y_plane),
    )  # fmt: skip
    begin, stop = share(part, parts, tiles)
    for first in range(begin, stop, block):
        end = min(first + block, stop)
        _spread(x, xs, grid, 0, first, end, 0, inputs, own_x, x_plane, wide)
        _products(end - first, inputs, outputs, own_x, x_plane, wide, kernels, w_plane, far,
                  own_y, y_plane, far)  # fmt: skip
        _collect(own_y, y_plane, far, y, ys, grid, first, end, 0, outputs)


@kernel
def convolve_by_channels(
    part: int, parts: int, w: Reals, steps: Ints, y: Reals, ys: Ints, grid: Ints, tiles: int,
    inputs: int, outputs: int, block: int, wide: int, values: Reals, kernels: Reals,
    results: Reals,
) -> None:  # fmt: skip
    """The same from all tiles at the points; ``kernels`` and ``results`` are of one thread and a
    block of outputs.
    """
    x_plane, y_plane, w_plane = (tiles + 1) * wide, (tiles + 1) * block, (inputs + 1) * block
    own_w, own_y = (
        beyond(kernels, part * POINTS * w_plane), beyond(results, part * POINTS * y_plane),
    )  # fmt: skip
    begin, stop = share(part, parts, -(-outputs // block))
    for first in range(begin * block, min(stop * block, outputs), block):
        end = min(first + block, outputs)
        _evaluate(w, steps, 0, inputs, first, end, own_w, w_plane, block)
        _products(tiles, inputs, end - first, values, x_plane, wide, own_w, w_plane, block,
                  own_y, y_plane, block)  # fmt: skip
        _collect(own_y, y_plane, block, y, ys, grid, 0, tiles, first, end)


@kernel
def correlate_by_tiles(
    part: int, parts: int, x: Reals, xs: Ints, g: Reals, gs: Ints, grid: Ints, tiles: int,
    inputs: int, outputs: int, block: int, wide: int, far: int, values: Reals, cotangents: Reals,
    sums: Reals,
) -> None:  # fmt: skip
    """The kernels' derivatives at the points (outputs, inputs), for the tiles of one thread."""
    x_plane, g_plane, plane = (block + 1) * wide, (block + 1) * far, (outputs + 1) * wide
    own_x, own_g, own = (
        beyond(values, part * POINTS * x_plane), beyond(cotangents, part * POINTS * g_plane),
        beyond(sums, part * POINTS * plane),
    )  # fmt: skip
    begin, stop = share(part, parts, tiles)
    if begin == stop:
        for i in range(POINTS * plane):
            own[i] = 0
    for first in range(begin, stop, block):
        end = min(first + block, stop)
        _spread(x, xs, grid, 0, first, end, 0, inputs, own_x, x_plane, wide)
        _spread(g, gs, grid, 1, first, end, 0, outputs, own_g, g_plane, far)
        more = 1 if first > begin else 0
        _correlations(end - first, inputs, outputs, own_g, g_plane, far, own_x, x_plane, wide,
                      own, plane, wide, more)  # fmt: skip


@kernel
def join_kernels(
    part: int, parts: int, sums: Reals, count: int, inputs: int, outputs: int, wide: int,
    kernel: int, w: Reals,
) -> None:  # fmt: skip
    """The kernels' derivatives from those at the points, of which each of ``count`` threads has
    some; these are added in their order.
    """
    plane = (outputs + 1) * wide
    first, end = share(part, parts, outputs)
    for row in range(first, end):
        for other in range(1, count):
            for k in range(POINTS):
                to, at = k * plane + row * wide, (other * POINTS + k) * plane + row * wide
                for c in range(inputs):
                    sums[to + c] += sums[at + c]
        own = beyond(w, row * inputs * kernel * kernel)
        _gather(beyond(sums, row * wide), plane, own, inputs, kernel)


@kernel
def correlate_by_channels(
    part: int, parts: int, g: Reals, gs: Ints, grid: Ints, tiles: int, inputs: int, outputs: int,
    block: int, wide: int, values: Reals, cotangents: Reals, sums: Reals, w: Reals,
) -> None:  # fmt: skip
    """The kernels' derivatives from all tiles at the points; ``cotangents`` and ``sums`` are of one
    thread and a block of outputs.
    """
    x_plane, g_plane, plane = (tiles + 1) * wide, (tiles + 1) * block, (block + 1) * wide
    own_g, own = beyond(cotangents, part * POINTS * g_plane), beyond(sums, part * POINTS * plane)
    kernel = grid[4]
    begin, stop = share(part, parts, -(-outputs // block))
    for first in range(begin * block, min(stop * block, outputs), block):
        end = min(first + block, outputs)
        _spread(g, gs, grid, 1, 0, tiles, first, end, own_g, g_plane, block)
        _correlations(tiles, inputs, end - first, own_g, g_plane, block, values, x_plane, wide,
                      own, plane, wide, 0)  # fmt: skip
        for row in range(first, end):
            made = beyond(w, row * inputs * kernel * kernel)
            _gather(beyond(own, (row - first) * wide), plane, made, inputs, kernel)
