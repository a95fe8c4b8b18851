"""Choosing elements by arrays of positions, and adding to chosen places: each other's adjoints."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod

import numpy as np

from graphflow.diagnostics import fail
from graphflow.ir.dims import Dim
from graphflow.ir.graph import Attr
from graphflow.ir.types import DType, TensorType, ValueType
from graphflow.ops.arguments import flag, one_axis, operand, replaced, size
from graphflow.ops.builder import F, Value
from graphflow.ops.linear import Linear
from graphflow.ops.op import Array, Attrs, Namespace, Op, Sample, register
from graphflow.ops.positions import (
    check,
    combined_at_once,
    counted_up,
    integers,
    mismatch,
    within,
)


class Indexed(Linear):
    """Base: the second operand holds integer positions along ``axis``.

    -1 is the last one; with ``negative`` false, positions are labels that count from 0, and a
    negative one is an error.
    """

    family, notes = "index", True

    def canonical(self, types: Sequence[ValueType], attrs: Attrs) -> Attrs:
        axis = one_axis(attrs["axis"], operand(types).ndim)
        return {**attrs, "axis": axis, "negative": flag(attrs["negative"], "negative")}

    def flops(self, out: ValueType, *types: ValueType, **attrs: Attr) -> Dim:
        return 0


@register
class Take(Indexed):
    """The elements (rows, slices) at given positions of an axis. y = x[..., indices, ...]."""

    latex, retains = "{x}_{{{indices}}}", ("indices",)

    def infer(
        self, x: TensorType, indices: TensorType, *, axis: int = 0, negative: bool = True
    ) -> TensorType:
        integers(indices, "take")
        return x.with_shape(replaced(x.shape, axis, *indices.shape))

    def forward(
        self, xp: Namespace, x: Array, indices: Array, *, axis: int, negative: bool
    ) -> Array:
        check(indices, x.shape[axis], negative)
        return xp.take(x, indices, axis)

    def vjp(
        self, g: Value, out: Value, x: Value, indices: Value, *, axis: int, negative: bool
    ) -> Sequence[Value | None]:
        size = x.shape[axis]
        return F.scatter_add(g, indices, size=size, axis=axis, negative=negative), None

    def samples(self) -> Iterator[Sample]:
        x = np.arange(12.0).reshape(3, 4)
        yield Sample([x, np.array([2, 0, 2])], {}, x[[2, 0, 2]])
        yield Sample([x, np.array([[1, -1]])], {"axis": 1}, x[:, [[1, -1]]])
        yield Sample([x, np.array(1)], {"axis": -1}, x[:, 1])
        yield Sample([x, np.array([2, 0])], {"negative": False}, x[[2, 0]])
        yield Sample([x, np.zeros(0, np.int64)], {}, np.zeros((0, 4)))


@register
class ScatterAdd(Indexed):
    """Sums by position: zeros with each update added at its place along an axis.

    y[..., p, ...] = sum of updates[..., j, ...] over all j with indices[j] = p. ``updates`` has the
    axes of ``indices`` in the place of ``axis``, whose size becomes ``size``. The adjoint of take;
    also known as segment sum.
    """

    latex, retains = r"\sum_{{{indices} = p}} {updates}", ("indices",)

    def canonical(self, types: Sequence[ValueType], attrs: Attrs) -> Attrs:
        updates, indices = operand(types), operand(types, 1)
        left = updates.ndim - indices.ndim + 1
        if left < 1:
            fail("GF030", mismatch("scatter_add", updates, indices))
        axis = one_axis(attrs["axis"], left)
        negative = flag(attrs["negative"], "negative")
        return {"size": size(attrs["size"], "size"), "axis": axis, "negative": negative}

    def infer(
        self,
        updates: TensorType,
        indices: TensorType,
        *,
        size: Dim,
        axis: int = 0,
        negative: bool = True,
    ) -> TensorType:
        integers(indices, "scatter_add")
        end = axis + indices.ndim
        if updates.shape[axis:end] != indices.shape:
            fail("GF030", mismatch("scatter_add", updates, indices))
        return updates.with_shape((*updates.shape[:axis], size, *updates.shape[end:]))

    def forward(
        self, xp: Namespace, updates: Array, indices: Array, *, size: int, axis: int, negative: bool
    ) -> Array:
        before, after = updates.shape[:axis], updates.shape[axis + indices.ndim :]
        rows = (prod(before), indices.size, prod(after))
        places = xp.broadcast_to(counted_up(indices, size, negative).reshape(1, -1, 1), rows)
        total = _added(xp, updates.reshape(rows), places, size)
        return total.reshape(*before, size, *after)

    def vjp(
        self,
        g: Value,
        out: Value,
        updates: Value,
        indices: Value,
        *,
        size: Dim,
        axis: int,
        negative: bool,
    ) -> Sequence[Value | None]:
        return F.take(g, indices, axis=axis, negative=negative), None

    def on_host(self, types: Sequence[ValueType], attrs: Attrs) -> bool:
        return not combined_at_once("add", operand(types).dtype)

    def flops(self, out: ValueType, *types: ValueType, **attrs: Attr) -> Dim:
        return operand(types).size

    def samples(self) -> Iterator[Sample]:
        x = np.arange(1.0, 7.0).reshape(3, 2)
        expected = np.array([[4.0, 6.0], [0.0, 0.0], [5.0, 6.0]])
        yield Sample([x, np.array([0, 0, -1])], {"size": 3}, expected)
        yield Sample([x, np.array([1, 0])], {"size": 2, "axis": 1}, x[:, ::-1])
        yield Sample([x[0], np.array(1)], {"size": 2, "axis": 0}, np.array([[0, 0], [1.0, 2.0]]))
        empty = np.zeros((0, 2)), np.zeros(0, np.int64)
        yield Sample(empty, {"size": 2}, np.zeros((2, 2)))


@register
class TakeAlongAxis(Indexed):
    """One element for each position: y[i, j] = x[i, indices[i, j]] (PyTorch's gather).

    ``indices`` has the axes of ``x`` and, but for ``axis``, its sizes or smaller ones: the rest of
    x is not looked at.
    """

    latex, retains = "{x}_{{{indices}}}", ("indices",)

    def infer(
        self, x: TensorType, indices: TensorType, *, axis: int, negative: bool = True
    ) -> TensorType:
        integers(indices, "take_along_axis")
        within(x, indices, axis, "take_along_axis")
        return x.with_shape(indices.shape)

    def forward(
        self, xp: Namespace, x: Array, indices: Array, *, axis: int, negative: bool
    ) -> Array:
        check(indices, x.shape[axis], negative)
        shape = replaced(indices.shape, axis, x.shape[axis])
        return xp.take_along_axis(x[tuple(map(slice, shape))], indices, axis)

    def vjp(
        self, g: Value, out: Value, x: Value, indices: Value, *, axis: int, negative: bool
    ) -> Sequence[Value | None]:
        size = x.shape[axis]
        total = F.scatter_add_along_axis(g, indices, size=size, axis=axis, negative=negative)
        if total.shape != x.shape:
            rest = zip(x.shape, total.shape, strict=True)
            total = F.pad(total, pad_width=tuple((0, n - m) for n, m in rest))
        return total, None

    def samples(self) -> Iterator[Sample]:
        x = np.arange(12.0).reshape(3, 4)
        rows = np.array([[2, 0, 2], [0, -1, 1], [3, 3, 3]])
        yield Sample([x, rows], {"axis": 1}, np.take_along_axis(x, rows, 1))
        down = np.array([[2, 0, 2, 1]])
        yield Sample([x, down], {"axis": 0}, np.take_along_axis(x, down, 0))
        yield Sample([x, down[:, :2]], {"axis": 0}, np.take_along_axis(x[:, :2], down[:, :2], 0))
        yield Sample([x, np.zeros((3, 0), np.int64)], {"axis": 1}, np.zeros((3, 0)))


@register
class ScatterAddAlongAxis(Indexed):
    """Zeros with each update added at its own place: y[i, indices[i, j]] += updates[i, j].

    The size of ``axis`` becomes ``size``. The adjoint of take_along_axis.
    """

    latex, retains = r"\sum_{{{indices} = p}} {updates}", ("indices",)

    def canonical(self, types: Sequence[ValueType], attrs: Attrs) -> Attrs:
        attrs = super().canonical(types, attrs)
        return {**attrs, "size": size(attrs["size"], "size")}

    def infer(
        self,
        updates: TensorType,
        indices: TensorType,
        *,
        size: Dim,
        axis: int,
        negative: bool = True,
    ) -> TensorType:
        integers(indices, "scatter_add_along_axis")
        if updates.shape != indices.shape:
            fail("GF030", mismatch("scatter_add_along_axis", updates, indices))
        return updates.with_shape(replaced(updates.shape, axis, size))

    def forward(
        self, xp: Namespace, updates: Array, indices: Array, *, size: int, axis: int, negative: bool
    ) -> Array:
        before, after = updates.shape[:axis], updates.shape[axis + 1 :]
        rows = (prod(before), updates.shape[axis], prod(after))
        places = counted_up(indices, size, negative).reshape(rows)
        total = _added(xp, updates.reshape(rows), places, size)
        return total.reshape(*before, size, *after)

    def vjp(
        self,
        g: Value,
        out: Value,
        updates: Value,
        indices: Value,
        *,
        size: Dim,
        axis: int,
        negative: bool,
    ) -> Sequence[Value | None]:
        return F.take_along_axis(g, indices, axis=axis, negative=negative), None

    def on_host(self, types: Sequence[ValueType], attrs: Attrs) -> bool:
        return not combined_at_once("add", operand(types).dtype)

    def flops(self, out: ValueType, *types: ValueType, **attrs: Attr) -> Dim:
        return operand(types).size

    def samples(self) -> Iterator[Sample]:
        x = np.array([[1.0, 2.0], [3.0, 4.0]])
        places = np.array([[2, 2], [0, -1]])
        expected = np.array([[0.0, 0.0, 3.0], [3.0, 0.0, 4.0]])
        yield Sample([x, places], {"size": 3, "axis": 1}, expected)
        down = np.array([[1, 0], [1, 1]])
        yield Sample([x, down], {"size": 2, "axis": 0}, np.array([[0.0, 2.0], [4.0, 4.0]]))


def _added(xp: Namespace, updates: Array, places: Array, size: int) -> Array:
    """Zeros (before, size, after) with updates (before, n, after) added at places of axis 1."""
    before, _, after = updates.shape
    out = xp.zeros(before * size * after, updates.dtype)
    first = xp.arange(before)[:, None, None] * (size * after) + xp.arange(after)
    flat = first + places * after
    xp.add.at(out, flat.reshape(-1), updates.reshape(-1))  # one axis is much the fastest
    return out.reshape(before, size, after)


@register
class OneHot(Op):
    """1 at the position that x names, 0 elsewhere: y[..., c] = [x = c] for c < classes.

    A value outside 0 ... classes - 1 gives zeros only.
    """

    latex = r"\mathbf{{1}}[{x} = c]"

    def canonical(self, types: Sequence[ValueType], attrs: Attrs) -> Attrs:
        return {**attrs, "classes": size(attrs["classes"], "the number of classes")}

    def infer(self, x: TensorType, *, classes: Dim, dtype: DType = DType.FLOAT) -> TensorType:
        integers(x, "one_hot")
        return TensorType(dtype, (*x.shape, classes))

    def forward(self, xp: Namespace, x: Array, *, classes: int, dtype: DType) -> Array:
        return (x[..., None] == xp.arange(classes)).astype(dtype.value)

    def vjp(self, g: Value, out: Value, x: Value, **attrs: Attr) -> Sequence[Value | None]:
        return (None,)

    def jvp(
        self, out: Value, inputs: Sequence[Value], tangents: Sequence[Value | None], **attrs: Attr
    ) -> Value | None:
        return None

    def samples(self) -> Iterator[Sample]:
        x = np.array([[0, 2], [1, 3]])
        expected = (x[..., None] == np.arange(3)).astype(float)
        yield Sample([x], {"classes": 3}, expected, differentiable=False)
