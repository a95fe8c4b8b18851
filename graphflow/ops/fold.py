"""Windows laid out side by side, and added back to where they were taken: each other's adjoints."""

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
from graphflow.ops.linear import Linear
from graphflow.ops.op import Array, Attrs, Namespace, Sample, register
from graphflow.ops.windows import Offset, Pairs, Windows, spatial_rank, steps, window_padding

Sizes = tuple[int, ...]


class Folding(Linear):
    """Base: completes kernel_size, dilation, padding and stride, one entry for each axis."""

    family = "fold"

    def complete(self, rank: int, attrs: Attrs) -> Attrs:
        """The attributes of windows written out for every axis."""
        kernel = per_axis(attrs["kernel_size"], rank, "kernel_size")
        dilation = steps(attrs["dilation"], rank, "dilation")
        stride = steps(attrs["stride"], rank, "stride")
        padding = window_padding(attrs["padding"], kernel, stride, dilation)
        return {
            **attrs,
            "kernel_size": kernel, "dilation": dilation, "padding": padding, "stride": stride,
        }  # fmt: skip


@register
class Unfold(Folding):
    """Every window of an image as a column, as in torch.nn.functional.unfold.

    x (batch, channels, *spatial) becomes (batch, channels * prod(kernel_size), windows), the
    windows counted row by row: a convolution is then a product of matrices.
    """

    latex = r"\operatorname{{unfold}} {x}"

    def canonical(self, types: Sequence[ValueType], attrs: Attrs) -> Attrs:
        return self.complete(spatial_rank(operand(types), "unfold"), attrs)

    def infer(
        self,
        x: TensorType,
        *,
        kernel_size: Sizes,
        dilation: Sizes = 1,  # type: ignore[assignment]
        padding: Pairs = 0,  # type: ignore[assignment]
        stride: Sizes = 1,  # type: ignore[assignment]
    ) -> TensorType:
        counts = Windows(kernel_size, stride, padding, dilation).counts(x.shape[2:])
        return x.with_shape((x.shape[0], x.shape[1] * prod(kernel_size), product(counts)))

    def forward(
        self,
        xp: Namespace,
        x: Array,
        *,
        kernel_size: Sizes,
        dilation: Sizes,
        padding: Pairs,
        stride: Sizes,
    ) -> Array:
        windows = Windows(kernel_size, stride, padding, dilation)
        counts = windows.counts(x.shape[2:])
        padded = windows.padded(xp, x, 0)
        out = xp.empty((*x.shape[:2], *kernel_size, *counts), x.dtype)
        for offset in windows.offsets():
            out[_at(offset)] = padded[windows.part(offset, counts)]
        return out.reshape(x.shape[0], x.shape[1] * prod(kernel_size), prod(counts))

    def vjp(self, g: Value, out: Value, x: Value, **attrs: Attr) -> Sequence[Value | None]:
        return (F.fold(g, output_size=x.shape[2:], **attrs),)

    def flops(self, out: ValueType, *types: ValueType, **attrs: Attr) -> Dim:
        return 0

    def samples(self) -> Iterator[Sample]:
        x = np.arange(9.0).reshape(1, 1, 3, 3)
        columns = np.array([[[0, 1, 3, 4], [1, 2, 4, 5], [3, 4, 6, 7], [4, 5, 7, 8.0]]])
        yield Sample([x], {"kernel_size": 2}, columns)
        series = np.arange(4.0).reshape(1, 1, 4)
        every: Attrs = {"kernel_size": 2, "dilation": 2, "padding": 1, "stride": 3}
        yield Sample([series], every, np.array([[[0.0, 2.0], [1.0, 0.0]]]))
        attrs: Attrs = {"kernel_size": (3, 2), "padding": ((1, 0), (0, 2)), "stride": (2, 1)}
        yield Sample([((2, 3, 5, 4), (-1.0, 1.0))], attrs)
        yield Sample([((1, 2, 3, 3, 2), (-1.0, 1.0))], {"kernel_size": 2})
        yield Sample([np.zeros((0, 2, 4))], {"kernel_size": 3}, np.zeros((0, 6, 2)))


