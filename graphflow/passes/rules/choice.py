"""Rules of operators that hand a value on, convert it, or choose between two."""

from __future__ import annotations

from graphflow.ir.graph import Node
from graphflow.ir.types import DType
from graphflow.passes.rewrite import Outcome, View, make, rule
from graphflow.passes.rules.arithmetic import spread

WIDE = frozenset({DType.INT64, DType.FLOAT64})
MIDDLE = WIDE | {DType.INT32, DType.FLOAT32}
HOLDS_ALL = {
    DType.BOOL: frozenset(DType),
    DType.UINT8: frozenset(DType) - {DType.BOOL, DType.INT8},
    DType.INT8: MIDDLE | {DType.INT16, DType.FLOAT16, DType.FLOAT},
    DType.UINT16: MIDDLE | {DType.UINT32, DType.UINT64},
    DType.INT16: MIDDLE,
    DType.UINT32: WIDE | {DType.UINT64},
    DType.INT32: WIDE,
    DType.FLOAT16: frozenset({DType.FLOAT32, DType.FLOAT64}),
    DType.BFLOAT16: frozenset({DType.FLOAT32, DType.FLOAT64}),
    DType.FLOAT32: frozenset({DType.FLOAT64}),
}
"""For a number type, those that hold each of its numbers exactly."""


@rule("identity", "stop_gradient")
def hand_on(node: Node, view: View) -> Outcome:
    """``identity(x) -> x, stop_gradient(x) -> x`` (derivatives are taken by now)"""
    return node.inputs[0]


@rule("cast")
def cast_to_own_type(node: Node, view: View) -> Outcome:
    """``cast(x, type of x) -> x``"""
    x = node.inputs[0]
    return x if view.tensor(x).dtype is node.tensor.dtype else None


@rule("cast")
def cast_twice(node: Node, view: View) -> Outcome:
    """``cast(cast(x, t), u) -> cast(x, u)``, where t holds every number of x exactly"""
    inner = view.node(node.inputs[0])
    if inner.op != "cast":
        return None
    x = inner.inputs[0]
    if inner.tensor.dtype not in HOLDS_ALL.get(view.tensor(x).dtype, frozenset()):
        return None
    return make("cast", x, dtype=node.tensor.dtype)


@rule("where")
def known_choice(node: Node, view: View) -> Outcome:
    """``where(true, x, y) -> x, where(false, x, y) -> y, where(c, x, x) -> x``"""
    condition, x, y = node.inputs
    known = view.number(condition)
    if known is None and x != y:
        return None
    return spread(x if known or x == y else y, node, view)


@rule("logical_not")
def double_not(node: Node, view: View) -> Outcome:
    """``not not x -> x``, for boolean x"""
    inner = view.node(node.inputs[0])
    if inner.op != "logical_not" or view.tensor(inner.inputs[0]).dtype is not DType.BOOL:
        return None
    return inner.inputs[0]


@rule("logical_not")
def not_equal(node: Node, view: View) -> Outcome:
    """``not (x = y) -> x != y, not (x != y) -> x = y``"""
    opposite = {"equal": "not_equal", "not_equal": "equal"}
    inner = view.node(node.inputs[0])
    return make(opposite[inner.op], *inner.inputs) if inner.op in opposite else None


@rule("logical_and", "logical_or")
def logic_of_one(node: Node, view: View) -> Outcome:
    """``x and x -> x, x or x -> x``, for boolean x"""
    x, y = node.inputs
    return x if x == y and view.tensor(x).dtype is DType.BOOL else None


RULES = (
    hand_on, cast_to_own_type, cast_twice, known_choice, double_not, not_equal, logic_of_one,
)  # fmt: skip
