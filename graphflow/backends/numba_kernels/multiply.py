"""A product of two matrices by BLAS, as a function for compiled loops.

A matrix is memory, and how far its rows and its columns are apart; one of these is 1.
"""

from __future__ import annotations

from graphflow.backends.llvm.words import Reals, apart, beyond, gemm
from graphflow.backends.numba_kernels.blas import UNPACKED, reads_in_place

PLAIN, TRANSPOSED = ord("N"), ord("T")
SMALL = UNPACKED if reads_in_place() else 2**62
"""Multiplications of the products to which larger ones are cut."""
BROAD = 64
"""Columns of the result to which a larger product is cut."""
DEEP = 1300
"""Length of sums from which packing pays."""


def _lies(rows: int, columns: int, down: int, right: int) -> tuple[int, int]:
    """How BLAS is told that a matrix lies: a letter, and how far its rows or columns are apart."""
    plain = right == 1 or columns == 1
    leading = max(down, max(columns, 1)) if plain else max(right, max(rows, 1))
    return PLAIN if plain else TRANSPOSED, leading


@apart
def multiply(
    m: int, k: int, n: int, x: Reals, x_down: int, x_right: int, y: Reals, y_down: int,
    y_right: int, out: Reals, out_down: int, beta: int,
) -> None:  # fmt: skip
    """Make out = x y + beta out, for matrices (m, k), (k, n) and (m, n).

    BLAS counts columns first, so it is told that out' = y' x'.
    """
    first, ldy = _lies(k, n, y_down, y_right)
    second, ldx = _lies(m, k, x_down, x_right)
    gemm(first, second, n, m, k, y, ldy, x, ldx, beta, out, max(out_down, max(n, 1)))


@apart
def multiply_by_parts(
    m: int, k: int, n: int, x: Reals, x_down: int, x_right: int, y: Reals, y_down: int,
    y_right: int, out: Reals, out_down: int, beta: int,
) -> None:  # fmt: skip
    """:func:`multiply`, cut into products that BLAS does the short way, where that is faster."""
    broad, high = n, m
    if m * k * n > SMALL and k <= DEEP:
        broad = min(n, BROAD)
        high = min(m, max(SMALL // (k * broad) // 8 * 8, 8))
    for column in range(0, n, max(broad, 1)):
        for row in range(0, m, max(high, 1)):
            multiply(
                min(high, m - row), k, min(broad, n - column), beyond(x, row * x_down), x_down,
                x_right, beyond(y, column * y_right), y_down, y_right,
                beyond(out, row * out_down + column), out_down, beta,
            )  # fmt: skip
