"""Convolutions and poolings."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product as product_of
from math import prod

import numpy as np

from graphflow.interop.onnx.writer.emitter import Call
from graphflow.interop.onnx.writer.shape import along, cut, zero_padded
from graphflow.interop.onnx.writer.table import writes
from graphflow.ir.dims import Dim, product
from graphflow.ir.types import DType
from graphflow.ops.adaptive import edges
from graphflow.ops.conv import left_over
from graphflow.ops.windows import Windows


@writes("conv")
def conv(c: Call) -> str:
    """A kernel moved over an image."""
    return c.op("Conv", *c.inputs, **spacing(c))


@writes("conv_transpose")
def conv_transpose(c: Call) -> str:
    """The adjoint of conv by its image."""
    extra = c.known(c.shape("output_padding"))
    return c.op("ConvTranspose", *c.inputs, output_padding=extra, **spacing(c))


@writes("conv_weight_grad")
def conv_weight_grad(c: Call) -> str:
    """A convolution over the batch: channels and samples change places, stride and dilation too.

    What the cotangent slides over beyond the kernel, where the stride left a rest, is cut off.
    """
    (x, g), image = c.inputs, c.types[0]
    given, kernel, groups = spacing(c), c.known(c.shape("kernel")), c.whole("groups")
    inputs, batch = image.shape[1] // groups, image.shape[0]
    spatial = tuple(range(2, image.ndim))
    parts = c.reshape(x, (batch, groups, inputs, *image.shape[2:]))
    turned = c.op("Transpose", parts, perm=(2, 1, 0, *(a + 1 for a in spatial)))
    lined = c.reshape(turned, (inputs, groups * batch, *image.shape[2:]))
    weight = c.op("Transpose", g, perm=(1, 0, *spatial))
    swapped = {"strides": given["dilations"], "dilations": given["strides"], "pads": given["pads"]}
    found = c.op("Conv", lined, weight, group=groups, **swapped)
    kept = cut(c, found, [(a, 0, k, 1) for a, k in zip(spatial, kernel, strict=True)])
    return c.op("Transpose", kept, perm=(1, 0, *spatial))


def spacing(c: Call) -> dict[str, object]:
    """Stride, padding, dilation and groups as ONNX names them."""
    found: dict[str, object] = {
        "strides": c.shape("stride"),
        "pads": pads(c),
        "dilations": c.shape("dilation"),
    }
    return found | ({"group": c.attrs["groups"]} if "groups" in c.attrs else {})


def pads(c: Call) -> list[int]:
    """The margins: all those before, then all those after."""
    pairs: Sequence[tuple[Dim, Dim]] = c.shape("padding")  # type: ignore[assignment]
    return [*c.known([b for b, _ in pairs]), *c.known([a for _, a in pairs])]


# -- pooling ----------------------------------------------------------------------------------


def windows_of(c: Call) -> Windows:
    """Where the windows lie."""
    kernel = c.known(c.shape("kernel_size"))
    dilation = c.attrs.get("dilation", (1,) * len(kernel))
    return Windows(
        kernel, c.shape("stride"), c.attrs["padding"], dilation, bool(c.attrs["ceil_mode"])  # type: ignore[arg-type]
    )  # fmt: skip


def covered(c: Call, spatial: Sequence[Dim]) -> list[tuple[int, int]]:
    """Margins that complete the last windows, so that ONNX's ways to round do not matter."""
    windows = windows_of(c)
    before, after = (c.known(side) for side in zip(*windows.padding, strict=True))
    if not windows.ceil:
        return list(zip(before, after, strict=True))
    known = c.known(spatial)
    sizes = windows.padded_sizes(known)
    return [(b, size - n - b) for b, size, n in zip(before, sizes, known, strict=True)]


@writes("max_pool")
def max_pool(c: Call) -> str:
    """The largest element of each window."""
    return largest(c)[0]


@writes("max_pool_indices")
def max_pool_indices(c: Call) -> str:
    """ONNX counts through the whole array, ours through each plane."""
    places = largest(c)[1]
    return c.op("Mod", places, c.size(product(c.types[0].shape[2:])))


def largest(c: Call) -> list[str]:
    """Largest elements and their positions; integers go by way of float64."""
    (x,) = c.types
    value = c.x if x.dtype.is_float else c.cast(c.x, DType.FLOAT64)
    margins = covered(c, x.shape[2:])
    values, places = c.emitter.ops(
        "MaxPool", 2, value, kernel_shape=c.shape("kernel_size"),
        strides=c.shape("stride"), dilations=c.shape("dilation"),
        pads=[*(b for b, _ in margins), *(a for _, a in margins)],
    )  # fmt: skip
    return [values if x.dtype.is_float else c.cast(values, x.dtype), places]


@writes("avg_pool")
def avg_pool(c: Call) -> str:
    """The mean of each window; incomplete ones as the mean with zeros, scaled."""
    (x,) = c.types
    given = {"kernel_shape": c.shape("kernel_size"), "strides": c.shape("stride")}
    if not c.attrs["ceil_mode"]:
        counted = c.flag("count_include_pad")
        return c.op("AveragePool", c.x, pads=pads(c), count_include_pad=counted, **given)
    padded = zero_padded(c, c.x, [(0, 0), (0, 0), *covered(c, x.shape[2:])])
    whole = prod(c.known(windows_of(c).kernel))
    scale = (whole / members(c, x.shape[2:])).astype(x.dtype.value)
    return c.op("Mul", c.op("AveragePool", padded, **given), c.array(scale))


