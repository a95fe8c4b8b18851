r"""Matrix products by BLAS, called from Numba's own threads.

A product is cut into calls of ``sgemm`` or ``dgemm``, C = alpha A B + beta C, one for each part of
its rows or columns, or for each matrix of a batch. Where operands and result lie is known when a
plan is bound, so a product is a table of addresses, and running it is walking the table. BLAS
itself stays on one thread: two pools of threads on the same cores take each other's time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import prod

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import DTypeLike

from graphflow.backends.base import Kernel
from graphflow.backends.llvm.native import kernel
from graphflow.backends.llvm.parts import share, threads
from graphflow.backends.llvm.words import Ints, gemm_at
from graphflow.backends.numba_kernels.blas import SMALL, UNPACKED, reads_in_place
from graphflow.backends.numba_kernels.narrow import narrow
from graphflow.ops.op import Array


@kernel
def _products(part: int, parts: int, table: Ints, count: int) -> None:
    """Calls of BLAS, each 13 addresses in a table."""
    first, end = share(part, parts, count)
    for i in range(first, end):
        gemm_at(table, 13 * i)


FEW = 4
"""Matrices for each thread from which they need not be cut: an odd one out costs little."""
REPAID = 100_000_000
"""Multiplications from which packing costs little."""
PLAIN, TRANSPOSED = (np.frombuffer(letter, np.uint8) for letter in (b"N", b"T"))


@dataclass
class Calls:
    """Calls of BLAS for one node: a row of 13 addresses for each, and what lies there."""

    rows: list[list[int]] = field(default_factory=list)
    kept: list[Array] = field(default_factory=list)
    numbers: dict[tuple[tuple[float, ...], DTypeLike], Array] = field(default_factory=dict)

    def add(self, x: Array, y: Array, out: Array, alpha: Array, beta: float) -> None:
        """One more: out = alpha x y + beta out.

        BLAS counts columns first, so it is told that out' = y' x'.
        """
        (m, n), k = out.shape, x.shape[1]
        (first, ldy), (second, ldx) = _oriented(y), _oriented(x)
        start = self.address((n, m, k, ldy, ldx, max(_leading(out), n, 1)), np.int32)
        at = [start + 4 * i for i in range(6)]
        self.kept += [x, y, out, alpha]
        self.rows.append([
            first.ctypes.data, second.ctypes.data, *at[:3], alpha.ctypes.data, y.ctypes.data,
            at[3], x.ctypes.data, at[4], self.address((beta,), out.dtype), out.ctypes.data, at[5],
        ])  # fmt: skip

    def address(self, numbers: Sequence[float], dtype: DTypeLike) -> int:
        """Where numbers lie that BLAS is handed; equal ones lie there once."""
        key = (tuple(numbers), np.dtype(dtype))
        if key not in self.numbers:
            self.numbers[key] = np.array(numbers, dtype)
        return self.numbers[key].ctypes.data

    def bound(self, dtype: np.dtype[np.generic], shared: bool) -> Kernel:
        """What makes all calls, on all threads if they are ``shared`` out."""
        table, count = np.array(self.rows, np.int64), len(self.rows)
        parts = min(threads(), count) if shared else 1
        kept = self.kept, self.numbers  # the table holds addresses alone
        return _products.bound(dtype, parts, table, count, kept=kept)


def _leading(matrix: Array) -> int:
    return matrix.strides[0] // matrix.itemsize


def _oriented(matrix: Array) -> tuple[Array, int]:
    """Whether BLAS sees a matrix as it is or transposed, and the distance of its rows."""
    if matrix.strides[1] == matrix.itemsize or matrix.shape[1] == 1:
        return PLAIN, max(_leading(matrix), matrix.shape[1], 1)
    return TRANSPOSED, max(matrix.strides[1] // matrix.itemsize, matrix.shape[0], 1)


def product(
    x: Array, y: Array, out: Array, alpha: Array | None = None, beta: float = 0.0
) -> Kernel | None:
    """Computes out = alpha x y + beta out as NumPy's matmul does; None where BLAS cannot.

    ``alpha`` (1 where there is none) is read when the product runs.
    """
    found = arranged(x, y, out)
    if found is None or out.dtype.char not in "fd":
        return None
    x, y, out = found
    one = np.ones((), out.dtype) if alpha is None else alpha
    return narrow(x, y, out, one, beta) or _calls(x, y, out, one, beta)


def arranged(x: Array, y: Array, out: Array) -> tuple[Array, Array, Array] | None:
    """A product as one of matrices, or of batches of them, into rows without gaps."""
    if not x.dtype == y.dtype == out.dtype or not x.size or not y.size:
        return None
    x, y, out = _merged(*_matrices(x, y, out))
    if not all(map(_usable, (x, y, out))):
        return None
    if not _by_rows(out):  # BLAS writes rows: out' = y' x'
        x, y, out = np.matrix_transpose(y), np.matrix_transpose(x), np.matrix_transpose(out)
    return x, y, out


def _calls(x: Array, y: Array, out: Array, alpha: Array, beta: float) -> Kernel:
    """A call for each matrix of a batch, or for its parts where threads are more than matrices."""
    shared = out.size * x.shape[-1] > SMALL
    count = threads() if shared else 1
    lead = out.shape[:-2]
    batch = prod(lead)
    xs, ys = (np.broadcast_to(a, (*lead, *a.shape[-2:])) for a in (x, y))
    parts = _tiles(x, y) or _parts(
        out.shape[-2:], count if batch < FEW * count and batch % count else 1
    )
    calls = Calls()
    for index in np.ndindex(*lead):
        a, b, c = xs[index], ys[index], out[index]
        for rows, columns in parts:
            calls.add(a[rows], b[:, columns], c[rows, columns], alpha, beta)
    return calls.bound(out.dtype, shared)


def _matrices(x: Array, y: Array, out: Array) -> tuple[Array, Array, Array]:
    """A vector on the left is a row, on the right a column."""
    row, column = x.ndim == 1, y.ndim == 1
    if column:
        y, out = y[:, None], out[..., None]
    if row:
        x, out = x[None], out[..., None, :]
    return x, y, out


def _merged(x: Array, y: Array, out: Array) -> tuple[Array, Array, Array]:
    """A batch of rows times one matrix is a single larger product."""
    if y.ndim == 2 and x.ndim > 2:
        rows, results = _as_rows(x), _as_rows(out)
        if rows is not None and results is not None:
            return rows, y, results
    return x, y, out


def _as_rows(x: Array) -> Array | None:
    """All axes but the last as one, where that needs no copy."""
    axes = [(n, step) for n, step in zip(x.shape[:-1], x.strides[:-1], strict=True) if n != 1]
    together = all(step == n * inner for (_, step), (n, inner) in pairwise(axes))
    if not together:
        return None
    height = axes[-1][1] if axes else x.itemsize * x.shape[-1]
    return as_strided(x, (prod(x.shape[:-1]), x.shape[-1]), (height, x.strides[-1]))


def _usable(matrix: Array) -> bool:
    """Whether rows or columns lie as BLAS takes them: without gaps, forwards, apart."""
    (rows, columns), (height, width) = matrix.shape[-2:], matrix.strides[-2:]
    size = matrix.itemsize
    across = (width == size or columns == 1) and (height >= columns * size or rows == 1)
    down = (height == size or rows == 1) and (width >= rows * size or columns == 1)
    return matrix.ndim >= 2 and height % size == width % size == 0 and (across or down)


def _by_rows(out: Array) -> bool:
    return out.strides[-1] == out.itemsize or out.shape[-1] == 1


def _tiles(x: Array, y: Array) -> list[tuple[slice, slice]]:
    """Tiles of the result so small that BLAS packs nothing; none where it is better that it does.

    Packing a matrix to use it on few rows takes as long as using it: a recurrent step, or a layer
    on a small batch, is up to twice as fast in tiles.
    """
    (m, k), n = x.shape[-2:], y.shape[-1]
    plain = _oriented(x[*(0,) * (x.ndim - 2)])[0] is PLAIN
    across = _oriented(y[*(0,) * (y.ndim - 2)])[0] is PLAIN
    width = 64 if plain and across else 32
    height = min(UNPACKED // (width * k) // 8 * 8, 64)
    if not UNPACKED < m * n * k < REPAID or min(m, n) < 8 or height < 8 or not reads_in_place():
        return []
    return [
        (slice(i, min(i + height, m)), slice(j, min(j + width, n)))
        for j in range(0, n, width)
        for i in range(0, m, height)
    ]


def _parts(shape: tuple[int, ...], count: int) -> list[tuple[slice, slice]]:
    """Rows or columns, whichever are more, in equal parts of whole vectors."""
    axis = 0 if shape[0] >= shape[1] else 1
    step = -(-shape[axis] // count)
    step = -(-step // 16) * 16
    cuts = [slice(i, min(i + step, shape[axis])) for i in range(0, shape[axis], step)]
    whole = slice(None)
    return [(cut, whole) if axis == 0 else (whole, cut) for cut in cuts]
