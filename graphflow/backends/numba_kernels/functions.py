# mypy: disable-error-code="call-arg,unreachable"
"""Exponential, logarithm and hyperbolic tangent as polynomials, so that loops over them become
vector instructions.

Each is written once for float32 and once for float64, in operations without branches; nan comes
through, and infinities give what they give in NumPy. Source: S. Moshier, Cephes; the tangent in
float32: Eigen, MathFunctions.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from graphflow.backends.numba_kernels.memory import exponent, mantissa, power_of_two, size

exact = njit(cache=True, error_model="numpy", fastmath={"contract"})
"""Sums are made in the order in which they are written."""


def _float32(*numbers: float) -> tuple[np.float32, ...]:
    return tuple(map(np.float32, numbers))


ZERO, HALF, ONE, TWO = _float32(0, 0.5, 1, 2)
LOG2_E, LN2_HIGH, LN2_LOW = _float32(1.44269504088896341, 0.693359375, -2.12194440e-4)
ROUND = np.float32(3 << 22)
LEAST, MOST, INF = _float32(-103.98, 88.72284, np.inf)
E1, E2, E3, E4, E5, E6 = _float32(
    1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1,
    5.0000001201e-1,
)  # fmt: skip


@exact
def exp32(x):  # type: ignore[no-untyped-def]
    """e**x = 2**n e**r with |r| <= ln 2 / 2; 2**n in two factors, since n may be below -126."""
    y = MOST if x > MOST else x
    y = LEAST if y < LEAST else y
    shifted = y * LOG2_E + ROUND
    n = shifted - ROUND
    r = y - n * LN2_HIGH - n * LN2_LOW
    p = ((((E1 * r + E2) * r + E3) * r + E4) * r + E5) * r + E6
    p = p * (r * r) + r + ONE
    half = n * HALF + ROUND
    rest = n - (half - ROUND) + ROUND
    value = p * power_of_two(half) * power_of_two(rest)
    value = INF if x > MOST else value
    return ZERO if x < LEAST else value


SHIFT64, LEAST64, MOST64 = float(3 << 51), -745.13321910194122, 709.782712893383996
P1, P2, P3 = 1.26177193074810590878e-4, 3.02994407707441961300e-2, 9.99999999999999999910e-1
Q1, Q2, Q3, Q4 = (
    3.00198505138664455042e-6, 2.52448340349684104192e-3, 2.27265548208155028766e-1, 2.0,
)  # fmt: skip


@exact
def exp64(x):  # type: ignore[no-untyped-def]
    """e**r as the fraction 1 + 2 r P(r^2) / (Q(r^2) - r P(r^2))."""
    y = MOST64 if x > MOST64 else x
    y = LEAST64 if y < LEAST64 else y
    shifted = y * 1.4426950408889634 + SHIFT64
    n = shifted - SHIFT64
    r = y - n * 6.93145751953125e-1 - n * 1.42860682030941723212e-6
    square = r * r
    p = r * ((P1 * square + P2) * square + P3)
    q = ((Q1 * square + Q2) * square + Q3) * square + Q4
    p = 1.0 + 2.0 * (p / (q - p))
    half = n * 0.5 + SHIFT64
    rest = n - (half - SHIFT64) + SHIFT64
    value = p * power_of_two(half) * power_of_two(rest)
    value = np.inf if x > MOST64 else value
    return 0.0 if x < LEAST64 else value


NAN, TINY, SCALE, DIGITS, ROOT2 = _float32(np.nan, 1.17549435e-38, 1 << 23, 23, 1.41421356)
L1, L2, L3, L4, L5, L6, L7, L8, L9 = _float32(
    7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1,
    -1.6668057665e-1, 2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1,
)  # fmt: skip


@exact
def log32(x):  # type: ignore[no-untyped-def]
    """Gives ln x = n ln 2 + ln m, m between 1 / sqrt 2 and sqrt 2; tiny numbers are scaled."""
    small = x < TINY
    y = x * SCALE if small else x
    n = exponent(y) - (DIGITS if small else ZERO)
    m = mantissa(y)
    high = m > ROOT2
    m = m * HALF if high else m
    n = n + ONE if high else n
    r = m - ONE
    square = r * r
    p = (((L1 * r + L2) * r + L3) * r + L4) * r + L5
    p = (((p * r + L6) * r + L7) * r + L8) * r + L9
    p = p * r * square + n * LN2_LOW - HALF * square
    value = r + p + n * LN2_HIGH
    value = x if x == INF else value
    value = -INF if x == ZERO else value
    return value if x >= ZERO else NAN


T1, T2, T3, T4, T5, T6 = (
    1.01875663804580931796e-4, 4.97494994976747001425e-1, 4.70579119878881725854,
    1.44989225341610930846e1, 1.79368678507819816313e1, 7.70838733755885391666,
)  # fmt: skip
B1, B2, B3, B4, B5 = (
    1.12873587189167450590e1, 4.52279145837532221105e1, 8.29875266912776603211e1,
    7.11544750618563894466e1, 2.31251620126765340583e1,
)  # fmt: skip


@exact
def log64(x):  # type: ignore[no-untyped-def]
    """As in float32, ln m by a fraction of polynomials."""
    small = x < 2.2250738585072014e-308
    y = x * 4503599627370496.0 if small else x
    n = exponent(y) - (52.0 if small else 0.0)
    m = mantissa(y)
    high = m > 1.4142135623730951
    m = m * 0.5 if high else m
    n = n + 1.0 if high else n
    r = m - 1.0
    square = r * r
    p = ((((T1 * r + T2) * r + T3) * r + T4) * r + T5) * r + T6
    q = ((((r + B1) * r + B2) * r + B3) * r + B4) * r + B5
    p = r * (square * p / q) - n * 2.121944400546905827679e-4 - 0.5 * square
    value = r + p + n * 0.693359375
    value = x if x == np.inf else value
    value = -np.inf if x == 0.0 else value
    return value if x >= 0.0 else np.nan


A1, A3, A5, A7, A9, A11, A13 = _float32(
    4.89352455891786e-03, 6.37261928875436e-04, 1.48572235717979e-05, 5.12229709037114e-08,
    -8.60467152213735e-11, 2.00018790482477e-13, -2.76076847742355e-16,
)  # fmt: skip
D0, D2, D4, D6 = _float32(
    4.89352518554385e-03, 2.26843463243900e-03, 1.18534705686654e-04, 1.19825839466702e-06
)
FLAT, STRAIGHT = _float32(7.90531110763549805, 0.0004)


@exact
def tanh32(x):  # type: ignore[no-untyped-def]
    """A fraction of polynomials up to where the tangent is 1."""
    y = FLAT if x > FLAT else x
    y = -FLAT if y < -FLAT else y
    s = y * y
    p = (((((A13 * s + A11) * s + A9) * s + A7) * s + A5) * s + A3) * s + A1
    q = ((D6 * s + D4) * s + D2) * s + D0
    return x if size(x) < STRAIGHT else y * p / q


@exact
def tanh64(x):  # type: ignore[no-untyped-def]
    """A fraction of polynomials near 0, elsewhere 1 - 2 / (e**(2 |x|) + 1)."""
    s = x * x
    p = (-9.64399179425052238628e-1 * s - 9.92877231001918586564e1) * s - 1.61468768441708447952e3
    q = ((s + 1.12811678491632931402e2) * s + 2.23548839060100448583e3) * s
    near = x + x * s * (p / (q + 4.84406305325125486048e3))
    far = 1.0 - 2.0 / (exp64(2.0 * size(x)) + 1.0)
    far = -far if x < 0.0 else far
    return near if size(x) < 0.625 else far


@exact
def log1p32(x):  # type: ignore[no-untyped-def]
    """Gives ln u with u = 1 + x, corrected by what was lost in u. Source: W. Kahan."""
    u = ONE + x
    lost = u - ONE
    found = log32(u)
    near = found * (x / lost)
    near = x if lost == ZERO else near
    return found if u in (ZERO, INF) else near


@exact
def log1p64(x):  # type: ignore[no-untyped-def]
    """As in float32."""
    u = 1.0 + x
    lost = u - 1.0
    found = log64(u)
    near = found * (x / lost)
    near = x if lost == 0.0 else near
    return found if u == np.inf or u == 0.0 else near


@exact
def expm132(x):  # type: ignore[no-untyped-def]
    """Gives u - 1 with u = e**x, corrected by what was lost in u. Source: W. Kahan."""
    u = exp32(x)
    less = u - ONE
    near = less * (x / log32(u))
    near = x if u == ONE else near
    far = u == INF or less == -ONE
    return less if far else near


@exact
def expm164(x):  # type: ignore[no-untyped-def]
    """As in float32."""
    u = exp64(x)
    less = u - 1.0
    near = less * (x / log64(u))
    near = x if u == 1.0 else near
    far = u == np.inf or less == -1.0
    return less if far else near
