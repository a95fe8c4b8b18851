"""Linear algebra on the matrices in the last two axes: solving, inverses, factorisations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NoReturn

import numpy as np

from graphflow.diagnostics import fail
from graphflow.ir.dims import Dim, Shape
from graphflow.ir.graph import Attr
from graphflow.ir.types import BroadcastError, TensorType, TupleType, ValueType, broadcast
from graphflow.ops.arguments import flag, operand
from graphflow.ops.builder import F, Value, unbroadcast
from graphflow.ops.matmul import swapped
from graphflow.ops.op import Array, Attrs, Namespace, Op, Sample, register

WELL = np.array([[2.0, 1.0, 0.0], [0.5, 3.0, -1.0], [0.0, 1.0, 4.0]])
SPREAD = np.array([[4.0, 1.0, 0.5], [1.0, 3.0, -0.2], [0.5, -0.2, 2.0]])


class MatrixOp(Op):
    """Base of the operators on one matrix."""

    family, floats, waits = "linalg", True, True

    def flops(self, out: ValueType, *types: ValueType, **attrs: Attr) -> Dim:
        x = operand(types)
        return x.size * x.shape[-1]


def square(x: TensorType, op: str) -> None:
    """Refuse anything but square matrices."""
    if x.ndim < 2 or x.shape[-1] != x.shape[-2]:
        fail("GF030", f"{op} wants a square matrix, but the shape is {list(x.shape)}")


UNFINISHED = "the matrix holds nan or infinity, or the iteration did not end"
SINGULAR = "the matrix is singular"


@contextmanager
def lapack(op: str, x: Array, failed: str = UNFINISHED) -> Iterator[None]:
    """Report a matrix that cannot be inverted or decomposed, and numbers that LAPACK has not."""
    if x.dtype == np.float16:
        fail("GF031", f"{op} does not work in half precision", help="cast to float32 before it")
    try:
        yield
    except np.linalg.LinAlgError:
        advice = "its rows are linearly dependent; adding a small multiple of eye(n) may help"
        fail("GF081", f"{op}: {failed}", help=advice if failed == SINGULAR else None)


@register
class Inv(MatrixOp):
    """The inverse matrix. y x = 1, dy = -y dx y."""

    latex, retains = "{x}^{{-1}}", ("out",)

    def infer(self, x: TensorType) -> TensorType:
        square(x, "inv")
        return x

    def forward(self, xp: Namespace, x: Array) -> Array:
        with lapack("inv", x, SINGULAR):
            return xp.linalg.inv(x)

    def vjp(self, g: Value, y: Value, x: Value) -> Sequence[Value | None]:
        turned = swapped(y)
        return (-(turned @ g @ turned),)

    def jvp(self, y: Value, inputs: Sequence[Value], tangents: Sequence[Value]) -> Value | None:
        return -(y @ tangents[0] @ y)

    def samples(self) -> Iterator[Sample]:
        yield Sample([WELL], {}, np.linalg.inv(WELL))
        yield Sample([np.stack([WELL, WELL.T + 1])])


@register
class Det(MatrixOp):
    """The determinant. dy/dx is the transposed adjugate, for singular matrices, too."""

    latex, retains = r"\det {x}", ("x",)

    def infer(self, x: TensorType) -> TensorType:
        square(x, "det")
        return x.with_shape(x.shape[:-2])

    def forward(self, xp: Namespace, x: Array) -> Array:
        with lapack("det", x):
            return xp.linalg.det(x)

    def vjp(self, g: Value, y: Value, x: Value) -> Sequence[Value | None]:
        return (F.expand_dims(g, axis=(-2, -1)) * swapped(F.adjugate(x)),)

    def jvp(self, y: Value, inputs: Sequence[Value], tangents: Sequence[Value]) -> Value | None:
        return F.sum(swapped(F.adjugate(inputs[0])) * tangents[0], axis=(-2, -1))

    def samples(self) -> Iterator[Sample]:
        yield Sample([WELL], {}, np.array(24.0))
        yield Sample([np.stack([WELL, SPREAD])])
        yield Sample([np.arange(1.0, 10.0).reshape(3, 3) - 1], {}, np.array(0.0))
        yield Sample([np.ones((3, 3))], {}, np.array(0.0))
        yield Sample([np.zeros((2, 0, 0))], {}, np.ones(2))


@register
class Slogdet(MatrixOp):
    """Sign and logarithm of the determinant's absolute value. d ln|det x| / dx = (x^-1)^T."""

    latex, retains = r"\ln |\det {x}|", ("x",)

    def infer(self, x: TensorType) -> TupleType:
        square(x, "slogdet")
        one = x.with_shape(x.shape[:-2])
        return TupleType((one, one))

    def forward(self, xp: Namespace, x: Array) -> tuple[Array, ...]:
        with lapack("slogdet", x):
            sign, logarithm = xp.linalg.slogdet(x)
        return sign, logarithm

    def vjp(self, g: Sequence[Value | None], out: Value, x: Value) -> Sequence[Value | None]:
        if g[1] is None:
            return (None,)
        return (F.expand_dims(g[1], axis=(-2, -1)) * swapped(F.inv(x)),)

    def jvp(
        self, out: Value, inputs: Sequence[Value], tangents: Sequence[Value]
    ) -> Sequence[Value | None]:
        return None, F.sum(swapped(F.inv(inputs[0])) * tangents[0], axis=(-2, -1))

    def samples(self) -> Iterator[Sample]:
        yield Sample([-WELL], {}, (np.array(-1.0), np.log(24.0)))
        yield Sample([np.stack([WELL, SPREAD])])


