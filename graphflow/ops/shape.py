"""Operators that see the same numbers in another shape."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NoReturn

import numpy as np

from graphflow.diagnostics import fail
from graphflow.ir.dims import Dim, FloorDiv, Shape, Symbolic, product
from graphflow.ir.graph import Attr
from graphflow.ir.types import BroadcastError, TensorType, ValueType, broadcast
from graphflow.ops.arguments import many_axes, one_axis, operand, shape_of
from graphflow.ops.builder import F, Value, unbroadcast
from graphflow.ops.linear import Moving
from graphflow.ops.op import Array, Attrs, Namespace, Sample, register

Axes = tuple[int, ...]


@register
class Reshape(Moving):
    """The same elements, row by row, in another shape; one size may be -1, meaning the rest."""

    latex = r"\operatorname{{reshape}}({x})"
    view = True

    def canonical(self, types: Sequence[ValueType], attrs: Attrs) -> Attrs:
        return {"shape": _completed(attrs["shape"], operand(types).shape)}

    def infer(self, x: TensorType, *, shape: Shape) -> TensorType:
        if not same_count(x.size, product(shape)):
            _cannot_reshape(x.shape, shape)
        return x.with_shape(shape)

    def forward(self, xp: Namespace, x: Array, *, shape: tuple[int, ...]) -> Array:
        return xp.reshape(x, shape)

    def vjp(self, g: Value, out: Value, x: Value, *, shape: Shape) -> Sequence[Value | None]:
        return (F.reshape(g, shape=x.shape),)

    def samples(self) -> Iterator[Sample]:
        x = np.arange(6.0)
        yield Sample([x], {"shape": (2, 3)}, x.reshape(2, 3))
        yield Sample([x.reshape(3, 2)], {"shape": (2, -1)}, x.reshape(2, 3))
        yield Sample([np.array([5.0])], {"shape": ()}, np.array(5.0))
        yield Sample([np.zeros((0, 3))], {"shape": (3, 0, 2)}, np.zeros((3, 0, 2)))


def same_count(a: Dim, b: Dim) -> bool:
    """Whether two numbers of elements agree, as far as can be known before symbols are bound.

    Different polynomials are different; what a floor division gives is checked once it is known.
    """
    return a == b or _has_division(a) or _has_division(b)


def _has_division(dim: Dim) -> bool:
    return isinstance(dim, Symbolic) and any(
        isinstance(atom, FloorDiv) for atoms, _ in dim.terms for atom in atoms
    )


def _completed(shape: Attr, of: Shape) -> Shape:
    """The wanted shape with -1 replaced by what is left."""
    given = shape if isinstance(shape, tuple) else (shape,)
    known = shape_of(tuple(d for d in given if d != -1))
    if len(known) == len(given):
        return known
    if len(known) < len(given) - 1:
        fail("GF033", f"only one size of the shape {list(given)} can be -1")
    rest, total = product(known), product(of)
    if rest == 0 or not same_count(total // rest * rest, total):
        _cannot_reshape(of, given)
    return tuple(total // rest if d == -1 else d for d in given)  # type: ignore[misc]


def _cannot_reshape(before: Shape, after: Sequence[Attr]) -> NoReturn:
    fail(
        "GF030",
        f"cannot reshape {list(before)} ({product(before)} elements) to {list(after)}",
        help="both shapes must hold equally many elements; write -1 for one size to be worked out",
    )


@register
class Transpose(Moving):
    """The axes in another order, reversed by default. y has axis axes[i] of x as its axis i."""

    latex = "{x}^T"
    view = True

    def canonical(self, types: Sequence[ValueType], attrs: Attrs) -> Attrs:
        ndim, axes = operand(types).ndim, attrs["axes"]
        if axes is None:
            return {"axes": tuple(reversed(range(ndim)))}
        order = tuple(one_axis(a, ndim) for a in (axes if isinstance(axes, tuple) else (axes,)))
        if sorted(order) != list(range(ndim)):
            fail(
                "GF033",
                f"axes {list(order)} do not name each of the {ndim} axes of "
                f"{list(operand(types).shape)} once",
            )
        return {"axes": order}

    def infer(self, x: TensorType, *, axes: Axes | None = None) -> TensorType:
        assert axes is not None
        return x.with_shape(x.shape[a] for a in axes)

    def forward(self, xp: Namespace, x: Array, *, axes: Axes) -> Array:
        return xp.transpose(x, axes)

    def vjp(self, g: Value, out: Value, x: Value, *, axes: Axes) -> Sequence[Value | None]:
        return (F.transpose(g, axes=tuple(axes.index(i) for i in range(len(axes)))),)

    def samples(self) -> Iterator[Sample]:
        x = np.arange(6.0).reshape(1, 2, 3)
        yield Sample([x], {}, x.T)
        yield Sample([x], {"axes": (1, -1, 0)}, x.transpose(1, 2, 0))
        yield Sample([np.array(3.0)], {}, np.array(3.0))
        yield Sample([np.zeros((0, 3))], {}, np.zeros((3, 0)))


@register
class BroadcastTo(Moving):
    """x stretched to a shape by NumPy's rules; the cotangent is summed over what was stretched."""

    latex = "{x}"
    view = True

    def canonical(self, types: Sequence[ValueType], attrs: Attrs) -> Attrs:
        return {"shape": shape_of(attrs["shape"])}

    def infer(self, x: TensorType, *, shape: Shape) -> TensorType:
        try:
            fits = broadcast(x.shape, shape) == shape
        except BroadcastError:
            fits = False
        if not fits:
            fail(
                "GF030",
                f"cannot broadcast {list(x.shape)} to {list(shape)}",
                help="each size must be equal, counted from the last axis, or 1",
            )
        return x.with_shape(shape)

    def forward(self, xp: Namespace, x: Array, *, shape: tuple[int, ...]) -> Array:
        return xp.broadcast_to(x, shape)

    def vjp(self, g: Value, out: Value, x: Value, *, shape: Shape) -> Sequence[Value | None]:
        return (unbroadcast(g, x.tensor),)

    def samples(self) -> Iterator[Sample]:
        x = np.array([[1.0], [2.0]])
        yield Sample([x], {"shape": (3, 2, 4)}, np.broadcast_to(x, (3, 2, 4)))
        yield Sample([np.array(2.0)], {"shape": (0, 2)}, np.zeros((0, 2)))


