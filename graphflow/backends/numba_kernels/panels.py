"""Products by matrices that lie in panels: batches (columns / LANES, depth, LANES).

A few rows of the result by one panel stay in registers while their sums are made, and nothing has
to be laid out first. :mod:`graphflow.passes.panels` writes such products.
"""

from __future__ import annotations

from graphflow.backends.base import Kernel, Operand
from graphflow.backends.llvm.native import kernel
from graphflow.backends.llvm.parts import share, threads
from graphflow.backends.llvm.words import (
    LANES,
    Lanes,
    Reals,
    apart,
    beyond,
    lanes,
    put,
    repeated,
)
from graphflow.backends.numba_kernels.blas import SMALL, reads_in_place
from graphflow.backends.numba_kernels.images import flat, steps_of
from graphflow.ir.graph import Node
from graphflow.ops.op import Array

HIGH, LOW = 6, 4
"""Rows of the result that are in registers at a time."""


def panel_width() -> int | None:
    """Columns of the panels that products with few rows are faster by; None where BLAS reads
    weights where they lie.
    """
    return None if reads_in_place() else LANES


@apart
def _six_rows(
    depth: int, x: Reals, down: int, right: int, last: int, y: Reals, out: Reals, apart: int
) -> None:
    """Rows 0 to 5 of out = x y for one panel y; rows behind ``last`` are that one again."""
    a1, a2, a3 = min(1, last) * down, min(2, last) * down, min(3, last) * down
    a4, a5 = min(4, last) * down, min(5, last) * down
    s0, s1, s2 = repeated(0), repeated(0), repeated(0)
    s3, s4, s5 = repeated(0), repeated(0), repeated(0)
    for k in range(depth):
        at, row = k * right, lanes(y, k * LANES)
        s0 += x[at] * row
        s1 += x[at + a1] * row
        s2 += x[at + a2] * row
        s3 += x[at + a3] * row
        s4 += x[at + a4] * row
        s5 += x[at + a5] * row
    _put_four(out, apart, last, s0, s1, s2, s3)
    put(out, min(4, last) * apart, s4)
    put(out, min(5, last) * apart, s5)


@apart
def _four_rows(
    depth: int, x: Reals, down: int, right: int, last: int, y: Reals, out: Reals, apart: int
) -> None:
    """Rows 0 to 3."""
    a1, a2, a3 = min(1, last) * down, min(2, last) * down, min(3, last) * down
    s0, s1, s2, s3 = repeated(0), repeated(0), repeated(0), repeated(0)
    for k in range(depth):
        at, row = k * right, lanes(y, k * LANES)
        s0 += x[at] * row
        s1 += x[at + a1] * row
        s2 += x[at + a2] * row
        s3 += x[at + a3] * row
    _put_four(out, apart, last, s0, s1, s2, s3)


def _put_four(
    out: Reals, apart: int, last: int, s0: Lanes, s1: Lanes, s2: Lanes, s3: Lanes
) -> None:
    put(out, 0, s0)
    put(out, min(1, last) * apart, s1)
    put(out, min(2, last) * apart, s2)
    put(out, min(3, last) * apart, s3)


@kernel
def _multiply(
    part: int, parts: int, x: Reals, down: int, right: int, y: Reals, out: Reals, to_panel: int,
    to_row: int, panels: int, rows: int, depth: int,
) -> None:  # fmt: skip
    """out[j] = x y[j] for panels y[j]."""
    first, end = share(part, parts, panels)
    for j in range(first, end):
        panel, row = beyond(y, j * depth * LANES), 0
        while row < rows:
            left, at = rows - row, beyond(x, row * down)
            to = beyond(out, j * to_panel + row * to_row)
            if left > HIGH + LOW - 2 or left == HIGH or left == HIGH - 1:
                _six_rows(depth, at, down, right, left - 1, panel, to, to_row)
                row += HIGH
            else:
                _four_rows(depth, at, down, right, left - 1, panel, to, to_row)
                row += LOW


def by_panels(node: Node, results: tuple[Array, ...], inputs: tuple[Operand, ...]) -> Kernel | None:
    """Makes out[j] = x y[j]; None where x is not one matrix or y no panels."""
    (x, y), (out,) = inputs, results
    assert isinstance(x, Array) and isinstance(y, Array)
    if x.ndim != 2 or y.ndim != 3 or y.shape[-1] != LANES or x.dtype.char != "f":
        return None
    (rows, depth), steps, itemsize = x.shape, (*x.strides, *out.strides), x.itemsize
    whole = all(step >= 0 and step % itemsize == 0 for step in steps)
    if not (x.dtype == y.dtype == out.dtype and whole and y.flags.c_contiguous and out.size):
        return None
    to_panel, to_row, adjacent = steps_of(out)
    if adjacent != 1 or not depth:
        return None
    parts = threads() if out.size * depth > SMALL else 1
    return _multiply.bound(
        x.dtype, parts, flat(x), *steps_of(x), flat(y), flat(out), to_panel, to_row,
        y.shape[0], rows, depth,
    )  # fmt: skip
