r"""Transforms of tiles for Winograd's convolutions F(4 x 4, 3 x 3) and F(2 x 2, 5 x 5).

A tile of 6 x 6 pixels d and a kernel g of 3 x 3 give 4 x 4 results y = A' [(G g G') . (B' d B)] A
with 36 products instead of 144, one of 5 x 5 gives 2 x 2 with 36 instead of 100: polynomials are
evaluated at 0, 1, -1, 2, -2 and infinity, multiplied there, and interpolated. The derivative by the
kernel is the adjoint of the same form, G' [sum (A dy A') . (B' d B)] G. Only G and A depend on the
kernel's size. Source: Lavin, Gray 2016, arXiv:1509.09308.

Rounding in single precision, as |error| / |value| in the Euclidean norm over a whole result of
standard normal numbers: 1e-6 for 16 channels, 2e-6 for 64, 4e-6 for 256, 6e-6 for 512, against
4e-7 of convolutions as they are defined. Tests hold it to that.

Every transform takes a tile of (pixels, LANES) numbers in a row, ``a``, and leaves its result
there; ``b`` is room for what is between the two axes.
"""

from __future__ import annotations

from graphflow.backends.llvm.words import LANES, Reals, apart

SIZE = 6
"""Pixels along the side of a tile. Of its results there are ``SIZE + 1`` less the kernel's."""
POINTS = SIZE * SIZE
_6, _5, _4, _3, _2 = 6 * LANES, 5 * LANES, 4 * LANES, 3 * LANES, 2 * LANES
_QUARTER, _SIXTH, _HALF = 1 / 4, 1 / 6, 1 / 2


def _input_line(a: Reals, at: int, s: int, b: Reals, to: int, t: int) -> None:
    """B' d: 6 pixels that lie ``s`` apart to values at 6 points, ``t`` apart."""
    d0, d1, d2 = a[at], a[at + s], a[at + 2 * s]
    d3, d4, d5 = a[at + 3 * s], a[at + 4 * s], a[at + 5 * s]
    p, q, u, v = d4 - 4 * d2, d3 - 4 * d1, d4 - d2, (d3 - d1) + (d3 - d1)
    b[to], b[to + 5 * t] = 4 * (d0 - d2) + u, 4 * (d1 - d3) + (d5 - d3)
    b[to + t], b[to + 2 * t] = p + q, p - q
    b[to + 3 * t], b[to + 4 * t] = u + v, u - v


def _results_of_3(a: Reals, at: int, s: int, b: Reals, to: int, t: int) -> None:
    """A' m: values at 6 points to 4 results."""
    m0, m1, m2 = a[at], a[at + s], a[at + 2 * s]
    m3, m4, m5 = a[at + 3 * s], a[at + 4 * s], a[at + 5 * s]
    p, q, u, v = m1 + m2, m1 - m2, m3 + m4, m3 - m4
    b[to], b[to + t] = m0 + p + u, q + 2 * v
    b[to + 2 * t], b[to + 3 * t] = p + 4 * u, q + 8 * v + m5


def _results_of_5(a: Reals, at: int, s: int, b: Reals, to: int, t: int) -> None:
    """A' m: values at 6 points to 2 results."""
    m0, m1, m2 = a[at], a[at + s], a[at + 2 * s]
    m3, m4, m5 = a[at + 3 * s], a[at + 4 * s], a[at + 5 * s]
    b[to], b[to + t] = m0 + (m1 + m2) + (m3 + m4), (m1 - m2) + 2 * (m3 - m4) + m5


def _cotangent_of_3(a: Reals, at: int, s: int, b: Reals, to: int, t: int) -> None:
    """A dy: 4 pixels to 6 points."""
    y0, y1, y2, y3 = a[at], a[at + s], a[at + 2 * s], a[at + 3 * s]
    p, q, u, v = y0 + y2, y1 + y3, y0 + 4 * y2, 2 * y1 + 8 * y3
    b[to], b[to + 5 * t] = y0, y3
    b[to + t], b[to + 2 * t] = p + q, p - q
    b[to + 3 * t], b[to + 4 * t] = u + v, u - v


def _cotangent_of_5(a: Reals, at: int, s: int, b: Reals, to: int, t: int) -> None:
    """A dy: 2 pixels to 6 points."""
    y0, y1 = a[at], a[at + s]
    b[to], b[to + 5 * t] = y0, y1
    b[to + t], b[to + 2 * t] = y0 + y1, y0 - y1
    b[to + 3 * t], b[to + 4 * t] = y0 + 2 * y1, y0 - 2 * y1


def _kernel_of_3(a: Reals, at: int, s: int, b: Reals, to: int, t: int) -> None:
    """G g: 3 taps to 6 points."""
    g0, g1, g2 = a[at], a[at + s], a[at + 2 * s]
    p, q = _SIXTH * (g0 + g2), _SIXTH * g1
    u, v = _SIXTH * (_QUARTER * g0 + g2), _HALF * q
    b[to], b[to + 5 * t] = _QUARTER * g0, g2
    b[to + t], b[to + 2 * t] = -p - q, q - p
    b[to + 3 * t], b[to + 4 * t] = u + v, u - v


def _kernel_of_5(a: Reals, at: int, s: int, b: Reals, to: int, t: int) -> None:
    """G g: 5 taps to 6 points."""
    g0, g1, g2, g3, g4 = a[at], a[at + s], a[at + 2 * s], a[at + 3 * s], a[at + 4 * s]
    p, q = _SIXTH * (g0 + g2 + g4), _SIXTH * (g1 + g3)
    u, v = _SIXTH * (_QUARTER * g0 + g2 + 4 * g4), _SIXTH * (_HALF * g1 + 2 * g3)
    b[to], b[to + 5 * t] = _QUARTER * g0, g4
    b[to + t], b[to + 2 * t] = -p - q, q - p
    b[to + 3 * t], b[to + 4 * t] = u + v, u - v


