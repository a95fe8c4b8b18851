"""Reading rows of a table by their positions, and adding to them: embeddings and their updates.

Rows are read by all threads. Where rows are added to, a thread sees to every so many-th row of the
table and takes all updates in their order: equal positions never meet, and sums are made in the
same order on any number of threads.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from math import prod

import numpy as np

from graphflow.backends.base import Factory, Kernel, Operand
from graphflow.backends.llvm.launch import Walk
from graphflow.backends.llvm.native import kernel
from graphflow.backends.llvm.parts import share, threads
from graphflow.backends.llvm.words import Ints, Reals
from graphflow.backends.numba_kernels.lanes import BITS, add, move
from graphflow.ir.graph import Node
from graphflow.ops.op import Array, get_op
from graphflow.ops.positions import counted_up

SMALL = 30_000
"""Elements below which NumPy is as fast."""


@kernel
def _outside(
    part: int, parts: int, positions: Ints, count: int, least: int, size: int, found: Ints
) -> None:
    """Whether there are positions below ``least`` or not below ``size``."""
    lowest, highest = positions[0], positions[0]
    for i in range(count):
        lowest, highest = min(lowest, positions[i]), max(highest, positions[i])
    found[0] = 1 if lowest < least or highest >= size else 0


@kernel
def _read(
    part: int, parts: int, table: Reals, size: int, width: int, positions: Ints, count: int,
    batch: int, out: Reals,
) -> None:  # fmt: skip
    """out[b, i] = table[b, positions[i]], a row at a time."""
    first, end = share(part, parts, batch * count)
    for r in range(first, end):
        p = positions[r % count]
        p = p + size if p < 0 else p
        move(out, r * width, table, (r // count * size + p) * width, width)


@kernel
def _add(
    part: int, parts: int, table: Reals, size: int, width: int, positions: Ints, count: int,
    updates: Reals,
) -> None:  # fmt: skip
    """table[positions[i]] += updates[i] for all i in order, rows shared out among threads."""
    for i in range(count):
        p = positions[i]
        p = p + size if p < 0 else p
        if p % parts == part:
            add(table, p * width, updates, i * width, width)


def _within(positions: Array, least: int, size: int, refused: Kernel, work: Walk) -> Walk:
    """The work, if all positions lie within bounds."""
    found = np.zeros(1, np.int64)
    look = _outside.bound(
        np.float32, 1, positions, positions.size, least, size, found,
        missed=found, fallback=refused,
    )  # fmt: skip
    return Walk([*look.launches, *work.launches])


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
    size, batch, width = x.shape[axis], prod(x.shape[:axis]), prod(x.shape[axis + 1 :])
    read = _read.bound(
        bits, threads(), x.view(bits), size, width, places, places.size, batch, target.view(bits)
    )
    refused = partial(get_op("take").forward, np, x, indices, axis=axis, negative=negative)
    return _within(places, -size if negative else 0, size, refused, read)


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
    adding = _add.bound(target.dtype, threads(), target, size, width, places, places.size, updates)
    return _within(places, -size, size, partial(counted_up, places, size), adding)


def _flat(indices: Array) -> Array | None:
    """Positions one after the other, where they lie so."""
    usable = indices.dtype == np.int64 and indices.flags.c_contiguous and indices.size
    return indices.reshape(-1) if usable else None


GATHERS: Mapping[str, Factory] = {
    "take": _take,
    "scatter_nd": _scatter_nd,
    "scatter_add": _scatter_add,
}
