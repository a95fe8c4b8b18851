"""Convolutions, their adjoints and their derivatives by the weight: which kernel does which.

Chosen by shapes, and by how images lie in memory, alone: Winograd's for kernels of 3 x 3 and 5 x 5
with stride 1 and enough channels, unless convolutions are to be exact; sums over a pixel of all
images where the batch lies last; else the windows laid out as lines or rows of a matrix.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from graphflow.backends.base import Bound, Factory, Kernel, Operand
from graphflow.backends.numba_kernels import batches, columns, planes, winograd
from graphflow.backends.numba_kernels.columns import Sweep
from graphflow.backends.numba_kernels.images import Image, usable
from graphflow.ir.graph import Node
from graphflow.ops.op import Array
from graphflow.ops.windows import Windows

WINOGRAD, PRODUCTS = "numba, Winograd's algorithm", "numba, windows as rows of a product"
LINES = "numba, lines as rows of a product"
BATCH = "numba, a pixel of all images at a time"


def convolutions(exact: bool) -> Mapping[str, Factory]:
    """The rules. ``exact`` ones leave Winograd's algorithm out, which rounds a little more."""
    return {
        "conv": partial(_conv, exact),
        "conv_transpose": partial(_conv_transpose, exact),
        "conv_weight_grad": partial(_conv_weight_grad, exact),
    }


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

    @staticmethod
    def of(node: Node, image: Operand, weight: Operand, results: Operand) -> Convolution | None:
        """The convolution, where all of these arrays can be worked with."""
        assert isinstance(image, Array) and isinstance(weight, Array) and isinstance(results, Array)
        same = image.dtype == weight.dtype == results.dtype
        if not (same and usable(image) and usable(weight) and usable(results)):
            return None
        if node.attr("groups") != 1:
            return None
        return Convolution(image, weight, results, windows_of(node, weight))

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
        tiled = self.weight.flags.c_contiguous and winograd.worthwhile(self.windows, read, made)
        if tiled and not exact:
            return WINOGRAD
        if batches.suits(read, made):
            return BATCH
        return LINES if planes.suits(self.image, self.results) else PRODUCTS


def _bound(way: str, ways: Mapping[str, Callable[[], Kernel]]) -> Bound:
    return Bound(ways[way](), way)


def _conv(
    exact: bool, node: Node, out: tuple[Array, ...], inputs: tuple[Operand, ...]
) -> Bound | None:
    x, weight = inputs
    c = Convolution.of(node, x, weight, out[0])
    if c is None:
        return None
    x, w, y = c.image, c.weight, c.results
    return _bound(c.way(exact), {
        WINOGRAD: lambda: winograd.convolution(Image(x), w, Image(y), c.before),
        BATCH: lambda: batches.convolution(x, w, y, c.windows),
        LINES: lambda: planes.convolution(x, w, y, c.windows),
        PRODUCTS: lambda: columns.convolution(c.sweep),
    })  # fmt: skip


def _conv_transpose(
    exact: bool, node: Node, out: tuple[Array, ...], inputs: tuple[Operand, ...]
) -> Bound | None:
    """With stride 1 this is a convolution by the kernel turned around."""
    results, weight = inputs
    c = Convolution.of(node, out[0], weight, results)
    if c is None:
        return None
    x, w, y = c.image, c.weight, c.results
    around = w.shape[2] - 1 - c.before[0], w.shape[3] - 1 - c.before[1]
    return _bound(c.way(exact, adjoint=True), {
        WINOGRAD: lambda: winograd.convolution(Image(y), w, Image(x), around, turned=True),
        BATCH: lambda: batches.convolution(y, w, x, c.windows, back=True),
        LINES: lambda: planes.adjoint(x, w, y, c.windows),
        PRODUCTS: lambda: columns.adjoint(c.sweep),
    })  # fmt: skip


def _conv_weight_grad(
    exact: bool, node: Node, out: tuple[Array, ...], inputs: tuple[Operand, ...]
) -> Bound | None:
    x, results = inputs
    c = Convolution.of(node, x, out[0], results)
    if c is None:
        return None
    x, w, y = c.image, c.weight, c.results
    return _bound(c.way(exact), {
        WINOGRAD: lambda: winograd.weight_gradient(Image(x), Image(y), w, c.before),
        BATCH: lambda: batches.weight_gradient(x, y, w, c.windows),
        LINES: lambda: planes.weight_gradient(x, y, w, c.windows),
        PRODUCTS: lambda: columns.weight_gradient(c.sweep, w),
    })  # fmt: skip
