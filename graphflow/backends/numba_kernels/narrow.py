r"""Products of few rows or columns: BLAS would lay operands out that it uses but a few times.

Where the rows of x and the columns of y lie without gaps, as in a layer's ``x @ weight.T``, results
are scalar products, :math:`\sum_k x_{ik} y_{kj}` along k, ``LANES`` terms at a time. Where rows of
y and of the result do, as in the gradient of such a weight, they are sums of y's rows, ``LANES``
columns at a time. Sums stay in registers in both.
"""

from __future__ import annotations

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


@kernel
def _scalar_products(
    part: int, parts: int, x: Reals, down: int, y: Reals, right: int, out: Reals, to_row: int,
    to_column: int, rows: int, columns: int, depth: int, alpha: Reals, beta: int,
) -> None:  # fmt: skip
    """Makes out = alpha x y + beta out, for rows of x and columns of y without gaps."""
    first, end = share(part, parts, rows)
    some, found = NEAR // depth // 2 * 2, room(6)
    some = max(some, 2)
    for above in range(first, end, some):
        for j in range(0, columns, 3):
            last = min(2, columns - j - 1)
            second, third = min(1, last) * right, last * right
            for i in range(above, min(above + some, end), 2):
                below = min(1, end - i - 1)
                upper, left = beyond(x, i * down), beyond(y, j * right)
                _six_products(depth, upper, below * down, left, second, third, found)
                for a in range(below + 1):
                    for b in range(last + 1):
                        at = (i + a) * to_row + (j + b) * to_column
                        sum = alpha[0] * found[3 * a + b]
                        if beta:
                            sum = sum + out[at]
                        out[at] = sum


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


@kernel
def _sums_of_rows(
    part: int, parts: int, x: Reals, down: int, right: int, y: Reals, below: int, out: Reals,
    to_row: int, rows: int, columns: int, depth: int, alpha: Reals, beta: int,
) -> None:  # fmt: skip
    """Makes out = alpha x y + beta out, for rows of y and of out without gaps."""
    first, end = share(part, parts, (columns + LANES - 1) // LANES)
    found = room(ROOM)
    for tile in range(first, end):
        start = min(tile * LANES, columns - LANES)
        for i in range(0, rows, HIGH):
            last = min(HIGH, rows - i) - 1
            _five_sums(
                depth, beyond(x, i * down), down, right, last, beyond(y, start), below, found
            )
            for a in range(last + 1):
                at = (i + a) * to_row + start
                for c in range(tile * LANES - start, LANES):
                    sum = alpha[0] * found[a * LANES + c]
                    if beta:
                        sum = sum + out[at + c]
                    out[at + c] = sum


def narrow(x: Array, y: Array, out: Array, alpha: Array, beta: float) -> Kernel | None:
    """Computes out = alpha x y + beta out, for beta 0 or 1; None where BLAS is as good."""
    if reads_in_place() or out.ndim != 2 or out.dtype.char != "f":
        return None
    (rows, columns), depth = out.shape, x.shape[1]
    short = min(rows, columns)
    if depth >= LONG and (short <= FEW or (short <= SOME and depth >= DEEP)):
        found = _as_scalar_products(x, y, out, alpha, int(beta))
        if found is not None:
            return found
    return _as_sums(x, y, out, alpha, int(beta)) if rows <= FEW else None


def _as_scalar_products(x: Array, y: Array, out: Array, alpha: Array, beta: int) -> Kernel | None:
    """Where rows of x and columns of y lie without gaps."""
    if out.shape[0] < out.shape[1]:  # the longer axis is shared out
        x, y, out = y.T, x.T, out.T
    (rows, columns), depth = out.shape, x.shape[1]
    (down, adjacent), (also, right) = steps_of(x), steps_of(y)
    if adjacent != 1 or also != 1:
        return None
    return _scalar_products.bound(
        out.dtype, _parts(rows * columns * depth), flat(x), down, flat(y), right, flat(out),
        *steps_of(out), rows, columns, depth, flat(alpha), beta,
    )  # fmt: skip


def _as_sums(x: Array, y: Array, out: Array, alpha: Array, beta: int) -> Kernel | None:
    """Where rows of y and of the result lie without gaps, and are not shorter than ``LANES``."""
    (rows, columns), depth = out.shape, x.shape[1]
    (below, adjacent), (to_row, also) = steps_of(y), steps_of(out)
    if adjacent != 1 or also != 1 or columns < LANES:
        return None
    return _sums_of_rows.bound(
        out.dtype, _parts(rows * columns * depth), flat(x), *steps_of(x), flat(y), below, flat(out),
        to_row, rows, columns, depth, flat(alpha), beta,
    )  # fmt: skip


def _parts(multiplications: int) -> int:
    return threads() if multiplications > SMALL else 1
