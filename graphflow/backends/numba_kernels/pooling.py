"""Pooling: the largest element or the mean of windows, and the ways back.

Loops run inside over what lies next to each other: the channels of a pixel, or, where images lie
row by row, the windows of a line that one tap of the kernel meets. ``steps`` of an array are how
far neighbours along (batch, channels, height, width) are apart.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numba import prange

from graphflow.backends.base import Factory, Kernel, Operand
from graphflow.backends.numba_kernels.images import flat, met, numbers, steps_of, threads, usable
from graphflow.backends.numba_kernels.jit import njit
from graphflow.backends.numba_kernels.lanes import FAST, U
from graphflow.backends.numba_kernels.multiply import share
from graphflow.backends.numpy_backend import NUMPY
from graphflow.ir.graph import Node
from graphflow.ops.op import Array
from graphflow.ops.pool import members
from graphflow.ops.windows import Windows

MAX, PLACES, MEAN = range(3)


@njit(fastmath=FAST)
def _take_largest(x, at, step, first, end, best):  # type: ignore[no-untyped-def]
    """Take in one tap of some windows: the larger of both; NaN stays."""
    for e in range(U(first), U(end)):
        v, m = x[U(at) + e * U(step)], best[e]
        best[e] = v if v > m or v != v else m


@njit(fastmath=FAST)
def _take_places(x, at, step, first, end, best, places, place, moves):  # type: ignore[no-untyped-def]
    """The same, with the place of the first of the largest; none yet is -1."""
    for e in range(U(first), U(end)):
        v, m, old = x[U(at) + e * U(step)], best[e], places[e]
        larger = (v > m or v != v or old < 0) and m == m
        best[e] = v if larger else m
        places[e] = place + np.int64(e) * moves if larger else old


@njit(fastmath=FAST)
def _take_sum(x, at, step, first, end, best):  # type: ignore[no-untyped-def]
    for e in range(U(first), U(end)):
        best[e] += x[U(at) + e * U(step)]


@njit(fastmath=FAST)
def _give(mode, best, places, y, indices, to, step, divisors, at, moves):  # type: ignore[no-untyped-def]
    """Write the results of some windows; where the largest is NaN, the place is 0."""
    for e in range(U(len(best))):
        if mode == PLACES:
            indices[U(to) + e * U(step)] = places[e] if best[e] == best[e] else 0
        elif mode == MEAN:
            y[U(to) + e * U(step)] = best[e] / divisors[U(at) + e * U(moves)]
        else:
            y[U(to) + e * U(step)] = best[e]


@njit(parallel=True, fastmath=FAST)
def _pool(mode, x, xs, y, indices, ys, shape, counts, window, divisors, parts):  # type: ignore[no-untyped-def]
    """One result for each window, into ``y`` or, for ``PLACES``, ``indices``."""
    for part in prange(parts):
        images, channels, height, width = shape
        high, wide, down, right, below, beside, above, before = window
        last = ys[1] == 1
        length, others = (channels, counts[1]) if last else (counts[1], channels)
        best, places = np.empty(length, x.dtype), np.empty(length, np.int64)
        ranges = np.empty((wide, 2), np.int64)
        for q in range(wide):
            ranges[q] = met(q, right, beside, before, width, counts[1])
        begin, stop = share(part, parts, images * counts[0] * others)
        for job in range(begin, stop):
            n, i, other = job // (counts[0] * others), job // others % counts[0], job % others
            best[:] = 0 if mode == MEAN else -np.inf
            places[:] = -1
            for p, q in np.ndindex(high, wide):
                h, shift = i * down + p * below - above, q * beside - before
                first, end = ranges[q]
                if h < 0 or h >= height or (last and (other < first or other >= end)):
                    continue
                if last:
                    first, end, step, moves = 0, channels, xs[1], 0
                    shift += other * right
                else:
                    step, moves = right * xs[3], right
                at = n * xs[0] + (0 if last else other * xs[1]) + h * xs[2] + shift * xs[3]
                if mode == MEAN:
                    _take_sum(x, at, step, first, end, best)
                elif mode == MAX:
                    _take_largest(x, at, step, first, end, best)
                else:
                    place = h * width + shift
                    _take_places(x, at, step, first, end, best, places, place, moves)
            to = n * ys[0] + i * ys[2] + (other * ys[3] if last else other * ys[1])
            at, step = i * counts[1] + (other if last else 0), ys[1] if last else ys[3]
            _give(mode, best, places, y, indices, to, step, divisors, at, 0 if last else 1)


@njit(parallel=True, fastmath=FAST)
def _share_out(x, xs, y, ys, shape, counts, window, divisors, parts):  # type: ignore[no-untyped-def]
    """The adjoint of the mean: each element of ``y`` is the sum of its windows' shares."""
    for part in prange(parts):
        images, channels, height, width = shape
        high, wide, down, right, below, beside, above, before = window
        last = ys[1] == 1
        others, length, move = (1, channels, ys[1]) if last else (channels, width, ys[3])
        begin, stop = share(part, parts, images * height * others)
        for job in range(begin, stop):
            n, h, other = job // (height * others), job // others % height, job % others
            line = n * ys[0] + other * ys[1] + h * ys[2]
            for w in range(width if last else 1):
                for e in range(U(length)):
                    y[U(line + w * ys[3]) + e * U(move)] = 0
            for p in range(high):
                i = h + above - p * below
                if i < 0 or i % down != 0 or i // down >= counts[0]:
                    continue
                i //= down
                from_line = n * xs[0] + other * xs[1] + i * xs[2]
                for q in range(wide):
                    first, end = met(q, right, beside, before, width, counts[1])
                    for j in range(first, end):
                        to = U(line + (j * right + q * beside - before) * ys[3])
                        at, part_of = U(from_line + j * xs[3]), divisors[i * counts[1] + j]
                        for c in range(U(channels if last else 1)):
                            y[to + c * U(ys[1])] += x[at + c * U(xs[1])] / part_of


