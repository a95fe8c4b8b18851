"""Reductions, running sums, positions of extremes, order."""

from __future__ import annotations

from graphflow.interop.onnx.reader.call import Call
from graphflow.interop.onnx.reader.table import Unpack, maps
from graphflow.interop.onnx.reader.text import listing
from graphflow.ir.types import DType

REDUCTIONS = {
    "ReduceSum": "sum({x}{r})", "ReduceMean": "mean({x}{r})", "ReduceProd": "prod({x}{r})",
    "ReduceMax": "max({x}{r})", "ReduceMin": "min({x}{r})", "ReduceL1": "sum(abs({x}){r})",
    "ReduceL2": "sqrt(sum({x} ** 2{r}))", "ReduceLogSum": "log(sum({x}{r}))",
    "ReduceLogSumExp": "logsumexp({x}{r})", "ReduceSumSquare": "sum({x} ** 2{r})",
}  # fmt: skip

EMPTY = {"ReduceMax": "-inf", "ReduceMin": "inf", "ReduceLogSumExp": "-inf"}
"""Reductions that our operators refuse over no elements, and what ONNX gives."""


@maps(*REDUCTIONS)
def reduction(call: Call) -> str:
    """A reduction over axes, over all of them where none are given."""
    axes, options = call.axes(1, call.ndim()), ""
    if not axes and call.integer("noop_with_empty_axes", 0):
        options = ", axis=[]"
    elif axes:
        options = f", axis={listing(axes)}"
    keep = bool(call.integer("keepdims", 1))
    if call.op in EMPTY and 0 in [n for i, n in enumerate(call.shape()) if not axes or i in axes]:
        return _of_nothing(call, axes, keep)
    if keep:
        options += ", keepdims=true"
    found = REDUCTIONS[call.op].format(x=call.x(), r=options)
    dtype = call.dtype()
    if dtype in (DType.FLOAT, DType.FLOAT64, DType.FLOAT16, DType.BOOL):
        return found
    return f"cast({found}, {dtype})"


def _of_nothing(call: Call, axes: list[int] | None, keep: bool) -> str:
    """A reduction over no elements: what changes nothing."""
    gone = axes if axes else range(call.ndim())
    sizes = [1 if i in gone else n for i, n in enumerate(call.shape()) if keep or i not in gone]
    value = EMPTY[call.op]
    if not call.dtype().is_float:
        call.unsupported(f"over no elements is not supported for {call.dtype()}")
    return f"full({listing(sizes)}, {value}, dtype={call.dtype()})"


@maps("CumSum", "CumProd")
def running(call: Call) -> str:
    """A running sum or product."""
    axis = call.axis(int(call.scalar(1, "the axis")), call.ndim())
    options = [f"{w}=true" for w in ("exclusive", "reverse") if call.integer(w, 0)]
    found = f"{call.op.lower()}({', '.join([call.x(), f'axis={axis}', *options])})"
    return found if call.dtype().is_float else f"cast({found}, {call.dtype()})"


@maps("ArgMax", "ArgMin")
def position(call: Call) -> str:
    """The position of the largest or smallest element; of the last one of several, if wanted."""
    axis, keep = call.axis(call.integer("axis", 0), call.ndim()), call.integer("keepdims", 1)
    options = f"axis={axis}" + (", keepdims=true" if keep else "")
    if not call.integer("select_last_index", 0):
        return f"{call.op.lower()}({call.x()}, {options})"
    last = call.shape()[axis]
    return f"{last} - 1 - {call.op.lower()}(flip({call.x()}, axis={axis}), {options})"


@maps("TopK")
def top_k(call: Call) -> Unpack:
    """The k largest elements and their positions."""
    k, largest = call.ints(1, "k")[0], call.integer("largest", 1)
    options = "" if largest else ", largest=false"
    return Unpack(f"topk({call.x()}, {k}, axis={call.integer('axis', -1)}{options})")


@maps("Hardmax")
def hardmax(call: Call) -> str:
    """1 at the first largest element, 0 elsewhere."""
    axis = call.axis(call.integer("axis", -1), call.ndim())
    best = f"argmax({call.x()}, axis={axis})"
    hot = f"one_hot({best}, {call.shape()[axis]}, dtype={call.dtype()})"
    return hot if axis == call.ndim() - 1 else f"moveaxis({hot}, -1, {axis})"


@maps("Softmax", "LogSoftmax")
def softmax(call: Call) -> str:
    """Shares that add up to 1, or their logarithms."""
    name = "softmax" if call.op == "Softmax" else "log_softmax"
    return f"{name}({call.x()}, axis={call.integer('axis', -1)})"
