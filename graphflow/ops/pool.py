"""Pooling: the largest element or the mean of each window, in 1, 2 or 3 dimensions.

Attributes are PyTorch's: ``kernel_size``, ``stride`` (the kernel size by default), ``padding``
(at most half the kernel), ``ceil_mode`` (whether a last, incomplete window counts).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar, cast

import numpy as np

from graphflow.diagnostics import fail
from graphflow.ir.dims import Dim, Shape, product
from graphflow.ir.graph import Attr
from graphflow.ir.types import DType, TensorType, ValueType
from graphflow.ops.arguments import flag, operand, paddings, per_axis, shape_of
from graphflow.ops.builder import F, Value
from graphflow.ops.linear import Linear
from graphflow.ops.op import Array, Attrs, Namespace, Op, Sample, register
from graphflow.ops.windows import Pairs, Windows, spatial_rank, steps

Sizes = tuple[int, ...]


class Pooling(Op):
    """Base: completes the attributes that all poolings share."""

    family: ClassVar[str] = "pool"

    def canonical(self, types: Sequence[ValueType], attrs: Attrs) -> Attrs:
        rank = spatial_rank(operand(types), self.name)
        kernel = per_axis(attrs["kernel_size"], rank, "kernel_size")
        stride = attrs["stride"]
        pads = paddings(attrs["padding"], rank)
        for k, pair in zip(kernel, pads, strict=True):
            if any(isinstance(p, int) and 2 * p > k for p in pair):
                fail("GF033", f"padding {list(pair)} is more than half the kernel size {k}")
        flag(attrs["ceil_mode"], "ceil_mode")
        complete: Attrs = {
            **attrs,
            "kernel_size": kernel,
            "stride": kernel if stride is None else steps(stride, rank, "stride"),
            "padding": pads,
        }
        if "dilation" in attrs:
            complete["dilation"] = steps(attrs["dilation"], rank, "dilation")
        return complete

    def flops(self, out: ValueType, *types: ValueType, **attrs: Attr) -> Dim:
        kernel = shape_of(attrs["kernel_size"])
        return self.windows_in(operand([out]), operand(types)) * product(kernel)

    def windows_in(self, out: TensorType, x: TensorType) -> Dim:
        """How many windows are gone through."""
        return out.size


def _windows(
    kernel: Sizes, stride: Sizes, padding: Pairs, dilation: Sizes | None, ceil: bool
) -> Windows:
    return Windows(kernel, stride, padding, dilation or (1,) * len(kernel), ceil)


def planes(x: Value) -> Value:
    """``x`` with its spatial axes as one."""
    return F.reshape(x, shape=(*x.shape[:2], product(x.shape[2:])))


class MaxPooling(Pooling):
    """Base of max_pool and max_pool_indices."""

    def infer(
        self,
        x: TensorType,
        *,
        kernel_size: Sizes,
        stride: Sizes | None = None,
        padding: Pairs = 0,  # type: ignore[assignment]
        dilation: Sizes = 1,  # type: ignore[assignment]
        ceil_mode: bool = False,
    ) -> TensorType:
        assert stride is not None
        windows = Windows(kernel_size, stride, padding, dilation, ceil_mode)
        kept = x.with_shape((*x.shape[:2], *windows.counts(x.shape[2:])))
        return kept if self.differentiable else kept.with_dtype(DType.INT64)


@register
class MaxPool(MaxPooling):
    """The largest element of each window. Where several are equal, the first one has the gradient.

    Padding counts as minus infinity.
    """

    latex, retains = r"\operatorname{{maxpool}} {x}", ("x",)

    def forward(
        self,
        xp: Namespace,
        x: Array,
        *,
        kernel_size: Sizes,
        stride: Sizes,
        padding: Pairs,
        dilation: Sizes,
        ceil_mode: bool,
    ) -> Array:
        windows = Windows(kernel_size, stride, padding, dilation, ceil_mode)
        counts = windows.counts(x.shape[2:])
        padded = windows.padded(xp, x, lowest(x))
        return largest(xp, padded, windows, counts)

    def vjp(self, g: Value, out: Value, x: Value, **attrs: Attr) -> Sequence[Value | None]:
        return (routed_back(g, F.max_pool_indices(x, **attrs), x),)

    def jvp(
        self, out: Value, inputs: Sequence[Value], tangents: Sequence[Value | None], **attrs: Attr
    ) -> Value | None:
        if tangents[0] is None:
            return None
        return picked(tangents[0], F.max_pool_indices(inputs[0], **attrs))

    def samples(self) -> Iterator[Sample]:
        x = np.array([[[1.0, 5.0, 2.0, 4.0, 3.0]]])
        yield Sample([x], {"kernel_size": 2}, np.array([[[5.0, 4.0]]]))
        yield Sample([x], {"kernel_size": 2, "ceil_mode": True}, np.array([[[5.0, 4.0, 3.0]]]))
        padded: Attrs = {"kernel_size": 3, "stride": 2, "padding": 1}
        yield Sample([-x], padded, np.array([[[-1.0, -2.0, -3.0]]]))
        draw = np.random.default_rng(0).permutation(240).reshape(2, 2, 6, 10)
        attrs: Attrs = {"kernel_size": (2, 3), "stride": (2, 1), "padding": (1, 0)}
        attrs["dilation"] = (1, 2)
        yield Sample([draw / 100], attrs)
        volume = np.random.default_rng(1).permutation(64).reshape(1, 1, 4, 4, 4) / 10
        yield Sample([volume], {"kernel_size": 2})
        yield Sample([np.arange(6).reshape(1, 1, 6)], {"kernel_size": 3}, np.array([[[2, 5]]]))
        yield Sample([np.zeros((0, 1, 4))], {"kernel_size": 2}, np.zeros((0, 1, 2)))


def lowest(x: Array) -> float:
    """The number below all others of this type."""
    return -np.inf if x.dtype.kind == "f" else int(np.iinfo(x.dtype).min)


def largest(xp: Namespace, padded: Array, windows: Windows, counts: Shape) -> Array:
    """The largest element of each window of an array that has its padding."""
    out = xp.full((*padded.shape[:2], *counts), lowest(padded), padded.dtype)
    for offset in windows.offsets():
        xp.maximum(out, padded[windows.part(offset, counts)], out=out)
    return cast(Array, out)


def routed_back(g: Value, indices: Value, x: Value) -> Value:
    """Each element of g added to the element of the plane that it was picked from."""
    size = product(x.shape[2:])
    flat = F.scatter_add_along_axis(planes(g), planes(indices), size=size, axis=2)
    return F.reshape(flat, shape=x.shape)


def picked(x: Value, indices: Value) -> Value:
    """The elements of ``x`` at positions in its planes."""
    flat = F.take_along_axis(planes(x), planes(indices), axis=2)
    return F.reshape(flat, shape=indices.shape)


@register
class MaxPoolIndices(MaxPooling):
    """Where max_pool's elements lie in the flattened spatial axes: the first of equals."""

    latex = r"\operatorname{{arg\,maxpool}} {x}"

    def forward(
        self,
        xp: Namespace,
        x: Array,
        *,
        kernel_size: Sizes,
        stride: Sizes,
        padding: Pairs,
        dilation: Sizes,
        ceil_mode: bool,
    ) -> Array:
        windows = Windows(kernel_size, stride, padding, dilation, ceil_mode)
        spatial = x.shape[2:]
        counts = windows.counts(spatial)
        padded = windows.padded(xp, x, lowest(x))
        best = largest(xp, padded, windows, counts)
        indices = xp.zeros(best.shape, np.int64)
        for offset in reversed(list(windows.offsets())):  # so that the first of equals stays
            part = padded[windows.part(offset, counts)]
            position, inside = _positions(xp, windows, offset, spatial, counts)
            hit = (part == best) & inside
            xp.copyto(indices, xp.broadcast_to(position, indices.shape), where=hit)
        return indices

    def samples(self) -> Iterator[Sample]:
        x = np.array([[[1.0, 5.0, 5.0, 4.0, 3.0]]])
        attrs: Attrs = {"kernel_size": 3, "stride": 2, "padding": 1}
        yield Sample([x], attrs, np.array([[[1, 1, 3]]]), differentiable=False)
        square = np.array([[[[0.0, 1.0], [3.0, 2.0]]]])
        yield Sample([square], {"kernel_size": 2}, np.array([[[[2]]]]), differentiable=False)


