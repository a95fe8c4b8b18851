"""Pooling to a given size: bins of (almost) equal width, whatever the size of the input.

Along an axis of size n, bin i of o covers floor(i n / o) ... ceil((i + 1) n / o) - 1.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product as positions
from math import prod

import numpy as np

from graphflow.diagnostics import fail
from graphflow.ir.dims import Dim, Shape, Symbolic, product
from graphflow.ir.graph import Attr
from graphflow.ir.types import DType, TensorType, ValueType
from graphflow.ops.arguments import operand, shape_of
from graphflow.ops.builder import F, Value
from graphflow.ops.linear import Linear
from graphflow.ops.op import Array, Attrs, Namespace, Op, Sample, register
from graphflow.ops.pool import picked, routed_back
from graphflow.ops.windows import Position, spatial_rank

Sizes = tuple[int, ...]


class Adaptive(Op):
    """Base: ``output_size`` is one size, or one for each spatial axis (null keeps the axis)."""

    family = "pool"

    def canonical(self, types: Sequence[ValueType], attrs: Attrs) -> Attrs:
        x = operand(types)
        rank = spatial_rank(x, self.name)
        given = attrs["output_size"]
        sizes = given if isinstance(given, tuple) else (given,) * rank
        if len(sizes) != rank:
            fail("GF033", f"output_size {list(sizes)} does not fit the shape {list(x.shape)}")
        for size in sizes:
            if isinstance(size, bool) or not isinstance(size, int | Symbolic | None) or size == 0:
                fail(
                    "GF033",
                    f"output_size is a positive whole number for each axis, not {size!r}",
                    help="none keeps an axis as it is",
                )
        kept = (n if s is None else s for s, n in zip(sizes, x.shape[2:], strict=True))
        return {**attrs, "output_size": shape_of(tuple(kept), "output_size")}

    def infer(self, x: TensorType, *, output_size: Shape) -> TensorType:
        if any(n == 0 for n in x.shape[2:]):
            fail("GF030", f"{self.name} of no elements: the operand has shape {list(x.shape)}")
        return x.with_shape((*x.shape[:2], *output_size))

    def flops(self, out: ValueType, *types: ValueType, **attrs: Attr) -> Dim:
        return operand(types).size


def edges(n: int, bins: int) -> list[tuple[int, int]]:
    """First element and end of each bin.

    >>> edges(5, 2)
    [(0, 3), (2, 5)]
    """
    return [(i * n // bins, -(-(i + 1) * n // bins)) for i in range(bins)]


def _means(xp: Namespace, x: Array, axis: int, bins: int) -> Array:
    """The mean of every bin along an axis."""
    lines = xp.moveaxis(x, axis, -1)
    parts = [lines[..., start:end].mean(axis=-1) for start, end in edges(x.shape[axis], bins)]
    return xp.stack(parts, axis)


def _shared_out(xp: Namespace, x: Array, axis: int, n: int) -> Array:
    """Every element along an axis shared out equally to its bin among ``n``."""
    lines = xp.moveaxis(x, axis, -1)
    made = xp.zeros((*lines.shape[:-1], n), x.dtype)
    for at, (start, end) in enumerate(edges(n, lines.shape[-1])):
        made[..., start:end] += lines[..., at : at + 1] / (end - start)
    return xp.moveaxis(made, -1, axis)


@register
class AdaptiveAvgPool(Adaptive, Linear):
    """The mean of each bin."""

    latex = r"\operatorname{{avgpool}}_{{{output_size}}} {x}"
    floats = True

    def forward(self, xp: Namespace, x: Array, *, output_size: Sizes) -> Array:
        for axis, bins in enumerate(output_size, start=2):
            if bins != x.shape[axis]:
                x = _means(xp, x, axis, bins)
        return x

    def vjp(self, g: Value, out: Value, x: Value, *, output_size: Shape) -> Sequence[Value | None]:
        return (F.adaptive_avg_unpool(g, spatial=x.shape[2:]),)

    def samples(self) -> Iterator[Sample]:
        x = np.array([[[1.0, 2.0, 6.0, 4.0, 5.0]]])
        yield Sample([x], {"output_size": 2}, np.array([[[3.0, 5.0]]]))
        yield Sample([x], {"output_size": 1}, np.array([[[3.6]]]))
        yield Sample([x], {"output_size": None}, x)
        image = np.arange(24.0).reshape(1, 2, 3, 4)
        yield Sample([image], {"output_size": (None, 1)}, image.mean(3, keepdims=True))
        yield Sample([image], {"output_size": (5, 3)})


@register
class AdaptiveAvgUnpool(Linear):
    """The adjoint of adaptive_avg_pool: each element shared out equally to its bin."""

    family = "pool"
    latex = r"\operatorname{{avgpool}}^T {x}"

    def canonical(self, types: Sequence[ValueType], attrs: Attrs) -> Attrs:
        spatial_rank(operand(types), "adaptive_avg_unpool")
        return {"spatial": shape_of(attrs["spatial"])}

    def infer(self, x: TensorType, *, spatial: Shape) -> TensorType:
        return x.with_shape((*x.shape[:2], *spatial))

    def forward(self, xp: Namespace, x: Array, *, spatial: Sizes) -> Array:
        for axis, n in enumerate(spatial, start=2):
            if n != x.shape[axis]:
                x = _shared_out(xp, x, axis, n)
        return x

    def vjp(self, g: Value, out: Value, x: Value, *, spatial: Shape) -> Sequence[Value | None]:
        return (F.adaptive_avg_pool(g, output_size=x.shape[2:]),)

    def samples(self) -> Iterator[Sample]:
        expected = np.array([[[1.0, 1.0, 3.0, 2.0, 2.0]]])
        yield Sample([np.array([[[3.0, 6.0]]])], {"spatial": (5,)}, expected)


@register
class AdaptiveMaxPool(Adaptive):
    """The largest element of each bin."""

    latex, retains = r"\operatorname{{maxpool}}_{{{output_size}}} {x}", ("x",)

    def forward(self, xp: Namespace, x: Array, *, output_size: Sizes) -> Array:
        out = xp.empty((*x.shape[:2], *output_size), x.dtype)
        for bin, part in _bins(x.shape[2:], output_size):
            out[bin] = x[part].max(axis=tuple(range(2, x.ndim)))
        return out

    def vjp(self, g: Value, out: Value, x: Value, *, output_size: Shape) -> Sequence[Value | None]:
        return (routed_back(g, F.adaptive_max_pool_indices(x, output_size=output_size), x),)

    def jvp(
        self,
        out: Value,
        inputs: Sequence[Value],
        tangents: Sequence[Value | None],
        *,
        output_size: Shape,
    ) -> Value | None:
        if tangents[0] is None:
            return None
        return picked(tangents[0], F.adaptive_max_pool_indices(inputs[0], output_size=output_size))

    def samples(self) -> Iterator[Sample]:
        x = np.array([[[1.0, 2.0, 6.0, 4.0, 5.0]]])
        yield Sample([x], {"output_size": 2}, np.array([[[6.0, 6.0]]]))
        image = np.random.default_rng(0).permutation(40).reshape(1, 2, 5, 4) / 10
        yield Sample([image], {"output_size": (2, 3)})


@register
class AdaptiveMaxPoolIndices(Adaptive):
    """Where adaptive_max_pool's elements lie in the flattened spatial axes."""

    latex = r"\operatorname{{arg\,maxpool}}_{{{output_size}}} {x}"

    def infer(self, x: TensorType, *, output_size: Shape) -> TensorType:
        return super().infer(x, output_size=output_size).with_dtype(DType.INT64)

    def forward(self, xp: Namespace, x: Array, *, output_size: Sizes) -> Array:
        places = xp.arange(product(x.shape[2:])).reshape(x.shape[2:])
        out = xp.empty((*x.shape[:2], *output_size), np.int64)
        for bin, part in _bins(x.shape[2:], output_size):
            window = x[part]
            window = window.reshape(*x.shape[:2], prod(window.shape[2:]))
            out[bin] = places[part].reshape(-1)[window.argmax(axis=2)]
        return out

    def samples(self) -> Iterator[Sample]:
        x = np.array([[[[1.0, 2.0], [6.0, 4.0], [7.0, 7.0]]]])
        expected = np.array([[[[2], [4]]]])
        yield Sample([x], {"output_size": (2, 1)}, expected, differentiable=False)
        nothing = np.zeros((0, 1, 3))
        yield Sample([nothing], {"output_size": 2}, np.zeros((0, 1, 2)), differentiable=False)


def _bins(spatial: Sizes, output_size: Sizes) -> Iterator[tuple[Position, Position]]:
    """Every bin's position in the result and the part of the input that it covers."""
    sides = [edges(n, bins) for n, bins in zip(spatial, output_size, strict=True)]
    for bin in positions(*(range(b) for b in output_size)):
        yield (..., *bin), (..., *(slice(*sides[axis][i]) for axis, i in enumerate(bin)))
