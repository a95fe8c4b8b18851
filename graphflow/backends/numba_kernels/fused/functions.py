"""Exponential, logarithm and hyperbolic tangent as polynomials, recorded on a tape like any other
operator, so that loops over them become vector instructions.

Sums are made in the order in which they stand here. nan comes through, and infinities give what
they give in NumPy. Source: S. Moshier, Cephes; the tangent in float32: Eigen, MathFunctions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from graphflow.backends.elements.tracing import Scalar

SINGLE = np.dtype(np.float32)
EXP32 = (1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1,
         5.0000001201e-1)  # fmt: skip
EXP64 = (
    (1.26177193074810590878e-4, 3.02994407707441961300e-2, 9.99999999999999999910e-1),
    (3.00198505138664455042e-6, 2.52448340349684104192e-3, 2.27265548208155028766e-1, 2.0),
)
LOG32 = (7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1,
         -1.6668057665e-1, 2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1)  # fmt: skip
LOG64 = (
    (1.01875663804580931796e-4, 4.97494994976747001425e-1, 4.70579119878881725854,
     1.44989225341610930846e1, 1.79368678507819816313e1, 7.70838733755885391666),
    (1.0, 1.12873587189167450590e1, 4.52279145837532221105e1, 8.29875266912776603211e1,
     7.11544750618563894466e1, 2.31251620126765340583e1),
)  # fmt: skip
TANH32 = (
    (-2.76076847742355e-16, 2.00018790482477e-13, -8.60467152213735e-11, 5.12229709037114e-08,
     1.48572235717979e-05, 6.37261928875436e-04, 4.89352455891786e-03),
    (1.19825839466702e-06, 1.18534705686654e-04, 2.26843463243900e-03, 4.89352518554385e-03),
)  # fmt: skip
TANH64 = (
    (-9.64399179425052238628e-1, -9.92877231001918586564e1, -1.61468768441708447952e3),
    (1.0, 1.12811678491632931402e2, 2.23548839060100448583e3, 4.84406305325125486048e3),
)


def _horner(coefficients: Sequence[float], x: Scalar) -> Scalar:
    """A polynomial, its highest power first."""
    value: Scalar | float = coefficients[0]
    for each in coefficients[1:]:
        value = value * x + each
    assert isinstance(value, Scalar)
    return value


def _exp(x: Scalar) -> Scalar:
    """e**x = 2**n e**r with |r| <= ln 2 / 2; 2**n in two factors, since n may be out of range."""
    tape, single = x.tape, x.dtype == SINGLE
    least, most = (-103.98, 88.72284) if single else (-745.13321910194122, 709.782712893383996)
    shift = float(3 << 22 if single else 3 << 51)
    low = -2.12194440e-4 if single else 1.42860682030941723212e-6
    high = 0.693359375 if single else 6.93145751953125e-1
    y = tape.where(x > most, most, x)
    y = tape.where(y < least, least, y)
    n = (y * 1.4426950408889634 + shift) - shift
    r = y - n * high - n * low
    if single:
        p = _horner(EXP32, r) * (r * r) + r + 1.0
    else:
        p, square = r * _horner(EXP64[0], r * r), r * r
        p = 1.0 + 2.0 * (p / (_horner(EXP64[1], square) - p))
    half = n * 0.5 + shift
    rest = (n - (half - shift)) + shift
    value = p * tape.bits("power_of_two", half) * tape.bits("power_of_two", rest)
    value = tape.where(x > most, np.inf, value)
    return tape.where(x < least, 0.0, value)


def _log(x: Scalar) -> Scalar:
    """Ln x = n ln 2 + ln m with m between 1 / sqrt 2 and sqrt 2; tiny numbers are scaled first."""
    tape, single = x.tape, x.dtype == SINGLE
    tiny, digits = (2.0**-126, 23) if single else (2.0**-1022, 52)
    small = x < tiny
    y = tape.where(small, x * 2.0**digits, x)
    n = tape.bits("exponent", y) - tape.where(small, tape.number(digits, x.dtype), 0.0)
    m = tape.bits("mantissa", y)
    high = m > 2**0.5
    m, n = tape.where(high, m * 0.5, m), tape.where(high, n + 1.0, n)
    r = m - 1.0
    square = r * r
    if single:
        p = _horner(LOG32, r) * r * square
    else:
        p = r * (square * _horner(LOG64[0], r) / _horner(LOG64[1], r))
    value = r + (p + n * -2.121944400546905827679e-4 - 0.5 * square) + n * 0.693359375
    value = tape.where(tape.binary("equal", x, np.inf), x, value)
    value = tape.where(tape.binary("equal", x, 0.0), -np.inf, value)
    return tape.where(x >= 0.0, value, np.nan)


def _tanh(x: Scalar) -> Scalar:
    """A fraction of polynomials, in float64 near 0 alone and elsewhere 1 - 2 / (e**2|x| + 1)."""
    tape = x.tape
    size = tape.abs(x)
    if x.dtype == SINGLE:
        flat = 7.90531110763549805
        y = tape.where(x > flat, flat, x)
        y = tape.where(y < -flat, -flat, y)
        top, bottom = (_horner(part, y * y) for part in TANH32)
        return tape.where(size < 0.0004, x, y * top / bottom)
    top, bottom = (_horner(part, x * x) for part in TANH64)
    near = x + x * (x * x) * (top / bottom)
    far = 1.0 - 2.0 / (_exp(2.0 * size) + 1.0)
    return tape.where(size < 0.625, near, tape.where(x < 0.0, -far, far))


def _log1p(x: Scalar) -> Scalar:
    """Ln u with u = 1 + x, corrected by what was lost in u. Source: W. Kahan."""
    tape, u = x.tape, 1.0 + x
    lost, found = u - 1.0, _log(u)
    near = tape.where(tape.binary("equal", lost, 0.0), x, found * (x / lost))
    out = tape.binary("logical_or", tape.binary("equal", u, np.inf), tape.binary("equal", u, 0.0))
    return tape.where(out, found, near)


def _expm1(x: Scalar) -> Scalar:
    """U - 1 with u = e**x, corrected by what was lost in u. Source: W. Kahan."""
    tape, u = x.tape, _exp(x)
    less = u - 1.0
    near = tape.where(tape.binary("equal", u, 1.0), x, less * (x / _log(u)))
    infinite, none = tape.binary("equal", u, np.inf), tape.binary("equal", less, -1.0)
    return tape.where(tape.binary("logical_or", infinite, none), less, near)


FUNCTIONS: Mapping[str, Callable[[Scalar], Scalar]] = {
    "exp": _exp, "log": _log, "tanh": _tanh, "log1p": _log1p, "expm1": _expm1,
}  # fmt: skip


def written_out(scalar: Scalar) -> Scalar:
    """A function of :data:`FUNCTIONS` as arithmetic."""
    return FUNCTIONS[scalar.op](*scalar.args)
