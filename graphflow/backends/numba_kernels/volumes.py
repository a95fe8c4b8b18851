"""Convolutions of volumes (batch, channels, depth, height, width) as convolutions of images.

The slices that a window meets along the depth are channels of one image, one image for each slice
of the result. They are laid out for some volumes at a time; the adjoint adds each slice to where it
would have been copied from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from graphflow.backends.base import Bound
from graphflow.backends.numba_kernels.images import met
from graphflow.ops.op import Array
from graphflow.ops.windows import Windows

ROOM = 2**20
"""Numbers that are laid out at a time."""
Make = Callable[[Array, Array, Array, Windows], Bound]
"""Binds a side of a convolution to images, weight, results and windows."""


@dataclass(frozen=True)
class _Slices:
    """Slices along the depth of volumes that each slice of a result meets."""

    windows: Windows
    depth: int
    count: int

    def pairs(self) -> Iterator[tuple[slice, int, slice]]:
        """Slices of the result, the tap of the kernel, and the slices that it meets there."""
        size, stride, step = (int(x[0]) for x in (  # type: ignore[arg-type]
            self.windows.kernel, self.windows.stride, self.windows.dilation))  # fmt: skip
        before = int(self.windows.padding[0][0])  # type: ignore[arg-type]
        for tap in range(size):
            first, end = met(tap, stride, step, before, self.depth, self.count)
            start = first * stride + tap * step - before
            last = start + (end - 1 - first) * stride
            if end > first:
                yield slice(first, end), tap, slice(start, last + 1, stride)

    def lay(self, x: Array, laid: Array) -> None:
        """Copy them."""
        for results, tap, slices in self.pairs():
            laid[:, results, :, tap] = x[:, :, slices].swapaxes(1, 2)

    def add(self, laid: Array, x: Array) -> None:
        """The adjoint of :meth:`lay`."""
        x[...] = 0
        for results, tap, slices in self.pairs():
            x[:, :, slices] += laid[:, results, :, tap].swapaxes(1, 2)


class _Some:
    """Room for some volumes and their results, and a side of a convolution bound to it."""

    def __init__(
        self, count: int, x: Array, weight: Array, y: Array, slices: _Slices, make: Make
    ) -> None:
        windows = slices.windows
        (_, channels, _, *sizes), (_, outputs, deep, *results) = x.shape, y.shape
        kernel = windows.kernel[1:]
        self.x = np.zeros((count, deep, channels, windows.kernel[0], *sizes), x.dtype)
        self.y = np.empty((count, deep, outputs, *results), x.dtype)
        self.made = make(
            self.x.reshape(count * deep, -1, *sizes), weight.reshape(outputs, -1, *kernel),
            self.y.reshape(count * deep, outputs, *results),
            Windows(kernel, windows.stride[1:], windows.padding[1:], windows.dilation[1:]),
        )  # fmt: skip


def bound(op: str, x: Array, weight: Array, y: Array, windows: Windows, make: Make) -> Bound | None:
    """A side of a convolution of volumes by :data:`Make`, where that takes such numbers."""
    if not (x.size and y.size and x.dtype == weight.dtype == y.dtype and x.dtype.char in "fd"):
        return None
    slices = _Slices(windows, x.shape[2], y.shape[2])
    each = y.shape[2] * max(weight.shape[2] * x[0, :, 0].size, y[0, :, 0].size)
    count = min(len(x), max(1, ROOM // each))
    part = np.empty(weight.shape, weight.dtype)
    rooms = {
        n: _Some(n, x, part, y, slices, make) for n in {count, len(x) % count or count}
    }  # fmt: skip
    made = rooms[count].made
    chunks = [(slice(i, i + count), rooms[min(count, len(x) - i)]) for i in range(0, len(x), count)]
    run = partial(SIDES[op], x, weight, y, part, slices, chunks)
    return Bound(run, f"{made.by}, slice by slice")


Chunks = Sequence[tuple[slice, _Some]]


def _forward(
    x: Array, weight: Array, y: Array, part: Array, slices: _Slices, chunks: Chunks
) -> None:
    part[...] = weight
    for some, room in chunks:
        slices.lay(x[some], room.x)
        room.made.run()
        y[some] = room.y.swapaxes(1, 2)


def _back(x: Array, weight: Array, y: Array, part: Array, slices: _Slices, chunks: Chunks) -> None:
    part[...] = weight
    for some, room in chunks:
        room.y[...] = y[some].swapaxes(1, 2)
        room.made.run()
        slices.add(room.x, x[some])


def _derive(
    x: Array, weight: Array, y: Array, part: Array, slices: _Slices, chunks: Chunks
) -> None:
    weight[...] = 0
    for some, room in chunks:
        slices.lay(x[some], room.x)
        room.y[...] = y[some].swapaxes(1, 2)
        room.made.run()
        weight += part


SIDES = {"conv": _forward, "conv_transpose": _back, "conv_weight_grad": _derive}
