"""Activations: the nonlinear functions of one number that networks are made of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from graphflow.diagnostics import fail
from graphflow.ir.types import TensorType, ValueType
from graphflow.ops.arguments import number
from graphflow.ops.builder import F, Value
from graphflow.ops.elementwise import Elementwise, Float
from graphflow.ops.op import Array, Attrs, Namespace, Sample, register


@register
class Sigmoid(Float):
    """The logistic function. y = 1 / (1 + e**-x), dy/dx = y (1 - y)."""

    latex, retains = r"\sigma({x})", ("out",)

    def forward(self, xp: Namespace, x: Array) -> Array:
        return 0.5 * xp.tanh(0.5 * x) + 0.5

    def vjp(self, g: Value, y: Value, x: Value) -> Sequence[Value | None]:
        return (g * (y * (1 - y)),)


@register
class Softplus(Float):
    """A smooth relu. y = ln(1 + e**(beta x)) / beta, dy/dx = sigmoid(beta x).

    Nothing overflows, so no cut is needed; with ``threshold``, y is x where beta x lies above it
    (PyTorch cuts at 20, where both agree to nine digits).
    """

    latex, retains = r"\tfrac{{1}}{{{beta}}} \ln(1 + e^{{{beta} {x}}})", ("x",)

    def canonical(self, types: Sequence[ValueType], attrs: Attrs) -> Attrs:
        number(attrs["beta"], "beta")
        if attrs["beta"] == 0:
            fail("GF033", "the beta of softplus is not 0")
        if attrs["threshold"] is not None:
            number(attrs["threshold"], "the threshold of softplus")
        return attrs

    def infer(
        self, x: TensorType, *, beta: float = 1, threshold: float | None = None
    ) -> TensorType:
        return x

    def forward(self, xp: Namespace, x: Array, *, beta: float, threshold: float | None) -> Array:
        scaled = x * beta
        smooth = (xp.maximum(scaled, 0) + xp.log1p(xp.exp(-xp.abs(scaled)))) / beta
        return smooth if threshold is None else xp.where(scaled > threshold, x, smooth)

    def vjp(
        self, g: Value, y: Value, x: Value, *, beta: float, threshold: float | None
    ) -> Sequence[Value | None]:
        scaled = x if beta == 1 else x * beta
        slope = F.sigmoid(scaled)
        if threshold is not None:
            slope = F.where(F.greater(scaled, scaled.like(threshold)), slope.like(1), slope)
        return (g * slope,)

    def samples(self) -> Iterator[Sample]:
        yield from super().samples()
        x = np.array([-1000.0, 0.0, 1.0, 1000.0])
        yield Sample([x], {"beta": 2}, np.array([0.0, np.log(2), np.log1p(np.e**2), 2000.0]) / 2)
        cut = np.array([0.0, np.log1p(np.e), 2.0])
        yield Sample([np.array([-1000.0, 1.0, 2.0])], {"threshold": 1.5}, cut)


@register
class Relu(Elementwise):
    """The rectifier. y = max(x, 0), dy/dx = 1 where y > 0 and 0 elsewhere."""

    latex, retains = r"\max({x}, 0)", ("out",)
    domain = (0.1, 2.0)

    def forward(self, xp: Namespace, x: Array) -> Array:
        return xp.maximum(x, 0)

    def vjp(self, g: Value, y: Value, x: Value) -> Sequence[Value | None]:
        return (F.where(F.greater(y, y.like(0)), g, g.like(0)),)

    def samples(self) -> Iterator[Sample]:
        yield from super().samples()
        yield Sample([np.array([-2.0, -0.5, 3.0])], expected=np.array([0.0, 0.0, 3.0]))
