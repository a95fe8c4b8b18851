"""Operators about order: positions of extremes, sorting, the k largest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

import numpy as np

from graphflow.diagnostics import fail
from graphflow.ir.dims import Dim, Shape
from graphflow.ir.graph import Attr
from graphflow.ir.types import DType, TensorType, TupleType, ValueType
from graphflow.ops.arguments import flag, one_axis, operand, per_axis, replaced, without
from graphflow.ops.builder import F, Value
from graphflow.ops.op import Array, Attrs, Namespace, Op, Sample, register
from graphflow.ops.reduce import count_of


class Position(Op):
    """Base of argmax and argmin: int64 positions; without ``axis``, in the flattened array."""

    ufunc: ClassVar[str] = ""

    def canonical(self, types: Sequence[ValueType], attrs: Attrs) -> Attrs:
        flag(attrs["keepdims"], "keepdims")
        axis = attrs["axis"]
        ndim = operand(types).ndim
        return {**attrs, "axis": None if axis is None else one_axis(axis, ndim)}

    def infer(
        self, x: TensorType, *, axis: int | None = None, keepdims: bool = False
    ) -> TensorType:
        searched = tuple(range(x.ndim)) if axis is None else (axis,)
        if count_of(x, searched) == 0:
            fail("GF030", f"{self.name} of no elements: the operand has shape {list(x.shape)}")
        if keepdims:
            kept: Shape = tuple(1 if i in searched else d for i, d in enumerate(x.shape))
        else:
            kept = without(x.shape, searched)
        return TensorType(DType.INT64, kept)

    def forward(self, xp: Namespace, x: Array, *, axis: int | None, keepdims: bool) -> Array:
        return getattr(xp, self.ufunc)(x, axis=axis, keepdims=keepdims)

    def flops(self, out: ValueType, *types: ValueType, **attrs: Attr) -> Dim:
        return operand(types).size

    def samples(self) -> Iterator[Sample]:
        x = np.array([[3.0, 1.0, 3.0], [0.0, 2.0, -1.0]])
        for axis, keepdims in ((None, False), (0, False), (-1, True)):
            expected = getattr(np, self.ufunc)(x, axis=axis, keepdims=keepdims)
            attrs: Attrs = {"axis": axis, "keepdims": keepdims}
            yield Sample([x], attrs, expected, differentiable=False)


@register
class Argmax(Position):
    """The position of the largest element, the first one where several are equal."""

    latex, ufunc = r"\operatorname{{arg\,max}} {x}", "argmax"


@register
class Argmin(Position):
    """The position of the smallest element, the first one where several are equal."""

    latex, ufunc = r"\operatorname{{arg\,min}} {x}", "argmin"


class Ordering(Op):
    """Base of sort and argsort: along one axis, the last by default; equal elements keep order.

    nan counts as larger than every number.
    """

    def canonical(self, types: Sequence[ValueType], attrs: Attrs) -> Attrs:
        axis = one_axis(attrs["axis"], operand(types).ndim)
        return {"axis": axis, "descending": flag(attrs["descending"], "descending")}

    def flops(self, out: ValueType, *types: ValueType, **attrs: Attr) -> Dim:
        return 10 * operand(types).size  # a dozen comparisons or so for each element


def _order(xp: Namespace, x: Array, axis: int, descending: bool) -> Array:
    """The positions that sort x, equal elements in the order in which they stand."""
    if not descending:
        return xp.argsort(x, axis=axis, kind="stable")
    turned = xp.argsort(xp.flip(x, axis), axis=axis, kind="stable")
    return x.shape[axis] - 1 - xp.flip(turned, axis)


@register
class Argsort(Ordering):
    """The positions that sort x along an axis, smallest first, or largest first (descending)."""

    latex = r"\operatorname{{argsort}} {x}"

    def infer(self, x: TensorType, *, axis: int = -1, descending: bool = False) -> TensorType:
        return x.with_dtype(DType.INT64)

    def forward(self, xp: Namespace, x: Array, *, axis: int, descending: bool) -> Array:
        return _order(xp, x, axis, descending)

    def samples(self) -> Iterator[Sample]:
        x = np.array([[3.0, 1.0, 2.0], [1.0, 1.0, 0.0]])
        yield Sample([x], {}, np.array([[1, 2, 0], [2, 0, 1]]), differentiable=False)
        yield Sample([x], {"axis": 0}, np.argsort(x, 0, kind="stable"), differentiable=False)
        down = np.array([[0, 2, 1], [0, 1, 2]])
        yield Sample([x], {"descending": True}, down, differentiable=False)


@register
class Sort(Ordering):
    """The elements along an axis, smallest first. y = P x with the permutation P that sorts x.

    ``descending: true`` puts the largest first.
    """

    latex, retains = r"\operatorname{{sort}} {x}", ("x",)

    def infer(self, x: TensorType, *, axis: int = -1, descending: bool = False) -> TensorType:
        return x

    def forward(self, xp: Namespace, x: Array, *, axis: int, descending: bool) -> Array:
        ascending = xp.sort(x, axis=axis, kind="stable")
        return xp.flip(ascending, axis) if descending else ascending

    def vjp(
        self, g: Value, out: Value, x: Value, *, axis: int, descending: bool
    ) -> Sequence[Value | None]:
        order = F.argsort(x, axis=axis, descending=descending)
        return (F.scatter_add_along_axis(g, order, size=x.shape[axis], axis=axis),)

    def jvp(
        self,
        out: Value,
        inputs: Sequence[Value],
        tangents: Sequence[Value],
        *,
        axis: int,
        descending: bool,
    ) -> Value | None:
        order = F.argsort(inputs[0], axis=axis, descending=descending)
        return F.take_along_axis(tangents[0], order, axis=axis)

    def samples(self) -> Iterator[Sample]:
        x = np.array([[3.0, 1.0, 2.0], [1.5, 4.0, 0.0]])
        yield Sample([x], {}, np.sort(x))
        yield Sample([x], {"axis": 0}, np.sort(x, axis=0))
        yield Sample([x], {"descending": True}, np.sort(x)[:, ::-1])
        yield Sample([np.zeros((2, 0))], {"axis": 1}, np.zeros((2, 0)))
        unknown = np.array([np.nan, 2.0, 1.0])
        yield Sample([unknown], {}, unknown[::-1], differentiable=False)


@register
class Topk(Op):
    """The k largest elements along an axis and their positions, largest first.

    (values, indices); ``largest: false`` gives the smallest, smallest first. Equal elements keep
    their order, and nan counts as larger than every number. dy/dx is 1 where an element was chosen.
    """

    latex, retains = r"\operatorname{{top}}_{{{k}}} {x}", ("out",)

    def canonical(self, types: Sequence[ValueType], attrs: Attrs) -> Attrs:
        flag(attrs["largest"], "largest")
        axis = one_axis(attrs["axis"], operand(types).ndim)
        return {**attrs, "k": per_axis(attrs["k"], 1, "k", 0)[0], "axis": axis}

    def infer(self, x: TensorType, *, k: int, axis: int = -1, largest: bool = True) -> TupleType:
        n = x.shape[axis]
        if isinstance(n, int) and k > n:
            fail("GF033", f"the {k} largest of {n} elements: the shape is {list(x.shape)}")
        chosen = x.with_shape(replaced(x.shape, axis, k))
        return TupleType((chosen, chosen.with_dtype(DType.INT64)))

    def forward(
        self, xp: Namespace, x: Array, *, k: int, axis: int, largest: bool
    ) -> tuple[Array, ...]:
        indices = _order(xp, x, axis, largest)[(slice(None),) * axis + (slice(k),)]
        return xp.take_along_axis(x, indices, axis), indices

    def vjp(
        self,
        g: Sequence[Value | None],
        out: Value,
        x: Value,
        *,
        k: int,
        axis: int,
        largest: bool,
    ) -> Sequence[Value | None]:
        if g[0] is None:
            return (None,)
        size = x.shape[axis]
        return (F.scatter_add_along_axis(g[0], out.item(1), size=size, axis=axis),)

    def jvp(
        self,
        out: Value,
        inputs: Sequence[Value],
        tangents: Sequence[Value],
        *,
        k: int,
        axis: int,
        largest: bool,
    ) -> Sequence[Value | None]:
        return F.take_along_axis(tangents[0], out.item(1), axis=axis), None

    def flops(self, out: ValueType, *types: ValueType, **attrs: Attr) -> Dim:
        return 10 * operand(types).size

    def samples(self) -> Iterator[Sample]:
        x = np.array([[3.0, 1.0, 2.0, 5.0], [1.5, 4.0, 0.0, -1.0]])
        best = np.array([[5.0, 3.0], [4.0, 1.5]]), np.array([[3, 0], [1, 0]])
        yield Sample([x], {"k": 2}, best)
        tied = np.array([2.0, 7.0, 7.0]), np.array([7.0, 7.0]), np.array([1, 2])
        yield Sample(tied[:1], {"k": 2}, tied[1:], differentiable=False)
        least = np.array([[1.5, 1.0, 0.0, -1.0]]), np.array([[1, 0, 1, 1]])
        yield Sample([x], {"k": 1, "axis": 0, "largest": False}, least)
        unknown = np.array([1.0, np.nan, 3.0])
        first = np.array([np.nan, 3.0]), np.array([1, 2])
        yield Sample([unknown], {"k": 2}, first, differentiable=False)
        yield Sample([x], {"k": 0}, (np.zeros((2, 0)), np.zeros((2, 0), np.int64)))
