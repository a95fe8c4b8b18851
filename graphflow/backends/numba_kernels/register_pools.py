"""Pooling where channels lie next to each other: what is found so far stays in registers."""

from __future__ import annotations

import numpy as np

from graphflow.backends.base import Kernel
from graphflow.backends.llvm.native import kernel
from graphflow.backends.llvm.parts import share, threads
from graphflow.backends.llvm.words import (
    LANES,
    Ints,
    Lanes,
    Reals,
    lanes,
    put,
    put_whole,
    repeated,
)
from graphflow.backends.numba_kernels.images import flat, numbers, steps_of
from graphflow.ops.op import Array
from graphflow.ops.windows import Windows

MAX, PLACES, MEAN = range(3)
INFINITY = np.inf
EXACT = 2**24
"""Places below this are numbers of single precision."""


def _largest(x: Reals, at: int, tall: int, wide: int, below: int, beside: int) -> Lanes:
    """The largest of ``tall`` times ``wide`` elements, for each lane; NaN stays."""
    best = repeated(-INFINITY)
    for p in range(tall):
        for q in range(wide):
            v = lanes(x, at + p * below + q * beside)
            best = v if v > best or v != v else best
    return best


def _places(
    x: Reals, at: int, tall: int, wide: int, below: int, beside: int, first: int, down: int,
    right: int,
) -> Lanes:  # fmt: skip
    """The place of the first of the largest; ``first`` is that of the first element, ``down`` and
    ``right`` are from one to the next. Where the largest is NaN, the place is 0.
    """
    best, places, step = repeated(-INFINITY), repeated(first), repeated(right)
    for p in range(tall):
        place = repeated(first + p * down)
        for q in range(wide):
            v = lanes(x, at + p * below + q * beside)
            larger = v > best or v != v
            best, places = v if larger else best, place if larger else places
            place += step
    return places if best == best else repeated(0)


def _sum(x: Reals, at: int, tall: int, wide: int, below: int, beside: int) -> Lanes:
    found = repeated(0)
    for p in range(tall):
        for q in range(wide):
            found += lanes(x, at + p * below + q * beside)
    return found


@kernel
def _pool(
    part: int, parts: int, mode: int, x: Reals, xs: Ints, y: Reals, indices: Ints, ys: Ints,
    shape: Ints, lines: Ints, columns: Ints, window: Ints, divisors: Reals,
) -> None:  # fmt: skip
    """One result for each window, into ``y`` or, for ``PLACES``, ``indices``.

    ``lines`` has for each line of results the first line of x that its windows meet, and how many
    they meet; ``columns`` the same of columns.
    """
    images, channels, tall, broad, width = shape
    image, of_line, of_pixel = xs
    to_image, to_line, to_pixel = ys
    below, beside = window
    begin, stop = share(part, parts, images * tall)
    for job in range(begin, stop):
        n, i = job // tall, job % tall
        h, high = lines[2 * i], lines[2 * i + 1]
        for j in range(broad):
            w, wide = columns[2 * j], columns[2 * j + 1]
            line = n * image + h * of_line + w * of_pixel
            goal = n * to_image + i * to_line + j * to_pixel
            for block in range(0, channels, LANES):
                c = min(block, channels - LANES)
                at, to = line + c, goal + c
                down, right = below * of_line, beside * of_pixel
                if mode == PLACES:
                    first = h * width + w if high * wide > 0 else -1
                    found = _places(x, at, high, wide, down, right, first, below * width, beside)
                    put_whole(indices, to, found)
                elif mode == MEAN:
                    total = _sum(x, at, high, wide, down, right)
                    put(y, to, total / divisors[i * broad + j])
                else:
                    put(y, to, _largest(x, at, high, wide, down, right))


def _met(size: int, count: int, kernel: int, stride: int, dilation: int, before: int) -> Array:
    """For each of some windows along an axis the first place inside that it meets, and how many."""
    start = np.arange(count) * stride - before
    first = np.maximum(0, -(start // dilation))
    end = np.minimum(kernel, -((start - size) // dilation))
    return np.stack([start + first * dilation, np.maximum(0, end - first)], axis=1).astype(np.int64)


def pooling_by_lanes(
    mode: int, x: Array, out: Array, windows: Windows, divisors: Array
) -> Kernel | None:
    """What pools x by windows; None where channels are few or do not lie next to each other."""
    (images, channels, height, width), (tall, broad) = x.shape, out.shape[2:]
    last = x.strides[1] == x.itemsize and out.strides[1] == out.itemsize
    if not last or channels < LANES or height * width >= EXACT:
        return None
    high, wide, down, right, below, beside, above, before = numbers(windows)
    values, places = (np.empty(0, x.dtype), flat(out)) if mode == PLACES else (
        flat(out), np.empty(0, np.int64))  # fmt: skip
    (of_image, _, *of_pixel), (to_image, _, *to_pixel) = steps_of(x), steps_of(out)
    return _pool.bound(
        x.dtype, threads(), mode, flat(x), (of_image, *of_pixel), values, places,
        (to_image, *to_pixel), (images, channels, tall, broad, width),
        _met(height, tall, high, down, below, above).reshape(-1),
        _met(width, broad, wide, right, beside, before).reshape(-1),
        (below, beside), divisors.reshape(-1),
    )  # fmt: skip