class Solving(MatrixOp):
    """Base of solve and triangular_solve: y with a y = b, where b is a vector or columns.

    With u = a^-T g the cotangent of b is u and that of a is -u y^T.
    """

    latex, retains, promotes = "{a}^{{-1}} {b}", ("a", "out"), "all"

    def solved(self, a: TensorType, b: TensorType) -> TensorType:
        """The type of the result."""
        square(a, self.name)
        if b.ndim == 0 or b.shape[0 if b.ndim == 1 else -2] != a.shape[-1]:
            self.unfit(a, b)
        if b.ndim == 1:
            return b.with_shape((*a.shape[:-2], *b.shape))
        try:
            return b.with_shape((*broadcast(a.shape[:-2], b.shape[:-2]), *b.shape[-2:]))
        except BroadcastError:
            self.unfit(a, b)

    def unfit(self, a: TensorType, b: TensorType) -> NoReturn:
        """Refuse a right-hand side that does not fit."""
        fail(
            "GF030",
            f"{self.name} of {list(a.shape)} with {list(b.shape)}: sizes differ",
            help="the right-hand side is a vector, or a matrix of columns, as long as a is wide",
        )

    def solution(self, xp: Namespace, a: Array, b: Array) -> Array:
        """The solution of general linear equations."""
        columns = b[:, None] if b.ndim == 1 else b
        if a.shape[:-2] != columns.shape[:-2]:
            batch = broadcast(a.shape[:-2], columns.shape[:-2])
            a, columns = (_repeated(xp, m, (*batch, *m.shape[-2:])) for m in (a, columns))
        with lapack(self.name, a, SINGULAR):
            found = xp.linalg.solve(a, columns)
        return found[..., 0] if b.ndim == 1 else found

    def again(self, a: Value, b: Value, turned: bool, **attrs: Attr) -> Value:
        """Nodes that solve with a, or its transpose, once more."""
        raise NotImplementedError

    def read(self, a: Value, **attrs: Attr) -> Value:
        """The part of a that counts."""
        return a

    def vjp(self, g: Value, y: Value, a: Value, b: Value, **attrs: Attr) -> Sequence[Value | None]:
        vector = b.ndim == 1
        by_b = self.again(a, _columns(g, vector), True, **attrs)
        by_a = self.read(-(by_b @ swapped(_columns(y, vector))), **attrs)
        if vector:
            by_b = F.squeeze(by_b, axis=-1)
        return unbroadcast(by_a, a.tensor), unbroadcast(by_b, b.tensor)

    def jvp(
        self, y: Value, inputs: Sequence[Value], tangents: Sequence[Value | None], **attrs: Attr
    ) -> Value | None:
        (a, b), (da, db) = inputs, tangents
        vector = b.ndim == 1
        change = None if db is None else _columns(db, vector)
        if da is not None:
            moved = self.read(da, **attrs) @ _columns(y, vector)
            change = -moved if change is None else change - moved
        if change is None:
            return None
        solved = self.again(a, change, False, **attrs)
        return F.squeeze(solved, axis=-1) if vector else solved

    def flops(self, out: ValueType, *types: ValueType, **attrs: Attr) -> Dim:
        return 2 * operand([out]).size * operand(types).shape[-1] + super().flops(out, *types)


