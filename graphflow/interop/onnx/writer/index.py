"""Choosing by positions, and adding to chosen places.

ONNX counts negative positions from the end like ours; that a position is out of range, or negative
where it names a label, is for the runtime to notice.
"""

from __future__ import annotations

from graphflow.interop.onnx.writer.core import counting
from graphflow.interop.onnx.writer.emitter import Call
from graphflow.interop.onnx.writer.table import writes
from graphflow.ir.types import DType


@writes("take")
def take(c: Call) -> str:
    """The elements at positions of an axis."""
    return c.op("Gather", *places(c), axis=c.axis)


@writes("take_along_axis")
def take_along_axis(c: Call) -> str:
    """One element for each position."""
    return c.op("GatherElements", *places(c), axis=c.axis)


@writes("scatter_add_along_axis")
def scatter_add_along_axis(c: Call) -> str:
    """Zeros with each update added at its own place."""
    updates, indices = places(c)
    zeros = c.filled(c.out, 0)
    return c.op("ScatterElements", zeros, indices, updates, axis=c.axis, reduction="add")


@writes("scatter_add")
def scatter_add(c: Call) -> str:
    """Zeros with each update added at its place along an axis, which is moved to the front."""
    updates, indices = places(c)
    axis, depth, ndim = c.axis, c.types[1].ndim, c.out.ndim
    rows = c.op("Unsqueeze", indices, c.ints(depth))
    if axis == 0:
        return c.op("ScatterND", c.filled(c.out, 0), rows, updates, reduction="add")
    front = (*range(axis, axis + depth), *range(axis), *range(axis + depth, c.types[0].ndim))
    order = (axis, *range(axis), *range(axis + 1, ndim))
    zeros = c.op("Transpose", c.filled(c.out, 0), perm=order)
    moved = c.op("Transpose", updates, perm=front)
    total = c.op("ScatterND", zeros, rows, moved, reduction="add")
    return c.op("Transpose", total, perm=tuple(order.index(i) for i in range(ndim)))


@writes("scatter")
def scatter(c: Call) -> str:
    """A copy with updates written, added, ... at positions along an axis."""
    x, indices = places(c)
    return c.op("ScatterElements", x, indices, c.inputs[2], axis=c.axis, reduction=reduction(c))


@writes("gather_nd")
def gather_nd(c: Call) -> str:
    """What stands at coordinates."""
    return c.op("GatherND", *places(c), batch_dims=c.whole("batch_dims"))


@writes("scatter_nd")
def scatter_nd(c: Call) -> str:
    """A copy with updates at coordinates; those along axes of a batch are written out."""
    (x, indices), shape = places(c), c.types[1].shape
    parts = []
    for axis in range(c.whole("batch_dims")):
        after = len(shape) - 1 - axis
        own = c.reshape(counting(c, shape[axis]), (shape[axis], *(1,) * after))
        parts.append(c.op("Expand", own, c.dims((*shape[:-1], 1))))
    if parts:
        indices = c.op("Concat", *parts, indices, axis=len(shape) - 1)
    return c.op("ScatterND", x, indices, c.inputs[2], reduction=reduction(c))


def reduction(c: Call) -> str | None:
    """How ONNX names what becomes of a number that stands there: by the same words."""
    return None if c.attrs["reduce"] == "none" else str(c.attrs["reduce"])


def places(c: Call) -> tuple[str, str]:
    """The operand and its positions, as int64."""
    x, indices = c.inputs[:2]
    dtype = c.types[1].dtype
    return x, indices if dtype is DType.INT64 else c.cast(indices, DType.INT64)


@writes("one_hot")
def one_hot(c: Call) -> str:
    """[x = c]. ONNX's OneHot would count negative positions from the end."""
    classes = counting(c, c.out.shape[-1])
    x = c.x if c.types[0].dtype is DType.INT64 else c.cast(c.x, DType.INT64)
    last = c.op("Unsqueeze", x, c.ints(c.types[0].ndim))
    hits = c.op("Equal", last, classes)
    return hits if c.out.dtype is DType.BOOL else c.cast(hits, c.out.dtype)
