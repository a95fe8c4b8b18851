"""Reading and writing at coordinates: a list of positions for each number or slice (ONNX's nd)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod

import numpy as np

from graphflow.diagnostics import fail
from graphflow.ir.graph import Attr
from graphflow.ir.types import TensorType, ValueType
from graphflow.ops.arguments import per_axis
from graphflow.ops.builder import F, Value, zeros_like
from graphflow.ops.linear import Linear
from graphflow.ops.op import Array, Attrs, Namespace, Sample, register
from graphflow.ops.positions import counted_up, integers, mismatch
from graphflow.ops.scatter import Scattering, write


@register
class GatherNd(Linear):
    """The numbers or slices of x at coordinates, which stand along the last axis of ``indices``.

    y[i, j] = x[indices[i, j, 0], ..., indices[i, j, k - 1]]. The first ``batch_dims`` axes of both
    go together: y[b, j] = x[b, indices[b, j, 0], ...]. ONNX's GatherND.
    """

    family = "index"
    latex, retains, notes = "{x}_{{{indices}}}", ("indices",), True

    def canonical(self, types: Sequence[ValueType], attrs: Attrs) -> Attrs:
        return {"batch_dims": per_axis(attrs["batch_dims"], 1, "batch_dims", 0)[0]}

    def infer(self, x: TensorType, indices: TensorType, *, batch_dims: int = 0) -> TensorType:
        depth = _depth(x, indices, batch_dims, self.name)
        return x.with_shape((*indices.shape[:-1], *x.shape[depth:]))

    def forward(self, xp: Namespace, x: Array, indices: Array, *, batch_dims: int) -> Array:
        rows = _rows(x, batch_dims + indices.shape[-1])
        return rows[_places(xp, x.shape, indices, batch_dims)]

    def vjp(
        self, g: Value, out: Value, x: Value, indices: Value, *, batch_dims: int
    ) -> Sequence[Value | None]:
        nothing = zeros_like(g.builder, x.tensor)
        return F.scatter_nd(nothing, indices, g, batch_dims=batch_dims, reduce="add"), None

    def samples(self) -> Iterator[Sample]:
        x = np.arange(12.0).reshape(2, 2, 3)
        yield Sample([x, np.array([[0, 1, 2], [-1, 0, 0]])], {}, np.array([5.0, 6.0]))
        yield Sample([x, np.array([[[1, 1]], [[0, 0]]])], {}, np.stack([x[1:, 1], x[:1, 0]]))
        yield Sample([x, np.array([[1], [0]])], {"batch_dims": 1}, np.stack([x[0, 1], x[1, 0]]))
        yield Sample([x, np.zeros((0, 2), np.int64)], {}, np.zeros((0, 3)))


@register
class ScatterNd(Scattering):
    """A copy of x with updates written at coordinates, along the last axis of ``indices``.

    y[indices[i, 0], ..., indices[i, k - 1]] = updates[i], for numbers or slices. ``reduce`` and
    ``batch_dims`` are those of scatter and gather_nd. ONNX's ScatterND.
    """

    latex = r"{x}[{indices} \leftarrow {updates}]"
    in_place = True

    def canonical(self, types: Sequence[ValueType], attrs: Attrs) -> Attrs:
        batch = per_axis(attrs["batch_dims"], 1, "batch_dims", 0)[0]
        return {**super().canonical(types, attrs), "batch_dims": batch}

    def infer(
        self,
        x: TensorType,
        indices: TensorType,
        updates: TensorType,
        *,
        reduce: str = "none",
        batch_dims: int = 0,
    ) -> TensorType:
        depth = _depth(x, indices, batch_dims, self.name)
        wanted = (*indices.shape[:-1], *x.shape[depth:])
        if updates.shape != wanted:
            fail("GF030", f"scatter_nd: updates are {list(wanted)}, not {list(updates.shape)}")
        return x

    def forward(
        self,
        xp: Namespace,
        x: Array,
        indices: Array,
        updates: Array,
        *,
        reduce: str,
        batch_dims: int,
    ) -> Array:
        out = x.copy()
        write_at(xp, out, indices, updates, reduce=reduce, batch_dims=batch_dims)
        return out

    def read(self, x: Value, indices: Value, **place: Attr) -> Value:
        return F.gather_nd(x, indices, **place)

    def samples(self) -> Iterator[Sample]:
        x = np.arange(1.0, 5.0)
        at = np.array([[3], [0], [3]])
        u = np.array([7.0, -8.0, 0.5])
        expected = {
            "none": [-8.0, 2.0, 3.0, 0.5],
            "add": [-7.0, 2.0, 3.0, 11.5],
            "mul": [-8.0, 2.0, 3.0, 14.0],
            "max": [1.0, 2.0, 3.0, 7.0],
            "min": [-8.0, 2.0, 3.0, 0.5],
        }
        for reduce, known in expected.items():
            yield Sample([x, at, u], {"reduce": reduce}, np.array(known))
        square, row = x.reshape(2, 2), np.array([[9.0, 6.0]])
        yield Sample([square, np.array([[-1]]), row], {}, np.array([[1.0, 2.0], [9.0, 6.0]]))
        batched = np.array([[[1]], [[0]]]), np.array([[10.0], [20.0]])
        added: Attrs = {"batch_dims": 1, "reduce": "add"}
        yield Sample([square, *batched], added, np.array([[1.0, 12.0], [23.0, 4.0]]))
        yield Sample([np.zeros((2, 0)), np.array([[1]]), np.zeros((1, 0))], {}, np.zeros((2, 0)))


def _depth(x: TensorType, indices: TensorType, batch_dims: int, op: str) -> int:
    """How many axes of x the coordinates use up, batch axes included."""
    integers(indices, op)
    length = indices.shape[-1] if indices.ndim else None
    if not isinstance(length, int) or not batch_dims < indices.ndim:
        fail("GF030", f"{op}: coordinates stand along the last axis, whose size is known")
    same = x.shape[:batch_dims] == indices.shape[:batch_dims]
    if not same or batch_dims + length > x.ndim:
        fail("GF030", mismatch(op, x, indices))
    return batch_dims + length


def write_at(
    xp: Namespace, out: Array, indices: Array, updates: Array, *, reduce: str, batch_dims: int
) -> None:
    """Updates written at coordinates of an array that lies row by row in memory."""
    places = _places(xp, out.shape, indices, batch_dims).reshape(-1)
    rows = _rows(out, batch_dims + indices.shape[-1])
    write(xp, rows, places, updates.reshape(places.size, *rows.shape[1:]), reduce)


def _rows(x: Array, depth: int) -> Array:
    """The array with its first ``depth`` axes as one."""
    return x.reshape(prod(x.shape[:depth]), *x.shape[depth:])


def _places(xp: Namespace, shape: tuple[int, ...], indices: Array, batch_dims: int) -> Array:
    """The rows of the flattened array that the coordinates name, by Horner's rule."""
    leading = indices.shape[:-1]
    places: Array = xp.zeros(leading, np.int64)
    for d in range(batch_dims):
        along = xp.arange(leading[d]).reshape(-1, *(1,) * (len(leading) - 1 - d))
        places = places * shape[d] + along
    for k in range(indices.shape[-1]):
        n = shape[batch_dims + k]
        places = places * n + counted_up(indices[..., k], n)
    return places
