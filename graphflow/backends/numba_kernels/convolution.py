"""Convolutions, their adjoints and their derivatives by the weight: which kernel does which.

Chosen by shapes alone: Winograd's for kernels of 3 x 3 with stride 1 and enough channels, unless
convolutions are to be exact; else the windows laid out as rows of a matrix.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from graphflow.backends.base import Bound, Factory, Operand
from graphflow.backends.numba_kernels import batches, columns, planes, winograd
from graphflow.backends.numba_kernels.columns import Sweep
from graphflow.backends.numba_kernels.images import Image, usable
from graphflow.backends.numba_kernels.winograd import worthwhile
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


def _arrays(inputs: tuple[Operand, ...], out: Array) -> tuple[Array, Array] | None:
    """The operands, where all of these arrays can be worked with."""
    x, y = inputs
    assert isinstance(x, Array) and isinstance(y, Array)
    return (x, y) if all(a.dtype == out.dtype and usable(a) for a in (x, y, out)) else None


def _windows(node: Node, kernel: tuple[int, ...]) -> Windows:
    stride, padding, dilation = (node.attr(k) for k in ("stride", "padding", "dilation"))
    return Windows(kernel, stride, padding, dilation)  # type: ignore[arg-type]


def _before(windows: Windows) -> tuple[int, int]:
    """The padding above and before an image."""
    (above, _), (before, _) = windows.padding
    assert isinstance(above, int) and isinstance(before, int)
    return above, before


def _conv(
    exact: bool, node: Node, out: tuple[Array, ...], inputs: tuple[Operand, ...]
) -> Bound | None:
    (y,) = out
    found = _arrays(inputs, y)
    if found is None or node.attr("groups") != 1:
        return None
    x, weight = found
    windows = _windows(node, weight.shape[2:])
    if not exact and weight.flags.c_contiguous and worthwhile(windows, x, y):
        return Bound(winograd.convolution(Image(x), weight, Image(y), _before(windows)), WINOGRAD)
    if batches.suits(x, y):
        return Bound(batches.convolution(x, weight, y, windows), BATCH)
    if planes.suits(x, y):
        return Bound(planes.convolution(x, weight, y, windows), LINES)
    return Bound(columns.convolution(Sweep.of(x, y, weight, windows)), PRODUCTS)


def _conv_transpose(
    exact: bool, node: Node, out: tuple[Array, ...], inputs: tuple[Operand, ...]
) -> Bound | None:
    """With stride 1 this is a convolution by the kernel turned around."""
    (y,) = out
    found = _arrays(inputs, y)
    if found is None or node.attr("groups") != 1:
        return None
    x, weight = found
    windows = _windows(node, weight.shape[2:])
    if not exact and weight.flags.c_contiguous and worthwhile(windows, x, y):
        above, before = _before(windows)
        padding = 2 - above, 2 - before
        run = winograd.convolution(Image(x), weight, Image(y), padding, turned=True)
        return Bound(run, WINOGRAD)
    if batches.suits(x, y):
        return Bound(batches.convolution(x, weight, y, windows, back=True), BATCH)
    if planes.suits(y, x):
        return Bound(planes.adjoint(y, weight, x, windows), LINES)
    return Bound(columns.adjoint(Sweep.of(y, x, weight, windows)), PRODUCTS)


def _conv_weight_grad(
    exact: bool, node: Node, out: tuple[Array, ...], inputs: tuple[Operand, ...]
) -> Bound | None:
    (weight,) = out
    found = _arrays(inputs, weight)
    if found is None or node.attr("groups") != 1:
        return None
    x, cotangent = found
    windows = _windows(node, weight.shape[2:])
    if not exact and weight.flags.c_contiguous and worthwhile(windows, x, cotangent):
        run = winograd.weight_gradient(Image(x), Image(cotangent), weight, _before(windows))
        return Bound(run, WINOGRAD)
    if batches.suits(x, cotangent):
        return Bound(batches.weight_gradient(x, cotangent, weight, windows), BATCH)
    if planes.suits(x, cotangent):
        return Bound(planes.weight_gradient(x, cotangent, weight, windows), LINES)
    return Bound(columns.weight_gradient(Sweep.of(x, cotangent, weight, windows), weight), PRODUCTS)
