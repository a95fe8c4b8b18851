"""Sums of products that stay in registers: convolutions of many images at a time."""

from __future__ import annotations

from graphflow.backends.llvm.words import (
    LANES,
    Ints,
    Lanes,
    Reals,
    apart,
    lanes,
    put,
    repeated,
)

OUTPUTS = 8
"""Channels of a result whose sums are in registers at a time."""
SQUARE = 4
"""Channels, and taps, whose products are summed at a time in the derivative by the weight."""


@apart
def meet(
    room: Reals, x: Reals, at: int, taps: Ints, count: int, weights: Reals, first: int
) -> None:
    """``room[o * LANES + l] = sum of weights[b + first + o] * x[a + at + l]`` over the first
    ``count`` pairs (a, b) of ``taps``, for o < ``OUTPUTS``.
    """
    s0, s1, s2, s3 = repeated(0), repeated(0), repeated(0), repeated(0)
    s4, s5, s6, s7 = repeated(0), repeated(0), repeated(0), repeated(0)
    for t in range(count):
        pixel, w = lanes(x, taps[2 * t] + at), taps[2 * t + 1] + first
        s0 += weights[w] * pixel
        s1 += weights[w + 1] * pixel
        s2 += weights[w + 2] * pixel
        s3 += weights[w + 3] * pixel
        s4 += weights[w + 4] * pixel
        s5 += weights[w + 5] * pixel
        s6 += weights[w + 6] * pixel
        s7 += weights[w + 7] * pixel
    _put_row(room, 0, s0, s1, s2, s3)
    _put_row(room, 4 * LANES, s4, s5, s6, s7)


@apart
def correlate(
    room: Reals, x: Reals, a0: int, a1: int, a2: int, a3: int, gradient: Reals, b0: int, b1: int,
    b2: int, b3: int, count: int,
) -> None:  # fmt: skip
    """``room[(i * SQUARE + j) * LANES + l] = sum of x[a_i + e] * gradient[b_j + e]`` over
    e = l, LANES + l, ... ``count`` of them, for i, j < ``SQUARE``.
    """
    s00, s01, s02, s03 = repeated(0), repeated(0), repeated(0), repeated(0)
    s10, s11, s12, s13 = repeated(0), repeated(0), repeated(0), repeated(0)
    s20, s21, s22, s23 = repeated(0), repeated(0), repeated(0), repeated(0)
    s30, s31, s32, s33 = repeated(0), repeated(0), repeated(0), repeated(0)
    for e in range(0, count * LANES, LANES):
        x0, x1, x2, x3 = lanes(x, a0 + e), lanes(x, a1 + e), lanes(x, a2 + e), lanes(x, a3 + e)
        g0, g1 = lanes(gradient, b0 + e), lanes(gradient, b1 + e)
        g2, g3 = lanes(gradient, b2 + e), lanes(gradient, b3 + e)
        s00, s01, s02, s03 = s00 + x0 * g0, s01 + x0 * g1, s02 + x0 * g2, s03 + x0 * g3
        s10, s11, s12, s13 = s10 + x1 * g0, s11 + x1 * g1, s12 + x1 * g2, s13 + x1 * g3
        s20, s21, s22, s23 = s20 + x2 * g0, s21 + x2 * g1, s22 + x2 * g2, s23 + x2 * g3
        s30, s31, s32, s33 = s30 + x3 * g0, s31 + x3 * g1, s32 + x3 * g2, s33 + x3 * g3
    _put_row(room, 0, s00, s01, s02, s03)
    _put_row(room, 4 * LANES, s10, s11, s12, s13)
    _put_row(room, 8 * LANES, s20, s21, s22, s23)
    _put_row(room, 12 * LANES, s30, s31, s32, s33)


def _put_row(room: Reals, at: int, s0: Lanes, s1: Lanes, s2: Lanes, s3: Lanes) -> None:
    put(room, at, s0)
    put(room, at + LANES, s1)
    put(room, at + 2 * LANES, s2)
    put(room, at + 3 * LANES, s3)