@njit(parallel=True)
def _scatter(x, xs, places, ps, y, ys, shape, parts):  # type: ignore[no-untyped-def]
    """Zeros with each element added at its place of the last axis of (batch, channels, pixels).

    Returns how many places there are not.
    """
    images, channels, pixels, size = shape
    missing = np.zeros(parts, np.int64)
    for part in prange(parts):
        begin, stop = share(part, parts, images)
        for n in range(begin, stop):
            last = ys[1] == 1
            for i in range(size if last else channels):
                to = U(n * ys[0] + i * (ys[2] if last else ys[1]))
                for e in range(U(channels if last else size)):
                    y[to + e] = 0
            for job in range(channels * pixels):
                c, i = (job % channels, job // channels) if last else (job // pixels, job % pixels)
                place = places[n * ps[0] + c * ps[1] + i * ps[2]]
                place = place + size if place < 0 else place
                if place < 0 or place >= size:
                    missing[part] += 1
                else:
                    y[n * ys[0] + c * ys[1] + place * ys[2]] += x[n * xs[0] + c * xs[1] + i * xs[2]]
    return missing.sum()


def _windows(node: Node) -> Windows:
    """The windows of a pooling node."""
    attrs = node.attributes()
    kernel, stride, padding = (attrs[k] for k in ("kernel_size", "stride", "padding"))
    dilation, ceil = attrs.get("dilation") or (1, 1), bool(attrs["ceil_mode"])
    return Windows(kernel, stride, padding, dilation, ceil)  # type: ignore[arg-type]


def _near(x: Array, y: Array) -> tuple[Array, Array]:
    """The two with batch and channels exchanged, if in y what is next to each other is the batch.

    Neither means anything to pooling, so the loops know only of channels that lie last.
    """
    turn = y.strides[0] == y.itemsize and y.strides[1] != y.itemsize
    return (x.swapaxes(0, 1), y.swapaxes(0, 1)) if turn else (x, y)


def _pooling(mode: int, x: Array, out: Array, windows: Windows, divisors: Array) -> Kernel | None:
    """What pools x by windows."""
    x, out = _near(x, out)
    values, places = (out, np.empty(0, np.int64)) if mode != PLACES else (np.empty(0, x.dtype), out)
    args = (
        mode, flat(x), steps_of(x), flat(values) if values.size else values,
        flat(places) if places.size else places, steps_of(out), x.shape, out.shape[2:],
        numbers(windows), divisors.reshape(-1), threads(),
    )  # fmt: skip

    def kernel() -> None:
        _pool(*args)

    return kernel


def _largest(node: Node, out: tuple[Array, ...], inputs: tuple[Operand, ...]) -> Kernel | None:
    (y,), (x,) = out, inputs
    assert isinstance(x, Array)
    if not usable(x) or not y.size:
        return None
    mode = MAX if node.op == "max_pool" else PLACES
    return _pooling(mode, x, y, _windows(node), np.empty(0, x.dtype))


def _mean(node: Node, out: tuple[Array, ...], inputs: tuple[Operand, ...]) -> Kernel | None:
    (y,), (x,) = out, inputs
    assert isinstance(x, Array)
    if not usable(x) or not usable(y):
        return None
    windows, inside = _windows(node), bool(node.attr("count_include_pad"))
    return _pooling(MEAN, x, y, windows, members(np, windows, x.shape[2:], inside, x.dtype))


def _sharing(x: Array, y: Array, windows: Windows, divisors: Array) -> Kernel:
    x, y = _near(x, y)
    args = (
        flat(x), steps_of(x), flat(y), steps_of(y), y.shape, x.shape[2:], numbers(windows),
        divisors.reshape(-1), threads(),
    )  # fmt: skip

    def kernel() -> None:
        _share_out(*args)

    return kernel


def _mean_back(node: Node, out: tuple[Array, ...], inputs: tuple[Operand, ...]) -> Kernel | None:
    (y,), (x,) = out, inputs
    assert isinstance(x, Array)
    if not usable(x) or not usable(y):
        return None
    windows, inside = _windows(node), bool(node.attr("count_include_pad"))
    return _sharing(x, y, windows, members(np, windows, y.shape[2:], inside, x.dtype))


def _even(large: tuple[int, ...], small: tuple[int, ...]) -> Windows | None:
    """The windows of bins that are all of one size."""
    if any(n % bins for n, bins in zip(large, small, strict=True)):
        return None
    kernel = tuple(n // bins for n, bins in zip(large, small, strict=True))
    return Windows(kernel, kernel, ((0, 0), (0, 0)), (1, 1))


def _bins(node: Node, out: tuple[Array, ...], inputs: tuple[Operand, ...]) -> Kernel | None:
    """The mean of bins, and its adjoint."""
    (y,), (x,) = out, inputs
    assert isinstance(x, Array)
    if not usable(x) or not usable(y):
        return None
    back = node.op == "adaptive_avg_unpool"
    windows = _even(y.shape[2:], x.shape[2:]) if back else _even(x.shape[2:], y.shape[2:])
    if windows is None:
        return None
    large = y if back else x
    divisors = members(np, windows, large.shape[2:], True, x.dtype)
    return _sharing(x, y, windows, divisors) if back else _pooling(MEAN, x, y, windows, divisors)


def _scattered(node: Node, out: tuple[Array, ...], inputs: tuple[Operand, ...]) -> Kernel | None:
    """Elements routed back to where they were picked from in the planes of images."""
    (y,), (x, places) = out, inputs
    assert isinstance(x, Array) and isinstance(places, Array)
    if y.ndim != 3 or node.attr("axis") != 2 or places.dtype != np.int64 or y.dtype != x.dtype:
        return None
    if not all(usable(a[:, :, None], "fdl") for a in (x, places, y)) or x.dtype.char not in "fd":
        return None
    plain = NUMPY.kernel(node, out, inputs)
    (x, y), (places, _) = _near(x, y), _near(places, y)
    shape = (*x.shape, y.shape[2])
    args = (
        flat(x), steps_of(x), flat(places), steps_of(places), flat(y), steps_of(y), shape,
        threads(),
    )  # fmt: skip

    def kernel() -> None:
        if _scatter(*args) or (not node.attr("negative") and places.min() < 0):
            plain()  # which says what is wrong

    return kernel


POOLING: Mapping[str, Factory] = {
    "max_pool": _largest,
    "max_pool_indices": _largest,
    "avg_pool": _mean,
    "avg_unpool": _mean_back,
    "adaptive_avg_pool": _bins,
    "adaptive_avg_unpool": _bins,
    "scatter_add_along_axis": _scattered,
}
