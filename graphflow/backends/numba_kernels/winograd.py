"""Convolutions of 3 x 3 and 5 x 5, stride 1, by Winograd's algorithm; see :mod:`tiles`.

Two ways to share out the work: *by tiles*, where each thread takes some images through everything
while they are in its cache, and *by channels*, for many channels and few tiles, where each thread
makes some of the results' channels and transforms no more than their part of the kernels.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from graphflow.backends.llvm.parts import threads
from graphflow.backends.llvm.words import LANES
from graphflow.backends.numba_kernels.images import Image, rounded
from graphflow.backends.numba_kernels.tiles import POINTS, SIZE
from graphflow.backends.numba_kernels.winograd_loops import (
    all_kernels,
    all_tiles,
    convolve_by_channels,
    convolve_by_tiles,
    correlate_by_channels,
    correlate_by_tiles,
    join_kernels,
)
from graphflow.ops.op import Array
from graphflow.ops.windows import Windows

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
    if windows.kernel not in ((3, 3), (5, 5)) or (*windows.stride, *windows.dilation) != (1,) * 4:
        return False
    side, (height, width) = int(windows.kernel[0]), y.shape[2:]
    step = SIZE + 1 - side
    products = POINTS * -(-height // step) * -(-width // step)
    enough = min(x.shape[1], y.shape[1]) >= FEWEST
    return enough and bool(products <= GAIN * side * side * height * width)


def convolution(
    x: Image, weight: Array, y: Image, padding: tuple[int, int], turned: bool = False
) -> Callable[[], None]:
    """Make y = x * weight; with ``turned`` by the kernels turned around, inputs
    and outputs exchanged.

    ``padding`` is what lies above and before x; it may be negative.
    """
    side = weight.shape[-1]
    (grid, tiles), taps = _grid(y, padding, side), side * side
    inputs, outputs = x.array.shape[1], y.array.shape[1]
    steps = (outputs * taps, taps, 1, side) if turned else (taps, inputs * taps, 0, side)
    make = _by_channels if _by_far(tiles, inputs, outputs) else _by_tiles
    rooms, run = make(x, weight, steps, y, grid, (tiles, inputs, outputs))

    def kernel() -> None:
        target = y.room()
        run(x.read(), target, *(np.empty(room, weight.dtype) for room in rooms))
        y.written(target)

    return kernel


Counts = tuple[int, int, int]
"""Tiles, channels of x and of the results."""
Grid = tuple[int, int, int, int, int]
Steps = tuple[int, int, int, int]
Run = Callable[..., None]


def _by_tiles(
    x: Image, weight: Array, steps: Steps, y: Image, grid: Grid, count: Counts
) -> tuple[tuple[int, ...], Run]:
    """The numbers that kernels, values and results have, and what computes y from x in them."""
    (_, inputs, outputs), parts, block = count, threads(), _block(count[0])
    wide, far = rounded(inputs, LANES), rounded(outputs, LANES)
    plane = (inputs + 1) * far
    transform = all_kernels.call(
        weight.dtype, parts, weight, steps, inputs, outputs, None, plane, far
    )
    convolve = convolve_by_tiles.call(
        weight.dtype, parts, None, x.place, None, y.place, grid, *count, block, wide, far,
        None, None, None,
    )  # fmt: skip

    def run(source: Array, target: Array, kernels: Array, values: Array, results: Array) -> None:
        transform(kernels)
        convolve(source, target, kernels, values, results)

    tile = parts * POINTS * (block + 1)
    return (POINTS * plane, tile * wide, tile * far), run


def _by_channels(
    x: Image, weight: Array, steps: Steps, y: Image, grid: Grid, count: Counts
) -> tuple[tuple[int, ...], Run]:
    """The same by channels, for values, kernels and results."""
    (tiles, inputs, _), parts = count, threads()
    spread, wide, room = _spread(x, weight, grid, count)
    convolve = convolve_by_channels.call(
        weight.dtype, parts, weight, steps, None, y.place, grid, *count, BLOCK, wide,
        None, None, None,
    )  # fmt: skip

    def run(source: Array, target: Array, values: Array, kernels: Array, results: Array) -> None:
        spread(source, values)
        convolve(target, values, kernels, results)

    each = parts * POINTS * BLOCK
    return (room, each * (inputs + 1), each * (tiles + 1)), run


def weight_gradient(
    x: Image, g: Image, weight: Array, padding: tuple[int, int]
) -> Callable[[], None]:
    """Make ``weight`` the derivative by w of <g, x * w>."""
    grid, tiles = _grid(g, padding, weight.shape[-1])
    count = tiles, x.array.shape[1], g.array.shape[1]
    make = _gradient_by_channels if _by_far(*count) else _gradient_by_tiles
    rooms, run = make(x, g, weight, grid, count)

    def kernel() -> None:
        run(x.read(), g.read(), *(np.empty(room, weight.dtype) for room in rooms))

    return kernel


def _gradient_by_tiles(
    x: Image, g: Image, weight: Array, grid: Grid, count: Counts
) -> tuple[tuple[int, ...], Run]:
    """The numbers that values, cotangents and sums have, and what derives in them."""
    (_, inputs, outputs), parts, block = count, threads(), _block(count[0])
    wide, far = rounded(inputs, LANES), rounded(outputs, LANES)
    correlate = correlate_by_tiles.call(
        weight.dtype, parts, None, x.place, None, g.place, grid, *count, block, wide, far,
        None, None, None,
    )  # fmt: skip
    join = join_kernels.call(
        weight.dtype, parts, None, parts, inputs, outputs, wide, grid[4], weight
    )

    def run(source: Array, cotangent: Array, values: Array, others: Array, sums: Array) -> None:
        correlate(source, cotangent, values, others, sums)
        join(sums)

    each = parts * POINTS
    return (each * (block + 1) * wide, each * (block + 1) * far, each * (outputs + 1) * wide), run


def _gradient_by_channels(
    x: Image, g: Image, weight: Array, grid: Grid, count: Counts
) -> tuple[tuple[int, ...], Run]:
    """The same by channels."""
    tiles, parts = count[0], threads()
    spread, wide, room = _spread(x, weight, grid, count)
    correlate = correlate_by_channels.call(
        weight.dtype, parts, None, g.place, grid, *count, BLOCK, wide, None, None, None, weight
    )

    def run(source: Array, cotangent: Array, values: Array, others: Array, sums: Array) -> None:
        spread(source, values)
        correlate(cotangent, values, others, sums)

    each = parts * POINTS
    return (room, each * (tiles + 1) * BLOCK, each * (BLOCK + 1) * wide), run


def _spread(x: Image, weight: Array, grid: Grid, count: Counts) -> tuple[Run, int, int]:
    """What transforms all tiles of x; how wide their rows are, and how many numbers they have."""
    tiles, inputs, _ = count
    wide = rounded(inputs, LANES)
    plane = (tiles + 1) * wide
    run = all_tiles.call(
        weight.dtype, threads(), None, x.place, grid, tiles, inputs, None, plane, wide
    )
    return run, wide, POINTS * plane


def _grid(y: Image, padding: tuple[int, int], side: int) -> tuple[Grid, int]:
    """Tiles down and across, the padding and the kernel's side; the number of all tiles."""
    (n, height, width, _), step = y.rows, SIZE + 1 - side
    down, across = -(-height // step), -(-width // step)
    return (down, across, *padding, side), n * down * across


def _block(tiles: int) -> int:
    return min(BLOCK, -(-tiles // threads()))


def _by_far(tiles: int, inputs: int, outputs: int) -> bool:
    """Whether kernels are so large, and tiles so few, that work is shared out by channels."""
    return POINTS * inputs * outputs > HEAVY and POINTS * tiles * inputs <= KEPT
