"""Factorisations of matrices: Cholesky, QR, eigenvalues of symmetric matrices."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from graphflow.diagnostics import fail
from graphflow.ir.dims import Dim
from graphflow.ir.types import TensorType, TupleType
from graphflow.ops.builder import F, Value, zeros_like
from graphflow.ops.linalg import SPREAD, WELL, MatrixOp, lapack, square
from graphflow.ops.matmul import swapped
from graphflow.ops.op import Array, Namespace, Sample, register


def _symmetric(x: Array) -> Array:
    return (x + x.swapaxes(-1, -2)) / 2


def _symmetrised(x: Value) -> Value:
    return (x + swapped(x)) / 2


def _diagonal_mask(x: Value) -> Value:
    """The identity matrix, to broadcast against square matrices."""
    return x.builder.add("eye", n=x.shape[-1], dtype=x.dtype)


@register
class Cholesky(MatrixOp):
    """The lower triangular y with y y^T = x, for symmetric positive definite x.

    x is made symmetric first. dx = sym(y^-T half(y^T g) y^-1), where half takes the lower triangle
    with the diagonal halved. Source: Murray 2016, Differentiation of the Cholesky decomposition.
    """

    latex, retains = r"\operatorname{{chol}} {x}", ("out",)

    def infer(self, x: TensorType) -> TensorType:
        square(x, "cholesky")
        return x

    def forward(self, xp: Namespace, x: Array) -> Array:
        with lapack("cholesky", x, "the matrix is not positive definite"):
            return xp.linalg.cholesky(_symmetric(x))

    def vjp(self, g: Value, y: Value, x: Value) -> Sequence[Value | None]:
        inner = F.triangular_solve(swapped(y), _half(swapped(y) @ g), lower=False)
        whole = F.triangular_solve(swapped(y), swapped(inner), lower=False)
        return (_symmetrised(whole),)

    def jvp(self, y: Value, inputs: Sequence[Value], tangents: Sequence[Value]) -> Value | None:
        left = F.triangular_solve(y, _symmetrised(tangents[0]))
        return y @ _half(swapped(F.triangular_solve(y, swapped(left))))

    def samples(self) -> Iterator[Sample]:
        yield Sample([SPREAD], {}, np.linalg.cholesky(SPREAD))
        yield Sample([np.stack([SPREAD, SPREAD @ SPREAD])])


def _half(x: Value) -> Value:
    """The lower triangle with its diagonal halved."""
    return F.tril(x) - x * _diagonal_mask(x) / 2


@register
class Qr(MatrixOp):
    """Orthonormal columns q and an upper triangular r with q r = x (the reduced form).

    Differentiable where x has at least as many rows as columns, all of them independent.
    Source: Walter and Lehmann 2010, Algorithmic differentiation of linear algebra functions.
    """

    latex, retains = r"\operatorname{{qr}} {x}", ("out",)

    def infer(self, x: TensorType) -> TupleType:
        if x.ndim < 2:
            fail("GF030", f"qr wants a matrix, but the shape is {list(x.shape)}")
        m, n = x.shape[-2:]
        inner = smaller(m, n, "qr")
        return TupleType(
            (x.with_shape((*x.shape[:-1], inner)), x.with_shape((*x.shape[:-2], inner, n)))
        )

    def forward(self, xp: Namespace, x: Array) -> tuple[Array, ...]:
        with lapack("qr", x):
            q, r = xp.linalg.qr(x)
        return q, r

    def vjp(self, g: Sequence[Value | None], out: Value, x: Value) -> Sequence[Value | None]:
        _tall(x)
        q, r = out.item(0), out.item(1)
        by_q, by_r = (g[i] or zeros_like(x.builder, y.tensor) for i, y in enumerate((q, r)))
        mixed = r @ swapped(by_r) - swapped(by_q) @ q
        mirrored = F.tril(mixed) + swapped(F.tril(mixed, k=-1))
        turned = F.triangular_solve(r, swapped(by_q + q @ mirrored), lower=False)
        return (swapped(turned),)

    def jvp(
        self, out: Value, inputs: Sequence[Value], tangents: Sequence[Value]
    ) -> Sequence[Value | None]:
        _tall(inputs[0])
        q, r, dx = out.item(0), out.item(1), tangents[0]
        scaled = swapped(F.triangular_solve(swapped(r), swapped(dx)))
        inner = F.tril(swapped(q) @ scaled, k=-1)
        turn = inner - swapped(inner)
        dq = q @ turn + scaled - q @ (swapped(q) @ scaled)
        return dq, F.triu(swapped(q) @ dx - turn @ r)

    def samples(self) -> Iterator[Sample]:
        yield Sample([WELL])
        yield Sample([np.stack([WELL[:, :2], SPREAD[:, 1:]])])
        yield Sample([WELL[:2]], differentiable=False)


def smaller(m: Dim, n: Dim, op: str) -> Dim:
    """The smaller of a matrix's sizes, which must be known."""
    if m == n:
        return m
    if not isinstance(m, int) or not isinstance(n, int):
        fail("GF030", f"cannot tell which of {m} and {n} is smaller: {op} needs to know")
    return min(m, n)


