"""Arrays copied whole, and joined along an axis: rows beside each other, on all threads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from math import prod

import numpy as np

from graphflow.backends.base import Factory, Kernel, Operand
from graphflow.backends.llvm.launch import Walk
from graphflow.backends.llvm.native import kernel
from graphflow.backends.llvm.parts import share, threads
from graphflow.backends.llvm.words import Reals
from graphflow.backends.numba_kernels.images import flat
from graphflow.backends.numba_kernels.lanes import BITS, move
from graphflow.ir.graph import Node
from graphflow.ops.op import Array

SMALL = 50_000
"""Elements up to which one thread copies as fast as several."""


@kernel
def _join(
    part: int, parts: int, x: Reals, step: int, length: int, out: Reals, wide: int, first: int,
    rows: int,
) -> None:  # fmt: skip
    """Copy the rows of x into longer ones, behind their ``first`` elements."""
    begin, end = share(part, parts, rows)
    for row in range(begin, end):
        move(out, row * wide + first, x, row * step, length)


def _concat(node: Node, out: tuple[Array, ...], inputs: tuple[Operand, ...]) -> Kernel | None:
    (y,), parts = out, [x for x in inputs if isinstance(x, Array) and x.size]
    axis = node.attr("axis")
    assert isinstance(axis, int)
    if y.dtype.char not in "fd" or any(x.dtype != y.dtype for x in parts) or not y.size:
        return None
    order = sorted(range(y.ndim), key=lambda a: -y.strides[a])
    place = order.index(axis % y.ndim)
    target, *sources = (_rows(a, order, place) for a in (y, *parts))
    if target is None:
        return None
    walks: list[Walk] = []
    first = 0
    for x in sources:
        if x is None:
            return None
        rows, length = x.shape
        walks.append(_join.bound(
            y.dtype, threads() if y.size > SMALL else 1, flat(x), x.strides[0] // x.itemsize,
            length, flat(target), target.strides[0] // y.itemsize, first, rows,
        ))  # fmt: skip
        first += length

    return Walk(launch for walk in walks for launch in walk.launches)


def _rows(array: Array, order: Sequence[int], place: int) -> Array | None:
    """An array, its axes in an order, as a matrix: those from ``place`` on are its rows. None where
    rows have gaps, or lie at uneven distances.
    """
    turned = array.transpose(order)
    shape = (prod(turned.shape[:place]), prod(turned.shape[place:]))
    rows = turned.reshape(shape)
    if not np.may_share_memory(rows, array):  # a copy: they cannot be seen as rows
        return None
    adjacent = rows.strides[1] == rows.itemsize or shape[1] == 1
    forwards = rows.strides[0] >= 0 and rows.strides[0] % rows.itemsize == 0
    return rows if adjacent and forwards else None


def copied(target: Array, source: Array) -> Kernel:
    """Copies an array into another one, among compiled kernels if it lies without gaps."""
    whole = source.flags.c_contiguous and target.flags.c_contiguous and source.dtype == target.dtype
    bits, size = BITS.get(source.itemsize), source.size
    if not whole or bits is None or not 0 < size <= SMALL:
        return partial(np.copyto, target, source)
    x, y = (flat(array).view(bits) for array in (source, target))
    return _join.bound(bits, 1, x, size, size, y, size, 0, 1)


JOINING: Mapping[str, Factory] = {"concat": _concat}
