"""Constant folding: what depends on no input is computed once, while compiling."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from graphflow.diagnostics import GraphflowError
from graphflow.ir.dims import Symbolic
from graphflow.ir.graph import LEAVES, ArrayLiteral, Node
from graphflow.ir.types import DType, TensorType, TupleType
from graphflow.ops.elementwise import Elementwise
from graphflow.ops.evaluate import run_node
from graphflow.ops.op import Array, get_op
from graphflow.passes.rewrite import Declined, Make, Outcome, RuleSet, View, make, rule

LARGEST = 4096
"""Elements of the largest result that is written into the graph."""
MOST_WORK = 1 << 20
"""Floating point operations that one folding may take."""
KNOWN = ("constant", "full")


@rule()
def fold_constants(node: Node, view: View) -> Outcome:
    """``f(constants) -> constant``, by the operator's portable forward"""
    if node.op in KNOWN or node.op in LEAVES or node.regions:
        return None
    if any(view.node(name).op not in KNOWN for name in node.inputs):
        return None
    operands = [view.node(name) for name in node.inputs]
    if not all(map(_is_definite, (node, *operands))):
        return None
    op = get_op(node.op)
    if op.random or op.abstract or op.shared:
        return None
    if isinstance(op, Elementwise):
        numbers = [view.number(name) for name in node.inputs]
        if None not in numbers:
            return _fold_fill(node, operands)
    return _fold(node, operands)


def _is_definite(node: Node) -> bool:
    """Whether the result is one array whose shape, number type and attributes are known."""
    if isinstance(node.type, TupleType) or node.type.dtype is DType.FLOAT:
        return False
    open_sizes = (*node.type.shape, *(value for _, value in node.attrs))
    return not any(isinstance(size, Symbolic) for size in open_sizes)


def _fold_fill(node: Node, operands: list[Node]) -> Outcome:
    """An elementwise operator on numbers and arrays of one number: computed for one element."""
    single = replace(node, type=TensorType(node.tensor.dtype))
    value = _run(single, [_one_of(operand) for operand in operands])
    return value if isinstance(value, Declined) else _written(value, node.tensor)


def _fold(node: Node, operands: list[Node]) -> Outcome:
    types = [operand.tensor for operand in operands]
    work = get_op(node.op).flops(node.type, *types, **node.attributes())
    elements = [_elements(t) for t in (node.tensor, *types)]
    if max(elements) > LARGEST or not isinstance(work, int) or work > MOST_WORK:
        return Declined(f"more than {LARGEST} elements or {MOST_WORK} operations")
    value = _run(node, operands)
    return value if isinstance(value, Declined) else _written(value, node.tensor)


def _run(node: Node, operands: list[Node]) -> Array | Declined:
    try:
        with np.errstate(all="ignore"):
            return np.asarray(run_node(node, [run_node(operand, []) for operand in operands]))
    except GraphflowError as error:
        reason = error.diagnostics[0].message
    except (ValueError, ArithmeticError) as error:  # what NumPy itself refuses
        reason = str(error)
    return Declined(f"left to be reported when it runs: {reason}")


def _elements(type: TensorType) -> int:
    """The number of elements of a definite type."""
    size = type.size
    assert isinstance(size, int)
    return size


def _one_of(operand: Node) -> Node:
    """A constant of the one number that fills an operand."""
    dtype = operand.tensor.dtype
    attrs = (("value", operand.attr("value")), ("dtype", dtype))
    return Node("constant", (), attrs, TensorType(dtype), operand.name)


def _written(value: Array, type: TensorType) -> Make | Declined:
    """The value as a node: a number, an array of one number, or a literal."""
    first = value.reshape(-1)[:1]
    uniform = value.tobytes() == first.tobytes() * value.size
    if uniform and not np.isnan(first).any():  # nan is kept as bytes: it does not equal itself
        number = first[0].item() if first.size else 0
        if type.shape:
            return make("full", shape=type.shape, value=number, dtype=type.dtype)
        return make("constant", value=number, dtype=type.dtype)
    if _elements(type) > LARGEST:
        return Declined(f"more than {LARGEST} elements")
    array = np.array(np.broadcast_to(value, type.shape))  # type: ignore[arg-type]
    return make("constant", value=ArrayLiteral(array), dtype=type.dtype)


FOLDING = RuleSet.of([fold_constants])
