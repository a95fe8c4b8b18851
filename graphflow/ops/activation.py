"""Activations: the nonlinear functions of one number that networks are made of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from graphflow.ops.builder import F, Value
from graphflow.ops.elementwise import Elementwise, Float
from graphflow.ops.op import Array, Namespace, Sample, register


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
    """A smooth relu. y = ln(1 + e**x), dy/dx = sigmoid x."""

    latex, retains = r"\ln(1 + e^{{{x}}})", ("x",)

    def forward(self, xp: Namespace, x: Array) -> Array:
        return xp.maximum(x, 0) + xp.log1p(xp.exp(-xp.abs(x)))

    def vjp(self, g: Value, y: Value, x: Value) -> Sequence[Value | None]:
        return (g * F.sigmoid(x),)


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