@register
class ExpandDims(Moving):
    """New axes of size 1; ``axis`` counts in the result."""

    latex = "{x}"
    view = True

    def canonical(self, types: Sequence[ValueType], attrs: Attrs) -> Attrs:
        axis = attrs["axis"]
        added = len(axis) if isinstance(axis, tuple) else 1
        return {"axis": many_axes(axis, operand(types).ndim + added)}

    def infer(self, x: TensorType, *, axis: Axes) -> TensorType:
        sizes = iter(x.shape)
        return x.with_shape(1 if i in axis else next(sizes) for i in range(x.ndim + len(axis)))

    def forward(self, xp: Namespace, x: Array, *, axis: Axes) -> Array:
        return xp.expand_dims(x, axis)

    def vjp(self, g: Value, out: Value, x: Value, *, axis: Axes) -> Sequence[Value | None]:
        return (F.squeeze(g, axis=axis),)

    def samples(self) -> Iterator[Sample]:
        x = np.array([1.0, 2.0])
        yield Sample([x], {"axis": -1}, x[:, None])
        yield Sample([x], {"axis": (0, 2)}, x[None, :, None])


@register
class Squeeze(Moving):
    """Without axes of size 1: those in ``axis``, or every one that is known to be 1."""

    latex = "{x}"
    view = True

    def canonical(self, types: Sequence[ValueType], attrs: Attrs) -> Attrs:
        shape = operand(types).shape
        if attrs["axis"] is None:
            return {"axis": tuple(i for i, d in enumerate(shape) if d == 1)}
        return {"axis": many_axes(attrs["axis"], len(shape))}

    def infer(self, x: TensorType, *, axis: Axes | None = None) -> TensorType:
        assert axis is not None
        for a in axis:
            if x.shape[a] != 1:
                fail("GF030", f"cannot squeeze axis {a} of {list(x.shape)}: its size is not 1")
        return x.with_shape(d for i, d in enumerate(x.shape) if i not in axis)

    def forward(self, xp: Namespace, x: Array, *, axis: Axes) -> Array:
        return xp.squeeze(x, axis) if axis else x

    def vjp(self, g: Value, out: Value, x: Value, *, axis: Axes) -> Sequence[Value | None]:
        return (F.expand_dims(g, axis=axis) if axis else g,)

    def samples(self) -> Iterator[Sample]:
        x = np.array([[[1.0, 2.0]]])
        yield Sample([x], {}, x[0, 0])
        yield Sample([x], {"axis": -2}, x[:, 0])
        yield Sample([x[0, 0]], {}, x[0, 0])
