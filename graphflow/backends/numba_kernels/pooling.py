"""Pooling: the largest element or the mean of windows, and the ways back.

Loops run inside over what lies next to each other: the channels of a pixel, or, where images lie
row by row, the windows of a line that one tap of the kernel meets. ``steps`` of an array are how
far neighbours along (batch, channels, height, width) are apart.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from graphflow.backends.base import Factory, Kernel, Operand
from graphflow.backends.llvm.native import kernel
from graphflow.backends.llvm.parts import share, threads
from graphflow.backends.llvm.words import Ints, Reals, beyond
from graphflow.backends.numba_kernels.images import flat, met, numbers, steps_of, usable
from graphflow.backends.numba_kernels.register_pools import (
    INFINITY,
    MAX,
    MEAN,
    PLACES,
    pooling_by_lanes,
)
from graphflow.backends.numpy_backend import NUMPY
from graphflow.ir.graph import Node
from graphflow.ops.op import Array
from graphflow.ops.pool import members
from graphflow.ops.windows import Windows


def _take_largest(x: Reals, at: int, step: int, first: int, end: int, best: Reals) -> None:
    """Take in one tap of some windows: the larger of both; NaN stays."""
    for e in range(first, end):
        v, m = x[at + e * step], best[e]
        best[e] = v if v > m or v != v else m


def _take_places(
    x: Reals, at: int, step: int, first: int, end: int, best: Reals, places: Ints, place: int,
    moves: int,
) -> None:  # fmt: skip
    """The same, with the place of the first of the largest; none yet is -1."""
    for e in range(first, end):
        v, m, old = x[at + e * step], best[e], places[e]
        larger = (v > m or v != v or old < 0) and m == m
        best[e] = v if larger else m
        places[e] = place + e * moves if larger else old


def _take_sum(x: Reals, at: int, step: int, first: int, end: int, best: Reals) -> None:
    for e in range(first, end):
        best[e] += x[at + e * step]


def _give(
    mode: int, best: Reals, places: Ints, length: int, y: Reals, indices: Ints, to: int,
    step: int, divisors: Reals, at: int, moves: int,
) -> None:  # fmt: skip
    """Write the results of some windows; where the largest is NaN, the place is 0."""
    if mode == PLACES:
        for e in range(length):
            indices[to + e * step] = places[e] if best[e] == best[e] else 0
    elif mode == MEAN:
        for e in range(length):
            y[to + e * step] = best[e] / divisors[at + e * moves]
    else:
        for e in range(length):
            y[to + e * step] = best[e]


@kernel
def _pool(
    part: int, parts: int, mode: int, x: Reals, xs: Ints, y: Reals, indices: Ints, ys: Ints,
    shape: Ints, counts: Ints, window: Ints, divisors: Reals, sums: Reals, marks: Ints,
) -> None:  # fmt: skip
    """One result for each window, into ``y`` or, for ``PLACES``, ``indices``; each thread has room
    for a line of results in ``sums`` and ``marks``.
    """
    images, channels, height, width = shape
    image, of_channel, of_line, of_pixel = xs
    to_image, to_channel, to_line, to_pixel = ys
    tall, broad = counts
    high, wide, down, right, below, beside, above, before = window
    last = to_channel == 1
    length, others = channels if last else broad, broad if last else channels
    best, places = beyond(sums, part * length), beyond(marks, part * length)
    begin, stop = share(part, parts, images * tall * others)
    for job in range(begin, stop):
        n, i, other = job // (tall * others), job // others % tall, job % others
        for e in range(length):
            best[e] = 0 if mode == MEAN else -INFINITY
        for e in range(length):
            places[e] = -1
        for p in range(high):
            h = i * down + p * below - above
            if h < 0 or h >= height:
                continue
            for q in range(wide):
                first, end = met(q, right, beside, before, width, broad)
                shift, step, moves = q * beside - before, right * of_pixel, right
                if last:
                    if other < first or other >= end:
                        continue
                    first, end, step, moves = 0, channels, of_channel, 0
                    shift += other * right
                at = n * image + (0 if last else other * of_channel) + h * of_line
                at += shift * of_pixel
                if mode == MEAN:
                    _take_sum(x, at, step, first, end, best)
                elif mode == MAX:
                    _take_largest(x, at, step, first, end, best)
                else:
                    _take_places(x, at, step, first, end, best, places, h * width + shift, moves)
        to = n * to_image + i * to_line + other * (to_pixel if last else to_channel)
        at = i * broad + (other if last else 0)
        _give(mode, best, places, length, y, indices, to, to_channel if last else to_pixel,
              divisors, at, 0 if last else 1)  # fmt: skip


@kernel
def _share_out(
    part: int, parts: int, x: Reals, xs: Ints, y: Reals, ys: Ints, shape: Ints, counts: Ints,
    window: Ints, divisors: Reals,
) -> None:  # fmt: skip
    """The adjoint of the mean: each element of ``y`` is the sum of its windows' shares."""
    images, channels, height, width = shape
    image, of_channel, of_line, of_pixel = xs
    to_image, to_channel, to_line, to_pixel = ys
    tall, broad = counts
    high, wide, down, right, below, beside, above, before = window
    last = to_channel == 1
    others, length = 1 if last else channels, channels if last else width
    move = 1 if last else to_pixel
    begin, stop = share(part, parts, images * height * others)
    for job in range(begin, stop):
        n, h, other = job // (height * others), job // others % height, job % others
        line = n * to_image + other * to_channel + h * to_line
        for w in range(width if last else 1):
            for e in range(length):
                y[line + w * to_pixel + e * move] = 0
        for p in range(high):
            i = h + above - p * below
            if i < 0 or i % down != 0 or i // down >= tall:
                continue
            from_line = n * image + other * of_channel + i // down * of_line
            for q in range(wide):
                first, end = met(q, right, beside, before, width, broad)
                for j in range(first, end):
                    to = line + (j * right + q * beside - before) * to_pixel
                    at, part_of = from_line + j * of_pixel, divisors[i // down * broad + j]
                    for c in range(channels if last else 1):
                        y[to + c * to_channel] += x[at + c * of_channel] / part_of


@kernel
def _scatter(
    part: int, parts: int, x: Reals, xs: Ints, places: Ints, ps: Ints, y: Reals, ys: Ints,
    shape: Ints, missing: Ints,
) -> None:  # fmt: skip
    """Zeros with each element added at its place of the last axis of (batch, channels, pixels).

    ``missing`` tells for each part how many places there are not.
    """
    images, channels, pixels, size = shape
    image, of_channel, of_pixel = xs
    place_image, place_channel, place_pixel = ps
    to_image, to_channel, to_pixel = ys
    missing[part] = 0
    last = to_channel == 1
    begin, stop = share(part, parts, images)
    for n in range(begin, stop):
        for i in range(size if last else channels):
            to = n * to_image + i * (to_pixel if last else to_channel)
            for e in range(channels if last else size):
                y[to + e] = 0
        for i in range(pixels if last else channels):
            for j in range(channels if last else pixels):
                c, at = j if last else i, i if last else j
                place = places[n * place_image + c * place_channel + at * place_pixel]
                place = place + size if place < 0 else place
                if place < 0 or place >= size:
                    missing[part] += 1
                else:
                    to = n * to_image + c * to_channel + place * to_pixel
                    y[to] += x[n * image + c * of_channel + at * of_pixel]


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
    fast = pooling_by_lanes(mode, x, out, windows, divisors)
    if fast is not None:
        return fast
    last = out.strides[1] == out.itemsize
    room = threads() * (x.shape[1] if last else out.shape[3])
    values, places = (np.empty(0, x.dtype), flat(out)) if mode == PLACES else (
        flat(out), np.empty(0, np.int64))  # fmt: skip
    pool = _pool.call(
        x.dtype, threads(), mode, flat(x), steps_of(x), values, places, steps_of(out), x.shape,
        out.shape[2:], numbers(windows), divisors.reshape(-1), None, None,
    )  # fmt: skip

    def run() -> None:
        pool(np.empty(room, x.dtype), np.empty(room, np.int64))

    return run


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
    return _share_out.call(
        x.dtype, threads(), flat(x), steps_of(x), flat(y), steps_of(y), y.shape, x.shape[2:],
        numbers(windows), divisors.reshape(-1),
    )  # fmt: skip


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
    missing = np.zeros(threads(), np.int64)
    scatter = _scatter.call(
        x.dtype, threads(), flat(x), steps_of(x), flat(places), steps_of(places), flat(y),
        steps_of(y), (*x.shape, y.shape[2]), missing,
    )  # fmt: skip

    def run() -> None:
        scatter()
        if missing.any() or (not node.attr("negative") and places.min() < 0):
            plain()  # which says what is wrong

    return run


POOLING: Mapping[str, Factory] = {
    "max_pool": _largest,
    "max_pool_indices": _largest,
    "avg_pool": _mean,
    "avg_unpool": _mean_back,
    "adaptive_avg_pool": _bins,
    "adaptive_avg_unpool": _bins,
    "scatter_add_along_axis": _scattered,
}
