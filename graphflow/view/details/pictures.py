"""Arrays as small pictures, for looking at what is too large to be read."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from math import ceil, isqrt

import numpy as np
import numpy.typing as npt

from graphflow.ops.op import Array
from graphflow.view.shown import Colours

Pixels = npt.NDArray[np.uint8]

SIDE = 384
"""Pixels that the longer side of a picture has at most, and about as many as it has."""
LARGEST_CELL = 24
THIN = 64
"""Pixels that the shorter side of a matrix is stretched to, as far as its cells allow."""
FEWEST = 8
"""Cells of the thin side of a matrix that are not made one, if it has them."""
CELLS = 16
"""Rows and columns of a table at most."""
TILES = 24
"""Rows and columns of tiles in a grid."""
ACROSS = 8
"""Images in a row of them."""
KERNEL = 11
"""Filters are at most so high and wide."""
SMALLEST_IMAGE = 8

DIVERGING = ("053061", "2166ac", "4393c3", "92c5de", "d1e5f0", "f7f7f7", "fddbc7", "f4a582",
             "d6604d", "b2182b", "67001f")  # fmt: skip
"""ColorBrewer's RdBu, blue below zero: colour-blind people tell its ends apart."""
SEQUENTIAL = ("440154", "472d7b", "3b528b", "2c728e", "21918c", "28ae80", "5ec962", "addc30",
              "fde725")  # fmt: skip
"""Viridis."""
NOT_FINITE = "e7298a"
"""Pink, which neither scale has; hatched in black besides."""


@dataclass(frozen=True)
class Picture:
    """A PNG, what is seen in it, and what its colours stand for."""

    png: bytes
    caption: str
    colours: Colours = ()


def picture(array: Array, slice: int = 0) -> Picture:
    """The best picture of an array: an image, a grid of filters or channels, or a heatmap.

    ``slice`` counts samples where :func:`slices_are_samples`, else all but the last two
    dimensions.
    """
    if array.ndim == 4 and _is_image(array):
        sample = slice if slices_are_samples(array) else slice // array.shape[1]
        return Picture(_png(_image(array[sample])), f"image {sample} of {len(array)}")
    if array.ndim == 4 and array.shape[2] <= KERNEL and array.shape[3] <= KERNEL:
        return _grid_of_kernels(array)
    if array.ndim == 4 and array.shape[1] > 1:
        sample = slice if slices_are_samples(array) else slice // array.shape[1]
        return _grid_of_channels(array[sample], sample, len(array))
    if array.ndim == 1:
        return _folded(array)
    matrix, at = matrix_at(array, slice)
    return heatmap(matrix, "" if array.ndim == 2 else at)


def slices_are_samples(array: Array) -> bool:
    """Whether a picture shows all channels of a sample, and no table goes with it."""
    return array.ndim == 4 and max(array.shape[2:]) > CELLS


def matrix_at(array: Array, slice: int) -> tuple[Array, str]:
    """One matrix of an array with two or more dimensions, and its place: ``[2, 0, :, :]``.

    >>> matrix_at(np.arange(12).reshape(3, 2, 2), 1)[1]
    '[1, :, :]'
    """
    leading = np.unravel_index(slice, array.shape[:-2]) if array.ndim > 2 else ()
    place = [str(int(i)) for i in leading] + [":", ":"]
    return array[tuple(leading)], f"[{', '.join(place)}]"


def heatmap(matrix: Array, caption: str = "") -> Picture:
    """A matrix, one cell a number: blue to red around zero, else dark to bright."""
    numbers, (down, across) = _reduced(matrix.astype(np.float64))
    if down * across > 1:
        caption = f"{caption}, each cell the mean of {down} x {across}".removeprefix(", ")
    return _coloured(numbers, np.zeros(numbers.shape, bool), matrix, caption)


