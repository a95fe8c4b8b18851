r"""Transforms of tiles for Winograd's convolution F(4 x 4, 3 x 3).

A tile of 6 x 6 pixels d and a kernel g of 3 x 3 give 4 x 4 results y = A' [(G g G') . (B' d B)] A
with 36 products instead of 144: polynomials are evaluated at 0, 1, -1, 2, -2 and infinity,
multiplied there, and interpolated. The derivative by the kernel is the adjoint of the same form,
G' [sum (A dy A') . (B' d B)] G. Source: Lavin, Gray 2016, arXiv:1509.09308.

Rounding in single precision, as |error| / |value| in the Euclidean norm over a whole result of
standard normal numbers: 1e-6 for 16 channels, 2e-6 for 64, 4e-6 for 256, 6e-6 for 512, against
4e-7 of convolutions as they are defined. Tests hold it to that.

Every transform takes a tile of (pixels, LANES) numbers in a row, ``a``, and leaves its result
there; ``b`` is room for what is between the two axes.
"""

from __future__ import annotations

from graphflow.backends.numba_kernels.jit import njit
from graphflow.backends.numba_kernels.lanes import FAST, L, U

SIZE, STEP, KERNEL = 6, 4, 3
"""Pixels along the side of a tile, of its results, and of the kernel."""
POINTS = SIZE * SIZE
_6, _4, _3 = U(SIZE) * L, U(STEP) * L, U(KERNEL) * L


@njit(fastmath=FAST)
def evaluate_input(a, b):  # type: ignore[no-untyped-def]
    """B' d B: 6 x 6 pixels to values at 6 x 6 points."""
    four = a.dtype.type(4)
    for c in range(_6):
        d0, d1, d2 = a[c], a[c + _6], a[c + U(2) * _6]
        d3, d4, d5 = a[c + U(3) * _6], a[c + U(4) * _6], a[c + U(5) * _6]
        p, q, u, v = d4 - four * d2, d3 - four * d1, d4 - d2, (d3 - d1) + (d3 - d1)
        b[c], b[c + U(5) * _6] = four * (d0 - d2) + u, four * (d1 - d3) + (d5 - d3)
        b[c + _6], b[c + U(2) * _6] = p + q, p - q
        b[c + U(3) * _6], b[c + U(4) * _6] = u + v, u - v
    for row in range(U(SIZE)):
        for c in range(row * _6, row * _6 + L):
            d0, d1, d2 = b[c], b[c + L], b[c + U(2) * L]
            d3, d4, d5 = b[c + U(3) * L], b[c + U(4) * L], b[c + U(5) * L]
            p, q, u, v = d4 - four * d2, d3 - four * d1, d4 - d2, (d3 - d1) + (d3 - d1)
            a[c], a[c + U(5) * L] = four * (d0 - d2) + u, four * (d1 - d3) + (d5 - d3)
            a[c + L], a[c + U(2) * L] = p + q, p - q
            a[c + U(3) * L], a[c + U(4) * L] = u + v, u - v


@njit(fastmath=FAST)
def interpolate(a, b):  # type: ignore[no-untyped-def]
    """A' m A: values at 6 x 6 points to 4 x 4 results."""
    two, four, eight = a.dtype.type(2), a.dtype.type(4), a.dtype.type(8)
    for c in range(_6):
        m0, m5 = a[c], a[c + U(5) * _6]
        m1, m2, m3, m4 = a[c + _6], a[c + U(2) * _6], a[c + U(3) * _6], a[c + U(4) * _6]
        p, q, u, v = m1 + m2, m1 - m2, m3 + m4, m3 - m4
        b[c], b[c + _6] = m0 + p + u, q + two * v
        b[c + U(2) * _6], b[c + U(3) * _6] = p + four * u, q + eight * v + m5
    for row in range(U(STEP)):
        to = row * _4
        for c in range(row * _6, row * _6 + L):
            m0, m5 = b[c], b[c + U(5) * L]
            m1, m2, m3, m4 = b[c + L], b[c + U(2) * L], b[c + U(3) * L], b[c + U(4) * L]
            p, q, u, v = m1 + m2, m1 - m2, m3 + m4, m3 - m4
            a[to], a[to + L] = m0 + p + u, q + two * v
            a[to + U(2) * L], a[to + U(3) * L] = p + four * u, q + eight * v + m5
            to += U(1)


