"""Windows on spatial axes: convolutions, pooling, unfolding."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from types import EllipsisType

import numpy as np

Array = np.ndarray
Sizes = Sequence[int]
Margins = Sequence[tuple[int, int]]
Place = tuple[EllipsisType | slice | int, ...]


def offsets(kernel: Sizes) -> Iterator[tuple[int, ...]]:
    """Every position inside a window."""
    return product(*map(range, kernel))


def seen_at(offset: Sizes, stride: Sizes, dilation: Sizes, counts: Sizes) -> Place:
    """The elements that all windows have at one position."""
    axes = zip(offset, stride, dilation, counts, strict=True)
    return (..., *(slice(o * d, o * d + s * (n - 1) + 1, s) for o, s, d, n in axes))


def last_axes(index: Sequence[int | slice]) -> Place:
    """An index of the last axes, everything of those before them."""
    return (..., *index)


def with_margins(
    x: Array, kernel: Sizes, stride: Sizes, margins: Margins, dilation: Sizes, counts: Sizes,
    fill: float = 0,
) -> Array:  # fmt: skip
    """X with its padding, and as much more as the last windows reach beyond it."""
    widths = [(0, 0)] * (x.ndim - len(kernel))
    sizes = x.shape[x.ndim - len(kernel) :]
    for n, k, s, (before, after), d, c in zip(
        sizes, kernel, stride, margins, dilation, counts, strict=True
    ):
        reach = (c - 1) * s + d * (k - 1) + 1
        widths.append((before, max(after, reach - n - before)))
    return np.pad(x, widths, constant_values=fill)


def conv(
    x: Array, weight: Array, stride: Sizes, margins: Margins, dilation: Sizes, groups: int,
    counts: Sizes,
) -> Array:  # fmt: skip
    """A kernel (out, in / groups, *k) moved over x (batch, in, *spatial)."""
    kernel = weight.shape[2:]
    padded = with_margins(x, kernel, stride, margins, dilation, counts)
    split = padded.reshape(len(x), groups, x.shape[1] // groups, *padded.shape[2:])
    weights = weight.reshape(groups, len(weight) // groups, *weight.shape[1:])
    total = np.zeros((len(x), groups, weights.shape[1], *counts), x.dtype)
    for offset in offsets(kernel):
        part = split[seen_at(offset, stride, dilation, counts)]
        total += np.einsum("ngi...,goi->ngo...", part, weights[last_axes(offset)])
    return total.reshape(len(x), len(weight), *counts)


def conv_transpose(
    x: Array, weight: Array, stride: Sizes, margins: Margins, dilation: Sizes, groups: int,
    spatial: Sizes,
) -> Array:  # fmt: skip
    """The adjoint of conv by its image: every element of x paints the kernel."""
    kernel, counts = weight.shape[2:], x.shape[2:]
    split = x.reshape(len(x), groups, x.shape[1] // groups, *counts)
    weights = weight.reshape(groups, len(weight) // groups, *weight.shape[1:])
    empty = np.zeros((len(x), groups, weight.shape[1], *spatial), x.dtype)
    total = with_margins(empty, kernel, stride, margins, dilation, counts)
    for offset in offsets(kernel):
        part = np.einsum("ngi...,gio->ngo...", split, weights[last_axes(offset)])
        total[seen_at(offset, stride, dilation, counts)] += part
    core = tuple(slice(b, b + n) for (b, _), n in zip(margins, spatial, strict=True))
    return total[last_axes(core)].reshape(len(x), groups * weight.shape[1], *spatial)


def conv_weight_grad(
    x: Array, gradient: Array, kernel: Sizes, stride: Sizes, margins: Margins, dilation: Sizes,
    groups: int,
) -> Array:  # fmt: skip
    """The derivative of conv by its kernel: the image correlated with the gradient."""
    counts = gradient.shape[2:]
    padded = with_margins(x, kernel, stride, margins, dilation, counts)
    split = padded.reshape(len(x), groups, x.shape[1] // groups, *padded.shape[2:])
    pulled = gradient.reshape(len(x), groups, gradient.shape[1] // groups, *counts)
    inside = "xyz"[: len(counts)]
    total = np.zeros((groups, pulled.shape[2], split.shape[2], *kernel), x.dtype)
    for offset in offsets(kernel):
        part = split[seen_at(offset, stride, dilation, counts)]
        total[last_axes(offset)] = np.einsum(f"ngi{inside},ngo{inside}->goi", part, pulled)
    return total.reshape(gradient.shape[1], x.shape[1] // groups, *kernel)


def lowest(x: Array) -> float:
    """What no element of such an array is smaller than."""
    return -np.inf if x.dtype.kind == "f" else np.iinfo(x.dtype).min


def max_pool(
    x: Array, kernel: Sizes, stride: Sizes, margins: Margins, dilation: Sizes, counts: Sizes
) -> Array:
    """The largest element of each window."""
    padded = with_margins(x, kernel, stride, margins, dilation, counts, lowest(x))
    parts = [padded[seen_at(o, stride, dilation, counts)] for o in offsets(kernel)]
    largest: Array = np.max(np.stack(parts), axis=0)
    return largest


def max_pool_indices(
    x: Array, kernel: Sizes, stride: Sizes, margins: Margins, dilation: Sizes, counts: Sizes
) -> Array:
    """Where max_pool's elements lie in the flattened picture: the first of equals."""
    spatial = x.shape[2:]
    padded = with_margins(x, kernel, stride, margins, dilation, counts, lowest(x))
    places = np.arange(np.prod(spatial)).reshape(1, 1, *spatial)
    places = with_margins(places, kernel, stride, margins, dilation, counts, 0)
    at = [seen_at(o, stride, dilation, counts) for o in offsets(kernel)]
    best = np.argmax(np.stack([padded[a] for a in at]), axis=0)
    known = np.stack([np.broadcast_to(places[a], best.shape) for a in at])
    found: Array = np.take_along_axis(known, best[None], axis=0)[0]
    return found