def _taps_of_3(a: Reals, at: int, s: int, b: Reals, to: int, t: int) -> None:
    """G' m: 6 points to 3 taps."""
    m0, m1, m2 = a[at], a[at + s], a[at + 2 * s]
    m3, m4, m5 = a[at + 3 * s], a[at + 4 * s], a[at + 5 * s]
    p, q, u, v = _SIXTH * (m1 + m2), _SIXTH * (m2 - m1), _SIXTH * (m3 + m4), _SIXTH * (m3 - m4)
    b[to], b[to + t] = _QUARTER * (m0 + u) - p, q + _HALF * v
    b[to + 2 * t] = u - p + m5


def _taps_of_5(a: Reals, at: int, s: int, b: Reals, to: int, t: int) -> None:
    """G' m: 6 points to 5 taps."""
    m0, m1, m2 = a[at], a[at + s], a[at + 2 * s]
    m3, m4, m5 = a[at + 3 * s], a[at + 4 * s], a[at + 5 * s]
    p, q, u, v = _SIXTH * (m1 + m2), _SIXTH * (m2 - m1), _SIXTH * (m3 + m4), _SIXTH * (m3 - m4)
    b[to], b[to + t] = _QUARTER * (m0 + u) - p, q + _HALF * v
    b[to + 2 * t], b[to + 3 * t] = u - p, q + 2 * v
    b[to + 4 * t] = 4 * u - p + m5


@apart
def evaluate_input(a: Reals, b: Reals) -> None:
    """B' d B: 6 x 6 pixels to values at 6 x 6 points."""
    for c in range(_6):
        _input_line(a, c, _6, b, c, _6)
    for row in range(SIZE):
        for c in range(LANES):
            _input_line(b, row * _6 + c, LANES, a, row * _6 + c, LANES)


@apart
def interpolate_of_3(a: Reals, b: Reals) -> None:
    """A' m A: values at 6 x 6 points to 4 x 4 results."""
    for c in range(_6):
        _results_of_3(a, c, _6, b, c, _6)
    for row in range(4):
        for c in range(LANES):
            _results_of_3(b, row * _6 + c, LANES, a, row * _4 + c, LANES)


@apart
def interpolate_of_5(a: Reals, b: Reals) -> None:
    """A' m A: values at 6 x 6 points to 2 x 2 results."""
    for c in range(_6):
        _results_of_5(a, c, _6, b, c, _6)
    for row in range(2):
        for c in range(LANES):
            _results_of_5(b, row * _6 + c, LANES, a, row * _2 + c, LANES)


@apart
def evaluate_cotangent_of_3(a: Reals, b: Reals) -> None:
    """A dy A', the adjoint of :func:`interpolate_of_3`: 4 x 4 pixels to 6 x 6 points."""
    for c in range(_4):
        _cotangent_of_3(a, c, _4, b, c, _4)
    for row in range(SIZE):
        for c in range(LANES):
            _cotangent_of_3(b, row * _4 + c, LANES, a, row * _6 + c, LANES)


@apart
def evaluate_cotangent_of_5(a: Reals, b: Reals) -> None:
    """A dy A', the adjoint of :func:`interpolate_of_5`: 2 x 2 pixels to 6 x 6 points."""
    for c in range(_2):
        _cotangent_of_5(a, c, _2, b, c, _2)
    for row in range(SIZE):
        for c in range(LANES):
            _cotangent_of_5(b, row * _2 + c, LANES, a, row * _6 + c, LANES)


@apart
def evaluate_kernel_of_3(a: Reals, b: Reals) -> None:
    """G g G': a kernel of 3 x 3 to 6 x 6 points."""
    for c in range(_3):
        _kernel_of_3(a, c, _3, b, c, _3)
    for row in range(SIZE):
        for c in range(LANES):
            _kernel_of_3(b, row * _3 + c, LANES, a, row * _6 + c, LANES)


@apart
def evaluate_kernel_of_5(a: Reals, b: Reals) -> None:
    """G g G': a kernel of 5 x 5 to 6 x 6 points."""
    for c in range(_5):
        _kernel_of_5(a, c, _5, b, c, _5)
    for row in range(SIZE):
        for c in range(LANES):
            _kernel_of_5(b, row * _5 + c, LANES, a, row * _6 + c, LANES)


@apart
def gather_kernel_of_3(a: Reals, b: Reals) -> None:
    """G' m G, the adjoint of :func:`evaluate_kernel_of_3`: 6 x 6 points to a kernel of 3 x 3."""
    for c in range(_6):
        _taps_of_3(a, c, _6, b, c, _6)
    for row in range(3):
        for c in range(LANES):
            _taps_of_3(b, row * _6 + c, LANES, a, row * _3 + c, LANES)


@apart
def gather_kernel_of_5(a: Reals, b: Reals) -> None:
    """G' m G, the adjoint of :func:`evaluate_kernel_of_5`: 6 x 6 points to a kernel of 5 x 5."""
    for c in range(_6):
        _taps_of_5(a, c, _6, b, c, _6)
    for row in range(5):
        for c in range(LANES):
            _taps_of_5(b, row * _6 + c, LANES, a, row * _5 + c, LANES)
