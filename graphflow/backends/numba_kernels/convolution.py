"""Convolutions, their adjoints and their derivatives by the weight: which kernel does which.

Chosen by shapes, and by how images lie in memory, alone: Winograd's for kernels of 3 x 3 and 5 x 5
with stride 1 and enough channels, unless convolutions are to be exact; sums over a pixel of all
images where the batch lies last; else the windows laid out as lines or rows of a matrix. Many
narrow groups are worked on at a time, others one after the other. Sequences are images of one line;
of volumes see :mod:`volumes`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from graphflow.backends.base import Bound, Factory, Kernel, Operand
from graphflow.backends.numba_kernels import (
    batches,
    columns,
    depthwise,
    planes,
    volumes,
    winograd,
)
from graphflow.backends.numba_kernels.columns import Sweep
from graphflow.backends.numba_kernels.images import Image, usable
from graphflow.ir.graph import Node
from graphflow.ops.op import Array
from graphflow.ops.windows import Windows

WINOGRAD, PRODUCTS = "numba, Winograd's algorithm", "numba, windows as rows of a product"
LINES = "numba, lines as rows of a product"
BATCH = "numba, a pixel of all images at a time"
GROUPS = "numba, a pixel of all groups at a time"
FORWARD, ADJOINT, GRADIENT = "conv", "conv_transpose", "conv_weight_grad"
"""The operators: the three sides of a convolution."""


def convolutions(exact: bool) -> Mapping[str, Factory]:
    """The rules. ``exact`` ones leave Winograd's algorithm out, which rounds a little more."""
    return dict.fromkeys((FORWARD, ADJOINT, GRADIENT), partial(_bound, exact))


def windows_of(node: Node, weight: Array) -> Windows:
    """The windows of a convolution, or of one of its derivatives."""
    stride, padding, dilation = (node.attr(k) for k in ("stride", "padding", "dilation"))
    return Windows(weight.shape[2:], stride, padding, dilation)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Convolution:
    """Images, weight and results of a convolution, one of which a node computes from the others."""

    image: Array
    weight: Array
    results: Array
    windows: Windows
    groups: int = 1

    @staticmethod
    def of(node: Node, image: Operand, weight: Operand, results: Operand) -> Convolution | None:
        """The convolution, where all of these arrays can be worked with."""
        assert isinstance(image, Array) and isinstance(weight, Array) and isinstance(results, Array)
        groups, windows = node.attr("groups"), windows_of(node, weight)
        assert isinstance(groups, int)
        if image.ndim == 3:
            image, weight, results = (x[:, :, None] for x in (image, weight, results))
            windows = _of_one_line(windows)
        same = image.dtype == weight.dtype == results.dtype
        if not (same and usable(image) and usable(weight) and usable(results)):
            return None
        return Convolution(image, weight, results, windows, groups)

    @property
    def parts(self) -> list[Convolution]:
        """One convolution for each group."""
        inputs, outputs = self.weight.shape[1], len(self.weight) // self.groups
        found = []
        for i in range(self.groups):
            read, made = slice(i * inputs, (i + 1) * inputs), slice(i * outputs, (i + 1) * outputs)
            weight, results = self.weight[made], self.results[:, made]
            found.append(Convolution(self.image[:, read], weight, results, self.windows))
        return found

    @property
    def before(self) -> tuple[int, int]:
        """The padding above and before an image."""
        (above, _), (before, _) = self.windows.padding
        assert isinstance(above, int) and isinstance(before, int)
        return above, before

    @property
    def sweep(self) -> Sweep:
        """The windows as rows of a matrix."""
        return Sweep.of(self.image, self.results, self.weight, self.windows)

    def way(self, exact: bool, adjoint: bool = False) -> str:
        """Which kernels suit; in the adjoint images are computed from results."""
        read, made = (self.results, self.image) if adjoint else (self.image, self.results)
        if depthwise.suits(self.groups, read.shape[1], made.shape[1]):
            return GROUPS
        if self.groups > 1:
            return self.parts[0].way(exact, adjoint)
        tiled = self.weight.flags.c_contiguous and winograd.worthwhile(self.windows, read, made)
        if tiled and not exact:
            return WINOGRAD
        if batches.suits(read, made):
            return BATCH
        return LINES if planes.suits(self.image, self.results) else PRODUCTS


