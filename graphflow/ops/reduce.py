"""Operators that reduce axes to one number each: sums, means, extremes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

import numpy as np

from graphflow.diagnostics import fail
from graphflow.ir.dims import Dim, Shape, Symbolic, product
from graphflow.ir.graph import Attr
from graphflow.ir.types import DType, TensorType, ValueType
from graphflow.ops.arguments import flag, many_axes, number, operand, without
from graphflow.ops.builder import F, Value
from graphflow.ops.cumulate import counting, products_before
from graphflow.ops.linear import Linear
from graphflow.ops.op import Array, Attrs, Namespace, Op, Sample, register

Axes = tuple[int, ...]


class Reduction(Op):
    """Base: ``axis`` is one axis, a list of them, or nothing for all; ``keepdims`` keeps size 1."""

    domain: ClassVar[tuple[float, float]] = (-2.0, 2.0)
    empty: ClassVar[bool] = True
    """Whether the reduction of no elements has a value."""
    finite: ClassVar[bool] = True
    """Whether that value is a finite number."""

    def canonical(self, types: Sequence[ValueType], attrs: Attrs) -> Attrs:
        flag(attrs["keepdims"], "keepdims")
        return {**attrs, "axis": many_axes(attrs["axis"], operand(types).ndim)}

    def infer(
        self, x: TensorType, *, axis: Axes | None = None, keepdims: bool = False
    ) -> TensorType:
        return TensorType(self.result_dtype(x.dtype), self.reduced(x, axis or (), keepdims))

    def result_dtype(self, dtype: DType) -> DType:
        """The number type of the result."""
        return dtype

    def reduced(self, x: TensorType, axis: Axes, keepdims: bool) -> Shape:
        """The shape that is left."""
        if not self.empty and any(x.shape[a] == 0 for a in axis):
            fail("GF030", f"{self.name} of no elements: the operand has shape {list(x.shape)}")
        if keepdims:
            return tuple(1 if i in axis else d for i, d in enumerate(x.shape))
        return without(x.shape, axis)

    def flops(self, out: ValueType, *types: ValueType, **attrs: Attr) -> Dim:
        return operand(types).size

    def samples(self) -> Iterator[Sample]:
        yield Sample([((2, 3), self.domain)])
        yield Sample([((2, 3, 2), self.domain)], {"axis": (0, 2)})
        yield Sample([((2, 3), self.domain)], {"axis": -1, "keepdims": True})
        yield Sample([((), self.domain)])
        if self.empty:
            yield Sample([((0, 3), self.domain)], {"axis": 0}, differentiable=self.finite)
        yield Sample([((2, 0), self.domain)], {"axis": 0})


def restored(reduced: Value, x: TensorType, axis: Axes, keepdims: bool) -> Value:
    """A reduced value with the reduced axes back in place, at size 1."""
    return reduced if keepdims or not axis else F.expand_dims(reduced, axis=axis)


def spread(reduced: Value, x: TensorType, axis: Axes, keepdims: bool) -> Value:
    """A reduced value copied along the reduced axes, back to the operand's shape."""
    value = restored(reduced, x, axis, keepdims)
    return value if value.shape == x.shape else F.broadcast_to(value, shape=x.shape)


def count_of(x: TensorType, axis: Axes) -> Dim:
    """How many elements each result is made of."""
    return product(x.shape[a] for a in axis)


@register
class Sum(Reduction, Linear):
    """The sum over axes. y = sum_i x_i: every local derivative is 1. Counting sums are int64."""

    latex = r"\sum {x}"

    def result_dtype(self, dtype: DType) -> DType:
        return dtype if dtype.is_float else DType.INT64

    def forward(self, xp: Namespace, x: Array, *, axis: Axes, keepdims: bool) -> Array:
        return xp.sum(x, axis=axis, keepdims=keepdims, dtype=counting(x))

    def vjp(
        self, g: Value, out: Value, x: Value, *, axis: Axes, keepdims: bool
    ) -> Sequence[Value | None]:
        return (spread(g, x.tensor, axis, keepdims),)

    def samples(self) -> Iterator[Sample]:
        yield from super().samples()
        yield Sample([np.array([[1, 2], [3, 4]])], {"axis": 0}, np.array([4, 6]))
        yield Sample([np.array([True, True, False])], {}, np.array(2))
        yield Sample([np.array([200, 100], np.uint8)], {}, np.array(300))


@register
class Mean(Reduction, Linear):
    """The mean over axes. y = sum_i x_i / n: every local derivative is 1 / n. Of nothing: nan."""

    latex = r"\operatorname{{mean}} {x}"
    floats, finite = True, False

    def forward(self, xp: Namespace, x: Array, *, axis: Axes, keepdims: bool) -> Array:
        if x.size == 0:  # array libraries warn
            return xp.sum(x, axis=axis, keepdims=keepdims) * x.dtype.type(np.nan)
        return xp.mean(x, axis=axis, keepdims=keepdims)

    def vjp(
        self, g: Value, out: Value, x: Value, *, axis: Axes, keepdims: bool
    ) -> Sequence[Value | None]:
        return (spread(g / count_of(x.tensor, axis), x.tensor, axis, keepdims),)

    def samples(self) -> Iterator[Sample]:
        yield from super().samples()
        yield Sample([np.array([1, 2])], {}, np.array(1.5))


