"""NumPy's basic indexing, ``x[1, :, -3:, None]``, as one operator, and its adjoint.

An index is a tuple of entries: ``("index", i)``, ``("slice", start, stop, step)``,
``("newaxis",)`` and ``("ellipsis",)``. The stored form has one entry for each axis of the operand
and no ellipsis; starts and stops are counted from 0, and a stop of None with a negative step means
"through the first element". Bounds may be symbolic.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from graphflow.diagnostics import fail
from graphflow.ir.dims import Dim, Shape, Symbolic
from graphflow.ir.graph import Attr
from graphflow.ir.types import TensorType, ValueType
from graphflow.ops.arguments import ceil_div, counted, operand, shape_of, whole
from graphflow.ops.builder import F, Value
from graphflow.ops.linear import Moving
from graphflow.ops.op import Array, Attrs, Namespace, Sample, register

Entry = tuple[Attr, ...]
Index = tuple[Entry, ...]
KINDS = {("index", 2), ("slice", 4), ("newaxis", 1), ("ellipsis", 1)}
ALL: Entry = ("slice", None, None, None)


@register
class Slice(Moving):
    """A part of an array: NumPy's basic indexing. An index drops its axis, a slice keeps it."""

    latex = "{x}_{{{index}}}"
    view = True

    def canonical(self, types: Sequence[ValueType], attrs: Attrs) -> Attrs:
        return {"index": resolved(attrs["index"], operand(types).shape)}

    def infer(self, x: TensorType, *, index: Index) -> TensorType:
        return x.with_shape(sliced_shape(x.shape, index))

    def forward(self, xp: Namespace, x: Array, *, index: Index) -> Array:
        return x[python_index(index)]

    def vjp(self, g: Value, out: Value, x: Value, *, index: Index) -> Sequence[Value | None]:
        return (F.unslice(g, index=index, shape=x.shape),)

    def samples(self) -> Iterator[Sample]:
        x = np.arange(24.0).reshape(2, 3, 4)
        yield Sample([x], {"index": (("ellipsis",), ("index", -1))}, x[..., -1])
        yield Sample([x], {"index": (ALL, ("slice", 1, None, None))}, x[:, 1:])
        tail = (("newaxis",), ("index", 1), ("slice", None, None, -1), ("slice", -3, 10, 2))
        yield Sample([x], {"index": tail}, x[None, 1, ::-1, -3:10:2])
        yield Sample([x], {"index": (("slice", 5, None, None),)}, x[5:])
        yield Sample([x[0, 0]], {"index": (("slice", 2, None, -2),)}, x[0, 0, 2::-2])


@register
class Unslice(Moving):
    """Zeros of a shape with x written where ``index`` points: the adjoint of slicing."""

    latex = r"\operatorname{{unslice}}({x})"

    def canonical(self, types: Sequence[ValueType], attrs: Attrs) -> Attrs:
        shape = shape_of(attrs["shape"])
        return {"index": resolved(attrs["index"], shape), "shape": shape}

    def infer(self, x: TensorType, *, index: Index, shape: Shape) -> TensorType:
        if sliced_shape(shape, index) != x.shape:
            fail(
                "GF030",
                f"{list(x.shape)} does not fill the part of {list(shape)} that the index takes, "
                f"which is {list(sliced_shape(shape, index))}",
            )
        return x.with_shape(shape)

    def forward(self, xp: Namespace, x: Array, *, index: Index, shape: tuple[int, ...]) -> Array:
        out = xp.zeros(shape, dtype=x.dtype)
        out[python_index(index)] = x
        return out

    def vjp(
        self, g: Value, out: Value, x: Value, *, index: Index, shape: Shape
    ) -> Sequence[Value | None]:
        return (F.slice(g, index=index),)

    def samples(self) -> Iterator[Sample]:
        x = np.array([1.0, 2.0])
        index = (("index", 1), ("slice", None, None, -2))
        expected = np.array([[0.0, 0.0, 0.0], [2.0, 0.0, 1.0]])
        yield Sample([x], {"index": index, "shape": (2, 3)}, expected)
        attrs: Attrs = {"index": (("slice", 3, 1, 1),), "shape": (3,)}
        yield Sample([np.zeros(0)], attrs, np.zeros(3))


def python_index(index: Index) -> tuple[slice | int | None, ...]:
    """An index as the array namespace takes it."""
    return tuple(_python_entry(entry) for entry in index)


def _python_entry(entry: Entry) -> slice | int | None:
    kind, *values = entry
    if kind == "newaxis":
        return None
    if kind == "index":
        return values[0]  # type: ignore[return-value]
    return slice(*values)


