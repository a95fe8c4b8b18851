"""The singular value decomposition, and what is finite where the inverse is not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from graphflow.diagnostics import fail
from graphflow.ir.dims import Dim
from graphflow.ir.graph import Attr
from graphflow.ir.types import DType, TensorType, TupleType, ValueType
from graphflow.ops.arguments import number
from graphflow.ops.builder import F, Value
from graphflow.ops.factor import inverse_gaps, smaller
from graphflow.ops.linalg import SPREAD, WELL, MatrixOp, lapack, square
from graphflow.ops.matmul import swapped
from graphflow.ops.op import Array, Attrs, Namespace, Sample, register

RANK_TWO = np.array([[1.0, 2.0, 3.0], [2.0, 4.0, 6.0], [1.0, 0.0, 1.0]])
"""A matrix of rank 2."""


def matrix(x: TensorType, op: str) -> None:
    """Refuse what has no rows and columns."""
    if x.ndim < 2:
        fail("GF030", f"{op} wants a matrix, but the shape is {list(x.shape)}")


@register
class Svd(MatrixOp):
    """u, s, vh with x = u diag(s) vh: orthonormal columns in u, rows in vh, s falling, >= 0.

    The reduced form: with k the smaller of x's last two sizes, u has k columns and vh k rows. The
    derivative of s always exists; that of u and vh divides by s_j^2 - s_i^2 and, where x is not
    square, by s, so the singular values must be distinct and not zero. The signs of the columns are
    the library's choice. Source: Townsend 2016, Differentiating the singular value decomposition.
    """

    latex, retains = r"\operatorname{{svd}} {x}", ("out",)

    def infer(self, x: TensorType) -> TupleType:
        matrix(x, "svd")
        m, n = x.shape[-2:]
        k = smaller(m, n, "svd")
        batch = x.shape[:-2]
        return TupleType(tuple(x.with_shape((*batch, *s)) for s in ((m, k), (k,), (k, n))))

    def forward(self, xp: Namespace, x: Array) -> tuple[Array, ...]:
        with lapack("svd", x):
            u, s, vh = xp.linalg.svd(x, full_matrices=False)
        return u, s, vh

    def vjp(self, g: Sequence[Value | None], out: Value, x: Value) -> Sequence[Value | None]:
        u, s, vh = (out.item(i) for i in range(3))
        by_u, by_s, by_v = g[0], g[1], None if g[2] is None else swapped(g[2])
        inner = None if by_s is None else _diagonal(by_s)
        for vectors, by, axis in ((u, by_u, -2), (swapped(vh), by_v, -1)):
            if by is not None:
                turned = _turning(vectors, by, s, axis)
                inner = turned if inner is None else inner + turned
        if inner is None:
            return (None,)
        total = u @ inner @ vh
        if by_u is not None and x.shape[-2] != s.shape[-1]:
            total = total + _beyond(u, by_u / F.expand_dims(s, axis=-2)) @ vh
        if by_v is not None and x.shape[-1] != s.shape[-1]:
            rest = _beyond(swapped(vh), by_v / F.expand_dims(s, axis=-2))
            total = total + u @ swapped(rest)
        return (total,)

    def jvp(
        self, out: Value, inputs: Sequence[Value], tangents: Sequence[Value]
    ) -> Sequence[Value | None]:
        (u, s, vh), dx = (out.item(i) for i in range(3)), tangents[0]
        v, row = swapped(vh), F.expand_dims(s, axis=-2)
        inner = swapped(u) @ dx @ v
        gaps = inverse_gaps(s * s)
        left = inner * row
        right = F.expand_dims(s, axis=-1) * inner
        du = u @ (gaps * (left + swapped(left)))
        dv = v @ (gaps * (right + swapped(right)))
        if u.shape[-2] != s.shape[-1]:
            du = du + _beyond(u, dx @ v / row)
        if v.shape[-2] != s.shape[-1]:
            dv = dv + _beyond(v, swapped(dx) @ u / row)
        return du, F.sum(inner * _identity(inner), axis=-1), swapped(dv)

    def samples(self) -> Iterator[Sample]:
        known = np.eye(2), np.array([3.0, 2.0]), np.eye(2)
        yield Sample([np.diag([3.0, 2.0])], {}, known, differentiable=False)  # signs may turn
        yield Sample([np.stack([WELL, SPREAD])])
        yield Sample([np.stack([WELL[:, :2], SPREAD[:, 1:]])])
        yield Sample([WELL[:2]])
        nothing = np.zeros((0, 0)), np.zeros(0), np.zeros((0, 3))
        yield Sample([np.zeros((0, 3))], {}, nothing, differentiable=False)


def _identity(x: Value) -> Value:
    return x.builder.add("eye", n=x.shape[-1], dtype=x.dtype)


def _diagonal(values: Value) -> Value:
    """Matrices with these diagonals."""
    return F.expand_dims(values, axis=-2) * _identity(values)


def _turning(vectors: Value, by: Value, s: Value, axis: int) -> Value:
    """What the cotangent of singular vectors says about u^T dx v: they turn into each other."""
    turn = swapped(vectors) @ by * inverse_gaps(s * s)
    return (turn + swapped(turn)) * F.expand_dims(s, axis=axis)


def _beyond(vectors: Value, x: Value) -> Value:
    """The part of x's columns that is orthogonal to all the vectors."""
    return x - vectors @ (swapped(vectors) @ x)


