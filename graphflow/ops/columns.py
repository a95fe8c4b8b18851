"""Convolution as a product of matrices: windows laid out as columns, and the way back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod

from graphflow.ops.op import Array, Namespace
from graphflow.ops.windows import Offset, Windows

CHUNK = 2**22
"""Elements of the column matrix that are laid out at a time."""


def columns(xp: Namespace, x: Array, windows: Windows, groups: int) -> Array:
    """Every window as a column: (groups, channels / groups * kernel, batch * windows)."""
    batch, channels = x.shape[:2]
    counts = windows.counts(x.shape[2:])
    moved = windows.padded(xp, x, 0).swapaxes(0, 1)
    out = xp.empty((channels, *windows.kernel, batch, *counts), x.dtype)
    for offset in windows.offsets():
        out[_at(offset)] = moved[windows.part(offset, counts)]
    rows = channels // groups * prod(windows.kernel)
    return out.reshape(groups, rows, batch * prod(counts))


def added(
    xp: Namespace, columns: Array, windows: Windows, shape: tuple[int, ...], counts: tuple[int, ...]
) -> Array:
    """The adjoint of laying out columns: each element added to where it was copied from."""
    batch, channels, *spatial = shape
    parts = columns.reshape((channels, *windows.kernel, batch, *counts))  # type: ignore[arg-type]
    padded = xp.zeros((channels, batch, *windows.padded_sizes(spatial)), columns.dtype)
    for offset in windows.offsets():
        padded[windows.part(offset, counts)] += parts[_at(offset)]
    return padded[windows.core(spatial)].swapaxes(0, 1)


def channels_first(x: Array, groups: int) -> Array:
    """(batch, channels, *spatial) as (groups, channels / groups, batch * spatial)."""
    batch, channels, *spatial = x.shape
    rows = x.swapaxes(0, 1)
    return rows.reshape(groups, channels // groups, batch * prod(spatial))


def batch_first(result: Array, channels: int, shape: tuple[int, ...]) -> Array:
    """(groups, channels / groups, batch * spatial) as (batch, channels, *spatial)."""
    return result.reshape(channels, shape[0], *shape[2:]).swapaxes(0, 1)


def chunks(shape: Sequence[int], windows: Windows) -> Iterator[slice]:
    """Parts of the batch whose columns fit ``CHUNK``; one sample at least."""
    each = prod((*shape[1:2], *windows.kernel, *windows.counts(tuple(shape[2:]))))
    assert isinstance(each, int)
    some = max(1, CHUNK // max(1, each))
    for start in range(0, shape[0], some):
        yield slice(start, start + some)


def _at(offset: Offset) -> tuple[slice | int, ...]:
    """One position inside the kernel, of columns (channels, *kernel, batch, *windows)."""
    return (slice(None), *offset)
