"""A product of two matrices by BLAS, as a function for compiled loops."""

from __future__ import annotations

import numpy as np
from numba import prange, types
from numba.extending import overload
from numpy.lib.stride_tricks import as_strided

from graphflow.backends.numba_kernels.gemm import dgemm, sgemm
from graphflow.backends.numba_kernels.jit import njit

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


@njit()
def _set_matrix(ints, letter, leading, matrix):  # type: ignore[no-untyped-def]
    """Tell BLAS how a matrix lies: its rows without gaps, or its columns."""
    rows, columns = matrix.shape
    if matrix.strides[1] == matrix.itemsize or columns == 1:
        ints[letter] = PLAIN
        ints[leading] = max(matrix.strides[0] // matrix.itemsize, columns, 1)
    else:
        ints[letter] = TRANSPOSED
        ints[leading] = max(matrix.strides[1] // matrix.itemsize, rows, 1)


@njit()
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
    _call(ints, scalars, y, x, out)


SMALL = 1_000_000
"""Multiplications up to which OpenBLAS does a product without packing its operands first."""
BROAD = 64
"""Columns of the result to which a larger product is cut."""
DEEP = 1300
"""Length of sums from which packing pays."""


@njit()
def multiply_by_parts(x, y, out, beta):  # type: ignore[no-untyped-def]
    """:func:`multiply`, cut into products that BLAS does the short way, where that is faster."""
    (m, k), n = x.shape, y.shape[1]
    if m * k * n <= SMALL or k > DEEP:
        multiply(x, y, out, beta)
        return
    broad = min(n, BROAD)
    high = min(m, max(SMALL // (k * broad) // 8 * 8, 8))
    for column in range(0, n, broad):
        columns = slice(column, min(column + broad, n))
        for row in range(0, m, high):
            rows = slice(row, min(row + high, m))
            multiply(x[rows], y[:, columns], out[rows, columns], beta)


@njit()
def share(part, parts, count):  # type: ignore[no-untyped-def]
    """First and end of one of the parts that ``count`` things are shared out to."""
    return part * count // parts, (part + 1) * count // parts


@njit()
def matrix(memory, lies):  # type: ignore[no-untyped-def]
    """Flat memory seen as a matrix; ``lies`` are rows, columns and how far these are apart."""
    rows, columns, down, right = lies
    size = memory.itemsize
    return as_strided(memory, (rows, columns), (down * size, right * size))


@njit(parallel=True)
def multiply_shared(x, xs, y, ys, out, outs, beta, parts):  # type: ignore[no-untyped-def]
    """A product of matrices in flat memory, shared out by rows or columns, whichever are more."""
    for part in prange(parts):
        a, b, c = matrix(x, xs), matrix(y, ys), matrix(out, outs)
        if outs[0] >= outs[1]:
            first, end = share(part, parts, outs[0])
            if first < end:
                multiply_by_parts(a[first:end], b, c[first:end], beta)
        else:
            first, end = share(part, parts, outs[1])
            if first < end:
                multiply_by_parts(a, b[:, first:end], c[:, first:end], beta)
