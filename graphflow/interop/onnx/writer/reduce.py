"""Reductions, running sums, orderings."""

from __future__ import annotations

from collections.abc import Sequence

from graphflow.interop.onnx.writer.emitter import Call
from graphflow.interop.onnx.writer.table import writes
from graphflow.ir.dims import Dim, product
from graphflow.ir.types import DType

REDUCTIONS = {"sum": "ReduceSum", "mean": "ReduceMean", "prod": "ReduceProd", "max": "ReduceMax",
              "min": "ReduceMin", "logsumexp": "ReduceLogSumExp"}  # fmt: skip

NARROW = frozenset({DType.BOOL, DType.INT16, DType.UINT16})
"""Number types that ONNX does not reduce: they go by way of int32."""


@writes(*REDUCTIONS)
def reduction(c: Call) -> str:
    """Over the axes named; integers add up in int64. Of no axes: the operand."""
    x = c.x if c.types[0].dtype is c.out.dtype else c.cast(c.x, c.out.dtype)
    if c.out.dtype in NARROW:
        small = reduced(c, REDUCTIONS[c.node.op], c.cast(x, DType.INT32))
        return c.cast(small, c.out.dtype)
    return reduced(c, REDUCTIONS[c.node.op], x)


def reduced(c: Call, kind: str, x: str) -> str:
    """A reduction by the node's own axes."""
    axes, keepdims = c.axes(), c.flag("keepdims")
    if kind == "ReduceMean" and 0 in c.types[0].shape:  # of no elements: nan
        return c.filled(c.out, float("nan"))
    return c.op(kind, x, c.ints(*axes), keepdims=keepdims) if axes else x


@writes("any", "all")
def logical(c: Call) -> str:
    """Whether the count of true (of false) elements is above (is) zero."""
    x = c.x if c.types[0].dtype is DType.BOOL else c.cast(c.x, DType.BOOL)
    if c.node.op == "any":
        return c.op("Greater", reduced(c, "ReduceSum", c.cast(x, DType.INT64)), c.size(0))
    wrong = c.cast(c.op("Not", x), DType.INT64)
    return c.op("Equal", reduced(c, "ReduceSum", wrong), c.size(0))


@writes("var")
def var(c: Call) -> str:
    """The sum of (x - mean)**2 by n - correction."""
    (x,), axes, correction = c.types, c.axes(), c.attrs["correction"]
    assert isinstance(correction, int | float)
    centred = c.op("Sub", c.x, c.op("ReduceMean", c.x, c.ints(*axes)) if axes else c.x)
    total = reduced(c, "ReduceSum", c.op("Mul", centred, centred))
    count = c.size(product(x.shape[a] for a in axes), x.dtype)
    if correction:
        count = c.op("Sub", count, c.number(correction, x.dtype))
    return c.op("Div", total, count)


@writes("argmax", "argmin")
def position(c: Call) -> str:
    """The first position of the extreme; without an axis, in the flattened array."""
    keepdims = c.flag("keepdims")
    kind = {"argmax": "ArgMax", "argmin": "ArgMin"}[c.node.op]
    if c.attrs["axis"] is not None:
        return c.op(kind, orderable(c), axis=c.axis, keepdims=keepdims)
    flat = c.reshape(orderable(c), (c.types[0].size,))
    found = c.op(kind, flat, axis=0, keepdims=0)
    return c.reshape(found, c.out.shape) if keepdims else found


def orderable(c: Call) -> str:
    """The operand; truth values as integers."""
    return c.cast(c.x, DType.INT32) if c.types[0].dtype is DType.BOOL else c.x


@writes("sort", "argsort")
def ordering(c: Call) -> str:
    """All elements as the smallest or largest ones; equal ones keep their order."""
    values, places = ordered(c, c.types[0].shape[c.axis], c.flag("descending"))
    if c.node.op == "argsort":
        return places
    return c.cast(values, DType.BOOL) if c.out.dtype is DType.BOOL else values


@writes("topk")
def topk(c: Call) -> Sequence[str]:
    """The k first in order, and where they are."""
    return ordered(c, c.dim("k"), c.flag("largest"))


def ordered(c: Call, k: Dim, largest: int) -> list[str]:
    """The k largest or smallest along the node's axis: values and positions."""
    x, count = orderable(c), c.dims([k])
    return c.emitter.ops("TopK", 2, x, count, axis=c.axis, largest=largest, sorted=1)
