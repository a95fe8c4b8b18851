r"""Products of few rows or columns: BLAS would lay operands out that it uses but a few times.

Where the rows of x and the columns of y lie without gaps, as in a layer's ``x @ weight.T``, results
are scalar products, :math:`\sum_k x_{ik} y_{kj}` along k, ``LANES`` terms at a time. Where rows of
y and of the result do, as in the gradient of such a weight, they are sums of y's rows, ``LANES``
columns at a time. Sums stay in registers in both.
"""

from __future__ import annotations

from itertools import pairwise
from math import prod

import numpy as np
from numpy.lib.stride_tricks import as_strided

from graphflow.backends.base import Kernel
from graphflow.backends.llvm.native import kernel
from graphflow.backends.llvm.parts import share, threads
from graphflow.backends.llvm.words import (
    LANES,
    Reals,
    apart,
    beyond,
    lanes,
    put,
    repeated,
    room,
    total,
)
from graphflow.backends.numba_kernels.blas import SMALL, reads_in_place
from graphflow.backends.numba_kernels.images import flat, steps_of
from graphflow.ops.op import Array

FEW, SOME = 16, 32
"""Rows or columns up to which these are faster than BLAS; up to which they are in longer sums."""
LONG, DEEP = 64, 256
"""Terms of a scalar product from which vectors of them pay; those of a longer one."""
NEAR = 4096
"""Numbers of x that are met by all of y before others of x are: they stay in the nearest cache."""
HIGH, ROOM = 5, 5 * LANES
"""Rows of sums that are in registers at a time, and the numbers in them."""


@apart
def _six_products(
    depth: int, x: Reals, below: int, y: Reals, second: int, third: int, found: Reals
) -> None:
    """Scalar products of rows 0 and ``below`` with those at 0, ``second`` and ``third``."""
    s0, s1, s2 = repeated(0), repeated(0), repeated(0)
    t0, t1, t2 = repeated(0), repeated(0), repeated(0)
    whole = depth // LANES * LANES
    for k in range(0, whole, LANES):
        upper, lower = lanes(x, k), lanes(x, below + k)
        y0, y1, y2 = lanes(y, k), lanes(y, second + k), lanes(y, third + k)
        s0, s1, s2 = s0 + upper * y0, s1 + upper * y1, s2 + upper * y2
        t0, t1, t2 = t0 + lower * y0, t1 + lower * y1, t2 + lower * y2
    found[0], found[1], found[2] = total(s0), total(s1), total(s2)
    found[3], found[4], found[5] = total(t0), total(t1), total(t2)
    for k in range(whole, depth):
        found[0] += x[k] * y[k]
        found[1] += x[k] * y[second + k]
        found[2] += x[k] * y[third + k]
        found[3] += x[below + k] * y[k]
        found[4] += x[below + k] * y[second + k]
        found[5] += x[below + k] * y[third + k]


