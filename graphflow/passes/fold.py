"""Constant folding: what depends on no input is computed once, while compiling."""

from __future__ import annotations

import numpy as np

from graphflow.diagnostics import GraphflowError
from graphflow.ir.dims import product
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
    """f(constants) -> constant, by the operator's portable forward"""
    if node.op in KNOWN or node.op in LEAVES or node.regions:
        return None
    operands = [view.node(name) for name in node.inputs]
    if any(operand.op not in KNOWN for operand in operands) or not _is_definite(node):
        return None
    op = get_op(node.op)
    if op.random or op.abstract:
        return None
    if isinstance(op, Elementwise):
        numbers = [view.number(name) for name in node.inputs]
        if None not in numbers:
            return _fold_fill(node, operands)
    return _fold(node, operands)


def _is_definite(node: Node) -> bool:
    """Whether the result is one array whose shape and number type are known."""
    if isinstance(node.type, TupleType) or node.type.dtype is DType.FLOAT:
        return False
    return all(isinstance(size, int) for size in node.type.shape)


def _fold_fill(node: Node, operands: list[Node]) -> Outcome:
    """An elementwise operator on numbers and arrays of one number: computed for one element."""
    scalars = [_number(operand) for operand in operands]
    single = Node(node.op, node.inputs, node.attrs, TensorType(node.tensor.dtype), node.name)
    value = _run(single, scalars)
    return value if isinstance(value, Declined) else _written(value, node.tensor)


def _fold(node: Node, operands: list[Node]) -> Outcome:
    types = [operand.tensor for operand in operands]
    work = get_op(node.op).flops(node.type, *types, **node.attributes())
    elements = [node.tensor.size, *(t.size for t in types)]
    if not all(isinstance(n, int) for n in elements):
        return None
    if max(elements) > LARGEST or not isinstance(work, int) or work > MOST_WORK:  # type: ignore[type-var]
        return Declined(f"more than {LARGEST} elements or {MOST_WORK} operations")
    value = _run(node, [np.asarray(run_node(operand, [])) for operand in operands])
    return value if isinstance(value, Declined) else _written(value, node.tensor)


def _run(node: Node, values: list[Array]) -> Array | Declined:
    try:
        with np.errstate(all="ignore"):
            return np.asarray(run_node(node, list(values)))
    except GraphflowError as error:
        return Declined(f"left to be reported when it runs: {error.diagnostics[0].message}")


def _number(operand: Node) -> Array:
    value, dtype = operand.attr("value"), operand.tensor.dtype
    array = value.array if isinstance(value, ArrayLiteral) else np.asarray(value)
    return array.astype(dtype.value)


def _written(value: Array, type: TensorType) -> Make | Declined:
    """The value as a node: a number, an array of one number, or a literal."""
    first = value.reshape(-1)[:1]
    uniform = value.tobytes() == first.tobytes() * value.size
    if uniform and not np.isnan(first).any():  # nan is kept as bytes: it does not equal itself
        number = first[0].item() if first.size else 0
        if type.shape:
            return make("full", shape=type.shape, value=number, dtype=type.dtype)
        return make("constant", value=number, dtype=type.dtype)
    if product(type.shape) > LARGEST:
        return Declined(f"more than {LARGEST} elements")
    array = np.array(np.broadcast_to(value, type.shape))  # type: ignore[arg-type]
    return make("constant", value=ArrayLiteral(array), dtype=type.dtype)


FOLDING = RuleSet.of([fold_constants])
