"""Rules of arrays filled with one number: they are kept as numbers as long as possible."""

from __future__ import annotations

from graphflow.ir.graph import ArrayLiteral, Node
from graphflow.ir.types import broadcast
from graphflow.ops import OPS
from graphflow.ops.elementwise import Elementwise
from graphflow.passes.rewrite import Outcome, View, make, rule

ELEMENTWISE = tuple(name for name, op in OPS.items() if isinstance(op, Elementwise))
SEVERAL = tuple(name for name in ELEMENTWISE if len(OPS[name].operands) > 1)
MOVING = (
    "broadcast_to", "expand_dims", "flip", "rearrange", "repeat", "reshape", "roll", "slice",
    "squeeze", "tile", "transpose",
)  # fmt: skip
"""Operators each of whose results is an element of the operand."""


@rule("zeros", "ones")
def named_fill(node: Node, view: View) -> Outcome:
    """``zeros(s) -> full(s, 0), ones(s) -> full(s, 1)``"""
    value = 0 if node.op == "zeros" else 1
    return make("full", shape=node.tensor.shape, value=value, dtype=node.tensor.dtype)


@rule("bernoulli")
def certain_draw(node: Node, view: View) -> Outcome:
    """``bernoulli(s, 1) -> full(s, 1)``, and so for probability 0: dropout of nothing is nothing"""
    if node.attr("p") not in (0, 1):
        return None
    value = int(node.attr("p") == 1)
    return make("full", shape=node.tensor.shape, value=value, dtype=node.tensor.dtype)


@rule("full")
def filled_scalar(node: Node, view: View) -> Outcome:
    """``full([], v) -> v``"""
    if node.tensor.shape:
        return None
    return make("constant", value=node.attr("value"), dtype=node.tensor.dtype)


@rule(*MOVING)
def moved_fill(node: Node, view: View) -> Outcome:
    """``reshape(full(s, v), t) -> full(t, v)``, and so for all that moves elements about"""
    inner = view.node(node.inputs[0])
    if inner.op not in ("full", "constant"):
        return None
    value = inner.attr("value")
    if isinstance(value, ArrayLiteral | tuple):
        return None
    return make("full", shape=node.tensor.shape, value=value, dtype=node.tensor.dtype)


@rule(*SEVERAL)
def stretched_operand(node: Node, view: View) -> Outcome:
    """``x + full(s, v) -> x + v, x + broadcast_to(y, s) -> x + y``, where x has shape s anyway"""
    operands = list(node.inputs)
    shapes = [view.tensor(name).shape for name in operands]
    for i, name in enumerate(operands):
        inner = view.node(name)
        if inner.op not in ("full", "broadcast_to"):
            continue
        small = () if inner.op == "full" else view.tensor(inner.inputs[0]).shape
        if broadcast(*shapes[:i], small, *shapes[i + 1 :]) != node.tensor.shape:
            continue
        if inner.op == "broadcast_to":
            return make(node.op, *operands[:i], inner.inputs[0], *operands[i + 1 :])
        number = make("constant", value=inner.attr("value"), dtype=inner.tensor.dtype)
        return make(node.op, *operands[:i], number, *operands[i + 1 :])
    return None


RULES = (named_fill, certain_draw, filled_scalar, moved_fill, stretched_operand)
