"""Constants, results that are picked, number types."""

from __future__ import annotations

import numpy as np

from graphflow.interop.onnx.writer.emitter import Call, numpy_dtype
from graphflow.interop.onnx.writer.table import writes
from graphflow.ir.dims import Dim, Symbolic
from graphflow.ir.graph import ArrayLiteral
from graphflow.ir.types import DType
from graphflow.ops.op import get_op

LARGEST = 1024
"""Elements of the largest array of numbers in a row that is written out."""


@writes("constant")
def constant(c: Call) -> str:
    """A number, a size, an array."""
    value = c.attrs["value"]
    if isinstance(value, Symbolic):
        return c.size(value, c.out.dtype)
    array = value.array if isinstance(value, ArrayLiteral) else value
    return c.array(np.array(array, numpy_dtype(c.out.dtype)))


@writes("item")
def item(c: Call) -> str:
    """One of several results: no node."""
    return c.emitter.values[c.node.inputs[0]][c.whole("index")]


@writes("identity", "stop_gradient", "checkpoint")
def handed_on(c: Call) -> str:
    """The operand itself: no node."""
    return c.x


@writes("cast")
def cast(c: Call) -> str:
    """Another number type."""
    return c.cast(c.x, c.out.dtype)


@writes("full")
def full(c: Call) -> str:
    """One number everywhere."""
    value = c.attrs["value"]
    if isinstance(value, Symbolic):
        return c.op("Expand", c.scalar("value", c.out.dtype), c.dims(c.out.shape))
    assert isinstance(value, bool | int | float)
    return c.filled(c.out, value)


@writes("zeros")
def zeros(c: Call) -> str:
    """0 everywhere."""
    return c.filled(c.out, 0)


@writes("ones")
def ones(c: Call) -> str:
    """1 everywhere."""
    return c.filled(c.out, 1)


@writes("eye")
def eye(c: Call) -> str:
    """[j = i + k]."""
    diagonal = on_diagonal(c, c.dim("n"), c.dim("m"), c.dim("k"))
    return diagonal if c.out.dtype is DType.BOOL else c.cast(diagonal, c.out.dtype)


def on_diagonal(c: Call, n: Dim, m: Dim, k: Dim) -> str:
    """Whether j = i + k, for i < n and j < m."""
    rows = c.op("Add", counting(c, n), c.size(k))
    return c.op("Equal", c.op("Unsqueeze", rows, c.ints(1)), counting(c, m))


def counting(c: Call, n: Dim) -> str:
    """0 ... n - 1."""
    return c.op("Range", c.size(0), c.size(n), c.size(1))


@writes("arange")
def arange(c: Call) -> str:
    """Numbers in a row: start + i step."""
    start, step = c.attrs["start"], c.attrs["step"]
    (length,) = c.out.shape
    is_open = any(isinstance(value, Symbolic) for value in (length, start, step))
    fractions = isinstance(start, float) or isinstance(step, float)
    if fractions or (not is_open and length <= LARGEST):  # type: ignore[operator]
        return written_out(c)
    places = counting(c, length)
    if step != 1:
        places = c.op("Mul", places, c.size(c.dim("step")))
    if start != 0:
        places = c.op("Add", places, c.size(c.dim("start")))
    return places if c.out.dtype is DType.INT64 else c.cast(places, c.out.dtype)


@writes("linspace")
def linspace(c: Call) -> str:
    """Evenly spaced numbers, written out."""
    return written_out(c)


def written_out(c: Call) -> str:
    """What the node's forward gives, as a constant."""
    c.known([d for d in (*c.out.shape, *c.attrs.values()) if isinstance(d, int | Symbolic)])
    value = np.asarray(get_op(c.node.op).forward(np, **c.attrs))
    return c.array(value.astype(numpy_dtype(c.out.dtype)))