def _tall(x: Value) -> None:
    rows, columns = x.shape[-2:]
    if rows != smaller(rows, columns, "qr") or rows == columns:
        return
    fail(
        "GF052",
        f"qr of {list(x.shape)} has no derivative: it has more columns than rows",
        help="use qr(transpose(x)) if that serves the purpose",
    )


@register
class Eigh(MatrixOp):
    """Eigenvalues, smallest first, and eigenvectors of a symmetric matrix: x v = v diag(w).

    x is made symmetric first. dw = diag(v^T dx v); the derivative of v divides by the differences
    of eigenvalues, so it exists where they are distinct.
    """

    latex, retains = r"\operatorname{{eigh}} {x}", ("out",)

    def infer(self, x: TensorType) -> TupleType:
        square(x, "eigh")
        return TupleType((x.with_shape(x.shape[:-1]), x))

    def forward(self, xp: Namespace, x: Array) -> tuple[Array, ...]:
        with lapack("eigh", x):
            values, vectors = xp.linalg.eigh(_symmetric(x))
        return values, vectors

    def vjp(self, g: Sequence[Value | None], out: Value, x: Value) -> Sequence[Value | None]:
        vectors, total = out.item(1), None
        if g[0] is not None:
            total = F.expand_dims(g[0], axis=-2) * _diagonal_mask(vectors)
        if g[1] is not None:
            turning = swapped(vectors) @ g[1] * inverse_gaps(out.item(0))
            total = turning if total is None else total + turning
        if total is None:
            return (None,)
        return (_symmetrised(vectors @ total @ swapped(vectors)),)

    def jvp(
        self, out: Value, inputs: Sequence[Value], tangents: Sequence[Value]
    ) -> Sequence[Value | None]:
        values, vectors = out.item(0), out.item(1)
        inner = swapped(vectors) @ _symmetrised(tangents[0]) @ vectors
        changes = F.sum(inner * _diagonal_mask(vectors), axis=-1)
        return changes, vectors @ (inner * inverse_gaps(values))

    def samples(self) -> Iterator[Sample]:
        known = np.array([1.0, 2.0]), np.array([[0.0, 1.0], [1.0, 0.0]])
        yield Sample([np.diag([2.0, 1.0])], {}, known, differentiable=False)  # signs may turn
        yield Sample([np.stack([SPREAD, SPREAD @ SPREAD])])


def inverse_gaps(values: Value) -> Value:
    """1 / (w_j - w_i) at [i, j], 0 on the diagonal."""
    gaps = F.expand_dims(values, axis=-2) - F.expand_dims(values, axis=-1)
    diagonal = _diagonal_mask(gaps)
    return (1 - diagonal) / (gaps + diagonal)


@register
class Eigvals(MatrixOp):
    """Eigenvalues of any square matrix as (real parts, imaginary parts), ordered by both.

    They have no derivative here; eigh, for symmetric matrices, has one.
    """

    latex = r"\operatorname{{eigvals}} {x}"

    def infer(self, x: TensorType) -> TupleType:
        square(x, "eigvals")
        values = x.with_shape(x.shape[:-1])
        return TupleType((values, values))

    def forward(self, xp: Namespace, x: Array) -> tuple[Array, ...]:
        with lapack("eigvals", x):
            values = xp.sort(xp.linalg.eigvals(x), axis=-1)
        return values.real, values.imag

    def samples(self) -> Iterator[Sample]:
        known = np.array([1.0, 4.0]), np.zeros(2)
        yield Sample([np.array([[2.0, 1.0], [2.0, 3.0]])], {}, known)
        turn = np.array([[0.0, -2.0], [2.0, 0.0]])
        yield Sample([turn], {}, (np.zeros(2), np.array([-2.0, 2.0])))
