"""Products whose bias, and whose ReLU, a device's library adds on the way."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from graphflow.ir.graph import Graph, Node
from graphflow.ir.types import DType
from graphflow.ops.builder import Builder, F, Value
from graphflow.passes.dead import drop_dead
from graphflow.passes.substitute import rebuilt
from graphflow.passes.verified import verified

NUMBERS = frozenset({DType.FLOAT32, DType.FLOAT16, DType.BFLOAT16})
"""Number types that cuBLASLt adds a bias to."""


def affine(graph: Graph) -> Graph:
    """A concrete, optimised graph in which a product and its bias are one node, and the ReLU that
    follows as well, where nothing else reads what lies between.

    Before: ``z = x @ w; s = z + b; y = relu(s)``. After: ``y = affine(x, w, b, relu)``. Products
    of rows with one matrix alone; the bias is a vector.
    """
    recipes: dict[str, Callable[[Builder], Value]] = {}
    for node in graph:
        found = _operands(graph, node)
        if found is not None:
            after = _read_by(graph, node.name)
            relu = after is not None and after.op == "relu"
            name = after.name if after is not None and relu else node.name
            recipes[name] = partial(_made, found, relu)
    return verified(drop_dead(rebuilt(graph, recipes)).graph, "affine") if recipes else graph


def _operands(graph: Graph, node: Node) -> tuple[str, str, str] | None:
    """Rows, matrix and bias of a sum that is one with a product that nothing else reads."""
    if node.op != "add" or node.tensor.dtype not in NUMBERS:
        return None
    for name, other in (node.inputs, node.inputs[::-1]):
        product, bias = graph.nodes[name], graph.nodes[other].tensor
        if product.op != "matmul" or _read_by(graph, name) is not node:
            continue
        x, y = product.inputs
        rows, matrix = graph.nodes[x].tensor, graph.nodes[y].tensor
        if rows.ndim > 1 and matrix.ndim == 2 and bias.shape == matrix.shape[1:]:
            return x, y, other
    return None


def _read_by(graph: Graph, name: str) -> Node | None:
    """What alone reads a value."""
    readers = graph.consumers[name]
    alone = len(readers) == 1 and name not in graph.roots()
    return graph.nodes[readers[0]] if alone else None


def _made(operands: tuple[str, str, str], relu: bool, builder: Builder) -> Value:
    return F.affine(*map(builder.value, operands), relu=relu)
