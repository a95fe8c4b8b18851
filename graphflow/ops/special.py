"""Special functions that array libraries do not share, from elementary ones."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from graphflow.ops.builder import F, Value
from graphflow.ops.elementwise import Float
from graphflow.ops.op import Array, Namespace, Sample, register

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


@register
class Erf(Float):
    """The error function. y = 2 / sqrt(pi) * integral of e**(-t**2) from 0 to x.

    dy/dx = 2 / sqrt(pi) e**(-x**2). Exact to the last digits of float64.
    """

    latex, retains = r"\operatorname{{erf}} {x}", ("x",)

    def forward(self, xp: Namespace, x: Array) -> Array:
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
