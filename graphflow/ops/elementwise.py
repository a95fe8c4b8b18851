"""Operators that act on each element alone, with NumPy's broadcasting: y_i = f(x_i, ...)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar, Literal

import numpy as np

from graphflow.diagnostics import fail
from graphflow.ir.graph import Attr
from graphflow.ir.types import BroadcastError, DType, TensorType, broadcast
from graphflow.ops.builder import F, Value, broadcast_like
from graphflow.ops.help import is_wrong
from graphflow.ops.op import Array, Namespace, Op, Sample, register

Interval = tuple[float, float]


class Elementwise(Op):
    """Base: the result has the broadcast shape of the operands.

    The Jacobian is diagonal, so pushing a tangent forward and pulling a cotangent back multiply by
    the same local derivative: ``jvp`` comes from ``vjp``.
    """

    promotes: ClassVar[Sequence[int] | Literal["all"] | None] = "all"
    ufunc: ClassVar[str] = ""
    """The array namespace's function of that name, which takes ``out=``."""
    domain: ClassVar[Interval] = (-2.0, 2.0)

    def infer(self, x: TensorType) -> TensorType:
        return x

    def forward(self, xp: Namespace, *xs: Array) -> Array:
        return getattr(xp, self.ufunc)(*xs)

    def jvp(
        self, out: Value, inputs: Sequence[Value], tangents: Sequence[Value | None], **attrs: Attr
    ) -> Value | None:
        """The sum over operands of local derivative times tangent."""
        total: Value | None = None
        for i, tangent in enumerate(tangents):
            if tangent is None or self.vjp is None:
                continue
            g = broadcast_like(tangent, out.tensor)
            part = self.vjp(g, out, *inputs, **attrs)[i]
            if part is not None:
                total = part if total is None else total + part
        return None if total is None else broadcast_like(total, out.tensor)

    def samples(self) -> Iterator[Sample]:
        operands = len(self.operands)
        yield Sample([((2, 3), self.domain)] * operands)
        yield Sample([((), self.domain)] * operands)
        yield Sample([((0, 3), self.domain)] * operands)
        if operands == 2:
            yield Sample([((2, 3), self.domain), ((3,), self.domain)])
            yield Sample([((2, 1), self.domain), ((1, 3), self.domain)])


class Binary(Elementwise):
    """Base of two-operand operators."""

    def infer(self, x: TensorType, y: TensorType) -> TensorType:
        return TensorType(x.dtype, joined(x, y))


class Float(Elementwise):
    """Base of one-operand functions of real numbers."""

    floats = True


def joined(*types: TensorType) -> tuple:  # type: ignore[type-arg]
    """The broadcast shape of operands; a diagnostic when there is none."""
    try:
        return broadcast(*(t.shape for t in types))
    except BroadcastError as error:
        fail(
            "GF030",
            str(error),
            help="sizes must be equal, or 1; add an axis with x[:, None] or reshape one of them",
        )


def numeric(op: str, x: TensorType, instead: str) -> None:
    """Refuse true and false where only numbers have an answer."""
    if x.dtype is DType.BOOL:
        fail("GF031", f"{op} of true and false has no meaning", help=instead)


# -- arithmetic -------------------------------------------------------------------------------


@register
class Add(Binary):
    """The sum. z = x + y: both local derivatives are 1."""

    latex, ufunc = "{x} + {y}", "add"

    def vjp(self, g: Value, z: Value, x: Value, y: Value) -> Sequence[Value | None]:
        return g, g


@register
class Sub(Binary):
    """The difference. z = x - y."""

    latex, ufunc = "{x} - {y}", "subtract"

    def infer(self, x: TensorType, y: TensorType) -> TensorType:
        numeric("the difference", x, "logical_xor tells where they differ")
        return super().infer(x, y)

    def vjp(self, g: Value, z: Value, x: Value, y: Value) -> Sequence[Value | None]:
        return g, -g


@register
class Mul(Binary):
    """The product. z = x y: each operand is the other's local derivative."""

    latex, ufunc, retains = r"{x} \cdot {y}", "multiply", ("x", "y")

    def vjp(self, g: Value, z: Value, x: Value, y: Value) -> Sequence[Value | None]:
        return g * y, g * x


@register
class Div(Binary):
    """The quotient. z = x / y, dz/dx = 1 / y, dz/dy = -z / y."""

    latex, ufunc, retains = r"\frac{{{x}}}{{{y}}}", "divide", ("y", "out")
    floats = True
    domain = (0.5, 2.0)

    def vjp(self, g: Value, z: Value, x: Value, y: Value) -> Sequence[Value | None]:
        scaled = g / y
        return scaled, -(scaled * z)