@register
class Adjugate(MatrixOp):
    """The transposed matrix of cofactors: y x = det(x) 1. The derivative of the determinant.

    It exists for singular matrices, too. With x = u diag(s) v^T it is
    det(u v) v diag(prod_{j != i} s_j) u^T. Its derivative is finite everywhere; the derivative of
    that is taken through the singular value decomposition and needs distinct singular values.
    """

    latex, retains = r"\operatorname{{adj}} {x}", ("x",)

    def infer(self, x: TensorType) -> TensorType:
        square(x, "adjugate")
        return x

    def forward(self, xp: Namespace, x: Array) -> Array:
        with lapack("adjugate", x):
            u, s, vh = xp.linalg.svd(x)
        others = xp.where(xp.eye(s.shape[-1], dtype=bool), 1, s[..., None, :]).prod(axis=-1)
        sign = xp.sign(xp.linalg.det(u) * xp.linalg.det(vh))[..., None, None]
        y = (vh.swapaxes(-1, -2) * others[..., None, :]) @ u.swapaxes(-1, -2)
        return (sign * y).astype(x.dtype)

    def vjp(self, g: Value, y: Value, x: Value) -> Sequence[Value | None]:
        u, s, vh = (F.svd(x).item(i) for i in range(3))
        return (u @ _exchanged(vh @ g @ u, u, s, vh) @ vh,)

    def jvp(self, y: Value, inputs: Sequence[Value], tangents: Sequence[Value]) -> Value | None:
        u, s, vh = (F.svd(inputs[0]).item(i) for i in range(3))
        inner = swapped(u) @ tangents[0] @ swapped(vh)
        return swapped(vh) @ _exchanged(inner, u, s, vh) @ swapped(u)

    def flops(self, out: ValueType, *types: ValueType, **attrs: Attr) -> Dim:
        return 4 * super().flops(out, *types)

    def samples(self) -> Iterator[Sample]:
        x = np.array([[1.0, 2.0], [3.0, 4.0]])
        yield Sample([x], {}, np.array([[4.0, -2.0], [-3.0, 1.0]]))
        yield Sample([np.stack([WELL, SPREAD])])
        expected = np.array([[4.0, -2, 0], [4.0, -2, 0], [-4.0, 2, 0]])
        yield Sample([RANK_TWO], {}, expected)


def _exchanged(e: Value, u: Value, s: Value, vh: Value) -> Value:
    """The derivative of adj at diag(s) along e, with the sign det(u vh).

    With p_ij the product of all s but s_i and s_j: sum_j p_ij e_jj on the diagonal, -p_ij e_ij
    beside it.
    """
    one = _identity(u)
    own = F.cast(one, dtype=DType.BOOL)
    left_out = F.logical_or(F.expand_dims(own, axis=1), F.expand_dims(own, axis=0))
    factors = F.where(left_out, one.like(1), F.expand_dims(s, axis=(-3, -2)))
    pairs = F.prod(factors, axis=-1) * (1 - one)
    diagonal = F.sum(pairs * F.expand_dims(F.sum(e * one, axis=-1), axis=-2), axis=-1)
    sign = F.stop_gradient(F.sign(F.det(u) * F.det(vh)))
    return (_diagonal(diagonal) - pairs * e) * F.expand_dims(sign, axis=(-2, -1))


