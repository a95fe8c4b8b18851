"""The order in which nodes run: as written, improved where that is cheap."""

from __future__ import annotations

from collections.abc import Sequence

from graphflow.ir.graph import LEAVES, Graph
from graphflow.ops.op import get_op


def running_order(graph: Graph, ending: Sequence[str] = ()) -> tuple[str, ...]:
    """The names of all nodes, operands first, those of ``ending`` last and in their order.

    A node that reads leaves and constants alone (a mask, a cast weight, a decay term) runs just
    before it is first needed, because its operands are there at any time. Everything else keeps
    its order. Linear in the size of the graph, and the same for the same graph.

    >>> from graphflow.ir.types import DType, TensorType
    >>> from graphflow.ops.builder import Builder, F
    >>> b = Builder()
    >>> x = b.input("x", TensorType(DType.FLOAT32, (2,)))
    >>> late, y = F.exp(x), F.sum(F.matmul(x, x))
    >>> running_order(b.graph([(y * late).name]))
    ('x', 'matmul', 'sum', 'exp', 'mul')
    """
    last = set(ending)
    walk = _Walk(graph)
    for name in graph.nodes:
        if name not in last:
            walk.visit(name)
    for name in list(walk.deferred):  # only the end reads them, or nobody does
        walk.run(name)
    return (*walk.order, *ending)


class _Walk:
    """``steady`` are the nodes that are there at any time: leaves, constants, and views of them."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.order: list[str] = []
        self.steady: set[str] = set()
        self.deferred: dict[str, None] = {}

    def visit(self, name: str) -> None:
        """Run the node now, or, if it reads steady ones alone, when it is needed."""
        node = self.graph.nodes[name]
        reads_steady = self.steady.issuperset(node.inputs)
        if node.op in LEAVES or (reads_steady and (get_op(node.op).view or not node.inputs)):
            self.steady.add(name)
        elif reads_steady:
            self.deferred[name] = None
            return
        for operand in node.inputs:
            if operand in self.deferred:
                self.run(operand)
        self.order.append(name)

    def run(self, name: str) -> None:
        """Run a node that was put off."""
        del self.deferred[name]
        self.order.append(name)
