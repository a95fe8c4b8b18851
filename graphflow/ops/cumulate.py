"""Running sums and products along an axis."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from graphflow.ir.dims import Dim
from graphflow.ir.graph import Attr
from graphflow.ir.types import DType, TensorType, ValueType
from graphflow.ops.arguments import default_axis, operand
from graphflow.ops.builder import F, Value
from graphflow.ops.linear import Linear
from graphflow.ops.op import Array, Attrs, Namespace, Op, Sample, register


def counting(x: Array) -> np.dtype | None:
    """The type that integers and booleans are added and multiplied in: int64."""
    return None if x.dtype.kind == "f" else np.dtype(np.int64)


class Cumulative(Op):
    """Base: results along ``axis``, which may be left out for an array with one axis."""

    def canonical(self, types: Sequence[ValueType], attrs: Attrs) -> Attrs:
        return {"axis": default_axis(attrs["axis"], operand(types).ndim, self.name)}

    def infer(self, x: TensorType, *, axis: int | None = None) -> TensorType:
        return x if x.dtype.is_float else x.with_dtype(DType.INT64)

    def flops(self, out: ValueType, *types: ValueType, **attrs: Attr) -> Dim:
        return operand(types).size

    def samples(self) -> Iterator[Sample]:
        yield Sample([((4,), (-2.0, 2.0))])
        yield Sample([((2, 3, 2), (-2.0, 2.0))], {"axis": 1})
        yield Sample([((0, 3), (-2.0, 2.0))], {"axis": 0})


@register
class Cumsum(Cumulative, Linear):
    """The running sum. y_i = x_0 + ... + x_i; the cotangent is summed from the other end."""

    latex = r"\sum_{{j \le i}} {x}"

    def forward(self, xp: Namespace, x: Array, *, axis: int) -> Array:
        return xp.cumsum(x, axis=axis, dtype=counting(x))

    def vjp(self, g: Value, out: Value, x: Value, *, axis: int) -> Sequence[Value | None]:
        return (F.flip(F.cumsum(F.flip(g, axis=axis), axis=axis), axis=axis),)

    def samples(self) -> Iterator[Sample]:
        yield from super().samples()
        yield Sample([np.array([True, False, True])], {}, np.array([1, 1, 2]))
        yield Sample([np.array([200, 100], np.uint8)], {}, np.array([200, 300]))


@register
class Cumprod(Cumulative):
    """The running product. y_i = x_0 x_1 ... x_i.

    dy_j/dx_i = (x_0 ... x_{i-1}) (x_{i+1} ... x_j) for j >= i: no division, so zeros do no harm.
    The second factor is a table of n x n for n elements along the axis.
    """

    latex, retains = r"\prod_{{j \le i}} {x}", ("x",)

    def forward(self, xp: Namespace, x: Array, *, axis: int) -> Array:
        return xp.cumprod(x, axis=axis, dtype=counting(x))

    def vjp(self, g: Value, out: Value, x: Value, *, axis: int) -> Sequence[Value | None]:
        table = _products_between(x, axis)
        later = F.sum(table * F.expand_dims(g, axis=axis), axis=axis + 1)
        return (products_before(x, axis) * later,)

    def jvp(
        self, out: Value, inputs: Sequence[Value], tangents: Sequence[Value], *, axis: int
    ) -> Value | None:
        x = inputs[0]
        changed = F.expand_dims(tangents[0] * products_before(x, axis), axis=axis + 1)
        return F.sum(_products_between(x, axis) * changed, axis=axis)

    def samples(self) -> Iterator[Sample]:
        yield from super().samples()
        x = np.array([2.0, 0.0, 3.0, 0.0, 5.0])
        yield Sample([x], {}, np.array([2.0, 0.0, 0.0, 0.0, 0.0]))


def products_before(x: Value, axis: int) -> Value:
    """1, x_0, x_0 x_1, ...: the product of all earlier elements."""
    one_before = tuple((1, 0) if i == axis else (0, 0) for i in range(x.ndim))
    padded = F.pad(x, pad_width=one_before, value=1)
    index = tuple(("slice", 0, x.shape[axis] if i == axis else None, 1) for i in range(x.ndim))
    return F.cumprod(F.slice(padded, index=index), axis=axis)


def _products_between(x: Value, axis: int) -> Value:
    """x_{i+1} ... x_j at [i, j], with i at ``axis`` and j after it; 0 where j < i."""
    n = x.shape[axis]
    trailing = (1,) * (x.ndim - 1 - axis)
    pairs = x.builder.add("ones", shape=(n, n), dtype=DType.BOOL)
    after, upto = (F.reshape(F.triu(pairs, k=k), shape=(n, n, *trailing)) for k in (1, 0))
    factors = F.where(after, F.expand_dims(x, axis=axis), x.like(1))
    return F.where(upto, F.cumprod(factors, axis=axis + 1), x.like(0))