@apart
def _row_products(
    first: int, end: int, columns: int, depth: int, x: Reals, down: int, y: Reals, right: int,
    out: Reals, to_row: int, to_column: int, alpha: Reals, beta: int,
) -> None:  # fmt: skip
    """Rows ``first`` to ``end`` of one matrix."""
    some, found = max(NEAR // depth // 2 * 2, 2), room(6)
    for above in range(first, end, some):
        for j in range(0, columns, 3):
            last, left = min(2, columns - j - 1), beyond(y, j * right)
            second, third = min(1, last) * right, last * right
            for i in range(above, min(above + some, end), 2):
                below = min(1, end - i - 1)
                _six_products(depth, beyond(x, i * down), below * down, left, second, third, found)
                for a in range(below + 1):
                    for b in range(last + 1):
                        at = (i + a) * to_row + (j + b) * to_column
                        sum = alpha[0] * found[3 * a + b]
                        out[at] = out[at] + sum if beta else sum


@kernel
def _scalar_products(
    part: int, parts: int, count: int, rows: int, columns: int, depth: int, x: Reals, x_next: int,
    down: int, y: Reals, y_next: int, right: int, out: Reals, out_next: int, to_row: int,
    to_column: int, alpha: Reals, beta: int,
) -> None:  # fmt: skip
    """Makes out = alpha x y + beta out, for rows of x and columns of y without gaps."""
    start, stop, first, end = _shared(part, parts, count, rows)
    for m in range(start, stop):
        _row_products(
            first, end, columns, depth, beyond(x, m * x_next), down, beyond(y, m * y_next), right,
            beyond(out, m * out_next), to_row, to_column, alpha, beta,
        )  # fmt: skip


@apart
def _five_sums(
    depth: int, x: Reals, down: int, right: int, last: int, y: Reals, below: int, found: Reals
) -> None:
    """Rows 0 to 4 of x y for ``LANES`` columns; rows behind ``last`` are that one again."""
    a1, a2 = min(1, last) * down, min(2, last) * down
    a3, a4 = min(3, last) * down, min(4, last) * down
    s0, s1, s2, s3, s4 = repeated(0), repeated(0), repeated(0), repeated(0), repeated(0)
    for k in range(depth):
        at, row = k * right, lanes(y, k * below)
        s0 += x[at] * row
        s1 += x[at + a1] * row
        s2 += x[at + a2] * row
        s3 += x[at + a3] * row
        s4 += x[at + a4] * row
    put(found, 0, s0)
    put(found, LANES, s1)
    put(found, 2 * LANES, s2)
    put(found, 3 * LANES, s3)
    put(found, 4 * LANES, s4)


@apart
def _tiles_of_sums(
    first: int, end: int, rows: int, columns: int, depth: int, x: Reals, down: int, right: int,
    y: Reals, below: int, out: Reals, to_row: int, alpha: Reals, beta: int,
) -> None:  # fmt: skip
    """Tiles of ``LANES`` columns of one matrix; the last one begins within the one before it."""
    found = room(ROOM)
    for tile in range(first, end):
        start = min(tile * LANES, columns - LANES)
        for i in range(0, rows, HIGH):
            last, upper = min(HIGH, rows - i) - 1, beyond(x, i * down)
            _five_sums(depth, upper, down, right, last, beyond(y, start), below, found)
            for a in range(last + 1):
                row = beyond(out, (i + a) * to_row + start)
                for c in range(tile * LANES - start, LANES):
                    sum = alpha[0] * found[a * LANES + c]
                    row[c] = row[c] + sum if beta else sum


@kernel
def _sums_of_rows(
    part: int, parts: int, count: int, rows: int, columns: int, depth: int, x: Reals, x_next: int,
    down: int, right: int, y: Reals, y_next: int, below: int, out: Reals, out_next: int,
    to_row: int, alpha: Reals, beta: int,
) -> None:  # fmt: skip
    """Makes out = alpha x y + beta out, for rows of y and of out without gaps."""
    start, stop, first, end = _shared(part, parts, count, (columns + LANES - 1) // LANES)
    for m in range(start, stop):
        _tiles_of_sums(
            first, end, rows, columns, depth, beyond(x, m * x_next), down, right,
            beyond(y, m * y_next), below, beyond(out, m * out_next), to_row, alpha, beta,
        )  # fmt: skip


def _shared(part: int, parts: int, count: int, pieces: int) -> tuple[int, int, int, int]:
    """First and end of the matrices of a part and of their pieces: matrices of its own where there
    are as many as parts, else its pieces of all.
    """
    if count >= parts:
        start, stop = share(part, parts, count)
        return start, stop, 0, pieces
    first, end = share(part, parts, pieces)
    return 0, count, first, end


def narrow(x: Array, y: Array, out: Array, alpha: Array, beta: float) -> Kernel | None:
    """Computes out = alpha x y + beta out for matrices or batches of them, for beta 0 or 1; None
    where BLAS is as good.
    """
    (rows, columns), depth = out.shape[-2:], x.shape[-1]
    short = min(rows, columns)
    long = depth >= LONG and (short <= FEW or (short <= SOME and depth >= DEEP))
    if reads_in_place() or out.dtype.char != "f" or not (long or rows <= FEW):
        return None
    lead = out.shape[:-2]
    a, b = (_stacked(np.broadcast_to(each, (*lead, *each.shape[-2:]))) for each in (x, y))
    c = _stacked(out)
    if a is None or b is None or c is None:
        return None
    found = _as_scalar_products(a, b, c, alpha, int(beta)) if long else None
    return found or (_as_sums(a, b, c, alpha, int(beta)) if rows <= FEW else None)


def _stacked(matrices: Array) -> Array | None:
    """Matrices of a batch along one axis; None where they do not lie at one distance forwards."""
    lead = zip(matrices.shape[:-2], matrices.strides[:-2], strict=True)
    axes = [(n, step) for n, step in lead if n != 1]
    uneven = any(step != n * inner for (_, step), (n, inner) in pairwise(axes))
    if uneven or any(step < 0 for _, step in axes):
        return None
    shape = prod(n for n, _ in axes), *matrices.shape[-2:]
    return as_strided(matrices, shape, (axes[-1][1] if axes else 0, *matrices.strides[-2:]))


def _as_scalar_products(x: Array, y: Array, out: Array, alpha: Array, beta: int) -> Kernel | None:
    """Where rows of x and columns of y lie without gaps."""
    if out.shape[1] < out.shape[2]:  # the longer axis is shared out
        x, y, out = (np.matrix_transpose(each) for each in (y, x, out))
    (count, rows, columns), depth = out.shape, x.shape[2]
    (x_next, down, adjacent), (y_next, also, right) = steps_of(x), steps_of(y)
    if adjacent != 1 or also != 1:
        return None
    return _scalar_products.bound(
        out.dtype, _parts(out.size * depth), count, rows, columns, depth, flat(x), x_next, down,
        flat(y), y_next, right, flat(out), *steps_of(out), flat(alpha), beta,
    )  # fmt: skip


def _as_sums(x: Array, y: Array, out: Array, alpha: Array, beta: int) -> Kernel | None:
    """Where rows of y and of the result lie without gaps, and are not shorter than ``LANES``."""
    (count, rows, columns), depth = out.shape, x.shape[2]
    (y_next, below, adjacent), (out_next, to_row, also) = steps_of(y), steps_of(out)
    if adjacent != 1 or also != 1 or columns < LANES:
        return None
    return _sums_of_rows.bound(
        out.dtype, _parts(out.size * depth), count, rows, columns, depth, flat(x), *steps_of(x),
        flat(y), y_next, below, flat(out), out_next, to_row, flat(alpha), beta,
    )  # fmt: skip


def _parts(multiplications: int) -> int:
    return threads() if multiplications > SMALL else 1