def _of_one_line(windows: Windows) -> Windows:
    """Windows on sequences as windows on images."""
    w = windows
    return Windows((1, *w.kernel), (1, *w.stride), ((0, 0), *w.padding), (1, *w.dilation))


def _bound(
    exact: bool, node: Node, out: tuple[Array, ...], inputs: tuple[Operand, ...]
) -> Bound | None:
    """One side of a convolution."""
    (first, second), (made,) = inputs, out
    x, w, y = {
        FORWARD: (first, second, made),
        ADJOINT: (made, second, first),
        GRADIENT: (first, made, second),
    }[node.op]
    assert isinstance(x, Array) and isinstance(w, Array) and isinstance(y, Array)
    if x.ndim == 5:
        return volumes.bound(node.op, x, w, y, windows_of(node, w), partial(_planar, exact, node))
    c = Convolution.of(node, x, w, y)
    return None if c is None else _side(exact, node.op, c)


def _planar(exact: bool, node: Node, x: Array, w: Array, y: Array, windows: Windows) -> Bound:
    """The same for images that volumes are laid out as."""
    groups = node.attr("groups")
    assert isinstance(groups, int)
    return _side(exact, node.op, Convolution(x, w, y, windows, groups))


def _side(exact: bool, op: str, c: Convolution) -> Bound:
    """The same for arrays that can be worked with."""
    way = c.way(exact, adjoint=op == ADJOINT)
    if c.groups > 1 and way != GROUPS:
        runs = [_side(exact, op, part).run for part in c.parts]
        return Bound(partial(_one_by_one, runs), f"{way}, group by group")
    return Bound(WAYS[op](c, way), way)


def _one_by_one(runs: Sequence[Kernel]) -> None:
    for run in runs:
        run()


def _forward(c: Convolution, way: str) -> Kernel:
    x, w, y = c.image, c.weight, c.results
    ways: Ways = {
        GROUPS: lambda: depthwise.convolution(x, w, y, c.windows, c.groups),
        WINOGRAD: lambda: winograd.convolution(Image(x), w, Image(y), c.before),
        BATCH: lambda: batches.convolution(x, w, y, c.windows),
        LINES: lambda: planes.convolution(x, w, y, c.windows),
        PRODUCTS: lambda: columns.convolution(c.sweep),
    }
    return ways[way]()


def _adjoint(c: Convolution, way: str) -> Kernel:
    """With stride 1 this is a convolution by the kernel turned around."""
    x, w, y = c.image, c.weight, c.results
    around = w.shape[2] - 1 - c.before[0], w.shape[3] - 1 - c.before[1]
    ways: Ways = {
        GROUPS: lambda: depthwise.convolution(y, w, x, c.windows, c.groups, back=True),
        WINOGRAD: lambda: winograd.convolution(Image(y), w, Image(x), around, turned=True),
        BATCH: lambda: batches.convolution(y, w, x, c.windows, back=True),
        LINES: lambda: planes.adjoint(x, w, y, c.windows),
        PRODUCTS: lambda: columns.adjoint(c.sweep),
    }
    return ways[way]()


def _gradient(c: Convolution, way: str) -> Kernel:
    x, w, y = c.image, c.weight, c.results
    ways: Ways = {
        GROUPS: lambda: depthwise.weight_gradient(x, y, w, c.windows, c.groups),
        WINOGRAD: lambda: winograd.weight_gradient(Image(x), Image(y), w, c.before),
        BATCH: lambda: batches.weight_gradient(x, y, w, c.windows),
        LINES: lambda: planes.weight_gradient(x, y, w, c.windows),
        PRODUCTS: lambda: columns.weight_gradient(c.sweep, w),
    }
    return ways[way]()


Ways = Mapping[str, Callable[[], Kernel]]
WAYS = {FORWARD: _forward, ADJOINT: _adjoint, GRADIENT: _gradient}
