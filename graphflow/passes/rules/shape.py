"""Rules of operators that see or move the same numbers in another shape."""

from __future__ import annotations

from graphflow.ir.graph import Node
from graphflow.ir.types import TensorType
from graphflow.passes.rewrite import Declined, Outcome, View, make, rule

RESHAPES = ("reshape", "expand_dims", "squeeze")
SAME_SHAPE = (*RESHAPES, "broadcast_to", "pad", "repeat", "tile", "unpad")
"""Operators that change nothing when they leave the shape as it is."""


@rule(*SAME_SHAPE, "concat", "flip", "roll", "slice", "transpose")
def moves_nothing(node: Node, view: View) -> Outcome:
    """``reshape(x, own shape) -> x, x[:] -> x, concat(x) -> x``, and so for all that move"""
    x = node.inputs[0]
    return x if len(node.inputs) == 1 and _is_unmoved(node, view.tensor(x)) else None


def _is_unmoved(node: Node, x: TensorType) -> bool:
    """Whether the only operand comes out as it went in."""
    if node.tensor != x:
        return False
    attrs = node.attributes()
    match node.op:
        case "transpose":
            return attrs["axes"] == tuple(range(x.ndim))
        case "flip":
            return attrs["axis"] == ()
        case "roll":
            return attrs["shift"] == 0
        case "slice":
            return attrs["index"] == tuple(("slice", 0, n, 1) for n in x.shape)
        case _:
            return True


@rule(*RESHAPES)
def reshape_twice(node: Node, view: View) -> Outcome:
    """``reshape(reshape(x, s), t) -> reshape(x, t)``, expand_dims and squeeze included"""
    inner = view.node(node.inputs[0])
    if inner.op not in RESHAPES:
        return None
    return make("reshape", inner.inputs[0], shape=node.tensor.shape)


@rule("transpose")
def transpose_twice(node: Node, view: View) -> Outcome:
    """``transpose(transpose(x, a), b) -> transpose(x, a[b])``"""
    inner = view.node(node.inputs[0])
    if inner.op != "transpose":
        return None
    first, second = inner.attr("axes"), node.attr("axes")
    assert isinstance(first, tuple) and isinstance(second, tuple)
    return make("transpose", inner.inputs[0], axes=tuple(first[i] for i in second))  # type: ignore[index]


@rule("broadcast_to")
def broadcast_twice(node: Node, view: View) -> Outcome:
    """``broadcast_to(broadcast_to(x, s), t) -> broadcast_to(x, t)``"""
    inner = view.node(node.inputs[0])
    if inner.op != "broadcast_to":
        return None
    return make("broadcast_to", inner.inputs[0], shape=node.tensor.shape)


@rule("flip")
def flip_twice(node: Node, view: View) -> Outcome:
    """``flip(flip(x, a), a) -> x``"""
    inner = view.node(node.inputs[0])
    same = inner.op == "flip" and inner.attr("axis") == node.attr("axis")
    return inner.inputs[0] if same else None


@rule("sum", "mean", "prod", "max", "min", "any", "all")
def reduce_nothing(node: Node, view: View) -> Outcome:
    """``max(x, no axes) -> x``, and so for min, prod, any, all; for sum and mean of integers"""
    x = node.inputs[0]
    if node.attr("axis") != () or view.tensor(x) != node.tensor:
        return None
    if node.op in ("sum", "mean") and node.tensor.dtype.is_float:
        return Declined("the sum of -0.0 alone is 0.0")
    return x


RULES = (
    moves_nothing, reshape_twice, transpose_twice, broadcast_twice, flip_twice, reduce_nothing,
)  # fmt: skip