@register
class Pow(Binary):
    """The power. z = x ** y, dz/dx = y x**(y - 1), dz/dy = z ln x; 0**0 is 1.

    At x = 0 the derivative by y counts as 0. An integer has no power of a negative integer.
    """

    latex, ufunc, retains, notes = "{x}^{{{y}}}", "power", ("x", "y", "out"), True
    domain = (0.5, 2.0)

    def forward(self, xp: Namespace, x: Array, y: Array) -> Array:
        if x.dtype.kind in "iu" and is_wrong((y < 0).any()):
            fail(
                "GF083",
                f"an integer to the power {y[y < 0].reshape(-1)[0]} is a fraction",
                help="make the base a float: cast(x, float) ** y, or 1 / x ** n",
            )
        return xp.power(x, y)

    def vjp(self, g: Value, z: Value, x: Value, y: Value) -> Sequence[Value | None]:
        exponent = y.node.attr("value") if y.node.op == "constant" else None
        if isinstance(exponent, int | float):
            return _slope_of_power(g, x, exponent), None
        none, one = x.like(0), x.like(1)
        flat = F.equal(y, y.like(0))  # x**0 is 1 everywhere, also at 0
        slope = F.where(flat, none, y * x ** F.where(flat, one, y - 1))
        zero = F.equal(x, none)  # 0**y is 0 for every y > 0
        return g * slope, g * F.where(zero, none, z * F.log(F.where(zero, one, x)))

    def samples(self) -> Iterator[Sample]:
        yield from super().samples()
        yield Sample([np.array([4.0, 9.0]), np.array(0.5)], expected=np.array([2.0, 3.0]))
        base, exponent = np.array([0.0, 0.0, -2.0]), np.array([0.0, 2.0, 3.0])
        yield Sample([base, exponent], {}, np.array([1.0, 0.0, -8.0]), differentiable=False)
        whole = np.array([2, 3], np.int32), np.array([3, 0], np.int32)
        yield Sample(whole, {}, np.array([8, 1], np.int32))


def _slope_of_power(g: Value, x: Value, exponent: int | float) -> Value:
    """The gradient of x by a power with a known exponent: no power of 0 in that of x**0 or x**1."""
    if exponent in (0, 1):
        return g * exponent
    return g * ((x if exponent == 2 else x ** (exponent - 1)) * exponent)


def _refuse_zero(x: Array, y: Array) -> None:
    """Refuse to divide an integer by 0; array libraries give 0 and warn."""
    if x.dtype.kind in "iu" and x.size and is_wrong((y == 0).any()):
        fail(
            "GF083",
            "an integer is divided by 0",
            help="keep 0 out: x // where(y == 0, 1, y), or divide floats, which gives inf or nan",
        )


@register
class FloorDiv(Binary):
    """The quotient rounded down. Piecewise constant: its derivative counts as zero.

    An integer has no quotient by 0.
    """

    latex, ufunc, notes = r"\lfloor {x} / {y} \rfloor", "floor_divide", True

    def forward(self, xp: Namespace, x: Array, y: Array) -> Array:
        _refuse_zero(x, y)
        return super().forward(xp, x, y)

    def vjp(self, g: Value, z: Value, x: Value, y: Value) -> Sequence[Value | None]:
        return None, None

    def samples(self) -> Iterator[Sample]:
        x, y = np.array([7.0, -7.0]), np.array([2.0, 2.0])
        yield Sample([x, y], expected=np.array([3.0, -4.0]), differentiable=False)
        yield Sample([np.array([7, -7]), np.array(2)], {}, np.array([3, -4]))


@register
class Mod(Binary):
    """The remainder, with the divisor's sign. z = x - y floor(x / y), dz/dx = 1.

    An integer has no remainder by 0.
    """

    latex, ufunc, retains, notes = r"{x} \bmod {y}", "remainder", ("x", "y"), True
    domain = (1.0, 1.9)

    def forward(self, xp: Namespace, x: Array, y: Array) -> Array:
        _refuse_zero(x, y)
        return super().forward(xp, x, y)

    def vjp(self, g: Value, z: Value, x: Value, y: Value) -> Sequence[Value | None]:
        return g, -(g * F.floor_div(x, y))

    def samples(self) -> Iterator[Sample]:
        yield from super().samples()
        yield Sample([np.array([7, -7]), np.array(2)], {}, np.array([1, 1]))


@register
class Maximum(Binary):
    """The larger operand; where both are equal each gets half the gradient."""

    latex, ufunc, retains = r"\max({x}, {y})", "maximum", ("x", "y")

    def vjp(self, g: Value, z: Value, x: Value, y: Value) -> Sequence[Value | None]:
        return _shared(g, F.greater(x, y), F.less(x, y))


