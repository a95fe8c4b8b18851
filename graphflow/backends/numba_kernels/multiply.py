"""A product of two matrices by BLAS, as a function for compiled loops."""

from __future__ import annotations

import numpy as np
from numba import njit, types
from numba.extending import overload

from graphflow.backends.numba_kernels.gemm import dgemm, sgemm

PLAIN, TRANSPOSED = ord("N"), ord("T")


def _call(ints, scalars, first, second, out):  # type: ignore[no-untyped-def]
    """The routine of BLAS for the number type of ``out``."""
    raise NotImplementedError("compiled code only")


@overload(_call)
def _call_of(ints, scalars, first, second, out):  # type: ignore[no-untyped-def]
    routine = sgemm if out.dtype == types.float32 else dgemm

    def call(ints, scalars, first, second, out):  # type: ignore[no-untyped-def]
        at, factors = ints.ctypes.data, scalars.ctypes.data
        routine(
            at, at + 4, at + 8, at + 12, at + 16, factors, first.ctypes.data, at + 20,
            second.ctypes.data, at + 24, factors + scalars.itemsize, out.ctypes.data, at + 28,
        )  # fmt: skip

    return call


@njit(cache=True)
def _set_matrix(ints, letter, leading, matrix):  # type: ignore[no-untyped-def]
    """Tell BLAS how a matrix lies: its rows without gaps, or its columns."""
    rows, columns = matrix.shape
    if matrix.strides[1] == matrix.itemsize or columns == 1:
        ints[letter] = PLAIN
        ints[leading] = max(matrix.strides[0] // matrix.itemsize, columns, 1)
    else:
        ints[letter] = TRANSPOSED
        ints[leading] = max(matrix.strides[1] // matrix.itemsize, rows, 1)


@njit(cache=True)
def multiply(x, y, out, beta):  # type: ignore[no-untyped-def]
    """Make out = x y + beta out, for matrices (m, k), (k, n) and (m, n) of one float type.

    The rows of each, or its columns, lie without gaps; those of ``out`` its rows. BLAS counts
    columns first, so it is told that out' = y' x'.
    """
    (m, k), n = x.shape, y.shape[1]
    ints = np.empty(8, np.int32)
    scalars = np.empty(2, out.dtype)
    scalars[0], scalars[1] = 1, beta
    ints[2], ints[3], ints[4] = n, m, k
    ints[7] = max(out.strides[0] // out.itemsize, n, 1)
    _set_matrix(ints, 0, 5, y)
    _set_matrix(ints, 1, 6, x)
    _call(ints, scalars, y, x, out)  # type: ignore[no-untyped-call]


SMALL = 1_000_000
"""Multiplications up to which OpenBLAS does a product without packing its operands first."""
BROAD = 64
"""Columns of the result to which a larger product is cut."""


@njit(cache=True)
def multiply_by_parts(x, y, out, beta):  # type: ignore[no-untyped-def]
    """:func:`multiply`, cut into products that BLAS does the short way."""
    (m, k), n = x.shape, y.shape[1]
    broad = n if m * k * n <= SMALL else min(n, BROAD)
    high = min(m, max(SMALL // (k * broad) // 8 * 8, 8))
    for column in range(0, n, broad):
        columns = slice(column, min(column + broad, n))
        for row in range(0, m, high):
            rows = slice(row, min(row + high, m))
            multiply(x[rows], y[:, columns], out[rows, columns], beta)
