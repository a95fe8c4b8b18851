"""Moving elements about: flip, roll, triangles, diagonals."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from graphflow.diagnostics import fail
from graphflow.ir.dims import Dim, Symbolic
from graphflow.ir.types import TensorType, ValueType
from graphflow.ops.arguments import default_axis, many_axes, operand, whole
from graphflow.ops.builder import F, Value, zeros_like
from graphflow.ops.linear import Moving
from graphflow.ops.op import Array, Attrs, Namespace, Sample, register

Axes = tuple[int, ...]


@register
class Flip(Moving):
    """The elements in the opposite order along the axes, along all of them by default."""

    latex = r"\operatorname{{flip}}({x})"
    view = True

    def canonical(self, types: Sequence[ValueType], attrs: Attrs) -> Attrs:
        return {"axis": many_axes(attrs["axis"], operand(types).ndim)}

    def infer(self, x: TensorType, *, axis: Axes | None = None) -> TensorType:
        return x

    def forward(self, xp: Namespace, x: Array, *, axis: Axes) -> Array:
        return xp.flip(x, axis)

    def vjp(self, g: Value, out: Value, x: Value, *, axis: Axes) -> Sequence[Value | None]:
        return (F.flip(g, axis=axis),)

    def samples(self) -> Iterator[Sample]:
        x = np.arange(6.0).reshape(2, 3)
        yield Sample([x], {}, x[::-1, ::-1])
        yield Sample([x], {"axis": -1}, x[:, ::-1])


@register
class Roll(Moving):
    """The elements moved ``shift`` places along an axis; those that fall off come in again."""

    latex = r"\operatorname{{roll}}({x})"

    def canonical(self, types: Sequence[ValueType], attrs: Attrs) -> Attrs:
        axis = default_axis(attrs["axis"], operand(types).ndim, "roll")
        return {"shift": whole(attrs["shift"], "shift"), "axis": axis}

    def infer(self, x: TensorType, *, shift: Dim, axis: int | None = None) -> TensorType:
        return x

    def forward(self, xp: Namespace, x: Array, *, shift: int, axis: int) -> Array:
        return xp.roll(x, shift, axis)

    def vjp(
        self, g: Value, out: Value, x: Value, *, shift: Dim, axis: int
    ) -> Sequence[Value | None]:
        return (F.roll(g, shift=-1 * shift, axis=axis),)

    def samples(self) -> Iterator[Sample]:
        x = np.arange(6.0).reshape(2, 3)
        yield Sample([x], {"shift": 1, "axis": 1}, np.roll(x, 1, 1))
        yield Sample([x[0]], {"shift": -2}, np.roll(x[0], -2))


class Triangle(Moving):
    """Base of tril and triu: of the matrices in the last two axes."""

    def canonical(self, types: Sequence[ValueType], attrs: Attrs) -> Attrs:
        x = operand(types)
        if x.ndim < 2:
            fail("GF030", f"{self.name} wants a matrix, but the shape is {list(x.shape)}")
        return {"k": whole(attrs["k"], "k")}

    def infer(self, x: TensorType, *, k: Dim = 0) -> TensorType:
        return x

    def forward(self, xp: Namespace, x: Array, *, k: int) -> Array:
        return getattr(xp, self.name)(x, k)

    def vjp(self, g: Value, out: Value, x: Value, *, k: Dim) -> Sequence[Value | None]:
        return (g.builder.add(self.name, g, k=k),)

    def samples(self) -> Iterator[Sample]:
        x = np.arange(1.0, 13.0).reshape(3, 4)
        of = getattr(np, self.name)
        yield Sample([x], {}, of(x))
        yield Sample([np.stack([x, x])], {"k": -1}, of(np.stack([x, x]), -1))
        yield Sample([np.ones((2, 2), bool)], {"k": 1}, of(np.ones((2, 2), bool), 1))


@register
class Tril(Triangle):
    """The lower triangle: zero above the k-th diagonal."""

    latex = r"\operatorname{{tril}} {x}"


@register
class Triu(Triangle):
    """The upper triangle: zero below the k-th diagonal."""

    latex = r"\operatorname{{triu}} {x}"


@register
class Diag(Moving):
    """The k-th diagonal of a matrix, or the square matrix with a given k-th diagonal."""

    latex = r"\operatorname{{diag}} {x}"

    def canonical(self, types: Sequence[ValueType], attrs: Attrs) -> Attrs:
        x = operand(types)
        if x.ndim not in (1, 2):
            fail("GF030", f"diag wants a vector or a matrix, but the shape is {list(x.shape)}")
        k = attrs["k"]
        if isinstance(k, bool) or not isinstance(k, int):
            fail("GF033", f"k is an integer, not {k!r}")
        return {"k": k}

    def infer(self, x: TensorType, *, k: int = 0) -> TensorType:
        if x.ndim == 1:
            n = x.shape[0] + abs(k)
            return x.with_shape((n, n))
        return x.with_shape((_diagonal_length(x.shape[0], x.shape[1], k),))

    def forward(self, xp: Namespace, x: Array, *, k: int) -> Array:
        return xp.diag(x, k)

    def vjp(self, g: Value, out: Value, x: Value, *, k: int) -> Sequence[Value | None]:
        if x.ndim == 1:
            return (F.diag(g, k=k),)
        return (_embedded(g, x.tensor, k),)

    def samples(self) -> Iterator[Sample]:
        x = np.arange(1.0, 13.0).reshape(3, 4)
        for k in (0, 1, 3, -2):
            yield Sample([x], {"k": k}, np.diag(x, k))
        yield Sample([x.T], {"k": -1}, np.diag(x.T, -1))
        yield Sample([x[0]], {"k": -1}, np.diag(x[0], -1))


def _diagonal_length(rows: Dim, columns: Dim, k: int) -> Dim:
    """The number of elements of the k-th diagonal."""
    rows, columns = (rows, columns - k) if k >= 0 else (rows + k, columns)
    difference = columns - rows
    if isinstance(difference, Symbolic):
        fail("GF030", f"cannot tell which of {rows} and {columns} is smaller: diag needs to know")
    shorter = rows if difference >= 0 else columns
    return max(0, shorter) if isinstance(shorter, int) else shorter


def _embedded(g: Value, x: TensorType, k: int) -> Value:
    """A matrix of zeros with g as its k-th diagonal."""
    length = g.shape[0]
    if length == 0:
        return zeros_like(g.builder, x)
    square = F.diag(g)
    top, left = max(0, -k), max(0, k)
    rows, columns = x.shape
    widths = ((top, rows - top - length), (left, columns - left - length))
    return F.pad(square, pad_width=widths)