@register
class Minimum(Binary):
    """The smaller operand; where both are equal each gets half the gradient."""

    latex, ufunc, retains = r"\min({x}, {y})", "minimum", ("x", "y")

    def vjp(self, g: Value, z: Value, x: Value, y: Value) -> Sequence[Value | None]:
        return _shared(g, F.less(x, y), F.greater(x, y))


def _shared(g: Value, first: Value, second: Value) -> tuple[Value, Value]:
    """G to whichever operand was chosen, half to each on a tie."""
    half, none = g * 0.5, g.like(0)
    left = F.where(first, g, F.where(second, none, half))
    return left, F.where(second, g, F.where(first, none, half))


# -- functions of one number ------------------------------------------------------------------


@register
class Neg(Elementwise):
    """The opposite. y = -x."""

    latex, ufunc = "-{x}", "negative"

    def infer(self, x: TensorType) -> TensorType:
        numeric("the opposite", x, "write not x")
        return x

    def vjp(self, g: Value, y: Value, x: Value) -> Sequence[Value | None]:
        return (-g,)


@register
class Abs(Elementwise):
    """The absolute value. y = |x|, dy/dx = sign x (0 at 0)."""

    latex, ufunc, retains = "|{x}|", "absolute", ("x",)
    domain = (0.2, 2.0)

    def vjp(self, g: Value, y: Value, x: Value) -> Sequence[Value | None]:
        return (g * F.sign(x),)


class Piecewise(Elementwise):
    """Base of piecewise constant functions: their derivative is zero wherever it exists."""

    def vjp(self, g: Value, y: Value, x: Value) -> Sequence[Value | None]:
        return (None,)

    def samples(self) -> Iterator[Sample]:
        x = np.array([-1.5, -0.2, 0.0, 0.4, 2.5])
        yield Sample([x], expected=self.forward(np, x), differentiable=False)


@register
class Sign(Piecewise):
    """-1, 0 or 1."""

    latex, ufunc = r"\operatorname{{sign}} {x}", "sign"

    def infer(self, x: TensorType) -> TensorType:
        numeric("the sign", x, "cast it to a number first: cast(x, int)")
        return x


@register
class Floor(Piecewise):
    """The largest integer not above x."""

    latex, ufunc = r"\lfloor {x} \rfloor", "floor"


@register
class Ceil(Piecewise):
    """The smallest integer not below x."""

    latex, ufunc = r"\lceil {x} \rceil", "ceil"


@register
class Trunc(Piecewise):
    """The integer part: the nearest integer on the side of zero."""

    latex, ufunc = r"\operatorname{{trunc}} {x}", "trunc"


@register
class Round(Piecewise):
    """The nearest integer; halves go to the even one."""

    latex, ufunc = r"\operatorname{{round}} {x}", "rint"


@register
class Exp(Float):
    """The exponential. y = e**x, dy/dx = y."""

    latex, ufunc, retains = "e^{{{x}}}", "exp", ("out",)

    def vjp(self, g: Value, y: Value, x: Value) -> Sequence[Value | None]:
        return (g * y,)


@register
class Expm1(Float):
    """e**x - 1, exact for small x. dy/dx = y + 1."""

    latex, ufunc, retains = "e^{{{x}}} - 1", "expm1", ("out",)

    def vjp(self, g: Value, y: Value, x: Value) -> Sequence[Value | None]:
        return (g * (y + 1),)


@register
class Log(Float):
    """The natural logarithm. y = ln x, dy/dx = 1 / x."""

    latex, ufunc, retains = r"\ln {x}", "log", ("x",)
    domain = (0.5, 3.0)

    def vjp(self, g: Value, y: Value, x: Value) -> Sequence[Value | None]:
        return (g / x,)


@register
class Log1p(Float):
    """ln(1 + x), exact for small x. dy/dx = 1 / (1 + x)."""

    latex, ufunc, retains = r"\ln(1 + {x})", "log1p", ("x",)
    domain = (-0.5, 2.0)

    def vjp(self, g: Value, y: Value, x: Value) -> Sequence[Value | None]:
        return (g / (x + 1),)


@register
class Sqrt(Float):
    """The square root. dy/dx = 1 / (2 y)."""

    latex, ufunc, retains = r"\sqrt{{{x}}}", "sqrt", ("out",)
    domain = (0.5, 3.0)

    def vjp(self, g: Value, y: Value, x: Value) -> Sequence[Value | None]:
        return (g / (y * 2),)