def sliced_shape(shape: Shape, index: Index) -> Shape:
    """The shape that a stored index takes from ``shape``."""
    sizes = iter(shape)
    result: list[Dim] = []
    for kind, *values in index:
        if kind == "newaxis":
            result.append(1)
            continue
        total = next(sizes)
        if kind == "slice":
            result.append(_length(total, *values))
        else:
            _in_range(values[0], total)
    return tuple(result)


def _length(total: Dim, start: Attr, stop: Attr, step: Attr) -> Dim:
    """How many elements start:stop:step takes from an axis, whose size bounds both ends."""
    assert isinstance(start, int | Symbolic) and isinstance(step, int)
    ends = [d for d in (start, stop) if isinstance(d, int)]
    if isinstance(total, int) and any(not 0 <= d <= total for d in ends):
        shown = "" if stop is None else stop
        fail("GF033", f"slice {start}:{shown} reaches beyond an axis of size {total}")
    if stop is None:
        count = start // -step + 1
    else:
        assert isinstance(stop, int | Symbolic)
        count = ceil_div(stop - start, step)
    return max(0, count) if isinstance(count, int) else count


def _in_range(i: Attr, total: Dim) -> None:
    if isinstance(i, int) and isinstance(total, int) and not 0 <= i < total:
        fail("GF033", f"index {i} is out of range for an axis of size {total}")


def resolved(index: Attr, shape: Shape) -> Index:
    """An index in its stored form: one entry an axis, bounds counted from 0.

    >>> resolved((("slice", -2, None, None),), (5, 3))
    (('slice', 3, 5, 1), ('slice', 0, 3, 1))
    """
    entries = _expanded(index, shape)
    sizes = iter(shape)
    stored: list[Entry] = []
    for kind, *values in entries:
        if kind == "newaxis":
            stored.append(("newaxis",))
        elif kind == "index":
            stored.append(("index", _from_start(whole(values[0], "an index"), next(sizes))))
        else:
            stored.append(_bounds(values, next(sizes)))
    return tuple(stored)


def _expanded(index: Attr, shape: Shape) -> list[Entry]:
    """The entries with the ellipsis, written or implied, replaced by full slices."""
    entries = [_checked(e) for e in (index if isinstance(index, tuple) else (index,))]
    marks = [i for i, e in enumerate(entries) if e[0] == "ellipsis"]
    if len(marks) > 1:
        fail("GF033", "an index can hold '...' once only")
    used = sum(e[0] in ("index", "slice") for e in entries)
    if used > len(shape):
        fail(
            "GF033",
            f"{used} indices for {counted(len(shape), 'axis', 'axes')}: the shape is {list(shape)}",
        )
    at = marks[0] if marks else len(entries)
    return [*entries[:at], *[ALL] * (len(shape) - used), *entries[at + 1 :]]


def _checked(entry: Attr) -> Entry:
    """One entry of an index, of a kind that exists."""
    if isinstance(entry, tuple) and entry and (entry[0], len(entry)) in KINDS:
        return entry
    fail("GF033", f"an entry of an index is a position, a slice, None or '...', not {entry!r}")


def _from_start(i: Dim, total: Dim) -> Dim:
    counted_from_start = i + total if negative(i) else i
    if isinstance(i, int) and isinstance(total, int) and not -total <= i < total:
        fail("GF033", f"index {i} is out of range for an axis of size {total}")
    return counted_from_start


def negative(dim: Dim) -> bool:
    """Whether a size counts from the end: every symbol in it is subtracted.

    >>> from graphflow.ir.dims import symbol
    >>> negative(-2), negative(1 - symbol("T")), negative(symbol("T") - 1)
    (True, True, False)
    """
    if isinstance(dim, int):
        return dim < 0
    return all(coefficient < 0 for atoms, coefficient in dim.terms if atoms)


def _bounds(values: Sequence[Attr], total: Dim) -> Entry:
    """One slice with its bounds counted from 0 and, where sizes are known, inside the axis."""
    start, stop, step = values
    step = 1 if step is None else step
    if isinstance(step, bool) or not isinstance(step, int) or step == 0:
        fail("GF033", f"the step of a slice is an integer other than 0, not {step!r}")
    for bound in (start, stop):
        if bound is not None:
            whole(bound, "a bound of a slice")
    known = all(not isinstance(v, Symbolic) for v in (start, stop, total))
    if known:
        return _known_bounds(slice(start, stop, step), total)  # type: ignore[arg-type]
    first: Dim = 0 if step > 0 else total - 1
    if start is not None:
        first = _from_start(start, total)  # type: ignore[arg-type]
    if stop is None:
        return ("slice", first, total if step > 0 else None, step)
    return ("slice", first, _from_start(stop, total), step)  # type: ignore[arg-type]


def _known_bounds(part: slice, total: int) -> Entry:
    start, stop, step = part.indices(total)
    if len(range(start, stop, step)) == 0:
        return ("slice", 0, 0, step)
    return ("slice", start, None if stop < 0 else stop, step)
