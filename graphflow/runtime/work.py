"""How much there is to compute: what threads and kernels are chosen by, before anything has run."""

from __future__ import annotations

from collections.abc import Iterable
from math import prod

from graphflow.ir.dims import Dim
from graphflow.ir.graph import Graph, Node
from graphflow.ir.types import tensors
from graphflow.ops.op import get_op
from graphflow.schedule.views import concrete_shape

PRODUCTS, ELEMENTS, NODE = 3e10, 1e9, 2e-6
"""Roughly what one processor does with NumPy's kernels: floating point operations of products and
elements of anything else in a second, and the seconds that a node takes however small it is.
"""


def has_larger(graphs: Iterable[Graph], operations: int) -> bool:
    """Whether a node of specialised graphs takes more floating point operations than that."""
    return any(_is_larger(graph, node, operations) for graph in graphs for node in graph)


def estimated_seconds(graph: Graph) -> float:
    """About how long NumPy's kernels take for one run of a specialised graph."""
    return sum(node_seconds(graph, node) for node in graph)


def product_flops(graph: Graph) -> int:
    """The floating point operations of all that multiplies and adds, loops turn by turn."""
    total = 0
    for node in graph:
        if node.regions:
            total += _turns(node) * sum(map(product_flops, node.regions))
        elif _multiplies(graph, node):
            total += _flops(graph, node)
    return total


def _is_larger(graph: Graph, node: Node, operations: int) -> bool:
    if node.regions:
        return has_larger(node.regions, operations)
    return _flops(graph, node) > operations


def node_seconds(graph: Graph, node: Node) -> float:
    """About how long NumPy's kernels take for one node of a specialised graph."""
    if node.regions:
        return _turns(node) * sum(map(estimated_seconds, node.regions))
    if _multiplies(graph, node):
        return NODE + _flops(graph, node) / PRODUCTS
    return NODE + _elements(node) / ELEMENTS


def _turns(node: Node) -> int:
    """How often the regions of a node run, as far as is known."""
    turns = node.attributes().get("length", 1)
    return turns if isinstance(turns, int) else 1


def _multiplies(graph: Graph, node: Node) -> bool:
    """Whether each element that it reads or writes takes part in several sums of products."""
    touched = _elements(node) + sum(_elements(graph.nodes[name]) for name in node.inputs)
    return _flops(graph, node) > 2 * touched


def _elements(node: Node) -> int:
    return sum(prod(concrete_shape(t)) for t in tensors(node.type))


def _flops(graph: Graph, node: Node) -> int:
    types = [graph.nodes[name].type for name in node.inputs]
    cost: Dim = get_op(node.op).flops(node.type, *types, **node.attributes())
    return int(cost)  # type: ignore[arg-type]
