"""Images joined along their channels, where channels lie last: pixel by pixel, on all threads."""

from __future__ import annotations

from collections.abc import Mapping

from numba import prange

from graphflow.backends.base import Factory, Kernel, Operand
from graphflow.backends.numba_kernels.images import Image, flat, threads, usable
from graphflow.backends.numba_kernels.jit import njit
from graphflow.backends.numba_kernels.lanes import U, move
from graphflow.backends.numba_kernels.multiply import share
from graphflow.ir.graph import Node
from graphflow.ops.op import Array


@njit(parallel=True)
def _join(x, step, channels, out, wide, first, pixels, parts):  # type: ignore[no-untyped-def]
    """Copy the channels of x behind the ``first`` channels of every pixel."""
    for part in prange(parts):
        begin, end = share(part, parts, pixels)
        for pixel in range(begin, end):
            move(out, U(pixel * wide + first), x, U(pixel * step), U(channels))


def _concat(node: Node, out: tuple[Array, ...], inputs: tuple[Operand, ...]) -> Kernel | None:
    (y,), parts = out, [x for x in inputs if isinstance(x, Array) and x.size]
    arrays = [y, *parts]
    if node.attr("axis") != 1 or not all(usable(a) and Image(a).direct for a in arrays):
        return None
    if any(a.dtype != y.dtype for a in parts):
        return None
    calls, first, wide = [], 0, Image(y).place[2]
    for x in parts:
        pixels = x.size // x.shape[1]
        calls.append((flat(x), Image(x).place[2], x.shape[1], flat(y), wide, first, pixels))
        first += x.shape[1]
    count = threads()

    def kernel() -> None:
        for call in calls:
            _join(*call, count)

    return kernel


JOINING: Mapping[str, Factory] = {"concat": _concat}
