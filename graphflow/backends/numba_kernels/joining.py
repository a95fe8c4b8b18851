"""Images joined along their channels, where channels lie last: pixel by pixel, on all threads."""

from __future__ import annotations

from collections.abc import Mapping

from graphflow.backends.base import Factory, Kernel, Operand
from graphflow.backends.llvm.native import kernel
from graphflow.backends.llvm.parts import share, threads
from graphflow.backends.llvm.words import Reals
from graphflow.backends.numba_kernels.images import Image, flat, usable
from graphflow.backends.numba_kernels.lanes import move
from graphflow.ir.graph import Node
from graphflow.ops.op import Array


@kernel
def _join(
    part: int, parts: int, x: Reals, step: int, channels: int, out: Reals, wide: int, first: int,
    pixels: int,
) -> None:  # fmt: skip
    """Copy the channels of x behind the ``first`` channels of every pixel."""
    begin, end = share(part, parts, pixels)
    for pixel in range(begin, end):
        move(out, pixel * wide + first, x, pixel * step, channels)


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
        calls.append(_join.call(
            y.dtype, threads(), flat(x), Image(x).place[2], x.shape[1], flat(y), wide, first, pixels
        ))  # fmt: skip
        first += x.shape[1]

    def run() -> None:
        for call in calls:
            call()

    return run


JOINING: Mapping[str, Factory] = {"concat": _concat}
