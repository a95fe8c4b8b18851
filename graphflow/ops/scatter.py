"""Writing into a copy: at positions along an axis, or (``coordinates``) at whole coordinates."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod

import numpy as np

from graphflow.diagnostics import fail
from graphflow.ir.dims import Dim
from graphflow.ir.graph import Attr
from graphflow.ir.types import DType, TensorType, ValueType
from graphflow.ops.arguments import choice, one_axis, operand
from graphflow.ops.builder import F, Value, zeros_like
from graphflow.ops.op import Array, Attrs, Namespace, Op, Sample, register
from graphflow.ops.positions import combined_at_once, counted_up, integers, mismatch, within

UFUNCS = {"add": "add", "mul": "multiply", "max": "maximum", "min": "minimum"}
REDUCTIONS = ("none", *UFUNCS)


class Scattering(Op):
    """Base: a copy of x in which updates have been written, added, ... at positions.

    The derivative of max and min is shared equally among equal numbers; that of mul is exact also
    at zeros, its own derivative only where no two factors are zero.
    """

    family, notes = "index", True
    promotes = (0, 2)
    retains = ("x", "indices", "updates", "out")

    def canonical(self, types: Sequence[ValueType], attrs: Attrs) -> Attrs:
        return {**attrs, "reduce": choice(attrs["reduce"], "reduce", REDUCTIONS)}

    def on_host(self, types: Sequence[ValueType], attrs: Attrs) -> bool:
        """Of several numbers written to one place a device keeps any, not the last."""
        return not combined_at_once(str(attrs["reduce"]), operand(types).dtype)

    def read(self, x: Value, indices: Value, **place: Attr) -> Value:
        """The numbers of ``x`` at the positions."""
        raise NotImplementedError

    def vjp(
        self,
        g: Value,
        out: Value,
        x: Value,
        indices: Value,
        updates: Value,
        *,
        reduce: str,
        **place: Attr,
    ) -> Sequence[Value | None]:
        of_x, of_updates = self._shares(out, x, indices, updates, reduce, place)
        read = self.read(g, indices, **place)
        return _times(g, of_x), None, _times(read, of_updates)

    def jvp(
        self,
        out: Value,
        inputs: Sequence[Value],
        tangents: Sequence[Value | None],
        *,
        reduce: str,
        **place: Attr,
    ) -> Value | None:
        x, indices, updates = inputs
        of_x, of_updates = self._shares(out, x, indices, updates, reduce, place)
        moved, written = (
            zeros_like(out.builder, v.tensor) if t is None else _times(t, share)
            for t, v, share in ((tangents[0], x, of_x), (tangents[2], updates, of_updates))
        )
        return self._write(moved, indices, written, "add", place)

    def flops(self, out: ValueType, *types: ValueType, **attrs: Attr) -> Dim:
        return operand(types, 2).size

    def _write(self, x: Value, indices: Value, updates: Value, reduce: str, place: Attrs) -> Value:
        emit = getattr(F, self.name)
        written: Value = emit(x, indices, updates, reduce=reduce, **place)
        return written

    def _shares(
        self, out: Value, x: Value, indices: Value, updates: Value, reduce: str, place: Attrs
    ) -> tuple[Value | None, Value | None]:
        """The local derivatives of the result by x and by the updates; None for 1 everywhere."""

        def write(to: Value, what: Value, how: str) -> Value:
            return self._write(to, indices, what, how, place)

        def read(v: Value) -> Value:
            return self.read(v, indices, **place)

        if reduce == "add":
            return None, None
        if reduce == "none":
            numbers = F.reshape(out.builder.add("arange", start=updates.size), shape=updates.shape)
            nothing = zeros_like(out.builder, x.tensor.with_dtype(DType.INT64))
            stays = F.equal(read(write(nothing, numbers, "max")), numbers)
            untouched = write(_ones(x), zeros_like(out.builder, updates.tensor), "none")
            return untouched, stays.cast(x.dtype)
        if reduce in ("max", "min"):
            kept, set_by = (
                F.equal(v, y).cast(x.dtype) for v, y in ((x, out), (updates, read(out)))
            )
            count = write(kept, set_by, "add")
            return kept / count, set_by / read(count)
        nil, one = x.like(0), x.like(1)
        of_x, of_u = F.equal(x, nil), F.equal(updates, nil)
        factors = F.where(of_x, one, x), F.where(of_u, one, updates)
        product = write(factors[0], factors[1], "mul")
        own = of_x.cast(DType.INT64), of_u.cast(DType.INT64)
        zeros = write(own[0], own[1], "add")
        return (
            F.where(F.equal(zeros, own[0]), product / factors[0], nil),
            F.where(F.equal(read(zeros), own[1]), read(product) / factors[1], nil),
        )


def _times(x: Value, share: Value | None) -> Value:
    return x if share is None else x * share


def _ones(x: Value) -> Value:
    return x.builder.add("full", shape=x.shape, value=1, dtype=x.dtype)


@register
class Scatter(Scattering):
    """A copy of x with updates written at positions along an axis: y[i, indices[i, j]] = u[i, j].

    ``updates`` has the shape of ``indices``, whose sizes but for ``axis`` are at most those of x.
    ``reduce`` says what becomes of the number that stands there: none replaces it (where positions
    repeat, the last one stays); add, mul, max and min combine it with all updates. ONNX's
    ScatterElements, PyTorch's scatter and scatter_reduce.
    """

    latex = r"{x}[{indices} \leftarrow {updates}]"

    def canonical(self, types: Sequence[ValueType], attrs: Attrs) -> Attrs:
        axis = one_axis(attrs["axis"], operand(types).ndim)
        return {**super().canonical(types, attrs), "axis": axis}

    def infer(
        self,
        x: TensorType,
        indices: TensorType,
        updates: TensorType,
        *,
        axis: int = 0,
        reduce: str = "none",
    ) -> TensorType:
        integers(indices, "scatter")
        if updates.shape != indices.shape:
            fail("GF030", mismatch("scatter", updates, indices))
        within(x, indices, axis, "scatter")
        return x

    def forward(
        self, xp: Namespace, x: Array, indices: Array, updates: Array, *, axis: int, reduce: str
    ) -> Array:
        places: Array = xp.zeros((), np.int64)
        for d, n in enumerate(x.shape):  # Horner's rule: the position in the flattened array
            along = indices
            if d != axis:
                along = xp.arange(indices.shape[d]).reshape(-1, *(1,) * (x.ndim - 1 - d))
            places = places * n + counted_up(along, n)
        flat = written(xp, x.reshape(-1), places.reshape(-1), updates.reshape(-1), reduce)
        return flat.reshape(x.shape)

    def read(self, x: Value, indices: Value, **place: Attr) -> Value:
        return F.take_along_axis(x, indices, **place)

    def samples(self) -> Iterator[Sample]:
        x, at = np.arange(1.0, 7.0).reshape(2, 3), np.array([[0, -1], [1, 1]])
        u = np.array([[10.0, 20.0], [30.0, 0.5]])
        expected = {
            "none": [[10.0, 2.0, 20.0], [4.0, 0.5, 6.0]],
            "add": [[11.0, 2.0, 23.0], [4.0, 35.5, 6.0]],
            "mul": [[10.0, 2.0, 60.0], [4.0, 75.0, 6.0]],
            "max": [[10.0, 2.0, 20.0], [4.0, 30.0, 6.0]],
            "min": [[1.0, 2.0, 3.0], [4.0, 0.5, 6.0]],
        }
        for reduce, known in expected.items():
            yield Sample([x, at, u], {"axis": 1, "reduce": reduce}, np.array(known))
        few = np.array([[1, 0]])
        down = np.array([[1.0, 7.0, 3.0], [9.0, 5.0, 6.0]])
        yield Sample([x, few, np.array([[9.0, 7.0]])], {}, down)
        nothing = np.zeros((2, 0), np.int64), np.zeros((2, 0))
        yield Sample([x, *nothing], {"axis": 1}, x)


def written(xp: Namespace, x: Array, places: Array, updates: Array, reduce: str) -> Array:
    """A copy of x with rows of updates at places of its first axis."""
    out = x.copy()
    write(xp, out, places, updates, reduce)
    return out


def write(xp: Namespace, out: Array, places: Array, updates: Array, reduce: str) -> None:
    """Rows of updates written at places of the first axis of an array that lies row by row."""
    if reduce == "none":
        out[places] = updates
        return
    width = prod(out.shape[1:])
    positions = places[:, None] * width + xp.arange(width)  # one axis is much the fastest
    combine = getattr(xp, UFUNCS[reduce])
    combine.at(out.reshape(-1), positions.reshape(-1), updates.reshape(-1))