def _coloured(
    numbers: Array, gaps: Array, all: Array, caption: str, square: bool = False
) -> Picture:
    """Numbers under the scale of ``all``; gaps are left transparent. Cells of a long, thin matrix
    are stretched unless they are to be ``square``.
    """
    low, high, scale = _span(all)
    finite = np.isfinite(numbers)
    place = np.where(finite, numbers, low)
    with np.errstate(over="ignore", invalid="ignore"):
        place = np.clip((place / 2 - low / 2) / ((high / 2 - low / 2) or 1.0), 0, 1)
    rgba = np.empty((*numbers.shape, 4), np.uint8)
    rgba[..., :3] = _interpolated(scale, place)
    rgba[..., 3] = np.where(gaps, 0, 255)
    cell = max(1, min(LARGEST_CELL, SIDE // max(numbers.shape)))
    tall, wide = (
        cell if square else max(cell, min(LARGEST_CELL, THIN // n)) for n in numbers.shape
    )
    large = rgba.repeat(tall, 0).repeat(wide, 1)
    _hatch(large, (~finite & ~gaps).repeat(tall, 0).repeat(wide, 1))
    odd = not bool(np.isfinite(all).all())
    return Picture(_png(large), caption, _legend(low, high, scale, odd))


def _span(numbers: Array) -> tuple[float, float, tuple[str, ...]]:
    """The ends of the scale, and its colours."""
    finite = numbers[np.isfinite(numbers)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
    if low < 0:
        largest = max(-low, high)
        return -largest, largest, DIVERGING
    return low, high, SEQUENTIAL


def _legend(low: float, high: float, scale: tuple[str, ...], odd: bool) -> Colours:
    middle = ((f"#{scale[len(scale) // 2]}", "0"),) if low < 0 else ()
    last = ((f"#{NOT_FINITE}", "not finite (hatched)"),) if odd else ()
    return ((f"#{scale[0]}", f"{low:.4g}"), *middle, (f"#{scale[-1]}", f"{high:.4g}"), *last)


def _interpolated(scale: tuple[str, ...], place: Array) -> Pixels:
    """Colours at places between 0 and 1."""
    stops = np.array([[int(c[i : i + 2], 16) for i in (0, 2, 4)] for c in scale], np.float64)
    at = np.linspace(0, 1, len(stops))
    channels = [np.interp(place, at, stops[:, i]) for i in range(3)]
    return np.stack(channels, -1).round().astype(np.uint8)


def _hatch(pixels: Pixels, where: Array) -> None:
    """Mark numbers that are not finite."""
    rows, columns = np.indices(where.shape)
    pink = [int(NOT_FINITE[i : i + 2], 16) for i in (0, 2, 4)]
    pixels[where, :3] = pink
    pixels[where & ((rows + columns) % 6 < 2), :3] = 0


def _reduced(numbers: Array) -> tuple[Array, tuple[int, int]]:
    """At most SIDE cells a side, each the mean of its block; a block with NaN or Inf is NaN. Blocks
    are square, unless a thin side would be left with fewer than FEWEST.
    """
    most = ceil(max(numbers.shape) / SIDE)
    down, across = (min(most, max(1, n // FEWEST)) for n in numbers.shape)
    if most == 1:
        return numbers, (1, 1)
    tall, wide = ceil(len(numbers) / down), ceil(numbers.shape[1] / across)
    more = (tall * down - len(numbers), wide * across - numbers.shape[1])
    blocks = np.pad(numbers, [(0, n) for n in more], "edge").reshape(tall, down, wide, across)
    with np.errstate(invalid="ignore", over="ignore"):
        means = np.where(np.isfinite(blocks).all((1, 3)), blocks.mean((1, 3)), np.nan)
    return means, (down, across)


def _folded(vector: Array) -> Picture:
    """A vector in rows."""
    wide = min(len(vector), max(32, isqrt(len(vector))))
    rows = ceil(len(vector) / wide)
    numbers = np.zeros(rows * wide)
    numbers[: len(vector)] = vector
    gaps = np.arange(rows * wide).reshape(rows, wide) >= len(vector)
    if max(rows, wide) > SIDE:
        return heatmap(numbers.reshape(rows, wide), f"in rows of {wide}")
    return _coloured(numbers.reshape(rows, wide), gaps, vector, f"in rows of {wide}")


# -- images and grids --------------------------------------------------------------------------
def _is_image(array: Array) -> bool:
    """Whether (n, channels, height, width) looks like images: grey or in colour, 0 to 1 or 255."""
    if array.shape[1] not in (1, 3) or min(array.shape[2:]) < SMALLEST_IMAGE:
        return False
    if array.dtype == bool or not np.isfinite(array).all():
        return False
    low, high = float(array.min()), float(array.max())
    return low >= 0 and 0 < high <= (255 if array.dtype.kind in "iu" or high > 1 else 1)


def _image(channels: Array) -> Pixels:
    """(channels, height, width) as pixels, enlarged by whole numbers."""
    scaled = channels.astype(np.float64) * (1 if channels.max() > 1 else 255)
    pixels = scaled.round().astype(np.uint8).transpose(1, 2, 0)
    if pixels.shape[2] == 1:
        pixels = pixels.repeat(3, 2)
    step = ceil(max(pixels.shape[:2]) / (2 * SIDE))
    cell = max(1, SIDE // max(pixels.shape[:2]))
    return pixels[::step, ::step].repeat(cell, 0).repeat(cell, 1)


def images(rows: Array) -> Picture:
    """Images (n, channels, height, width) side by side, the smallest number black, the largest
    white; of other channels than three the first is shown.
    """
    low, high = float(rows.min()), float(rows.max())
    kept = rows[:TILES] if rows.shape[1] == 3 else rows[:TILES, :1].repeat(3, 1)
    levels = (255 * (kept - low) / ((high - low) or 1.0)).round().astype(np.uint8)
    across = min(len(levels), ACROSS)
    count, _, high_, wide = levels.shape
    down = ceil(count / across)
    pixels = np.full((down * (high_ + 1) - 1, across * (wide + 1) - 1, 3), 128, np.uint8)
    for i, image in enumerate(levels):
        top, left = (i // across) * (high_ + 1), (i % across) * (wide + 1)
        pixels[top : top + high_, left : left + wide] = image.transpose(1, 2, 0)
    cell = max(1, SIDE // max(pixels.shape[:2]))
    of = "" if count == len(rows) else f", the first of {len(rows)}"
    caption = f"{count} rows as images of {high_} x {wide}{of}"
    colours = (("#000000", f"{low:.4g}"), ("#ffffff", f"{high:.4g}"))
    return Picture(_png(pixels.repeat(cell, 0).repeat(cell, 1)), caption, colours)


def _grid_of_kernels(array: Array) -> Picture:
    """Filters (out, in, height, width) as tiles, the longer of both counts across."""
    outputs, inputs = (min(n, TILES) for n in array.shape[:2])
    tiles = array[:outputs, :inputs]
    caption = f"{outputs} x {inputs} tiles"
    if (outputs, inputs) != array.shape[:2]:
        caption += f", the first of {array.shape[0]} x {array.shape[1]}"
    if outputs > inputs:
        return _grid(tiles.swapaxes(0, 1), f"{caption}, axis 0 across")
    return _grid(tiles, f"{caption}, axis 0 down")


def _grid_of_channels(channels: Array, sample: int, samples: int) -> Picture:
    """(channels, height, width) as tiles, about as many in a row as there are rows."""
    kept = channels[: TILES * TILES // 4]
    step = ceil(max(channels.shape[1:]) / 64)
    kept = kept[:, ::step, ::step]
    columns = ceil(len(kept) ** 0.5)
    rows = ceil(len(kept) / columns)
    tiles = np.full((rows * columns, *kept.shape[1:]), np.nan)
    tiles[: len(kept)] = kept
    of = "" if len(kept) == len(channels) else f", the first of {len(channels)}"
    caption = f"sample {sample} of {samples}: {len(kept)} channels{of}"
    return _grid(tiles.reshape(rows, columns, *kept.shape[1:]), caption, len(kept))


def _grid(tiles: Array, caption: str, count: int | None = None) -> Picture:
    """(rows, columns, height, width) side by side, a gap of one cell between them."""
    rows, columns, high, wide = tiles.shape
    numbers = np.zeros((rows * (high + 1) - 1, columns * (wide + 1) - 1))
    gaps = np.ones(numbers.shape, bool)
    count = rows * columns if count is None else count
    for i in range(count):
        row, column = divmod(i, columns)
        top, left = row * (high + 1), column * (wide + 1)
        place = np.s_[top : top + high, left : left + wide]
        numbers[place], gaps[place] = tiles[row, column], False
    shown = tiles.reshape(rows * columns, high, wide)[:count].astype(np.float64)
    return _coloured(numbers, gaps, shown, caption, square=True)


def _png(pixels: Pixels) -> bytes:
    from PIL import Image

    out = BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(out, "PNG", compress_level=1)
    return out.getvalue()
