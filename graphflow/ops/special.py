"""Special functions that array libraries do not share, from elementary ones."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from graphflow.ir.types import TensorType, ValueType
from graphflow.ops.arguments import per_axis
from graphflow.ops.builder import F, Value
from graphflow.ops.elementwise import Binary, Float
from graphflow.ops.op import Array, Attrs, Namespace, Sample, register

# W. J. Cody, Rational Chebyshev approximations for the error function, 1969: the numerators and
# denominators of erf(x) / x in x^2 near 0, and of erfc(x) e^(x^2) in x from 0.46875 on.
NEAR = (
    (1.85777706184603153e-1, 3.16112374387056560, 113.864154151050156, 377.485237685302021,
     3209.37758913846947),
    (1.0, 23.6012909523441209, 244.024637934444173, 1282.61652607737228, 2844.23683343917062),
)  # fmt: skip
FAR = (
    (2.15311535474403846e-8, 5.64188496988670089e-1, 8.88314979438837594, 66.1191906371416295,
     298.635138197400131, 881.952221241769090, 1712.04761263407058, 2051.07837782607147,
     1230.33935479799725),
    (1.0, 15.7449261107098347, 117.693950891312499, 537.181101862009858, 1621.38957456669019,
     3290.79923573345963, 4362.61909014324716, 3439.36767414372164, 1230.33935480374942),
)  # fmt: skip
SWITCH, LARGEST = 0.46875, 6.0
BERNOULLI = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510)
"""B_2, B_4, ...: the coefficients of Stirling's series and of Euler and Maclaurin's sum."""
SHIFT = 10
"""Where those series take over; smaller arguments are led there by Gamma(x + 1) = x Gamma(x)."""


@register
class Erf(Float):
    """The error function. y = 2 / sqrt(pi) * integral of e**(-t**2) from 0 to x.

    dy/dx = 2 / sqrt(pi) e**(-x**2). Exact to the last digits of float64.
    """

    latex, retains = r"\operatorname{{erf}} {x}", ("x",)

    def forward(self, xp: Namespace, x: Array) -> Array:
        if x.dtype == np.float16:  # the polynomials leave its range
            return self.forward(xp, x.astype(np.float32)).astype(x.dtype)
        size = xp.minimum(xp.abs(x), LARGEST)
        square = size * size
        near = size * _ratio(NEAR, square)
        far = 1 - xp.exp(-square) * _ratio(FAR, size)
        return xp.sign(x) * xp.where(size <= SWITCH, near, far)

    def vjp(self, g: Value, y: Value, x: Value) -> Sequence[Value | None]:
        return (g * (F.exp(-(x * x)) * (2 / math.sqrt(math.pi))),)

    def samples(self) -> Iterator[Sample]:
        yield from super().samples()
        x = np.linspace(-7, 7, 57)
        yield Sample([x], expected=np.array([math.erf(v) for v in x]))


def _ratio(coefficients: tuple[tuple[float, ...], ...], x: Array) -> Array:
    """Two polynomials divided, by Horner's rule from the highest power."""
    top, bottom = (0 * x + polynomial[0] for polynomial in coefficients)  # arrays of their own
    for a, b in zip(coefficients[0][1:], coefficients[1][1:], strict=True):
        top *= x
        top += a
        bottom *= x
        bottom += b
    return top / bottom


@register
class Logaddexp(Binary):
    """The logarithm of two powers added. z = ln(e**x + e**y), dz/dx = e**(x - z).

    Without overflow; of two -inf it is -inf and has no gradient (nan), as in PyTorch.
    """

    latex, ufunc, retains = r"\ln(e^{{{x}}} + e^{{{y}}})", "logaddexp", ("x", "y", "out")
    floats = True

    def vjp(self, g: Value, z: Value, x: Value, y: Value) -> Sequence[Value | None]:
        return g * F.exp(x - z), g * F.exp(y - z)

    def samples(self) -> Iterator[Sample]:
        yield from super().samples()
        x, y = np.array([1000.0, -1000.0, -np.inf]), np.array([1000.0, 0.0, 0.0])
        yield Sample([x, y], {}, np.array([1000 + math.log(2), 0.0, 0.0]), differentiable=False)


class OfGamma(Float):
    """Base: computed in float64 for x > 0, and by reflection below."""

    retains = ("x",)
    domain = (0.3, 6.0)


@register
class Lgamma(OfGamma):
    """ln |Gamma(x)|, with Gamma(n + 1) = n!. dy/dx = digamma x. Infinite at 0, -1, -2, ...

    Stirling's series; below zero, Gamma(x) Gamma(1 - x) = pi / sin(pi x).
    """

    latex = r"\ln |\Gamma({x})|"

    def forward(self, xp: Namespace, x: Array) -> Array:
        wide = x.astype(np.float64)
        value = _log_gamma(xp, xp.where(wide > 0, wide, 1 - wide))
        with np.errstate(divide="ignore"):
            reflected = xp.log(math.pi / xp.abs(xp.sin(math.pi * _to_whole(xp, wide)))) - value
        return xp.where(wide > 0, value, reflected).astype(x.dtype)

    def vjp(self, g: Value, y: Value, x: Value) -> Sequence[Value | None]:
        return (g * F.digamma(x),)

    def samples(self) -> Iterator[Sample]:
        yield from super().samples()
        x = np.array([-2.5, -0.5, 0.1, 0.5, 1.0, 1.5, 2.0, 5.0, 30.5])
        yield Sample([x], expected=np.array([math.lgamma(v) for v in x]))
        far = (
            np.array([0.0, -1.0, 1e5, np.inf]),
            np.array([np.inf, np.inf, 1051287.70897366, np.inf]),
        )
        yield Sample(far[:1], {}, far[1], differentiable=False)


