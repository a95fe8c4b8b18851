"""Reading rows of a table by their positions, and adding to them: embeddings and their updates.

Rows are read by all threads. Where rows are added to, a thread sees to every so many-th row of the
table and takes all updates in their order: equal positions never meet, and sums are made in the
same order on any number of threads.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from math import prod

import numba
import numpy as np
from numba import prange

from graphflow.backends.base import Factory, Kernel, Operand
from graphflow.backends.numba_kernels.jit import njit
from graphflow.ir.graph import Node
from graphflow.ops.op import Array, get_op
from graphflow.ops.positions import counted_up

SMALL = 30_000
"""Elements below which NumPy is as fast."""
BITS: Mapping[int, np.dtype[np.generic]] = {4: np.dtype(np.int32), 8: np.dtype(np.int64)}
"""What is only copied is copied as integers of its size, so that few loops are compiled."""


@njit()
def _within(positions, size, least):  # type: ignore[no-untyped-def]
    lowest = highest = positions[0]
    for i in range(len(positions)):
        lowest, highest = min(lowest, positions[i]), max(highest, positions[i])
    return least <= lowest and highest < size


@njit(parallel=True)
def _read(table, positions, out):  # type: ignore[no-untyped-def]
    """out[b, i] = table[b, positions[i]], a row at a time."""
    batch, size, width = table.shape
    count = len(positions)
    for r in prange(batch * count):
        b, i = r // count, r % count
        p = positions[i]
        if p < 0:
            p += size
        for j in range(width):
            out[b, i, j] = table[b, p, j]


@njit(parallel=True)
def _add(table, positions, updates, threads):  # type: ignore[no-untyped-def]
    """table[positions[i]] += updates[i] for all i in order, rows shared out among threads."""
    size, width = table.shape
    for t in prange(threads):
        for i in range(len(positions)):
            p = positions[i]
            if p < 0:
                p += size
            if p % threads == t:
                for j in range(width):
                    table[p, j] += updates[i, j]


def _take(node: Node, out: tuple[Array, ...], inputs: tuple[Operand, ...]) -> Kernel | None:
    """Rows along any axis. What is out of range is told as the operator does."""
    (target,), (x, indices) = out, inputs
    assert isinstance(x, Array) and isinstance(indices, Array)
    axis, negative = node.attr("axis"), bool(node.attr("negative"))
    assert isinstance(axis, int)
    bits = BITS.get(x.itemsize)
    places = _flat(indices)
    whole = x.flags.c_contiguous and target.flags.c_contiguous and x.size
    if target.size < SMALL or bits is None or places is None or not whole or x.dtype.kind == "c":
        return None
    size, rows = x.shape[axis], (prod(x.shape[:axis]), -1, prod(x.shape[axis + 1 :]))
    table, found = x.view(bits).reshape(rows), target.view(bits).reshape(rows)
    least = -size if negative else 0
    refused = partial(get_op("take").forward, np, x, indices, axis=axis, negative=negative)

    def run() -> None:
        if _within(places, size, least):
            _read(table, places, found)
        else:
            refused()

    return run


def _scatter_nd(node: Node, out: tuple[Array, ...], inputs: tuple[Operand, ...]) -> Kernel | None:
    """Rows added to x itself, or to a copy of it."""
    (target,), (x, indices, updates) = out, inputs
    assert isinstance(x, Array) and isinstance(indices, Array) and isinstance(updates, Array)
    if node.attr("reduce") != "add" or node.attr("batch_dims") or indices.shape[-1] != 1:
        return None
    add = _adding(target, indices, updates)
    if add is None or np.may_share_memory(target, x):
        return add
    begin = partial(np.copyto, target, x)

    def run() -> None:
        begin()
        add()

    return run


def _scatter_add(node: Node, out: tuple[Array, ...], inputs: tuple[Operand, ...]) -> Kernel | None:
    """Rows added to zeros, along the first axis."""
    (target,), (updates, indices) = out, inputs
    assert isinstance(indices, Array) and isinstance(updates, Array)
    add = _adding(target, indices, updates) if node.attr("axis") == 0 else None
    if add is None:
        return None
    begin = partial(target.fill, 0)

    def run() -> None:
        begin()
        add()

    return run


def _adding(target: Array, indices: Array, updates: Array) -> Kernel | None:
    """Adds rows of ``updates`` to the rows of ``target`` that ``indices`` name."""
    places = _flat(indices)
    if updates.size < SMALL or places is None or updates.dtype != target.dtype:
        return None
    if target.dtype.kind != "f" or target.itemsize not in BITS:
        return None
    if not target.flags.c_contiguous or not updates.flags.c_contiguous:
        return None
    size, width = len(target), prod(target.shape[1:])
    table, rows = target.reshape(size, width), updates.reshape(-1, width)
    threads = numba.get_num_threads()

    def run() -> None:
        if _within(places, size, -size):
            _add(table, places, rows, threads)
        else:
            counted_up(places, size)

    return run


def _flat(indices: Array) -> Array | None:
    """Positions one after the other, where they lie so."""
    usable = indices.dtype == np.int64 and indices.flags.c_contiguous and indices.size
    return indices.reshape(-1) if usable else None


GATHERS: Mapping[str, Factory] = {
    "take": _take,
    "scatter_nd": _scatter_nd,
    "scatter_add": _scatter_add,
}
