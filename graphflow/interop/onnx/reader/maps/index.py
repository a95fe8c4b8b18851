"""Elements by position: gather, scatter, one-hot, compress."""

from __future__ import annotations

import numpy as np

from graphflow.interop.onnx.reader.call import Call
from graphflow.interop.onnx.reader.table import Result, maps
from graphflow.interop.onnx.reader.text import listing
from graphflow.ir.dims import product


@maps("Gather")
def gather(call: Call) -> str:
    """Slices at given positions."""
    axis = call.axis(call.integer("axis", 0), call.ndim())
    where = call.maybe(1)
    if where is not None and where.ndim == 0 and where.dtype != object:
        entries = [":"] * axis + [str(int(where))]
        return f"{call.x()}[{', '.join(entries)}]"
    return f"take({call.x()}, {call.x(1)}, axis={axis})"


@maps("GatherElements")
def gather_elements(call: Call) -> str:
    """One element for each position."""
    axis = call.axis(call.integer("axis", 0), call.ndim())
    return f"take_along_axis({_cropped(call, axis)}, {call.x(1)}, axis={axis})"


def _cropped(call: Call, axis: int) -> str:
    """The data as far as the positions reach along the other axes."""
    sizes, wanted = call.shape(), call.shape(1)
    if all(i == axis or s == w for i, (s, w) in enumerate(zip(sizes, wanted, strict=True))):
        return call.x()
    cuts = [":" if i == axis else f":{w}" for i, w in enumerate(wanted)]
    return call.let(f"{call.x()}[{', '.join(cuts)}]", "cut")


@maps("GatherND")
def gather_nd(call: Call) -> str:
    """Slices at positions of several axes."""
    batch = call.integer("batch_dims", 0)
    options = f", batch_dims={batch}" if batch else ""
    return f"gather_nd({call.x()}, {call.x(1)}{options})"


def _reduce(call: Call) -> str:
    kind = call.word("reduction", "none")
    return "" if kind == "none" else f", reduce='{kind}'"


@maps("ScatterElements", "Scatter")
def scatter_elements(call: Call) -> str:
    """Elements put in at given positions."""
    axis = call.axis(call.integer("axis", 0), call.ndim())
    return f"scatter({call.x()}, {call.x(1)}, {call.x(2)}, axis={axis}{_reduce(call)})"


@maps("ScatterND")
def scatter_nd(call: Call) -> str:
    """Slices put in at positions of several axes."""
    return f"scatter_nd({call.x()}, {call.x(1)}, {call.x(2)}{_reduce(call)})"


@maps("OneHot")
def one_hot(call: Call) -> str:
    """One value at the position, another one elsewhere; positions count from the end, too."""
    depth = int(call.scalar(1, "the depth"))
    axis = call.integer("axis", -1)
    axis = axis + call.ndim() + 1 if axis < 0 else axis
    at = call.x() if call.dtype().is_integer else call.let(f"cast({call.x()}, int64)", "at")
    hot = call.let(f"one_hot({at} % {depth}, {depth}, dtype=bool)", "hot")
    low = call.let(f"logical_and({at} >= -{depth}, {at} < {depth})", "inside")
    hot = call.let(f"logical_and({hot}, expand_dims({low}, axis=-1))", "where")
    moved = hot if axis == call.ndim() else f"moveaxis({hot}, -1, {axis})"
    return f"where({moved}, {call.x(2)}[1], {call.x(2)}[0])"


@maps("Compress")
def compress(call: Call) -> str:
    """The slices where a condition holds, which must be known."""
    kept = np.flatnonzero(call.known(1, "the condition")).tolist()
    if "axis" in call.attributes:
        axis = call.axis(call.integer("axis"), call.ndim())
        return f"take({call.x()}, constant({listing(kept)}, int64), axis={axis})"
    flat = f"reshape({call.x()}, [{product(call.shape())}])"
    return f"take({flat}, constant({listing(kept)}, int64), axis=0)"


@maps("NonZero")
def non_zero(call: Call) -> Result:
    """Where the elements are that are not zero; their number must be known."""
    found = np.stack(np.nonzero(call.known(0, "the operand")))
    return call.array(found.astype(np.int64))


@maps("TensorScatter")
def tensor_scatter(call: Call) -> str:
    """A cache with new entries from a position on, which goes round where that is wanted."""
    axis = call.axis(call.integer("axis", -2), call.ndim())
    size, length = call.shape()[axis], call.shape(1)[axis]
    steps = [length if i == axis else 1 for i in range(call.ndim())]
    at = f"reshape(arange({length}), {listing(steps)})"
    if call.has(2):
        rows = [call.shape()[0], *[1] * (call.ndim() - 1)]
        at = f"reshape({call.x(2)}, {listing(rows)}) + {at}"
    if call.word("mode", "linear") == "circular":
        at = f"({at}) % {size}"
    index = call.let(f"broadcast_to({at}, {listing(call.shape(1))})", "at")
    return f"scatter({call.x()}, {index}, {call.x(1)}, axis={axis})"


@maps("Unique")
def unique(call: Call) -> list[Result]:
    """The different elements or slices; the operand must be known, as their number hangs on it."""
    array = call.known(0, "the operand")
    axis = call.integer("axis") if "axis" in call.attributes else None
    values, first, inverse, counts = np.unique(
        array, return_index=True, return_inverse=True, return_counts=True, axis=axis
    )
    inverse = inverse.reshape(-1)
    if not call.integer("sorted", 1):
        order = np.argsort(first)
        values = np.take(values, order, axis=axis or 0)
        first, counts, inverse = first[order], counts[order], np.argsort(order)[inverse]
    positions = [call.array(a.astype(np.int64)) for a in (first, inverse, counts)]
    return [call.array(values, call.dtype()), *positions]


@maps("ai.onnx.ml.ArrayFeatureExtractor")
def features(call: Call) -> str:
    """Elements of the last axis."""
    return f"take({call.x()}, reshape({call.x(1)}, [-1]), axis=-1)"


@maps("ai.onnx.ml.Binarizer")
def binarizer(call: Call) -> str:
    """1 above a threshold, else 0."""
    return f"cast({call.x()} > {call.real('threshold', 0.0)}, {call.dtype()})"