@register
class Digamma(OfGamma):
    """The slope of lgamma, Gamma'(x) / Gamma(x). dy/dx = polygamma(x, 1)."""

    latex = r"\psi({x})"

    def forward(self, xp: Namespace, x: Array) -> Array:
        return _polygamma(xp, x, 0)

    def vjp(self, g: Value, y: Value, x: Value) -> Sequence[Value | None]:
        return (g * F.polygamma(x, n=1),)

    def samples(self) -> Iterator[Sample]:
        yield from super().samples()
        euler = 0.57721566490153286
        known = {1.0: -euler, 2.0: 1 - euler, 0.5: -euler - 2 * math.log(2)}
        known |= {-0.5: 2 - euler - 2 * math.log(2), 20.0: 2.9705239922421490509}
        yield Sample([np.array(list(known))], expected=np.array(list(known.values())))


@register
class Polygamma(OfGamma):
    """The n-th derivative of digamma, for n >= 1. dy/dx is the one of n + 1.

    (-1)**(n + 1) n! (x**-(n + 1) + (x + 1)**-(n + 1) + ...), summed by Euler and Maclaurin.
    """

    latex = r"\psi^{{({n})}}({x})"

    def canonical(self, types: Sequence[ValueType], attrs: Attrs) -> Attrs:
        return {"n": per_axis(attrs["n"], 1, "the order of polygamma")[0]}

    def infer(self, x: TensorType, *, n: int) -> TensorType:
        return x

    def forward(self, xp: Namespace, x: Array, *, n: int) -> Array:
        return _polygamma(xp, x, n)

    def vjp(self, g: Value, y: Value, x: Value, *, n: int) -> Sequence[Value | None]:
        return (g * F.polygamma(x, n=n + 1),)

    def samples(self) -> Iterator[Sample]:
        for sample in super().samples():
            yield Sample(sample.inputs, {"n": 2})
        square, zeta = math.pi**2, 1.2020569031595942854
        at = np.array([1.0, 0.5, -0.5, 2.0])
        first = np.array([square / 6, square / 2, square / 2 + 4, square / 6 - 1])
        yield Sample([at], {"n": 1}, first)
        second = np.array([-2 * zeta, -14 * zeta, -14 * zeta + 16, 2 - 2 * zeta])
        yield Sample([at], {"n": 2}, second)


def _log_gamma(xp: Namespace, x: Array) -> Array:
    """Natural logarithm of Gamma, for x > 0."""
    small = x < SHIFT
    product = xp.ones_like(x)
    for k in range(SHIFT):
        product = xp.where(small, product * (x + k), product)
    z = xp.where(small, x + SHIFT, x)
    total = (z - 0.5) * (xp.log(z) - 1) + (0.5 * math.log(2 * math.pi) - 0.5)
    for k, b in enumerate(BERNOULLI, 1):
        total = total + b / (2 * k * (2 * k - 1)) * z ** (1 - 2 * k)
    return total - xp.log(product)


def _polygamma(xp: Namespace, x: Array, n: int) -> Array:
    """The n-th derivative of digamma; for x < 0 by that of psi(1 - x) - psi(x) = pi cot(pi x)."""
    wide = x.astype(np.float64)
    value = _polygamma_above(xp, xp.where(wide > 0, wide, 1 - wide), n)
    with np.errstate(divide="ignore", invalid="ignore"):
        cotangent = 1 / xp.tan(math.pi * _to_whole(xp, wide))
        reflected = (-1) ** n * value - math.pi ** (n + 1) * _derived_cotangent(cotangent, n)
    return xp.where(wide > 0, value, reflected).astype(x.dtype)


def _to_whole(xp: Namespace, x: Array) -> Array:
    """How far x <= 0 lies from the nearest whole number, so that sines vanish there exactly."""
    below = xp.where(x > 0, -0.5, x)
    return below - xp.rint(below)


def _polygamma_above(xp: Namespace, x: Array, n: int) -> Array:
    """For x > 0: the first terms of the sum, and Euler and Maclaurin's value of the rest."""
    z = x + SHIFT
    terms = sum((x + k) ** -(n + 1.0) for k in range(SHIFT))
    rest = -xp.log(z) if n == 0 else z ** -float(n) / n
    rest = rest + 0.5 * z ** -(n + 1.0)
    for k, b in enumerate(BERNOULLI, 1):
        rest = rest + b / math.factorial(2 * k) * _rising(n + 1, 2 * k - 1) * z ** -(n + 2.0 * k)
    return (-1) ** (n + 1) * math.factorial(n) * (terms + rest)


def _rising(start: int, count: int) -> int:
    """The product start (start + 1) ... of ``count`` factors."""
    return math.prod(range(start, start + count))


def _derived_cotangent(c: Array, n: int) -> Array:
    """The n-th derivative of cot as a polynomial in c = cot, whose own derivative is -1 - c**2."""
    polynomial = np.polynomial.Polynomial([0.0, 1.0])
    for _ in range(n):
        polynomial = polynomial.deriv() * np.polynomial.Polynomial([-1.0, 0.0, -1.0])
    value = 0 * c
    for a in reversed(polynomial.coef.tolist()):
        value = value * c + a
    return value
