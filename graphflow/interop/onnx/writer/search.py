"""Finding. How much ONNX finds depends on numbers: it is cut or filled to the size asked for."""

from __future__ import annotations

from collections.abc import Sequence

from graphflow.interop.onnx.writer.elementwise import truths
from graphflow.interop.onnx.writer.emitter import Call
from graphflow.interop.onnx.writer.shape import cut
from graphflow.interop.onnx.writer.table import writes
from graphflow.ir.dims import Dim
from graphflow.ir.types import DType


def sized(c: Call, found: str, axis: int, fill: str) -> str:
    """The first ``size`` of what was found along an axis, and ``fill`` for what is missing."""
    size: Dim = c.dim("size")
    widths = c.dims([0] * (axis + 1) + [0] * axis + [size])
    padded = c.op("Pad", found, widths, fill)
    return cut(c, padded, [(axis, 0, size, 1)])


@writes("nonzero")
def nonzero(c: Call) -> str:
    """The positions of what is not zero."""
    (x,) = truths(c)
    return sized(c, c.op("NonZero", x), 1, c.scalar("fill", DType.INT64))


@writes("unique")
def unique(c: Call) -> Sequence[str]:
    """The distinct elements. More than ``size`` are cut off; ours is an error."""
    (x,) = c.types
    values, first, inverse, counts = c.emitter.ops("Unique", 4, c.x, sorted=1)
    return (
        sized(c, values, 0, c.scalar("fill", x.dtype)),
        sized(c, first, 0, c.number(-1, DType.INT64)),
        c.reshape(inverse, x.shape),
        sized(c, counts, 0, c.number(0, DType.INT64)),
    )


@writes("searchsorted")
def searchsorted(c: Call) -> str:
    """How many elements are smaller: counted by comparing with each."""
    known, values = c.inputs
    kind = "Less" if c.attrs["side"] == "left" else "LessOrEqual"
    apart = c.op("Unsqueeze", values, c.ints(c.types[1].ndim))
    before = c.cast(c.op(kind, known, apart), DType.INT64)
    return c.op("ReduceSum", before, c.ints(c.out.ndim), keepdims=0)
