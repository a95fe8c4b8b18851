"""Running sums, products and extremes along an axis."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from graphflow.ir.dims import Dim
from graphflow.ir.graph import Attr
from graphflow.ir.types import DType, TensorType, ValueType
from graphflow.ops.arguments import default_axis, flag, operand
from graphflow.ops.builder import F, Value
from graphflow.ops.linear import Linear
from graphflow.ops.op import Array, Attrs, Namespace, Op, Sample, register


def counting(x: Array) -> np.dtype | None:
    """The type that integers and booleans are added and multiplied in: int64."""
    return None if x.dtype.kind == "f" else np.dtype(np.int64)


class Cumulative(Op):
    """Base: results along ``axis``, which may be left out for an array with one axis."""

    def canonical(self, types: Sequence[ValueType], attrs: Attrs) -> Attrs:
        axis = default_axis(attrs["axis"], operand(types).ndim, self.name)
        flags = {name: flag(value, name) for name, value in attrs.items() if name != "axis"}
        return {"axis": axis, **flags}

    def flops(self, out: ValueType, *types: ValueType, **attrs: Attr) -> Dim:
        return operand(types).size

    def samples(self) -> Iterator[Sample]:
        yield Sample([((4,), (-2.0, 2.0))])
        yield Sample([((2, 3, 2), (-2.0, 2.0))], {"axis": 1})
        yield Sample([((0, 3), (-2.0, 2.0))], {"axis": 0})


class Accumulated(Cumulative):
    """Base of sums and products: ``exclusive`` leaves out x_i itself, ``reverse`` starts at the
    other end (ONNX's words). Integers and booleans give int64.
    """

    def infer(
        self,
        x: TensorType,
        *,
        axis: int | None = None,
        exclusive: bool = False,
        reverse: bool = False,
    ) -> TensorType:
        return x if x.dtype.is_float else x.with_dtype(DType.INT64)

    def samples(self) -> Iterator[Sample]:
        yield from super().samples()
        for exclusive, reverse in ((True, False), (False, True), (True, True)):
            attrs: Attrs = {"axis": 1, "exclusive": exclusive, "reverse": reverse}
            yield Sample([((2, 3), (-2.0, 2.0))], attrs)
        yield Sample([((2, 0), (-2.0, 2.0))], {"axis": 1, "exclusive": True})


def _accumulated(
    xp: Namespace,
    run: Callable[[Array], Array],
    x: Array,
    axis: int,
    exclusive: bool,
    reverse: bool,
    first: int,
) -> Array:
    """``run`` along the axis; exclusively it starts with ``first`` and ends one element early."""
    y = run(xp.flip(x, axis) if reverse else x)
    if exclusive:
        before = (slice(None),) * axis
        start = xp.full_like(y[(*before, slice(1))], first)
        y = xp.concatenate([start, y[(*before, slice(-1))]], axis)
    return xp.flip(y, axis) if reverse else y


@register
class Cumsum(Accumulated, Linear):
    """The running sum. y_i = x_0 + ... + x_i; the cotangent is summed from the other end."""

    latex = r"\sum_{{j \le i}} {x}"

    def forward(
        self, xp: Namespace, x: Array, *, axis: int, exclusive: bool, reverse: bool
    ) -> Array:
        def run(v: Array) -> Array:
            return xp.cumsum(v, axis=axis, dtype=counting(v))

        return _accumulated(xp, run, x, axis, exclusive, reverse, 0)

    def vjp(
        self, g: Value, out: Value, x: Value, *, axis: int, exclusive: bool, reverse: bool
    ) -> Sequence[Value | None]:
        return (F.cumsum(g, axis=axis, exclusive=exclusive, reverse=not reverse),)

    def samples(self) -> Iterator[Sample]:
        yield from super().samples()
        yield Sample([np.array([True, False, True])], {}, np.array([1, 1, 2]))
        yield Sample([np.array([200, 100], np.uint8)], {}, np.array([200, 300]))
        x = np.array([1.0, 2.0, 3.0])
        yield Sample([x], {"exclusive": True}, np.array([0.0, 1.0, 3.0]))
        yield Sample([x], {"exclusive": True, "reverse": True}, np.array([5.0, 3.0, 0.0]))


@register
class Cumprod(Accumulated):
    """The running product. y_i = x_0 x_1 ... x_i.

    dy_j/dx_i = (x_0 ... x_{i-1}) (x_{i+1} ... x_j) for j >= i: no division, so zeros do no harm.
    The second factor is a table of n x n for n elements along the axis.
    """

    latex, retains = r"\prod_{{j \le i}} {x}", ("x",)

    def forward(
        self, xp: Namespace, x: Array, *, axis: int, exclusive: bool, reverse: bool
    ) -> Array:
        def run(v: Array) -> Array:
            return xp.cumprod(v, axis=axis, dtype=counting(v))

        return _accumulated(xp, run, x, axis, exclusive, reverse, 1)

    def vjp(
        self, g: Value, out: Value, x: Value, *, axis: int, exclusive: bool, reverse: bool
    ) -> Sequence[Value | None]:
        x, g = (F.flip(v, axis=axis) if reverse else v for v in (x, g))
        if exclusive:
            g = _moved(g, axis, -1)
        table = _products_between(x, axis)
        later = F.sum(table * F.expand_dims(g, axis=axis), axis=axis + 1)
        result = products_before(x, axis) * later
        return (F.flip(result, axis=axis) if reverse else result,)

    def jvp(
        self,
        out: Value,
        inputs: Sequence[Value],
        tangents: Sequence[Value],
        *,
        axis: int,
        exclusive: bool,
        reverse: bool,
    ) -> Value | None:
        x, tangent = (F.flip(v, axis=axis) if reverse else v for v in (inputs[0], tangents[0]))
        changed = F.expand_dims(tangent * products_before(x, axis), axis=axis + 1)
        result = F.sum(_products_between(x, axis) * changed, axis=axis)
        if exclusive:
            result = _moved(result, axis, 1)
        return F.flip(result, axis=axis) if reverse else result

    def samples(self) -> Iterator[Sample]:
        yield from super().samples()
        x = np.array([2.0, 0.0, 3.0, 0.0, 5.0])
        yield Sample([x], {}, np.array([2.0, 0.0, 0.0, 0.0, 0.0]))
        yield Sample([x[2:]], {"exclusive": True}, np.array([1.0, 3.0, 0.0]))
        yield Sample([x[2:]], {"exclusive": True, "reverse": True}, np.array([0.0, 5.0, 1.0]))


def products_before(x: Value, axis: int, reverse: bool = False) -> Value:
    """1, x_0, x_0 x_1, ...: the product of all earlier elements (of all later ones)."""
    return F.cumprod(x, axis=axis, exclusive=True, reverse=reverse)


def _moved(x: Value, axis: int, by: int) -> Value:
    """The elements one place further on (``by`` 1) or back (-1), with a zero coming in."""
    places = _places(x, axis)
    new = F.equal(places, places.like(0 if by > 0 else x.shape[axis] - 1))
    return F.where(new, x.like(0), F.roll(x, shift=by, axis=axis))


def _places(x: Value, axis: int) -> Value:
    """0, 1, ... along ``axis``, for arrays of the shape of x."""
    n = x.shape[axis]
    numbers = x.builder.add("arange", start=n)
    return F.reshape(numbers, shape=(n, *(1,) * (x.ndim - 1 - axis)))


def _products_between(x: Value, axis: int) -> Value:
    """x_{i+1} ... x_j at [i, j], with i at ``axis`` and j after it; 0 where j < i."""
    after, upto = (_pairs(x, axis, k) for k in (1, 0))
    factors = F.where(after, F.expand_dims(x, axis=axis), x.like(1))
    return F.where(upto, F.cumprod(factors, axis=axis + 1), x.like(0))


def _pairs(x: Value, axis: int, k: int) -> Value:
    """Where j >= i + k, with i at ``axis`` and j after it."""
    n = x.shape[axis]
    all_pairs = x.builder.add("ones", shape=(n, n), dtype=DType.BOOL)
    return F.reshape(F.triu(all_pairs, k=k), shape=(n, n, *(1,) * (x.ndim - 1 - axis)))


def _scanned(xp: Namespace, join: Callable[[Array, Array], Array], x: Array, axis: int) -> Array:
    """x_0, join(x_0, x_1), ...: in as many steps as the length has binary digits."""
    y, step = xp.moveaxis(x, axis, 0), 1
    while step < y.shape[0]:
        y = xp.concatenate([y[:step], join(y[step:], y[:-step])])
        step *= 2
    return xp.moveaxis(y, 0, axis)


class RunningExtreme(Cumulative):
    """Base of cummax and cummin: the gradient goes to the latest element that attains y_i."""

    retains = ("x", "out")

    def infer(self, x: TensorType, *, axis: int | None = None) -> TensorType:
        return x

    def vjp(self, g: Value, out: Value, x: Value, *, axis: int) -> Sequence[Value | None]:
        places = _latest(x, out, axis)
        return (F.scatter_add_along_axis(g, places, size=x.shape[axis], axis=axis),)

    def jvp(
        self, out: Value, inputs: Sequence[Value], tangents: Sequence[Value], *, axis: int
    ) -> Value | None:
        return F.take_along_axis(tangents[0], _latest(inputs[0], out, axis), axis=axis)


def _latest(x: Value, extreme: Value, axis: int) -> Value:
    """For each place the latest one up to it where x equals its running extreme."""
    places = _places(x, axis)
    hits = F.where(F.equal(x, extreme), places, places.like(0))
    return F.cummax(hits, axis=axis)


@register
class Cummax(RunningExtreme):
    """The largest element so far. y_i = max(x_0, ..., x_i)."""

    latex = r"\max_{{j \le i}} {x}"

    def forward(self, xp: Namespace, x: Array, *, axis: int) -> Array:
        return _scanned(xp, xp.maximum, x, axis)

    def samples(self) -> Iterator[Sample]:
        yield from super().samples()
        x = np.array([[1.0, 4.0, 2.0, 5.0, 3.0]])
        yield Sample([x], {"axis": 1}, np.array([[1.0, 4.0, 4.0, 5.0, 5.0]]))


@register
class Cummin(RunningExtreme):
    """The smallest element so far. y_i = min(x_0, ..., x_i)."""

    latex = r"\min_{{j \le i}} {x}"

    def forward(self, xp: Namespace, x: Array, *, axis: int) -> Array:
        return _scanned(xp, xp.minimum, x, axis)

    def samples(self) -> Iterator[Sample]:
        yield from super().samples()
        yield Sample([np.array([3, 1, 2])], {}, np.array([3, 1, 1]))


@register
class Logcumsumexp(Cumulative):
    """The running smooth maximum. y_i = ln(e**x_0 + ... + e**x_i), dy_j/dx_i = e**(x_i - y_j).

    Its derivative is a table of n x n for n elements along the axis.
    """

    latex, retains = r"\ln \sum_{{j \le i}} e^{{{x}}}", ("x", "out")
    floats = True

    def infer(self, x: TensorType, *, axis: int | None = None) -> TensorType:
        return x

    def forward(self, xp: Namespace, x: Array, *, axis: int) -> Array:
        return _scanned(xp, xp.logaddexp, x, axis)

    def vjp(self, g: Value, out: Value, x: Value, *, axis: int) -> Sequence[Value | None]:
        return (F.sum(_shares(x, out, axis) * F.expand_dims(g, axis=axis), axis=axis + 1),)

    def jvp(
        self, out: Value, inputs: Sequence[Value], tangents: Sequence[Value], *, axis: int
    ) -> Value | None:
        changed = F.expand_dims(tangents[0], axis=axis + 1)
        return F.sum(_shares(inputs[0], out, axis) * changed, axis=axis)

    def flops(self, out: ValueType, *types: ValueType, **attrs: Attr) -> Dim:
        return 20 * operand(types).size

    def samples(self) -> Iterator[Sample]:
        yield from super().samples()
        x = np.array([1000.0, 1000.0, -1000.0])
        yield Sample([x], {}, np.array([1000.0, 1000 + np.log(2), 1000 + np.log(2)]))


def _shares(x: Value, y: Value, axis: int) -> Value:
    """e**(x_i - y_j) at [i, j]; 0 where j < i, and where nothing but -inf has come."""
    attained = F.where(F.isinf(y), y.like(0), y)
    exponents = F.expand_dims(x, axis=axis + 1) - F.expand_dims(attained, axis=axis)
    return F.exp(F.where(_pairs(x, axis, 0), exponents, x.like(-np.inf)))