@register
class Fold(Folding):
    """The adjoint of unfold: every column added to where its window lies; overlaps are summed.

    x (batch, channels * prod(kernel_size), windows) becomes (batch, channels, *output_size), as in
    torch.nn.functional.fold. ``output_size`` is one size or one for each axis of the kernel.
    """

    latex = r"\operatorname{{fold}} {x}"

    def canonical(self, types: Sequence[ValueType], attrs: Attrs) -> Attrs:
        given = [attrs[n] for n in ("output_size", "kernel_size")]
        rank = max(len(g) if isinstance(g, tuple) else 1 for g in given)
        size = sizes_of(attrs["output_size"], rank, "output_size")
        return {**self.complete(rank, attrs), "output_size": size}

    def infer(
        self,
        x: TensorType,
        *,
        output_size: Shape,
        kernel_size: Sizes,
        dilation: Sizes = 1,  # type: ignore[assignment]
        padding: Pairs = 0,  # type: ignore[assignment]
        stride: Sizes = 1,  # type: ignore[assignment]
    ) -> TensorType:
        windows = Windows(kernel_size, stride, padding, dilation)
        count, rows = product(windows.counts(output_size)), prod(kernel_size)
        if x.ndim != 3 or x.shape[2] != count or x.shape[1] % rows != 0:
            fail(
                "GF030",
                f"fold to {list(output_size)} wants (batch, channels * {rows}, {count} windows), "
                f"but the shape is {list(x.shape)}",
                help="an output_size or kernel_size of several axes is written as a list",
            )
        return x.with_shape((x.shape[0], x.shape[1] // rows, *output_size))

    def forward(
        self,
        xp: Namespace,
        x: Array,
        *,
        output_size: Sizes,
        kernel_size: Sizes,
        dilation: Sizes,
        padding: Pairs,
        stride: Sizes,
    ) -> Array:
        windows = Windows(kernel_size, stride, padding, dilation)
        counts = windows.counts(output_size)
        channels = x.shape[1] // prod(kernel_size)
        parts = x.reshape((x.shape[0], channels, *kernel_size, *counts))
        padded = xp.zeros((x.shape[0], channels, *windows.padded_sizes(output_size)), x.dtype)
        for offset in windows.offsets():
            padded[windows.part(offset, counts)] += parts[_at(offset)]
        return padded[windows.core(output_size)]

    def vjp(
        self, g: Value, out: Value, x: Value, *, output_size: Shape, **attrs: Attr
    ) -> Sequence[Value | None]:
        return (F.unfold(g, **attrs),)

    def flops(self, out: ValueType, *types: ValueType, **attrs: Attr) -> Dim:
        return operand(types).size

    def samples(self) -> Iterator[Sample]:
        attrs: Attrs = {"output_size": (3, 3), "kernel_size": 2}
        counts = np.array([[1.0, 2.0, 1.0], [2.0, 4.0, 2.0], [1.0, 2.0, 1.0]])
        yield Sample([np.ones((1, 4, 4))], attrs, counts[None, None])
        apart: Attrs = {"output_size": 5, "kernel_size": 2, "dilation": 2, "padding": 1}
        yield Sample([((2, 6, 5), (-1.0, 1.0))], apart)
        wide: Attrs = {"output_size": (5, 4), "kernel_size": (3, 2), "stride": (2, 1)}
        yield Sample([((2, 6, 10), (-1.0, 1.0))], {**wide, "padding": ((1, 0), (0, 2))})


def _at(offset: Offset) -> tuple[slice | int, ...]:
    """One position inside the kernel, of an array (batch, channels, *kernel, *windows)."""
    return (slice(None), slice(None), *offset)