def unfold(
    x: Array, kernel: Sizes, stride: Sizes, margins: Margins, dilation: Sizes, counts: Sizes
) -> Array:
    """Every window as a column."""
    padded = with_margins(x, kernel, stride, margins, dilation, counts)
    parts = np.stack([padded[seen_at(o, stride, dilation, counts)] for o in offsets(kernel)], 2)
    return parts.reshape(len(x), x.shape[1] * parts.shape[2], np.prod(counts, dtype=int))


def fold(
    x: Array, kernel: Sizes, stride: Sizes, margins: Margins, dilation: Sizes, counts: Sizes,
    spatial: Sizes,
) -> Array:  # fmt: skip
    """The adjoint of unfold: every column added to where its window lies."""
    channels = x.shape[1] // np.prod(kernel, dtype=int)
    parts = x.reshape(len(x), channels, np.prod(kernel, dtype=int), *counts)
    empty = np.zeros((len(x), channels, *spatial), x.dtype)
    total = with_margins(empty, kernel, stride, margins, dilation, counts)
    for row, offset in enumerate(offsets(kernel)):
        total[seen_at(offset, stride, dilation, counts)] += parts[:, :, row]
    core = tuple(slice(b, b + n) for (b, _), n in zip(margins, spatial, strict=True))
    return total[last_axes(core)]


