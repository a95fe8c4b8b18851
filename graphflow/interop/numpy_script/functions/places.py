"""Reading and writing at positions, and finding them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

Array = np.ndarray
Sizes = Sequence[int]
Margins = Sequence[tuple[int, int]]


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


def unpad(x: Array, margins: Margins, mode: str) -> Array:
    """The adjoint of np.pad: margins are cut off and added to where they were copied from."""
    for axis, (before, after) in enumerate(margins):
        n = x.shape[axis] - before - after
        x = scatter_add(x, np.pad(np.arange(n), (before, after), mode), n, axis)  # type: ignore
    return x


def coordinates(indices: Array, batch: int) -> tuple[Array, ...]:
    """The last axis of indices as an index; the first axes, so many, go with those of the array."""
    shape = indices.shape[:-1]
    own = [np.arange(n).reshape(-1, *[1] * (len(shape) - 1 - i)) for i, n in enumerate(shape)]
    return (*own[:batch], *np.moveaxis(indices, -1, 0))


def gather_nd(x: Array, indices: Array, batch: int) -> Array:
    """The numbers or slices of x at coordinates."""
    y: Array = x[coordinates(indices, batch)]
    return y


def scatter_nd(
    x: Array, indices: Array, updates: Array, step: np.ufunc | None, batch: int
) -> Array:
    """A copy of x with updates written at coordinates, or joined to what is there by a step."""
    return written(x, coordinates(indices, batch), updates, step)


def scatter(x: Array, indices: Array, updates: Array, step: np.ufunc | None, axis: int) -> Array:
    """A copy of x with updates written along an axis, or joined to what is there by a step."""
    places: list[Array] = list(np.indices(indices.shape, sparse=True))
    places[axis] = indices
    return written(x, tuple(places), updates, step)


def written(x: Array, places: tuple[Array, ...], updates: Array, step: np.ufunc | None) -> Array:
    """A copy of x with updates at places."""
    out = x.copy()
    if step is None:
        out[places] = updates
    else:
        step.at(out, places, updates)
    return out


def descending(x: Array, axis: int) -> Array:
    """The positions that sort x from the largest, equal elements in their order."""
    turned = np.argsort(np.flip(x, axis), axis=axis, kind="stable")
    order: Array = x.shape[axis] - 1 - np.flip(turned, axis)
    return order


def topk(x: Array, k: int, axis: int, largest: bool) -> tuple[Array, Array]:
    """The k largest or smallest elements in their order, and their positions."""
    order = descending(x, axis) if largest else np.argsort(x, axis=axis, kind="stable")
    first = np.take(order, np.arange(k), axis=axis)
    return np.take_along_axis(x, first, axis=axis), first


def nonzero(x: Array, size: int, fill: int) -> Array:
    """The coordinates of the first elements that are not 0, then fill."""
    found = np.reshape(np.nonzero(x), (x.ndim, -1))[:, :size]
    return np.pad(found, ((0, 0), (0, size - found.shape[1])), constant_values=fill)


def unique(x: Array, size: int, fill: float) -> tuple[Array, ...]:
    """The distinct elements, where each is first, which of them each element is, how often."""
    values, first, inverse, counts = np.unique(x, True, True, True)
    rest = size - len(values)
    if rest < 0:
        raise ValueError(f"{len(values)} distinct elements, but room for {size}")
    values = np.pad(values, (0, rest), constant_values=fill)
    first, counts = np.pad(first, (0, rest), constant_values=-1), np.pad(counts, (0, rest))
    return values, first, inverse.reshape(x.shape), counts


def rearranged(x: Array, parts: Sizes, order: Sizes, shape: Sizes) -> Array:
    """Axes split, reordered and joined."""
    return x.reshape(parts).transpose(order).reshape(shape)