@register
class Pinv(MatrixOp):
    """The Moore-Penrose pseudo-inverse: x y x = x, y x y = y, with x y and y x symmetric.

    Singular values below ``rcond`` times the largest count as zero; by default rcond is the larger
    size of x times the precision of its number type. Differentiable where the rank stays the same:
    dy = -y dx y + y y^T dx^T (1 - x y) + (1 - y x) dx^T y^T y. Source: Golub and Pereyra 1973, The
    differentiation of pseudo-inverses.
    """

    latex, retains = "{x}^+", ("x", "out")

    def canonical(self, types: Sequence[ValueType], attrs: Attrs) -> Attrs:
        rcond = attrs["rcond"]
        return {"rcond": None if rcond is None else number(rcond, "rcond")}

    def infer(self, x: TensorType, *, rcond: float | None = None) -> TensorType:
        matrix(x, "pinv")
        return x.with_shape((*x.shape[:-2], x.shape[-1], x.shape[-2]))

    def forward(self, xp: Namespace, x: Array, *, rcond: float | None) -> Array:
        if rcond is None:
            rcond = max(x.shape[-2:]) * float(np.finfo(x.dtype).eps)
        with lapack("pinv", x):
            return xp.linalg.pinv(x, rcond)

    def vjp(self, g: Value, y: Value, x: Value, **attrs: Attr) -> Sequence[Value | None]:
        turned, left, right = swapped(y), _rest(x @ y), _rest(y @ x)
        by_left = left @ swapped(g) @ y @ turned
        by_right = turned @ y @ swapped(g) @ right
        return (by_left + by_right - turned @ g @ turned,)

    def jvp(
        self, y: Value, inputs: Sequence[Value], tangents: Sequence[Value], **attrs: Attr
    ) -> Value | None:
        x, dx = inputs[0], tangents[0]
        turned, left, right = swapped(y), _rest(x @ y), _rest(y @ x)
        return y @ turned @ swapped(dx) @ left + right @ swapped(dx) @ turned @ y - y @ dx @ y

    def flops(self, out: ValueType, *types: ValueType, **attrs: Attr) -> Dim:
        return 4 * super().flops(out, *types)

    def samples(self) -> Iterator[Sample]:
        yield Sample([np.diag([2.0, 0.0])], {}, np.diag([0.5, 0.0]), differentiable=False)
        tall = np.array([[1.0, 0.0], [0.0, 2.0], [0.0, 0.0]])
        yield Sample([tall], {}, np.array([[1.0, 0.0, 0.0], [0.0, 0.5, 0.0]]))
        yield Sample([np.stack([WELL[:2], SPREAD[1:]])])
        yield Sample([RANK_TWO], {"rcond": 1e-9}, differentiable=False)
        yield Sample([np.zeros((2, 0))], {}, np.zeros((0, 2)))


def _rest(projection: Value) -> Value:
    """What a projection leaves out."""
    return _identity(projection) - projection


@register
class MatrixRank(MatrixOp):
    """How many singular values exceed ``tol``.

    By default that is the largest of them times the larger size of x times the precision of its
    number type.
    """

    latex = r"\operatorname{{rank}} {x}"

    def canonical(self, types: Sequence[ValueType], attrs: Attrs) -> Attrs:
        tol = attrs["tol"]
        return {"tol": None if tol is None else number(tol, "tol")}

    def infer(self, x: TensorType, *, tol: float | None = None) -> TensorType:
        matrix(x, "matrix_rank")
        return TensorType(DType.INT64, x.shape[:-2])

    def forward(self, xp: Namespace, x: Array, *, tol: float | None) -> Array:
        with lapack("matrix_rank", x):
            return xp.asarray(xp.linalg.matrix_rank(x, tol), np.int64)

    def samples(self) -> Iterator[Sample]:
        yield Sample([RANK_TWO], {}, np.array(2))
        yield Sample([np.stack([WELL, np.zeros((3, 3))])], {}, np.array([3, 0]))
        yield Sample([np.diag([3.0, 0.5])], {"tol": 1}, np.array(1))
