"""Rules of arithmetic."""

from __future__ import annotations

import math

import numpy as np

from graphflow.ir.graph import Node
from graphflow.ir.types import DType
from graphflow.passes.rewrite import Declined, Make, Outcome, View, make, rule

IDEMPOTENT = ("relu", "abs", "floor", "ceil", "round", "sign")


def spread(name: str, node: Node, view: View) -> str | Make:
    """The operand in the shape of the node's result."""
    shape = node.tensor.shape
    return name if view.tensor(name).shape == shape else make("broadcast_to", name, shape=shape)


def filled(node: Node, value: int) -> Make:
    """An array of one number, of the node's type."""
    return make("full", shape=node.tensor.shape, value=value, dtype=node.tensor.dtype)


def is_float(node: Node) -> bool:
    return node.tensor.dtype.is_float


def negated(name: str, view: View) -> str | None:
    """What a node is the opposite of."""
    node = view.node(name)
    return node.inputs[0] if node.op == "neg" else None


@rule("add")
def add_zero(node: Node, view: View) -> Outcome:
    """``x + 0 -> x``. Of floating point numbers only -0.0 is neutral: -0.0 + 0.0 is 0.0."""
    for zero, x in (node.inputs[::-1], node.inputs):
        number = view.number(zero)
        if number == 0:
            if is_float(node) and math.copysign(1, number) > 0:
                return Declined("-0.0 + 0.0 is 0.0, which is not the operand -0.0")
            return spread(x, node, view)
    return None


@rule("sub")
def subtract_zero(node: Node, view: View) -> Outcome:
    """``x - 0 -> x``. Of floating point numbers only 0.0 is neutral: -0.0 - -0.0 is 0.0."""
    x, zero = node.inputs
    number = view.number(zero)
    if number != 0 or number is None:
        return None
    if is_float(node) and math.copysign(1, number) < 0:
        return Declined("-0.0 - -0.0 is 0.0, which is not the operand -0.0")
    return spread(x, node, view)


@rule("mul", "div")
def times_one(node: Node, view: View) -> Outcome:
    """``x * 1 -> x, x / 1 -> x, x * -1 -> -x``"""
    pairs = [node.inputs] if node.op == "div" else [node.inputs, node.inputs[::-1]]
    for x, one in pairs:
        number = view.number(one)
        if number == 1:
            return spread(x, node, view)
        if number == -1:
            return make("neg", spread(x, node, view))
    return None


@rule("mul")
def times_zero(node: Node, view: View) -> Outcome:
    """``x * 0 -> 0``, for integers."""
    if not any(view.number(x) == 0 for x in node.inputs):
        return None
    if is_float(node):
        return Declined("0 * nan is nan, and 0 * -1 is -0.0")
    return filled(node, 0)


@rule("neg")
def double_negative(node: Node, view: View) -> Outcome:
    """``-(-x) -> x``"""
    return negated(node.inputs[0], view)


@rule("add")
def add_negative(node: Node, view: View) -> Outcome:
    """``x + (-y) -> x - y, (-x) + y -> y - x``"""
    x, y = node.inputs
    if (positive := negated(y, view)) is not None:
        return make("sub", x, positive)
    if (positive := negated(x, view)) is not None:
        return make("sub", y, positive)
    return None


@rule("sub")
def subtract_negative(node: Node, view: View) -> Outcome:
    """``x - (-y) -> x + y``"""
    positive = negated(node.inputs[1], view)
    return None if positive is None else make("add", node.inputs[0], positive)


@rule("mul", "div")
def two_negatives(node: Node, view: View) -> Outcome:
    """``(-x) * (-y) -> x * y, (-x) / (-y) -> x / y``"""
    x, y = (negated(name, view) for name in node.inputs)
    return None if x is None or y is None else make(node.op, x, y)


@rule("sub", "div")
def same_operands(node: Node, view: View) -> Outcome:
    """``x - x -> 0``, for integers."""
    if node.inputs[0] != node.inputs[1]:
        return None
    if node.op == "div" or is_float(node):
        result = "x / x" if node.op == "div" else "x - x"
        return Declined(f"{result} is nan where x is infinite or nan")
    return filled(node, 0)


@rule("div")
def divide_by_power_of_two(node: Node, view: View) -> Outcome:
    """``x / 2**k -> x * 2**-k``, where both powers are normal numbers of the type."""
    x, divisor = node.inputs
    number, dtype = view.number(divisor), node.tensor.dtype
    if number is None or not math.isfinite(number) or number == 0 or dtype is DType.FLOAT:
        return None
    if view.tensor(x).shape != node.tensor.shape:
        return None
    if abs(math.frexp(number)[0]) != 0.5:
        return None
    same_range = "float32" if dtype is DType.BFLOAT16 else dtype.value
    inverse, limits = 1 / float(number), np.finfo(same_range)
    if not float(limits.smallest_normal) <= abs(inverse) <= float(limits.max):
        return Declined(f"1 / {number} is not a normal number of {dtype}")
    return make("mul", x, make("constant", value=inverse, dtype=dtype))


@rule("pow")
def small_powers(node: Node, view: View) -> Outcome:
    """``x**0 -> 1, x**1 -> x, x**2 -> x * x``.

    The product is the correctly rounded square; the power function of a mathematics library may
    be off by one in the last place.
    """
    x, exponent = node.inputs
    number = view.number(exponent)
    if number is None or view.tensor(x).shape != node.tensor.shape:
        return None
    if number == 0:
        return filled(node, 1)
    if number == 1:
        return x
    if number == 0.5:
        return Declined("(-0.0) ** 0.5 is 0.0 but sqrt(-0.0) is -0.0")
    return make("mul", x, x) if number == 2 else None


@rule(*IDEMPOTENT)
def twice_the_same(node: Node, view: View) -> Outcome:
    """``f(f(x)) -> f(x)`` for relu, abs, floor, ceil, round, sign"""
    return node.inputs[0] if view.node(node.inputs[0]).op == node.op else None


@rule("abs")
def absolute_of_negative(node: Node, view: View) -> Outcome:
    """``|-x| -> |x|``"""
    positive = negated(node.inputs[0], view)
    return None if positive is None else make("abs", positive)


@rule("maximum", "minimum")
def extreme_of_one(node: Node, view: View) -> Outcome:
    """``max(x, x) -> x, min(x, x) -> x``"""
    return node.inputs[0] if node.inputs[0] == node.inputs[1] else None


RULES = (
    add_zero,
    subtract_zero,
    times_one,
    times_zero,
    double_negative,
    add_negative,
    subtract_negative,
    two_negatives,
    same_operands,
    divide_by_power_of_two,
    small_powers,
    twice_the_same,
    absolute_of_negative,
    extreme_of_one,
)
