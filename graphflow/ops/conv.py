"""Convolutions (as deep learning calls them: cross-correlations) in 1, 2 or 3 dimensions.

conv, its adjoint conv_transpose and its derivative by the weight, conv_weight_grad, are the three
sides of one trilinear form, so each one's derivative is made of the other two:

    <g, conv(x, w)> = <conv_transpose(g, w), x> = <conv_weight_grad(x, g), w>

Weights have PyTorch's layout (out channels, in channels / groups, *kernel). The portable forward
lays all windows out as columns and multiplies matrices, a few samples at a time. Source: D2L 7.2;
Chellapilla, Puri, Simard 2006.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod

import numpy as np

from graphflow.diagnostics import fail
from graphflow.ir.dims import Dim, Shape, product
from graphflow.ir.graph import Attr
from graphflow.ir.types import TensorType, ValueType
from graphflow.ops.arguments import operand, per_axis, sizes_of
from graphflow.ops.builder import F, Value
from graphflow.ops.columns import CHUNK, added, batch_first, channels_first, chunks, columns
from graphflow.ops.linear import Multilinear
from graphflow.ops.op import Array, Attrs, Namespace, Sample, register
from graphflow.ops.windows import Pairs, Windows, spatial_rank, steps, window_padding


class Convolving(Multilinear):
    """Base: attributes stride, padding, dilation, groups, one entry for each spatial axis."""

    family, waits = "conv", True
    promotes, floats = "all", True

    def complete(self, rank: int, kernel: Shape, attrs: Attrs) -> Attrs:
        """The attributes written out for every axis."""
        stride = steps(attrs["stride"], rank, "stride")
        dilation = steps(attrs["dilation"], rank, "dilation")
        padding = window_padding(attrs["padding"], kernel, stride, dilation)
        groups = per_axis(attrs["groups"], 1, "groups")[0]
        return {
            **attrs, "stride": stride, "padding": padding, "dilation": dilation, "groups": groups,
        }  # fmt: skip

    def flops(self, out: ValueType, *types: ValueType, **attrs: Attr) -> Dim:
        """Each output of the convolution is a sum of products over its window."""
        return 2 * self.products(operand([out]), operand(types), operand(types, 1))

    def products(self, out: TensorType, first: TensorType, second: TensorType) -> Dim:
        """How many products the sums are made of."""
        raise NotImplementedError


@register
class Conv(Convolving):
    """A kernel moved over an image: y_o = sum_i w_oi * x_i, each * a sum over the window.

    x is (batch, channels, *spatial) with 1, 2 or 3 spatial axes, the weight (out channels,
    channels / groups, *kernel). ``padding`` is a number, [before, after] for each axis, ``same`` or
    ``valid``. Each of the ``groups`` sees its own part of the channels.
    """

    latex, retains = "{weight} * {x}", ("x", "weight")

    def canonical(self, types: Sequence[ValueType], attrs: Attrs) -> Attrs:
        x, weight = operand(types), operand(types, 1)
        rank = spatial_rank(x, "conv")
        _same_rank(x, weight, "conv")
        return self.complete(rank, weight.shape[2:], attrs)

    def infer(
        self,
        x: TensorType,
        weight: TensorType,
        *,
        stride: tuple[int, ...] = 1,  # type: ignore[assignment]
        padding: Pairs = 0,  # type: ignore[assignment]
        dilation: tuple[int, ...] = 1,  # type: ignore[assignment]
        groups: int = 1,
    ) -> TensorType:
        outputs, inputs = weight.shape[0], weight.shape[1]
        if inputs * groups != x.shape[1]:
            _channels(f"{x.shape[1]} channels", f"takes {inputs * groups}", x, weight)
        _grouped(outputs, groups)
        windows = Windows(weight.shape[2:], stride, padding, dilation)
        return x.with_shape((x.shape[0], outputs, *windows.counts(x.shape[2:])))

    def forward(
        self,
        xp: Namespace,
        x: Array,
        weight: Array,
        *,
        stride: tuple[int, ...],
        padding: Pairs,
        dilation: tuple[int, ...],
        groups: int,
    ) -> Array:
        windows = Windows(weight.shape[2:], stride, padding, dilation)
        counts = windows.counts(x.shape[2:])
        out = xp.empty((x.shape[0], weight.shape[0], *counts), x.dtype)
        rows = weight.reshape(groups, weight.shape[0] // groups, -1)
        for some in chunks(x.shape, windows):
            result = xp.matmul(rows, columns(xp, x[some], windows, groups))
            out[some] = batch_first(result, weight.shape[0], out[some].shape)
        return out

    def vjp(
        self, g: Value, out: Value, x: Value, weight: Value, **attrs: Attr
    ) -> Sequence[Value | None]:
        windows = _windows(weight.shape[2:], attrs)
        rest = left_over(windows, x.shape[2:], out.shape[2:])
        return (
            F.conv_transpose(g, weight, output_padding=rest, **attrs),
            F.conv_weight_grad(x, g, kernel=weight.shape[2:], **attrs),
        )

    def products(self, out: TensorType, first: TensorType, second: TensorType) -> Dim:
        return out.size * product(second.shape[1:])

    def workspace(self, out: ValueType, *types: ValueType, **attrs: Attr) -> Dim:
        return _workspace(operand(types), operand(types, 1).shape[2:], attrs)

    def samples(self) -> Iterator[Sample]:
        x = np.arange(5.0).reshape(1, 1, 5)
        edge = np.array([[[1.0, 0.0, -1.0]]])
        yield Sample([x, edge], {}, np.array([[[-2.0, -2.0, -2.0]]]))
        yield Sample([x, edge], {"padding": "same"}, np.array([[[-1.0, -2, -2, -2, 3]]]))
        image, kernel = ((2, 4, 5, 6), (-1.0, 1.0)), ((6, 2, 3, 2), (-1.0, 1.0))
        attrs: Attrs = {"stride": (2, 1), "padding": ((1, 0), (0, 2)), "groups": 2}
        yield Sample([image, kernel], attrs)
        yield Sample([((1, 2, 7), (-1.0, 1.0)), ((2, 2, 2), (-1.0, 1.0))], {"dilation": 3})
        volume, cube = ((1, 2, 3, 3, 4), (-1.0, 1.0)), ((1, 2, 2, 2, 2), (-1.0, 1.0))
        yield Sample([volume, cube], {"stride": 2})
        yield Sample([((0, 2, 4), (-1.0, 1.0)), ((3, 2, 2), (-1.0, 1.0))], {}, np.zeros((0, 3, 3)))


@register
class ConvTranspose(Convolving):
    """The adjoint of conv by its image: each input number adds its weighted kernel to the output.

    x is (batch, channels, *spatial), the weight (channels, out channels / groups, *kernel). Sizes
    grow to (n - 1) * stride - padding + dilation * (kernel - 1) + 1 + output_padding, where
    ``output_padding`` chooses among the sizes that conv would bring to n.
    """

    latex, retains = "{weight} *^T {x}", ("x", "weight")

    def canonical(self, types: Sequence[ValueType], attrs: Attrs) -> Attrs:
        x, weight = operand(types), operand(types, 1)
        rank = spatial_rank(x, "conv_transpose")
        _same_rank(x, weight, "conv_transpose")
        complete = self.complete(rank, weight.shape[2:], attrs)
        extra = sizes_of(attrs["output_padding"], rank, "output_padding")
        return {**complete, "output_padding": extra}

    def infer(
        self,
        x: TensorType,
        weight: TensorType,
        *,
        stride: tuple[int, ...] = 1,  # type: ignore[assignment]
        padding: Pairs = 0,  # type: ignore[assignment]
        output_padding: Shape = 0,  # type: ignore[assignment]
        dilation: tuple[int, ...] = 1,  # type: ignore[assignment]
        groups: int = 1,
    ) -> TensorType:
        if weight.shape[0] != x.shape[1]:
            _channels(f"{x.shape[1]} channels", f"takes {weight.shape[0]}", x, weight)
        _grouped(weight.shape[0], groups)
        windows = Windows(weight.shape[2:], stride, padding, dilation)
        spatial = grown(windows, x.shape[2:], output_padding)
        return x.with_shape((x.shape[0], weight.shape[1] * groups, *spatial))

    def forward(
        self,
        xp: Namespace,
        x: Array,
        weight: Array,
        *,
        stride: tuple[int, ...],
        padding: Pairs,
        output_padding: tuple[int, ...],
        dilation: tuple[int, ...],
        groups: int,
    ) -> Array:
        windows = Windows(weight.shape[2:], stride, padding, dilation)
        spatial = grown(windows, x.shape[2:], output_padding)
        channels = weight.shape[1] * groups
        out = xp.empty((x.shape[0], channels, *spatial), x.dtype)
        rows = weight.reshape(groups, weight.shape[0] // groups, -1)
        for some in chunks(out.shape, windows):
            parts = xp.matmul(rows.swapaxes(1, 2), channels_first(x[some], groups))
            out[some] = added(xp, parts, windows, out[some].shape, x.shape[2:])
        return out

    def vjp(
        self, g: Value, out: Value, x: Value, weight: Value, *, output_padding: Shape, **attrs: Attr
    ) -> Sequence[Value | None]:
        return (
            F.conv(g, weight, **attrs),
            F.conv_weight_grad(g, x, kernel=weight.shape[2:], **attrs),
        )

    def products(self, out: TensorType, first: TensorType, second: TensorType) -> Dim:
        return first.size * product(second.shape[1:])

    def workspace(self, out: ValueType, *types: ValueType, **attrs: Attr) -> Dim:
        return _workspace(operand([out]), operand(types, 1).shape[2:], attrs)

    def samples(self) -> Iterator[Sample]:
        x, kernel = np.array([[[1.0, 2.0]]]), np.array([[[1.0, 10.0, 100.0]]])
        grown_ = np.array([[[1.0, 10.0, 102.0, 20.0, 200.0]]])
        yield Sample([x, kernel], {"stride": 2}, grown_)
        extra: Attrs = {"stride": 2, "padding": 1, "output_padding": 1}
        yield Sample([x, kernel], extra, np.array([[[10.0, 102.0, 20.0, 200.0]]]))
        image, weight = ((2, 4, 3, 2), (-1.0, 1.0)), ((4, 3, 2, 3), (-1.0, 1.0))
        attrs: Attrs = {"stride": (2, 1), "padding": ((0, 1), (1, 0)), "groups": 2, "dilation": 2}
        yield Sample([image, weight], attrs)


@register
class ConvWeightGrad(Convolving):
    """The derivative of conv by its weight: the image correlated with the cotangent.

    x is conv's image, ``cotangent`` has the shape of conv's result, ``kernel`` is the kernel size.
    """

    latex, retains = r"{cotangent} \star {x}", ("x", "cotangent")

    def canonical(self, types: Sequence[ValueType], attrs: Attrs) -> Attrs:
        rank = spatial_rank(operand(types), "conv_weight_grad")
        kernel = sizes_of(attrs["kernel"], rank, "kernel")
        return {**self.complete(rank, kernel, attrs), "kernel": kernel}

    def infer(
        self,
        x: TensorType,
        cotangent: TensorType,
        *,
        kernel: Shape,
        stride: tuple[int, ...] = 1,  # type: ignore[assignment]
        padding: Pairs = 0,  # type: ignore[assignment]
        dilation: tuple[int, ...] = 1,  # type: ignore[assignment]
        groups: int = 1,
    ) -> TensorType:
        counts = Windows(kernel, stride, padding, dilation).counts(x.shape[2:])
        if cotangent.shape[2:] != counts or cotangent.shape[0] != x.shape[0]:
            fail(
                "GF030",
                f"conv_weight_grad: {list(cotangent.shape)} is not what a kernel {list(kernel)} "
                f"makes of {list(x.shape)}",
            )
        _grouped(x.shape[1], groups)
        _grouped(cotangent.shape[1], groups)
        return x.with_shape((cotangent.shape[1], x.shape[1] // groups, *kernel))

    def forward(
        self,
        xp: Namespace,
        x: Array,
        cotangent: Array,
        *,
        kernel: tuple[int, ...],
        stride: tuple[int, ...],
        padding: Pairs,
        dilation: tuple[int, ...],
        groups: int,
    ) -> Array:
        windows = Windows(kernel, stride, padding, dilation)
        outputs, inputs = cotangent.shape[1], x.shape[1] // groups
        total = xp.zeros((groups, outputs // groups, inputs * prod(kernel)), x.dtype)
        for some in chunks(x.shape, windows):
            parts = columns(xp, x[some], windows, groups)
            total += xp.matmul(channels_first(cotangent[some], groups), parts.swapaxes(1, 2))
        return total.reshape(outputs, inputs, *kernel)

    def vjp(
        self, g: Value, out: Value, x: Value, cotangent: Value, *, kernel: Shape, **attrs: Attr
    ) -> Sequence[Value | None]:
        windows = _windows(kernel, attrs)
        rest = left_over(windows, x.shape[2:], cotangent.shape[2:])
        return (
            F.conv_transpose(cotangent, g, output_padding=rest, **attrs),
            F.conv(x, g, **attrs),
        )

    def products(self, out: TensorType, first: TensorType, second: TensorType) -> Dim:
        return second.size * product(out.shape[1:])

    def workspace(self, out: ValueType, *types: ValueType, **attrs: Attr) -> Dim:
        return _workspace(operand(types), operand([out]).shape[2:], attrs)

    def samples(self) -> Iterator[Sample]:
        x, g = np.array([[[1.0, 2.0, 3.0, 4.0]]]), np.array([[[1.0, 10.0, 100.0]]])
        yield Sample([x, g], {"kernel": 2}, np.array([[[321.0, 432.0]]]))
        image, cotangent = ((2, 4, 6, 3), (-1.0, 1.0)), ((2, 2, 3, 4), (-1.0, 1.0))
        attrs: Attrs = {"kernel": (2, 2), "stride": (2, 1), "padding": (0, 1), "groups": 2}
        yield Sample([image, cotangent], attrs)


def _windows(kernel: Shape, attrs: Attrs) -> Windows:
    stride, padding, dilation = (attrs[k] for k in ("stride", "padding", "dilation"))
    return Windows(kernel, stride, padding, dilation)  # type: ignore[arg-type]


def grown(windows: Windows, spatial: Shape, extra: Shape) -> Shape:
    """The sizes of conv_transpose's result."""
    sizes: list[Dim] = []
    for i, (n, more) in enumerate(zip(spatial, extra, strict=True)):
        before, after = windows.padding[i]
        extent = windows.dilation[i] * (windows.kernel[i] - 1) + 1
        if isinstance(more, int) and more >= max(windows.stride[i], windows.dilation[i]):
            fail(
                "GF033",
                f"output_padding {more} must be smaller than the stride {windows.stride[i]} "
                f"or the dilation {windows.dilation[i]}",
            )
        size = (n - 1) * windows.stride[i] + extent - before - after + more
        if isinstance(size, int) and size < 0:
            fail("GF030", f"padding {before} + {after} leaves nothing of {list(spatial)}")
        sizes.append(size)
    return tuple(sizes)


