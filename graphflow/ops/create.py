"""Arrays made from attributes alone: constants of a shape, ranges, the identity matrix."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from graphflow.diagnostics import fail
from graphflow.ir.dims import Dim, Shape, Symbolic
from graphflow.ir.graph import Attr
from graphflow.ir.types import DType, TensorType, ValueType
from graphflow.ops.arguments import ceil_div, flag, number, shape_of, size, whole
from graphflow.ops.builder import Value
from graphflow.ops.op import Array, Attrs, Namespace, Op, Sample, register

Number = bool | int | float | Symbolic


class Creation(Op):
    """Base: no operands, so no derivative to speak of."""

    def vjp(self, g: Value, out: Value, **attrs: Attr) -> Sequence[Value | None]:
        return ()

    def jvp(
        self, out: Value, inputs: Sequence[Value], tangents: Sequence[Value], **attrs: Attr
    ) -> Value | None:
        return None

    def flops(self, out: ValueType, *types: ValueType, **attrs: Attr) -> Dim:
        return 0


@register
class Full(Creation):
    """An array of a shape filled with one number. y_i = value.

    Without ``dtype`` the number decides: true and false give bool, integers int64.
    """

    latex = r"{value} \cdot \mathbf{{1}}"

    def canonical(self, types: Sequence[ValueType], attrs: Attrs) -> Attrs:
        value = attrs["value"]
        if not isinstance(value, bool):
            value = number(value, "the value of full")
        dtype = attrs["dtype"] or _dtype_of(value)
        return {"shape": shape_of(attrs["shape"]), "value": value, "dtype": dtype}

    def infer(self, *, shape: Shape, value: Number, dtype: DType | None = None) -> TensorType:
        assert dtype is not None
        return TensorType(dtype, shape)

    def forward(
        self, xp: Namespace, *, shape: tuple[int, ...], value: bool | int | float, dtype: DType
    ) -> Array:
        return xp.full(shape, value, dtype=dtype.value)

    def samples(self) -> Iterator[Sample]:
        yield Sample([], {"shape": (2, 3), "value": 0.5}, np.full((2, 3), 0.5))
        yield Sample([], {"shape": (), "value": 7}, np.array(7))
        yield Sample([], {"shape": (0, 2), "value": True}, np.zeros((0, 2), bool))


class Uniformly(Creation):
    """Base of zeros and ones."""

    def canonical(self, types: Sequence[ValueType], attrs: Attrs) -> Attrs:
        return {**attrs, "shape": shape_of(attrs["shape"])}

    def infer(self, *, shape: Shape, dtype: DType = DType.FLOAT) -> TensorType:
        return TensorType(dtype, shape)


@register
class Zeros(Uniformly):
    """An array of zeros."""

    latex = r"\mathbf{{0}}"

    def forward(self, xp: Namespace, *, shape: tuple[int, ...], dtype: DType) -> Array:
        return xp.zeros(shape, dtype=dtype.value)

    def samples(self) -> Iterator[Sample]:
        yield Sample([], {"shape": (2, 3)}, np.zeros((2, 3)))
        yield Sample([], {"shape": 4, "dtype": DType.INT32}, np.zeros(4, np.int32))


@register
class Ones(Uniformly):
    """An array of ones."""

    latex = r"\mathbf{{1}}"

    def forward(self, xp: Namespace, *, shape: tuple[int, ...], dtype: DType) -> Array:
        return xp.ones(shape, dtype=dtype.value)

    def samples(self) -> Iterator[Sample]:
        yield Sample([], {"shape": (2, 3)}, np.ones((2, 3)))
        yield Sample([], {"shape": (2, 2), "dtype": DType.BOOL}, np.ones((2, 2), bool))


@register
class Eye(Creation):
    """Ones on the k-th diagonal of an n x m matrix, zeros elsewhere. y_ij = [j = i + k]."""

    latex = "I_{{{n}}}"

    def canonical(self, types: Sequence[ValueType], attrs: Attrs) -> Attrs:
        n = size(attrs["n"], "the number of rows")
        m = n if attrs["m"] is None else size(attrs["m"], "the number of columns")
        return {**attrs, "n": n, "m": m, "k": whole(attrs["k"], "k")}

    def infer(
        self, *, n: Dim, m: Dim | None = None, k: Dim = 0, dtype: DType = DType.FLOAT
    ) -> TensorType:
        assert m is not None
        return TensorType(dtype, (n, m))

    def forward(self, xp: Namespace, *, n: int, m: int, k: int, dtype: DType) -> Array:
        return xp.eye(n, m, k, dtype=dtype.value)

    def samples(self) -> Iterator[Sample]:
        yield Sample([], {"n": 2}, np.array([[1.0, 0.0], [0.0, 1.0]]))
        yield Sample([], {"n": 2, "m": 3, "k": 1}, np.array([[0.0, 1, 0], [0, 0, 1]]))


@register
class Arange(Creation):
    """Evenly spaced numbers, the end excluded. y_i = start + i step < stop.

    ``arange(n)`` counts from 0 to n - 1. Integers give int64, anything else the float type.
    """

    latex = r"[{start}, \dots, {stop})"

    def canonical(self, types: Sequence[ValueType], attrs: Attrs) -> Attrs:
        start, stop = attrs["start"], attrs["stop"]
        if stop is None:
            start, stop = 0, start
        bounds = [number(v, "a bound of arange") for v in (start, stop)]
        step = number(attrs["step"], "the step of arange")
        if step == 0:
            fail("GF033", "the step of arange is 0", help="a range needs a step that leads on")
        for v in (*bounds, step):
            if isinstance(v, float) and not math.isfinite(v):
                fail("GF033", f"a range has a first and a last number, and {v} is neither")
        dtype = attrs["dtype"]
        if dtype is None:
            inexact = any(isinstance(v, float) for v in (*bounds, step))
            dtype = DType.FLOAT if inexact else DType.INT64
        return {"start": bounds[0], "stop": bounds[1], "step": step, "dtype": dtype}

    def infer(
        self,
        *,
        start: int | float | Symbolic = 0,
        stop: int | float | Symbolic | None = None,
        step: int | float | Symbolic = 1,
        dtype: DType | None = None,
    ) -> TensorType:
        assert stop is not None and dtype is not None
        return TensorType(dtype, (range_length(start, stop, step),))

    def forward(
        self, xp: Namespace, *, start: float, stop: float, step: float, dtype: DType
    ) -> Array:
        count = range_length(start, stop, step)
        exact = DType.INT64 if isinstance(start, int) and isinstance(step, int) else DType.FLOAT64
        return (start + xp.arange(count, dtype=exact.value) * step).astype(dtype.value)

    def samples(self) -> Iterator[Sample]:
        yield Sample([], {"start": 4}, np.arange(4))
        yield Sample([], {"start": 5, "stop": 1, "step": -2}, np.array([5, 3]))
        yield Sample([], {"start": 0.0, "stop": 1.0, "step": 0.25}, np.arange(0, 1, 0.25))
        yield Sample([], {"start": 3, "stop": 1}, np.zeros(0, np.int64))


@register
class Linspace(Creation):
    """``num`` evenly spaced numbers from start to stop, the end included unless told otherwise."""

    latex = r"({start}, \dots, {stop})"

    def canonical(self, types: Sequence[ValueType], attrs: Attrs) -> Attrs:
        for bound in ("start", "stop"):
            number(attrs[bound], f"the {bound} of linspace")
        size(attrs["num"], "num")
        flag(attrs["endpoint"], "endpoint")
        return attrs

    def infer(
        self,
        *,
        start: int | float | Symbolic,
        stop: int | float | Symbolic,
        num: Dim = 50,
        endpoint: bool = True,
        dtype: DType = DType.FLOAT,
    ) -> TensorType:
        return TensorType(dtype, (num,))

    def forward(
        self,
        xp: Namespace,
        *,
        start: float,
        stop: float,
        num: int,
        endpoint: bool,
        dtype: DType,
    ) -> Array:
        return xp.linspace(start, stop, num, endpoint=endpoint).astype(dtype.value)

    def samples(self) -> Iterator[Sample]:
        yield Sample([], {"start": 0, "stop": 1, "num": 5}, np.array([0, 0.25, 0.5, 0.75, 1]))
        yield Sample([], {"start": 0, "stop": 1, "num": 2, "endpoint": False}, np.array([0.0, 0.5]))


def range_length(
    start: int | float | Symbolic, stop: int | float | Symbolic, step: int | float | Symbolic
) -> Dim:
    """How many numbers ``arange`` gives.

    >>> range_length(0, 5, 2), range_length(5, 0, -2), range_length(0.0, 1.0, 0.25)
    (3, 3, 4)
    """
    if isinstance(start, float) or isinstance(stop, float) or isinstance(step, float):
        if isinstance(start, Symbolic) or isinstance(stop, Symbolic) or isinstance(step, Symbolic):
            fail("GF026", "a range between fractions needs bounds that are known")
        return max(0, math.ceil((stop - start) / step))
    count = ceil_div(stop - start, step)
    return max(0, count) if isinstance(count, int) else count


def _dtype_of(value: Number) -> DType:
    if isinstance(value, bool):
        return DType.BOOL
    return DType.FLOAT if isinstance(value, float) else DType.INT64