def bin_at(place: Sizes, spatial: Sizes, sizes: Sizes) -> Place:
    """The part of a picture that one of the bins covers that tile it."""
    axes = zip(place, spatial, sizes, strict=True)
    return (..., *(slice(i * n // b, -(-(i + 1) * n // b)) for i, n, b in axes))


def adaptive_max_pool(x: Array, sizes: Sizes) -> Array:
    """The largest element of each bin."""
    out = np.empty((*x.shape[:2], *sizes), x.dtype)
    for place in offsets(sizes):
        part = x[bin_at(place, x.shape[2:], sizes)]
        out[last_axes(place)] = np.max(part, axis=tuple(range(2, x.ndim)))
    return out


def adaptive_max_pool_indices(x: Array, sizes: Sizes) -> Array:
    """Where adaptive_max_pool's elements lie in the flattened picture: the first of equals."""
    places = np.arange(np.prod(x.shape[2:])).reshape(x.shape[2:])
    out = np.empty((*x.shape[:2], *sizes), np.int64)
    for place in offsets(sizes):
        part = bin_at(place, x.shape[2:], sizes)
        known = places[part].reshape(-1)
        out[last_axes(place)] = known[np.argmax(x[part].reshape(*x.shape[:2], known.size), axis=2)]
    return out


def members(
    spatial: Sizes, kernel: Sizes, stride: Sizes, margins: Margins, counts: Sizes, padding: bool
) -> Array:
    """How many elements each window has, those of the padding among them or not."""
    ones = np.ones(spatial)
    if padding:
        ones = np.pad(ones, margins, constant_values=1)
        margins = [(0, 0)] * len(kernel)
    once = [1] * len(kernel)
    padded = with_margins(ones, kernel, stride, margins, once, counts)
    count: Array = np.sum(
        [padded[seen_at(o, stride, once, counts)] for o in offsets(kernel)], axis=0
    )
    return count


def avg_pool(
    x: Array, kernel: Sizes, stride: Sizes, margins: Margins, counts: Sizes, padding: bool
) -> Array:
    """The mean of each window."""
    once = [1] * len(kernel)
    padded = with_margins(x, kernel, stride, margins, once, counts)
    total: Array = np.sum(
        [padded[seen_at(o, stride, once, counts)] for o in offsets(kernel)], axis=0
    )
    total /= members(x.shape[2:], kernel, stride, margins, counts, padding).astype(x.dtype)
    return total


def avg_unpool(
    x: Array, kernel: Sizes, stride: Sizes, margins: Margins, spatial: Sizes, padding: bool
) -> Array:
    """The adjoint of avg_pool: each element shared out equally to its window."""
    counts, once = x.shape[2:], [1] * len(kernel)
    share = x / members(spatial, kernel, stride, margins, counts, padding).astype(x.dtype)
    empty = np.zeros((*x.shape[:2], *spatial), x.dtype)
    total = with_margins(empty, kernel, stride, margins, once, counts)
    for offset in offsets(kernel):
        total[seen_at(offset, stride, once, counts)] += share
    core = tuple(slice(b, b + n) for (b, _), n in zip(margins, spatial, strict=True))
    return total[last_axes(core)]


def averaging(n: int, bins: int) -> Array:
    """The matrix (bins, n) that takes the mean of every bin."""
    matrix = np.zeros((bins, n))
    for row in range(bins):
        start, end = row * n // bins, -(-(row + 1) * n // bins)
        matrix[row, start:end] = 1 / (end - start)
    return matrix


def adaptive_avg_pool(x: Array, sizes: Sizes) -> Array:
    """The means of bins that tile the picture."""
    for axis, bins in enumerate(sizes, start=2):
        matrix = averaging(x.shape[axis], bins).astype(x.dtype)
        x = np.moveaxis(np.tensordot(x, matrix, axes=(axis, 1)), -1, axis)
    return x


def adaptive_avg_unpool(x: Array, sizes: Sizes) -> Array:
    """The adjoint of adaptive_avg_pool: each element shared out equally to its bin."""
    for axis, n in enumerate(sizes, start=2):
        matrix = averaging(n, x.shape[axis]).astype(x.dtype)
        x = np.moveaxis(np.tensordot(x, matrix, axes=(axis, 0)), -1, axis)
    return x
