"""Functions for primitives that are not one call of NumPy.

A script gets the source of those it needs: they use nothing but NumPy and each other.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import product
from types import EllipsisType

import numpy as np

Array = np.ndarray
Sizes = Sequence[int]
Margins = Sequence[tuple[int, int]]
Place = tuple[EllipsisType | slice | int, ...]


def solved(size: int, factor: int, offset: int) -> int:
    """S, where factor * S + offset is the size of an axis."""
    quotient, rest = divmod(size - offset, factor)
    if rest or quotient < 0:
        raise ValueError(f"an axis of size {size} should have {factor} * S + {offset} elements")
    return quotient


def sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x)), without overflow."""
    y: Array = 0.5 * np.tanh(0.5 * x) + 0.5
    return y


def softplus(x: Array) -> Array:
    """log(1 + exp(x)), without overflow."""
    y: Array = np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))
    return y


def erf(x: Array) -> Array:
    """The error function, number by number."""
    values = [math.erf(value) for value in np.ravel(x)]
    return np.array(values, x.dtype).reshape(np.shape(x))


def logsumexp(x: Array, axis: tuple[int, ...], keepdims: bool = False) -> Array:
    """log(sum(exp(x))), without overflow."""
    top = np.max(x, axis=axis, keepdims=True, initial=-np.inf)
    top = np.where(np.isfinite(top), top, 0)
    with np.errstate(divide="ignore"):
        out: Array = np.log(np.sum(np.exp(x - top), axis=axis, keepdims=True)) + top
    return out if keepdims else np.squeeze(out, axis)


def unslice(x: Array, index: tuple[int | slice | None, ...], shape: Sizes) -> Array:
    """Zeros, with x where a slice was taken."""
    out = np.zeros(shape, x.dtype)
    out[index] = x
    return out


def scatter_add(updates: Array, indices: Array, size: int, axis: int) -> Array:
    """Zeros, with every update added at its position along an axis: the adjoint of np.take."""
    before, after = updates.shape[:axis], updates.shape[axis + indices.ndim :]
    out = np.zeros((size, *before, *after), updates.dtype)
    rows = np.moveaxis(updates.reshape(*before, indices.size, *after), len(before), 0)
    np.add.at(out, indices.reshape(-1), rows)
    return np.moveaxis(out, 0, axis)


def scatter_add_along_axis(updates: Array, indices: Array, size: int, axis: int) -> Array:
    """Zeros, with every update added at its own position: the adjoint of np.take_along_axis."""
    shape = (*updates.shape[:axis], size, *updates.shape[axis + 1 :])
    out = np.zeros(shape, updates.dtype)
    places: list[Array] = list(np.indices(updates.shape, sparse=True))
    places[axis] = indices
    np.add.at(out, tuple(places), updates)
    return out


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
    split = padded.reshape(len(x), groups, -1, *padded.shape[2:])
    weights = weight.reshape(groups, -1, *weight.shape[1:])
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
    split = x.reshape(len(x), groups, -1, *counts)
    weights = weight.reshape(groups, -1, *weight.shape[1:])
    empty = np.zeros((len(x), groups, weight.shape[1], *spatial), x.dtype)
    total = with_margins(empty, kernel, stride, margins, dilation, counts)
    for offset in offsets(kernel):
        part = np.einsum("ngi...,gio->ngo...", split, weights[last_axes(offset)])
        total[seen_at(offset, stride, dilation, counts)] += part
    core = tuple(slice(b, b + n) for (b, _), n in zip(margins, spatial, strict=True))
    return total[last_axes(core)].reshape(len(x), -1, *spatial)


def conv_weight_grad(
    x: Array, gradient: Array, kernel: Sizes, stride: Sizes, margins: Margins, dilation: Sizes,
    groups: int,
) -> Array:  # fmt: skip
    """The derivative of conv by its kernel: the image correlated with the gradient."""
    counts = gradient.shape[2:]
    padded = with_margins(x, kernel, stride, margins, dilation, counts)
    split = padded.reshape(len(x), groups, -1, *padded.shape[2:])
    pulled = gradient.reshape(len(x), groups, -1, *counts)
    inside = "xyz"[: len(counts)]
    total = np.zeros((groups, pulled.shape[2], split.shape[2], *kernel), x.dtype)
    for offset in offsets(kernel):
        part = split[seen_at(offset, stride, dilation, counts)]
        total[last_axes(offset)] = np.einsum(f"ngi{inside},ngo{inside}->goi", part, pulled)
    return total.reshape(gradient.shape[1], -1, *kernel)


def max_pool(
    x: Array, kernel: Sizes, stride: Sizes, margins: Margins, dilation: Sizes, counts: Sizes
) -> Array:
    """The largest element of each window."""
    padded = with_margins(x, kernel, stride, margins, dilation, counts, -np.inf)
    parts = [padded[seen_at(o, stride, dilation, counts)] for o in offsets(kernel)]
    largest: Array = np.max(np.stack(parts), axis=0)
    return largest


def max_pool_indices(
    x: Array, kernel: Sizes, stride: Sizes, margins: Margins, dilation: Sizes, counts: Sizes
) -> Array:
    """Where max_pool's elements lie in the flattened picture: the first of equals."""
    spatial = x.shape[2:]
    padded = with_margins(x, kernel, stride, margins, dilation, counts, -np.inf)
    places = np.arange(np.prod(spatial)).reshape(1, 1, *spatial)
    places = with_margins(places, kernel, stride, margins, dilation, counts, 0)
    at = [seen_at(o, stride, dilation, counts) for o in offsets(kernel)]
    best = np.argmax(np.stack([padded[a] for a in at]), axis=0)
    known = np.stack([np.broadcast_to(places[a], best.shape) for a in at])
    found: Array = np.take_along_axis(known, best[None], axis=0)[0]
    return found


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


def rearranged(x: Array, parts: Sizes, order: Sizes, shape: Sizes) -> Array:
    """Axes split, reordered and joined."""
    return x.reshape(parts).transpose(order).reshape(shape)
