"""Circular and hyperbolic functions and their inverses. Angles are in radians."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from graphflow.ops.builder import F, Value
from graphflow.ops.elementwise import Binary, Float
from graphflow.ops.op import Sample, register


@register
class Sin(Float):
    """The sine. dy/dx = cos x."""

    latex, ufunc, retains = r"\sin {x}", "sin", ("x",)

    def vjp(self, g: Value, y: Value, x: Value) -> Sequence[Value | None]:
        return (g * F.cos(x),)


@register
class Cos(Float):
    """The cosine. dy/dx = -sin x."""

    latex, ufunc, retains = r"\cos {x}", "cos", ("x",)

    def vjp(self, g: Value, y: Value, x: Value) -> Sequence[Value | None]:
        return (-(g * F.sin(x)),)


@register
class Tan(Float):
    """The tangent. dy/dx = 1 + y**2."""

    latex, ufunc, retains = r"\tan {x}", "tan", ("out",)
    domain = (-1.0, 1.0)

    def vjp(self, g: Value, y: Value, x: Value) -> Sequence[Value | None]:
        return (g * (y * y + 1),)


@register
class Asin(Float):
    """The angle whose sine is x, between -pi/2 and pi/2. dy/dx = 1 / sqrt(1 - x**2)."""

    latex, ufunc, retains = r"\arcsin {x}", "arcsin", ("x",)
    domain = (-0.9, 0.9)

    def vjp(self, g: Value, y: Value, x: Value) -> Sequence[Value | None]:
        return (g / F.sqrt(1 - x * x),)


@register
class Acos(Float):
    """The angle whose cosine is x, between 0 and pi. dy/dx = -1 / sqrt(1 - x**2)."""

    latex, ufunc, retains = r"\arccos {x}", "arccos", ("x",)
    domain = (-0.9, 0.9)

    def vjp(self, g: Value, y: Value, x: Value) -> Sequence[Value | None]:
        return (-(g / F.sqrt(1 - x * x)),)


@register
class Atan(Float):
    """The angle whose tangent is x, between -pi/2 and pi/2. dy/dx = 1 / (1 + x**2)."""

    latex, ufunc, retains = r"\arctan {x}", "arctan", ("x",)

    def vjp(self, g: Value, y: Value, x: Value) -> Sequence[Value | None]:
        return (g / (x * x + 1),)


@register
class Atan2(Binary):
    """The angle of the point (x, y) seen from the origin, between -pi and pi.

    dz/dy = x / (x**2 + y**2), dz/dx = -y / (x**2 + y**2). The first operand is y, as everywhere.
    """

    latex, ufunc, retains = r"\operatorname{{atan2}}({x}, {y})", "arctan2", ("x", "y")
    floats = True
    domain = (0.5, 2.0)

    def vjp(self, g: Value, z: Value, x: Value, y: Value) -> Sequence[Value | None]:
        scaled = g / (x * x + y * y)
        return scaled * y, -(scaled * x)

    def samples(self) -> Iterator[Sample]:
        yield from super().samples()
        y, x = np.array([1.0, 1.0, -1.0, -1.0]), np.array([1.0, -1.0, -1.0, 1.0])
        yield Sample([y, x], expected=np.array([1, 3, -3, -1]) * (np.pi / 4))


@register
class Sinh(Float):
    """The hyperbolic sine. y = (e**x - e**-x) / 2, dy/dx = cosh x."""

    latex, ufunc, retains = r"\sinh {x}", "sinh", ("x",)

    def vjp(self, g: Value, y: Value, x: Value) -> Sequence[Value | None]:
        return (g * F.cosh(x),)


@register
class Cosh(Float):
    """The hyperbolic cosine. y = (e**x + e**-x) / 2, dy/dx = sinh x."""

    latex, ufunc, retains = r"\cosh {x}", "cosh", ("x",)

    def vjp(self, g: Value, y: Value, x: Value) -> Sequence[Value | None]:
        return (g * F.sinh(x),)


@register
class Tanh(Float):
    """The hyperbolic tangent. dy/dx = 1 - y**2."""

    latex, ufunc, retains = r"\tanh {x}", "tanh", ("out",)

    def vjp(self, g: Value, y: Value, x: Value) -> Sequence[Value | None]:
        return (g * (1 - y * y),)


@register
class Asinh(Float):
    """The inverse of sinh. y = ln(x + sqrt(x**2 + 1)), dy/dx = 1 / sqrt(x**2 + 1)."""

    latex, ufunc, retains = r"\operatorname{{arsinh}} {x}", "arcsinh", ("x",)

    def vjp(self, g: Value, y: Value, x: Value) -> Sequence[Value | None]:
        return (g / F.sqrt(x * x + 1),)


@register
class Acosh(Float):
    """The inverse of cosh for x >= 1. y = ln(x + sqrt(x**2 - 1)), dy/dx = 1 / sqrt(x**2 - 1)."""

    latex, ufunc, retains = r"\operatorname{{arcosh}} {x}", "arccosh", ("x",)
    domain = (1.2, 3.0)

    def vjp(self, g: Value, y: Value, x: Value) -> Sequence[Value | None]:
        return (g / F.sqrt(x * x - 1),)


@register
class Atanh(Float):
    """The inverse of tanh for |x| < 1. y = ln((1 + x) / (1 - x)) / 2, dy/dx = 1 / (1 - x**2)."""

    latex, ufunc, retains = r"\operatorname{{artanh}} {x}", "arctanh", ("x",)
    domain = (-0.9, 0.9)

    def vjp(self, g: Value, y: Value, x: Value) -> Sequence[Value | None]:
        return (g / (1 - x * x),)
