"""The order in which nodes run: as written, improved where that is cheap."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from graphflow.ir.graph import LEAVES, Graph


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
    walk = _Walk(graph, last)
    for name in graph.nodes:
        if name not in last:
            walk.visit(name)
    walk.flush()
    return (*walk.order, *ending)


class _Walk:
    def __init__(self, graph: Graph, last: Collection[str]) -> None:
        self.graph, self.last = graph, last
        self.order: list[str] = []
        self.steady: set[str] = set()
        self.deferred: dict[str, None] = {}

    def visit(self, name: str) -> None:
        """Run the node now, or later if it depends on nothing that passes."""
        node = self.graph.nodes[name]
        if node.op in LEAVES or not node.inputs:
            self.steady.add(name)
            self.order.append(name)
        elif all(n in self.steady or n in self.deferred for n in node.inputs):
            self.deferred[name] = None
        else:
            self.emit(name)

    def emit(self, name: str) -> None:
        """Append the node, what it waits for first."""
        stack = [name]
        while stack:
            top = stack[-1]
            missing = [n for n in self.graph.nodes[top].inputs if n in self.deferred]
            if missing:
                stack.append(missing[0])
                continue
            stack.pop()
            self.deferred.pop(top, None)
            self.order.append(top)

    def flush(self) -> None:
        """Run what only the end, or nobody, reads."""
        for name in list(self.deferred):
            if name in self.deferred:
                self.emit(name)