@njit(fastmath=FAST)
def evaluate_cotangent(a, b):  # type: ignore[no-untyped-def]
    """A dy A', the adjoint of :func:`interpolate`: 4 x 4 pixels to 6 x 6 points."""
    two, four, eight = a.dtype.type(2), a.dtype.type(4), a.dtype.type(8)
    for c in range(_4):
        y0, y1, y2, y3 = a[c], a[c + _4], a[c + U(2) * _4], a[c + U(3) * _4]
        p, q, u, v = y0 + y2, y1 + y3, y0 + four * y2, two * y1 + eight * y3
        b[c], b[c + U(5) * _4] = y0, y3
        b[c + _4], b[c + U(2) * _4] = p + q, p - q
        b[c + U(3) * _4], b[c + U(4) * _4] = u + v, u - v
    for row in range(U(SIZE)):
        to = row * _6
        for c in range(row * _4, row * _4 + L):
            y0, y1, y2, y3 = b[c], b[c + L], b[c + U(2) * L], b[c + U(3) * L]
            p, q, u, v = y0 + y2, y1 + y3, y0 + four * y2, two * y1 + eight * y3
            a[to], a[to + U(5) * L] = y0, y3
            a[to + L], a[to + U(2) * L] = p + q, p - q
            a[to + U(3) * L], a[to + U(4) * L] = u + v, u - v
            to += U(1)


@njit(fastmath=FAST)
def evaluate_kernel(a, b):  # type: ignore[no-untyped-def]
    """G g G': a kernel of 3 x 3 to 6 x 6 points."""
    quarter, sixth, half = a.dtype.type(1 / 4), a.dtype.type(1 / 6), a.dtype.type(1 / 2)
    for c in range(_3):
        g0, g1, g2 = a[c], a[c + _3], a[c + U(2) * _3]
        p, q = sixth * (g0 + g2), sixth * g1
        u, v = sixth * (quarter * g0 + g2), half * q
        b[c], b[c + U(5) * _3] = quarter * g0, g2
        b[c + _3], b[c + U(2) * _3] = -p - q, q - p
        b[c + U(3) * _3], b[c + U(4) * _3] = u + v, u - v
    for row in range(U(SIZE)):
        to = row * _6
        for c in range(row * _3, row * _3 + L):
            g0, g1, g2 = b[c], b[c + L], b[c + U(2) * L]
            p, q = sixth * (g0 + g2), sixth * g1
            u, v = sixth * (quarter * g0 + g2), half * q
            a[to], a[to + U(5) * L] = quarter * g0, g2
            a[to + L], a[to + U(2) * L] = -p - q, q - p
            a[to + U(3) * L], a[to + U(4) * L] = u + v, u - v
            to += U(1)


@njit(fastmath=FAST)
def gather_kernel(a, b):  # type: ignore[no-untyped-def]
    """G' m G, the adjoint of :func:`evaluate_kernel`: 6 x 6 points to a kernel of 3 x 3."""
    quarter, sixth, half = a.dtype.type(1 / 4), a.dtype.type(1 / 6), a.dtype.type(1 / 2)
    for c in range(_6):
        m0, m5 = a[c], a[c + U(5) * _6]
        m1, m2, m3, m4 = a[c + _6], a[c + U(2) * _6], a[c + U(3) * _6], a[c + U(4) * _6]
        p, q, u, v = sixth * (m1 + m2), sixth * (m2 - m1), sixth * (m3 + m4), sixth * (m3 - m4)
        b[c], b[c + _6] = quarter * (m0 + u) - p, q + half * v
        b[c + U(2) * _6] = u - p + m5
    for row in range(U(KERNEL)):
        to = row * _3
        for c in range(row * _6, row * _6 + L):
            m0, m5 = b[c], b[c + U(5) * L]
            m1, m2, m3, m4 = b[c + L], b[c + U(2) * L], b[c + U(3) * L], b[c + U(4) * L]
            p, q, u, v = sixth * (m1 + m2), sixth * (m2 - m1), sixth * (m3 + m4), sixth * (m3 - m4)
            a[to], a[to + L] = quarter * (m0 + u) - p, q + half * v
            a[to + U(2) * L] = u - p + m5
            to += U(1)