@register
class Var(Reduction):
    """The variance over axes. y = sum_i (x_i - mean)**2 / (n - correction).

    dy/dx_i = 2 (x_i - mean) / (n - correction). The population's variance by default; correction 1
    gives the sample's.
    """

    latex = r"\operatorname{{var}} {x}"
    floats, empty, retains = True, False, ("x",)

    def canonical(self, types: Sequence[ValueType], attrs: Attrs) -> Attrs:
        if isinstance(number(attrs["correction"], "correction"), Symbolic):
            fail("GF026", "the correction of a variance must be known")
        return super().canonical(types, attrs)

    def infer(
        self,
        x: TensorType,
        *,
        axis: Axes | None = None,
        keepdims: bool = False,
        correction: float = 0,
    ) -> TensorType:
        assert axis is not None
        n = count_of(x, axis)
        if isinstance(n, int) and n <= correction:
            fail("GF033", f"the variance of {n} elements with correction {correction} divides by 0")
        return x.with_shape(self.reduced(x, axis, keepdims))

    def forward(
        self, xp: Namespace, x: Array, *, axis: Axes, keepdims: bool, correction: float
    ) -> Array:
        if x.dtype == np.float16:  # squares of half precision overflow early
            wide = xp.var(x.astype(np.float32), axis=axis, keepdims=keepdims, ddof=correction)
            return wide.astype(x.dtype)
        return xp.var(x, axis=axis, keepdims=keepdims, ddof=correction)

    def vjp(
        self, g: Value, out: Value, x: Value, *, axis: Axes, keepdims: bool, correction: float
    ) -> Sequence[Value | None]:
        scaled = g * 2 / _denominator(g, x.tensor, axis, correction)
        centred = x - F.mean(x, axis=axis, keepdims=True)
        return (restored(scaled, x.tensor, axis, keepdims) * centred,)

    def jvp(
        self,
        out: Value,
        inputs: Sequence[Value],
        tangents: Sequence[Value],
        *,
        axis: Axes,
        keepdims: bool,
        correction: float,
    ) -> Value | None:
        centred = inputs[0] - F.mean(inputs[0], axis=axis, keepdims=True)
        total = F.sum(tangents[0] * centred, axis=axis, keepdims=keepdims)
        return total * 2 / _denominator(total, inputs[0].tensor, axis, correction)

    def samples(self) -> Iterator[Sample]:
        yield from super().samples()
        x = np.array([[1.0, 2.0, 6.0]])
        yield Sample([x], {"axis": 1, "correction": 1}, np.array([7.0]))


def _denominator(like: Value, x: TensorType, axis: Axes, correction: float) -> Value:
    """The constant n - correction."""
    n = count_of(x, axis)
    if isinstance(correction, int):
        return like.like(n - correction)
    return like.like(n) - correction


@register
class Prod(Reduction):
    """The product over axes. y = prod_i x_i, dy/dx_i = prod of all others.

    The product of the others is the one before times the one after, so zeros do no harm.
    """

    latex, retains = r"\prod {x}", ("x",)

    def result_dtype(self, dtype: DType) -> DType:
        return dtype if dtype.is_float else DType.INT64

    def forward(self, xp: Namespace, x: Array, *, axis: Axes, keepdims: bool) -> Array:
        return xp.prod(x, axis=axis, keepdims=keepdims, dtype=counting(x))

    def vjp(
        self, g: Value, out: Value, x: Value, *, axis: Axes, keepdims: bool
    ) -> Sequence[Value | None]:
        return (restored(g, x.tensor, axis, keepdims) * _others(x, axis),)

    def jvp(
        self,
        out: Value,
        inputs: Sequence[Value],
        tangents: Sequence[Value],
        *,
        axis: Axes,
        keepdims: bool,
    ) -> Value | None:
        return F.sum(tangents[0] * _others(inputs[0], axis), axis=axis, keepdims=keepdims)

    def samples(self) -> Iterator[Sample]:
        yield from super().samples()
        x = np.array([[2.0, 0.0, 3.0], [0.0, 0.0, 1.0], [1.0, 2.0, 3.0]])
        yield Sample([x], {"axis": 1}, np.array([0.0, 0.0, 6.0]))


def _others(x: Value, axis: Axes) -> Value:
    """For each element the product of the others along ``axis``."""
    kept = tuple(i for i in range(x.ndim) if i not in axis)
    order = (*kept, *axis)
    moved = F.transpose(x, axes=order)
    rows = F.reshape(moved, shape=(*without(x.shape, axis), count_of(x.tensor, axis)))
    last = rows.ndim - 1
    before, after = (products_before(rows, last, reverse) for reverse in (False, True))
    back = tuple(order.index(i) for i in range(x.ndim))
    return F.transpose(F.reshape(before * after, shape=moved.shape), axes=back)


