"""Joining arrays and taking them apart: concat, stack, split, tile, repeat."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np

from graphflow.diagnostics import fail
from graphflow.ir.dims import Dim, Shape
from graphflow.ir.graph import Attr
from graphflow.ir.types import TensorType, TupleType, ValueType
from graphflow.ops.arguments import (
    default_axis,
    one_axis,
    operand,
    per_axis,
    replaced,
    shape_of,
    size,
)
from graphflow.ops.builder import F, Value, zeros_like
from graphflow.ops.linear import Moving
from graphflow.ops.op import Array, Attrs, Namespace, Sample, register
from graphflow.ops.shape import same_count


class Joining(Moving):
    """Base of concat and stack: any number of operands of one number type."""

    promotes = "all"

    def jvp(
        self,
        out: Value,
        inputs: Sequence[Value],
        tangents: Sequence[Value | None],
        **attrs: Attr,
    ) -> Value | None:
        if all(t is None for t in tangents):
            return None
        pairs = zip(tangents, inputs, strict=True)
        filled = (t or zeros_like(out.builder, x.tensor) for t, x in pairs)
        return getattr(F, self.name)(*filled, **attrs)


@register
class Concat(Joining):
    """Arrays one after the other along an axis that they have."""

    latex = r"[{xs}]"

    def canonical(self, types: Sequence[ValueType], attrs: Attrs) -> Attrs:
        _some(types, "concat")
        return {"axis": one_axis(attrs["axis"], operand(types).ndim)}

    def infer(self, *xs: TensorType, axis: int = 0) -> TensorType:
        first = xs[0]
        total: Dim = 0
        for x in xs:
            fits = x.ndim == first.ndim and replaced(x.shape, axis) == replaced(first.shape, axis)
            if not fits:
                fail(
                    "GF030",
                    f"cannot concat {_shown(xs)} along axis {axis}",
                    help="all sizes but that of the axis must be equal",
                )
            total = total + x.shape[axis]
        return first.with_shape(replaced(first.shape, axis, total))

    def forward(self, xp: Namespace, *xs: Array, axis: int) -> Array:
        return xp.concatenate(xs, axis)

    def vjp(self, g: Value, out: Value, *xs: Value, axis: int) -> Sequence[Value | None]:
        parts: list[Value] = []
        start: Dim = 0
        for x in xs:
            stop = start + x.shape[axis]
            parts.append(part(g, axis, start, stop))
            start = stop
        return parts

    def samples(self) -> Iterator[Sample]:
        x, y = np.array([[1.0, 2.0]]), np.array([[3.0, 4.0], [5.0, 6.0]])
        yield Sample([x, y], {}, np.concatenate([x, y]))
        yield Sample([x, x, x], {"axis": -1}, np.concatenate([x, x, x], -1))
        yield Sample([x, np.zeros((0, 2))], {"axis": 0}, x)


@register
class Stack(Joining):
    """Arrays of one shape side by side along a new axis."""

    latex = r"[{xs}]"

    def canonical(self, types: Sequence[ValueType], attrs: Attrs) -> Attrs:
        _some(types, "stack")
        return {"axis": one_axis(attrs["axis"], operand(types).ndim + 1)}

    def infer(self, *xs: TensorType, axis: int = 0) -> TensorType:
        shape = xs[0].shape
        if any(x.shape != shape for x in xs):
            fail("GF030", f"cannot stack {_shown(xs)}", help="all shapes must be equal")
        return xs[0].with_shape((*shape[:axis], len(xs), *shape[axis:]))

    def forward(self, xp: Namespace, *xs: Array, axis: int) -> Array:
        return xp.stack(xs, axis)

    def vjp(self, g: Value, out: Value, *xs: Value, axis: int) -> Sequence[Value | None]:
        entries = [("slice", None, None, None)] * axis
        return [F.slice(g, index=(*entries, ("index", i))) for i in range(len(xs))]

    def samples(self) -> Iterator[Sample]:
        x, y = np.array([1.0, 2.0]), np.array([3.0, 4.0])
        yield Sample([x, y], {}, np.stack([x, y]))
        yield Sample([x, y, x], {"axis": -1}, np.stack([x, y, x], -1))
        yield Sample([np.array(1.0), np.array(2.0)], {}, np.array([1.0, 2.0]))


def _some(types: Sequence[ValueType], op: str) -> None:
    if not types:
        fail("GF022", f"{op} of no arrays", help=f"give it at least one: {op}([x, y], axis=0)")


def _shown(xs: Sequence[TensorType]) -> str:
    return " and ".join(str(list(x.shape)) for x in xs)


def part(x: Value, axis: int, start: Dim, stop: Dim) -> Value:
    """``x`` from start to stop along one axis."""
    entries = [("slice", None, None, None)] * axis
    return F.slice(x, index=(*entries, ("slice", start, stop, None)))


@register
class Split(Moving):
    """An array cut along an axis: into equal ``sections``, or before each of several positions."""

    latex = r"\operatorname{{split}}({x})"
    view = True

    def canonical(self, types: Sequence[ValueType], attrs: Attrs) -> Attrs:
        axis = one_axis(attrs["axis"], operand(types).ndim)
        sections = attrs["sections"]
        if isinstance(sections, tuple):
            return {"sections": shape_of(sections, "a position to split at"), "axis": axis}
        return {"sections": per_axis(sections, 1, "the number of sections")[0], "axis": axis}

    def infer(self, x: TensorType, *, sections: int | tuple[Dim, ...], axis: int = 0) -> TupleType:
        widths = _widths(x.shape, sections, axis)
        return TupleType(tuple(x.with_shape(replaced(x.shape, axis, w)) for w in widths))

    def forward(
        self, xp: Namespace, x: Array, *, sections: int | tuple[int, ...], axis: int
    ) -> tuple[Array, ...]:
        return tuple(xp.split(x, sections, axis))

    def vjp(
        self,
        g: Sequence[Value | None],
        out: Value,
        x: Value,
        *,
        sections: int | tuple[Dim, ...],
        axis: int,
    ) -> Sequence[Value | None]:
        widths = _widths(x.shape, sections, axis)
        types = (x.tensor.with_shape(replaced(x.shape, axis, w)) for w in widths)
        parts = [
            zeros_like(x.builder, type) if given is None else given
            for given, type in zip(g, types, strict=True)
        ]
        return (F.concat(*parts, axis=axis),)

    def samples(self) -> Iterator[Sample]:
        x = np.arange(12.0).reshape(2, 6)
        yield Sample([x], {"sections": 3, "axis": 1}, tuple(np.split(x, 3, 1)))
        yield Sample([x], {"sections": (1, 4), "axis": -1}, tuple(np.split(x, [1, 4], 1)))
        yield Sample([x], {"sections": 2}, (x[:1], x[1:]))


def _widths(shape: Shape, sections: int | tuple[Dim, ...], axis: int) -> list[Dim]:
    """The size of each piece along the axis."""
    total = shape[axis]
    if isinstance(sections, int):
        width = total // sections
        if not same_count(width * sections, total):
            fail(
                "GF030",
                f"cannot split axis {axis} of {list(shape)} into {sections} equal sections",
                help="give the positions to split at instead: split(x, [2, 5])",
            )
        return [width] * sections
    ends = (0, *sections, total)
    widths = [stop - start for start, stop in pairwise(ends)]
    if any(isinstance(w, int) and w < 0 for w in widths):
        fail(
            "GF033",
            f"positions {list(sections)} do not rise within axis {axis} of {list(shape)}",
        )
    return widths


@register
class Tile(Moving):
    """The whole array laid out ``reps`` times along each axis (NumPy's tile)."""

    latex = r"\operatorname{{tile}}({x})"

    def canonical(self, types: Sequence[ValueType], attrs: Attrs) -> Attrs:
        reps = shape_of(attrs["reps"], "a number of repetitions")
        return {"reps": (*(1,) * (operand(types).ndim - len(reps)), *reps)}

    def infer(self, x: TensorType, *, reps: tuple[Dim, ...]) -> TensorType:
        return x.with_shape(r * n for r, n in zip(reps, _filled(x.shape, reps), strict=True))

    def forward(self, xp: Namespace, x: Array, *, reps: tuple[int, ...]) -> Array:
        return xp.tile(x, reps)

    def vjp(
        self, g: Value, out: Value, x: Value, *, reps: tuple[Dim, ...]
    ) -> Sequence[Value | None]:
        pairs = zip(reps, _filled(x.shape, reps), strict=True)
        pieces = F.reshape(g, shape=tuple(d for pair in pairs for d in pair))
        total = F.sum(pieces, axis=tuple(range(0, 2 * len(reps), 2)))
        return (F.reshape(total, shape=x.shape),)

    def samples(self) -> Iterator[Sample]:
        x = np.array([[1.0, 2.0]])
        yield Sample([x], {"reps": 2}, np.tile(x, 2))
        yield Sample([x], {"reps": (2, 3, 1)}, np.tile(x, (2, 3, 1)))
        yield Sample([x], {"reps": (0, 1)}, np.zeros((0, 2)))


def _filled(shape: Shape, reps: tuple[Dim, ...]) -> Shape:
    """The shape with leading axes of size 1 added until it has as many as ``reps``."""
    return (*(1,) * (len(reps) - len(shape)), *shape)


@register
class Repeat(Moving):
    """Each element ``repeats`` times in a row along an axis (NumPy's repeat)."""

    latex = r"\operatorname{{repeat}}({x})"

    def canonical(self, types: Sequence[ValueType], attrs: Attrs) -> Attrs:
        axis = default_axis(attrs["axis"], operand(types).ndim, "repeat")
        return {"repeats": size(attrs["repeats"], "the number of repeats"), "axis": axis}

    def infer(self, x: TensorType, *, repeats: Dim, axis: int | None = None) -> TensorType:
        assert axis is not None
        return x.with_shape(replaced(x.shape, axis, x.shape[axis] * repeats))

    def forward(self, xp: Namespace, x: Array, *, repeats: int, axis: int) -> Array:
        return xp.repeat(x, repeats, axis)

    def vjp(
        self, g: Value, out: Value, x: Value, *, repeats: Dim, axis: int
    ) -> Sequence[Value | None]:
        rows = F.reshape(g, shape=replaced(x.shape, axis, x.shape[axis], repeats))
        return (F.sum(rows, axis=axis + 1),)

    def samples(self) -> Iterator[Sample]:
        x = np.array([[1.0, 2.0], [3.0, 4.0]])
        yield Sample([x], {"repeats": 2, "axis": 1}, np.repeat(x, 2, 1))
        yield Sample([x[0]], {"repeats": 3}, np.repeat(x[0], 3))
        yield Sample([x], {"repeats": 0, "axis": 0}, np.zeros((0, 2)))
