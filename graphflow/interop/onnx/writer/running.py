"""Running sums, products and extremes: CumSum, and Scans for what ONNX does not have."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from graphflow.interop.onnx.writer.elementwise import smooth_maximum
from graphflow.interop.onnx.writer.emitter import Call, Emitter, inner_graph, value_info
from graphflow.interop.onnx.writer.shape import cut
from graphflow.interop.onnx.writer.table import writes

Combine = Callable[[Emitter, str, str], str]


def counted(c: Call) -> str:
    """The operand; integers add up in int64."""
    return c.x if c.types[0].dtype is c.out.dtype else c.cast(c.x, c.out.dtype)


@writes("cumsum")
def cumsum(c: Call) -> str:
    """The running sum."""
    axis = c.array(np.array(c.axis, np.int64))
    flags = {name: c.flag(name) for name in ("exclusive", "reverse")}
    return c.op("CumSum", counted(c), axis, **flags)


@writes("cumprod")
def cumprod(c: Call) -> str:
    """The running product; exclusively, of the elements moved on by a 1."""
    x, axis, reverse, shape = counted(c), c.axis, bool(c.flag("reverse")), c.out.shape
    if c.attrs["exclusive"]:
        one = c.op("Expand", c.number(1, c.out.dtype),
                   c.dims((*shape[:axis], 1, *shape[axis + 1 :])))  # fmt: skip
        first, end = (1, shape[axis]) if reverse else (0, shape[axis] - 1)
        rest = cut(c, x, [(axis, first, end, 1)])
        x = c.op("Concat", *((rest, one) if reverse else (one, rest)), axis=axis)
    return scanned(c, x, 1, lambda e, before, new: e.op("Mul", before, new), reverse)


@writes("cummax")
def cummax(c: Call) -> str:
    """The largest so far."""
    return scanned(c, c.x, lowest(c), lambda e, before, new: e.op("Max", before, new))


@writes("cummin")
def cummin(c: Call) -> str:
    """The smallest so far."""
    return scanned(c, c.x, -1 - lowest(c), lambda e, before, new: e.op("Min", before, new))


def lowest(c: Call) -> float:
    """The number below all others of the type; -1 minus it is the one above."""
    if c.out.dtype.is_float:
        return -np.inf
    return int(np.iinfo(c.out.dtype.value).min)


@writes("logcumsumexp")
def logcumsumexp(c: Call) -> str:
    """The running smooth maximum."""
    zero = c.number(0, c.out.dtype)
    return scanned(c, c.x, -np.inf, lambda e, before, new: smooth_maximum(e, before, new, zero))


def scanned(c: Call, x: str, first: float, combine: Combine, reverse: bool = False) -> str:
    """``combine`` run along the node's axis, from ``first`` on."""
    axis, shape = c.axis, c.out.shape
    line = c.out.with_shape((*shape[:axis], *shape[axis + 1 :]))
    start = c.op("Expand", c.number(first, c.out.dtype), c.dims(line.shape))
    inner = c.emitter.inner("body")
    before, element = (inner.fresh(f"{inner.scope}/{name}") for name in ("before", "element"))
    after = combine(inner, before, element)
    inputs = [value_info(before, line), value_info(element, line)]
    body = inner_graph(inner, inputs, [(after, line), (after, line)])
    direction = [int(reverse)]
    return c.emitter.ops(
        "Scan", 2, start, x, body=body, num_scan_inputs=1,
        scan_input_axes=[axis], scan_output_axes=[axis],
        scan_input_directions=direction, scan_output_directions=direction,
    )[1]  # fmt: skip