def _repeated(xp: Namespace, x: Array, shape: Shape) -> Array:
    """``x`` for every matrix of a batch: solvers of devices broadcast nothing."""
    if x.shape == shape:
        return x
    out = xp.empty(shape, x.dtype)
    out[...] = x
    return out


def _columns(value: Value, vector: bool) -> Value:
    return F.expand_dims(value, axis=-1) if vector else value


RIGHT = np.array([[1.0, 2.0], [0.0, -1.0], [3.0, 0.5]])


@register
class Solve(Solving):
    """The solution of linear equations: y with a y = b."""

    def infer(self, a: TensorType, b: TensorType) -> TensorType:
        return self.solved(a, b)

    def forward(self, xp: Namespace, a: Array, b: Array) -> Array:
        return self.solution(xp, a, b)

    def again(self, a: Value, b: Value, turned: bool, **attrs: Attr) -> Value:
        return F.solve(swapped(a) if turned else a, b)

    def samples(self) -> Iterator[Sample]:
        yield Sample([WELL, RIGHT], {}, np.linalg.solve(WELL, RIGHT))
        yield Sample([WELL, RIGHT[:, 0]], {}, np.linalg.solve(WELL, RIGHT[:, 0]))
        yield Sample([np.stack([WELL, SPREAD]), RIGHT])
        yield Sample([np.stack([WELL, SPREAD]), RIGHT[:, 1]])


@register
class TriangularSolve(Solving):
    """The solution of equations whose matrix is triangular: only that triangle of a is read.

    With ``unitriangular`` the diagonal is not read either: it counts as ones. The transposed
    equations are triangular_solve(swapaxes(a, -1, -2), b) with the other value of ``lower``.
    """

    def canonical(self, types: Sequence[ValueType], attrs: Attrs) -> Attrs:
        return {name: flag(attrs[name], name) for name in ("lower", "unitriangular")}

    def infer(
        self, a: TensorType, b: TensorType, *, lower: bool = True, unitriangular: bool = False
    ) -> TensorType:
        return self.solved(a, b)

    def forward(
        self, xp: Namespace, a: Array, b: Array, *, lower: bool, unitriangular: bool
    ) -> Array:
        k = int(unitriangular)
        part = xp.tril(a, -k) if lower else xp.triu(a, k)
        return self.solution(xp, part + xp.eye(a.shape[-1], dtype=a.dtype) if k else part, b)

    def again(self, a: Value, b: Value, turned: bool, **attrs: Attr) -> Value:
        turned_attrs = {**attrs, "lower": attrs["lower"] is not turned}
        return F.triangular_solve(swapped(a) if turned else a, b, **turned_attrs)

    def read(self, a: Value, **attrs: Attr) -> Value:
        k = int(attrs["unitriangular"] is True)
        return F.tril(a, k=-k) if attrs["lower"] else F.triu(a, k=k)

    def samples(self) -> Iterator[Sample]:
        yield Sample([WELL, RIGHT], {}, np.linalg.solve(np.tril(WELL), RIGHT))
        upper: Attrs = {"lower": False}
        yield Sample([WELL, RIGHT[:, 0]], upper, np.linalg.solve(np.triu(WELL), RIGHT[:, 0]))
        yield Sample([np.stack([WELL, SPREAD]), RIGHT], upper)
        unit = np.tril(WELL, -1) + np.eye(3)
        yield Sample([WELL, RIGHT], {"unitriangular": True}, np.linalg.solve(unit, RIGHT))
        yield Sample([WELL, RIGHT], {**upper, "unitriangular": True})