def left_over(windows: Windows, spatial: Shape, counts: Shape) -> Shape:
    """The output_padding that leads conv_transpose back to the sizes conv started from."""
    rest = []
    for i, (n, count) in enumerate(zip(spatial, counts, strict=True)):
        extent = windows.dilation[i] * (windows.kernel[i] - 1) + 1
        covered = (count - 1) * windows.stride[i] + extent
        rest.append(n + windows.padding[i][0] + windows.padding[i][1] - covered)
    return tuple(rest)


def _workspace(x: TensorType, kernel: Shape, attrs: Attrs) -> Dim:
    """The columns of one chunk, at most those of the whole batch."""
    counts = _windows(kernel, attrs).counts(x.shape[2:])
    each = product((x.shape[1], *kernel, *counts))
    total = x.shape[0] * each
    if isinstance(total, int) and isinstance(each, int):
        total = min(total, max(CHUNK, each))
    return total * x.dtype.itemsize


def _same_rank(x: TensorType, weight: TensorType, op: str) -> None:
    if weight.ndim != x.ndim:
        fail("GF030", f"{op} of {list(x.shape)} with a weight {list(weight.shape)}: axes differ")


def _channels(has: str, takes: str, x: TensorType, weight: TensorType) -> None:
    fail(
        "GF030",
        f"the image has {has} but the weight {takes}: {list(x.shape)} and {list(weight.shape)}",
        help="the weight's layout is (out channels, in channels / groups, *kernel)",
    )


def _grouped(channels: Dim, groups: int) -> None:
    if channels % groups != 0:
        fail("GF033", f"{channels} channels do not fall into {groups} equal groups")