def members(c: Call, spatial: Sequence[Dim]) -> np.ndarray:
    """By how many elements each window's sum is divided."""
    windows, known = windows_of(c), c.known(spatial)
    total = np.ones(())
    for axis, (n, count) in enumerate(zip(known, c.known(windows.counts(known)), strict=True)):
        before, after, kernel = c.known((*windows.padding[axis], windows.kernel[axis]))
        first = np.arange(count) * windows.stride[axis] - before
        end = np.minimum(first + kernel, n + after)
        if not c.attrs["count_include_pad"]:
            first, end = np.maximum(first, 0), np.minimum(end, n)
        total = np.multiply.outer(total, end - first)
    return total


@writes("avg_unpool")
def avg_unpool(c: Call) -> str:
    """Each element's share added to every place of its window: a transposed convolution.

    Its result is completed by zeros to the array with its margins, which are then cut off.
    """
    (x,), windows, spatial = c.types, windows_of(c), c.known(c.shape("spatial"))
    share = c.op("Div", c.x, c.array(members(c, spatial).astype(x.dtype.value)))
    planes = c.reshape(share, (product(x.shape[:2]), 1, *x.shape[2:]))
    kernel, counts = c.known(windows.kernel), c.known(x.shape[2:])
    ones = c.array(np.ones((1, 1, *kernel), x.dtype.value))
    spread = c.op("ConvTranspose", planes, ones, strides=windows.stride)
    missing, kept = [(0, 0), (0, 0)], []
    for axis, (size, n) in enumerate(zip(windows.padded_sizes(spatial), spatial, strict=True)):
        missing.append((0, size - (counts[axis] - 1) * windows.stride[axis] - kernel[axis]))
        first = windows.padding[axis][0]
        kept.append((axis + 2, first, first + n, 1))
    return c.reshape(cut(c, zero_padded(c, spread, missing), kept), c.out.shape)


@writes("adaptive_avg_pool")
def adaptive_avg_pool(c: Call) -> str:
    """The mean of bins: of equal ones a plain pooling, else a product with a matrix an axis."""
    before, after = c.types[0].shape[2:], c.out.shape[2:]
    if before == after:
        return c.x
    known, bins = c.known(before), c.known(after)
    if all(n % b == 0 for n, b in zip(known, bins, strict=True) if b):
        kernel = [n // max(1, b) for n, b in zip(known, bins, strict=True)]
        return c.op("AveragePool", c.x, kernel_shape=kernel, strides=kernel)
    return averaged(c, list(zip(known, bins, strict=True)), transposed=False)


@writes("adaptive_avg_unpool")
def adaptive_avg_unpool(c: Call) -> str:
    """The adjoint: the matrices transposed."""
    before, after = c.known(c.types[0].shape[2:]), c.known(c.out.shape[2:])
    return averaged(c, list(zip(after, before, strict=True)), transposed=True)


def averaged(c: Call, pairs: Sequence[tuple[int, int]], transposed: bool) -> str:
    """Products with the matrices that take means of (n, bins), an axis at a time."""
    x = c.x
    for axis, (n, bins) in enumerate(pairs, start=2):
        if n == bins:
            continue
        matrix = np.zeros((bins, n))
        for row, (start, end) in enumerate(edges(n, bins)):
            matrix[row, start:end] = 1 / (end - start)
        x = along(c, x, axis, c.out.ndim, matrix.T if transposed else matrix)
    return x


@writes("adaptive_max_pool", "adaptive_max_pool_indices")
def adaptive_max_pool(c: Call) -> str:
    """The largest element of each bin, or where in the plane it stands: bin by bin."""
    spatial, bins = c.known(c.types[0].shape[2:]), c.known(c.out.shape[2:])
    places = np.arange(prod(spatial)).reshape(spatial)
    sides = [edges(n, b) for n, b in zip(spatial, bins, strict=True)]
    found = []
    for spans in product_of(*sides):
        window = cut(c, c.x, [(i + 2, start, end, 1) for i, (start, end) in enumerate(spans)])
        part = places[tuple(slice(*span) for span in spans)].reshape(-1)
        lined = c.reshape(window, (*c.out.shape[:2], len(part)))
        if c.node.op == "adaptive_max_pool":
            found.append(c.op("ReduceMax", lined, c.ints(2), keepdims=1))
        else:
            best = c.op("ArgMax", lined, axis=2, keepdims=1)
            found.append(c.op("Gather", c.array(part), best, axis=0))
    return c.reshape(c.op("Concat", *found, axis=2), c.out.shape)


# -- windows as columns -----------------------------------------------------------------------


@writes("unfold")
def unfold(c: Call) -> str:
    """A convolution of each plane by kernels that each pick one element of the window."""
    (x,) = c.types
    planes = c.reshape(c.x, (product(x.shape[:2]), 1, *x.shape[2:]))
    return c.reshape(c.op("Conv", planes, picking(c), **spacing(c)), c.out.shape)


@writes("fold")
def fold(c: Call) -> str:
    """The adjoint: a transposed convolution by the same kernels."""
    shape, size = c.out.shape, c.known(c.out.shape[2:])
    kernel, given = c.known(c.shape("kernel_size")), spacing(c)
    windows = Windows(kernel, c.shape("stride"), c.attrs["padding"], c.shape("dilation"))  # type: ignore[arg-type]
    counts = c.known(windows.counts(size))
    columns = c.reshape(c.x, (product(shape[:2]), prod(kernel), *counts))
    extra = c.known(left_over(windows, size, counts))
    whole = c.op("ConvTranspose", columns, picking(c), output_padding=extra, **given)
    return c.reshape(whole, shape)


def picking(c: Call) -> str:
    """Kernels (elements, 1, *kernel) that pick each element of a window."""
    kernel = c.known(c.shape("kernel_size"))
    return c.array(np.eye(prod(kernel), dtype=c.out.dtype.value).reshape(-1, 1, *kernel))
