"""A graph as a NetworkX graph, for layout, drawing and graph algorithms."""

from __future__ import annotations

from typing import TYPE_CHECKING

from graphflow.ir.graph import Graph

if TYPE_CHECKING:
    import networkx


def to_networkx(graph: Graph) -> networkx.DiGraph[str]:
    """The nodes of ``graph``, joined from operand to reader.

    Nodes carry ``op``, ``type`` and ``phase`` as strings; edges carry ``operands``, the positions
    at which the reader takes the value. Nodes inside regions are not shown.

    >>> from graphflow.ir.types import DType, TensorType
    >>> from graphflow.ops.builder import Builder
    >>> b = Builder()
    >>> x = b.input("x", TensorType(DType.FLOAT, (2,)))
    >>> square = to_networkx(b.graph([(x * x).name]))
    >>> square.nodes["mul"], square.edges["x", "mul"]
    ({'op': 'mul', 'type': 'float[2]', 'phase': 'forward'}, {'operands': (0, 1)})
    """
    import networkx

    result: networkx.DiGraph[str] = networkx.DiGraph()
    for node in graph:
        phase = graph.origin(node.name).phase
        result.add_node(node.name, op=node.op, type=str(node.type), phase=phase)
        for operand in dict.fromkeys(node.inputs):
            positions = tuple(i for i, name in enumerate(node.inputs) if name == operand)
            result.add_edge(operand, node.name, operands=positions)
    return result