class Shared(Reduction):
    """Base of reductions whose derivative is shared among the elements: dy/dx_i = ``share``_i."""

    empty, retains = False, ("x", "out")

    def share(self, x: Value, y: Value, axis: Axes) -> Value:
        """Each element's derivative; ``y`` is the result with the axes it lost."""
        raise NotImplementedError

    def vjp(
        self, g: Value, out: Value, x: Value, *, axis: Axes, keepdims: bool
    ) -> Sequence[Value | None]:
        share = self._shares(out, x, axis, keepdims)
        return (restored(g, x.tensor, axis, keepdims) * share,)

    def jvp(
        self,
        out: Value,
        inputs: Sequence[Value],
        tangents: Sequence[Value],
        *,
        axis: Axes,
        keepdims: bool,
    ) -> Value | None:
        share = self._shares(out, inputs[0], axis, keepdims)
        return F.sum(tangents[0] * share, axis=axis, keepdims=keepdims)

    def _shares(self, out: Value, x: Value, axis: Axes, keepdims: bool) -> Value:
        return self.share(x, restored(out, x.tensor, axis, keepdims), axis)


class Extreme(Shared):
    """Base of max and min: dy/dx_i = 1 where x_i = y, shared equally where several are.

    So do PyTorch's amax and amin; its max along an axis gives all of it to one of them.
    """

    ufunc: ClassVar[str] = ""

    def forward(self, xp: Namespace, x: Array, *, axis: Axes, keepdims: bool) -> Array:
        return getattr(xp, self.ufunc)(x, axis=axis, keepdims=keepdims)

    def share(self, x: Value, y: Value, axis: Axes) -> Value:
        """1 / k at the k elements that attain the extreme, 0 elsewhere."""
        hits = F.equal(x, y).cast(x.dtype)
        return hits / F.sum(hits, axis=axis, keepdims=True)


@register
class Max(Extreme):
    """The largest element. y = max_i x_i; equal ones share the gradient."""

    latex, ufunc = r"\max {x}", "max"

    def samples(self) -> Iterator[Sample]:
        yield from super().samples()
        yield Sample([np.array([[1, 5], [7, 2]])], {"axis": 1}, np.array([5, 7]))


@register
class Min(Extreme):
    """The smallest element. y = min_i x_i; equal ones share the gradient."""

    latex, ufunc = r"\min {x}", "min"


@register
class Logsumexp(Shared):
    """The smooth maximum. y = ln sum_i e**x_i, dy/dx_i = e**(x_i - y) (the softmax).

    The largest element is taken out first, so large numbers do not overflow. Of nothing, and of
    -inf only, it is -inf; the gradient is nan there, as in PyTorch.
    """

    latex, floats, empty, finite = r"\ln \sum e^{{{x}}}", True, True, False

    def forward(self, xp: Namespace, x: Array, *, axis: Axes, keepdims: bool) -> Array:
        if x.size == 0:  # there is no largest element
            return xp.full_like(xp.sum(x, axis=axis, keepdims=keepdims), -np.inf)
        top = xp.max(x, axis=axis, keepdims=True)
        top = xp.where(xp.isfinite(top), top, xp.zeros_like(top))
        total = xp.sum(xp.exp(x - top), axis=axis, keepdims=True)
        with np.errstate(divide="ignore"):
            out = xp.log(total) + top
        return out if keepdims else xp.squeeze(out, axis)

    def share(self, x: Value, y: Value, axis: Axes) -> Value:
        """The softmax of the elements."""
        return F.exp(x - y)

    def flops(self, out: ValueType, *types: ValueType, **attrs: Attr) -> Dim:
        return 4 * operand(types).size

    def samples(self) -> Iterator[Sample]:
        yield from super().samples()
        yield Sample([np.array([1000.0, 1000.0])], {}, np.array(1000 + np.log(2)))
        nothing = np.full((1, 2), -np.inf)
        yield Sample([nothing], {"axis": 1}, np.array([-np.inf]), differentiable=False)


class Logical(Reduction):
    """Base of any and all."""

    def result_dtype(self, dtype: DType) -> DType:
        return DType.BOOL

    def samples(self) -> Iterator[Sample]:
        x = np.array([[True, False], [True, True]])
        for axis in (0, 1, None):
            expected = getattr(np, self.name)(x, axis=axis)
            yield Sample([x], {"axis": axis}, expected, differentiable=False)


@register
class Any_(Logical):
    """Whether any element is true (not zero)."""

    name, latex = "any", r"\exists {x}"

    def forward(self, xp: Namespace, x: Array, *, axis: Axes, keepdims: bool) -> Array:
        return xp.any(x, axis=axis, keepdims=keepdims)


@register
class All_(Logical):
    """Whether every element is true (not zero)."""

    name, latex = "all", r"\forall {x}"

    def forward(self, xp: Namespace, x: Array, *, axis: Axes, keepdims: bool) -> Array:
        return xp.all(x, axis=axis, keepdims=keepdims)