def _positions(
    xp: Namespace, windows: Windows, offset: Sizes, spatial: Sizes, counts: Shape
) -> tuple[Array, Array]:
    """Position in the flattened array of each window's element at ``offset``; whether it exists."""
    flat: Array = xp.zeros((), np.int64)
    inside: Array = xp.ones((), bool)
    rank = len(spatial)
    for axis in range(rank):
        start = offset[axis] * windows.dilation[axis] - windows.padding[axis][0]
        places = start + xp.arange(counts[axis]) * windows.stride[axis]
        places = places.reshape(-1, *(1,) * (rank - 1 - axis))
        flat = flat * spatial[axis] + places
        inside = inside & (places >= 0) & (places < spatial[axis])
    return flat, inside


class AvgPooling(Pooling, Linear):
    """Base of avg_pool and its adjoint."""

    floats = True


@register
class AvgPool(AvgPooling):
    """The mean of each window. With ``count_include_pad`` the padding counts as zeros."""

    latex = r"\operatorname{{avgpool}} {x}"

    def infer(
        self,
        x: TensorType,
        *,
        kernel_size: Sizes,
        stride: Sizes | None = None,
        padding: Pairs = 0,  # type: ignore[assignment]
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> TensorType:
        assert stride is not None
        windows = _windows(kernel_size, stride, padding, None, ceil_mode)
        return x.with_shape((*x.shape[:2], *windows.counts(x.shape[2:])))

    def forward(
        self,
        xp: Namespace,
        x: Array,
        *,
        kernel_size: Sizes,
        stride: Sizes,
        padding: Pairs,
        ceil_mode: bool,
        count_include_pad: bool,
    ) -> Array:
        windows = _windows(kernel_size, stride, padding, None, ceil_mode)
        counts = windows.counts(x.shape[2:])
        padded = windows.padded(xp, x, 0)
        total = xp.zeros((*x.shape[:2], *counts), x.dtype)
        for offset in windows.offsets():
            total += padded[windows.part(offset, counts)]
        total /= members(xp, windows, x.shape[2:], count_include_pad, x.dtype)
        return total

    def vjp(self, g: Value, out: Value, x: Value, **attrs: Attr) -> Sequence[Value | None]:
        return (F.avg_unpool(g, spatial=x.shape[2:], **attrs),)

    def samples(self) -> Iterator[Sample]:
        x = np.array([[[1.0, 5.0, 2.0, 4.0, 3.0]]])
        yield Sample([x], {"kernel_size": 2}, np.array([[[3.0, 3.0]]]))
        yield Sample([x], {"kernel_size": 2, "ceil_mode": True}, np.array([[[3.0, 3.0, 3.0]]]))
        padded: Attrs = {"kernel_size": 3, "stride": 2, "padding": 1}
        yield Sample([x], padded, np.array([[[2.0, 11 / 3, 7 / 3]]]))
        plain: Attrs = {**padded, "count_include_pad": False}
        yield Sample([x], plain, np.array([[[3.0, 11 / 3, 3.5]]]))
        attrs: Attrs = {"kernel_size": (2, 3), "stride": (2, 1), "padding": (1, 0)}
        yield Sample([((2, 2, 6, 5), (-1.0, 1.0))], attrs)
        yield Sample([((1, 1, 4, 4, 5), (-1.0, 1.0))], {"kernel_size": 2, "ceil_mode": True})


@register
class AvgUnpool(AvgPooling):
    """The adjoint of avg_pool: each element shared out equally to its window."""

    latex = r"\operatorname{{avgpool}}^T {x}"

    def windows_in(self, out: TensorType, x: TensorType) -> Dim:
        return x.size

    def canonical(self, types: Sequence[ValueType], attrs: Attrs) -> Attrs:
        return {**super().canonical(types, attrs), "spatial": shape_of(attrs["spatial"])}

    def infer(
        self,
        x: TensorType,
        *,
        spatial: Shape,
        kernel_size: Sizes,
        stride: Sizes | None = None,
        padding: Pairs = 0,  # type: ignore[assignment]
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> TensorType:
        assert stride is not None
        counts = _windows(kernel_size, stride, padding, None, ceil_mode).counts(spatial)
        if counts != x.shape[2:]:
            fail("GF030", f"avg_pool makes {list(counts)} of {list(spatial)}, not {list(x.shape)}")
        return x.with_shape((*x.shape[:2], *spatial))

    def forward(
        self,
        xp: Namespace,
        x: Array,
        *,
        spatial: Sizes,
        kernel_size: Sizes,
        stride: Sizes,
        padding: Pairs,
        ceil_mode: bool,
        count_include_pad: bool,
    ) -> Array:
        windows = _windows(kernel_size, stride, padding, None, ceil_mode)
        share = x / members(xp, windows, spatial, count_include_pad, x.dtype)
        padded = xp.zeros((*x.shape[:2], *windows.padded_sizes(spatial)), x.dtype)
        for offset in windows.offsets():
            padded[windows.part(offset, x.shape[2:])] += share
        return padded[windows.core(spatial)]

    def vjp(
        self, g: Value, out: Value, x: Value, *, spatial: Shape, **attrs: Attr
    ) -> Sequence[Value | None]:
        return (F.avg_pool(g, **attrs),)

    def samples(self) -> Iterator[Sample]:
        x = np.array([[[2.0, 4.0]]])
        attrs: Attrs = {"kernel_size": 2, "spatial": (5,)}
        yield Sample([x], attrs, np.array([[[1.0, 1.0, 2.0, 2.0, 0.0]]]))


def members(
    xp: Namespace, windows: Windows, spatial: Shape, include_padding: bool, dtype: np.dtype
) -> Array:
    """By how many elements each window's sum is divided."""
    sizes = []
    for axis, (n, count) in enumerate(zip(spatial, windows.counts(spatial), strict=True)):
        before, after = windows.padding[axis]
        first = xp.arange(count) * windows.stride[axis] - before
        end = xp.minimum(first + windows.kernel[axis], n + after)
        if not include_padding:
            first, end = xp.maximum(first, 0), xp.minimum(end, n)
        sizes.append((end - first).reshape(-1, *(1,) * (len(spatial) - 1 - axis)))
    members = sizes[0]
    for more in sizes[1:]:
        members = members * more
    return members.astype(dtype)
