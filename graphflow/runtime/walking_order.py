"""The order in which a graph is walked through: what belongs together runs together."""

from __future__ import annotations

from collections.abc import Iterator
from heapq import heappop, heappush

from graphflow.ir.graph import LEAVES, Graph

PHASES = ("forward", "backward", "update")


def walking_order(graph: Graph) -> tuple[str, ...]:
    """The names of all nodes, operands first.

    Forward comes before backward and backward before update, where that can be. Forward and update
    run as written, and backward mirrors forward: what is seen at the node that ran last comes
    first. What reads leaves alone (a transposed weight, a mask, a draw) runs just before it is
    first read.

    >>> from graphflow.ir.types import DType, TensorType
    >>> from graphflow.ops.builder import Builder, F
    >>> b = Builder()
    >>> x = b.input("x", TensorType(DType.FLOAT32, (2,)))
    >>> late, y = F.exp(x), F.sum(F.matmul(x, x))
    >>> walking_order(b.graph([(y * late).name]))
    ('x', 'matmul', 'sum', 'exp', 'mul')
    """
    return tuple(_Ordering(graph).names())


class _Ordering:
    """One order under way. ``free`` are leaves, and nodes that run when somebody reads them."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.index = {name: i for i, name in enumerate(graph.nodes)}
        self.placed: set[str] = set()
        free = _free(graph)
        self.waits = {n.name: len(set(n.inputs) - free) for n in graph if n.name not in free}
        self.ready: list[tuple[int, int, int, str]] = []

    def names(self) -> Iterator[str]:
        for node in self.graph:
            if node.op in LEAVES or node.op == "constant":
                yield from self._with_operands(node.name)
        for name in [name for name, count in self.waits.items() if not count]:
            self._push(name)
        while self.ready:
            name = heappop(self.ready)[-1]
            yield from self._with_operands(name)
            for reader in dict.fromkeys(self.graph.consumers[name]):
                if reader in self.waits:
                    self.waits[reader] -= 1
                    if not self.waits[reader]:
                        self._push(reader)
        for name in self.graph.nodes:
            yield from self._with_operands(name)

    def _push(self, name: str) -> None:
        """A node can run."""
        phase = PHASES.index(self.graph.origin(name).phase)
        seen = self._seen_at(name) if phase == 1 else 0
        heappush(self.ready, (phase, -seen, self.index[name], name))

    def _seen_at(self, name: str) -> int:
        """Where the forward node stands at which a backward node is seen: the whole gradient of a
        value at the value, if it is no leaf, all else at what is differentiated.
        """
        origin = self.graph.origin(name)
        of = "" if origin.wrt is None else origin.wrt
        inner = of in self.graph.nodes and self.graph.nodes[of].op not in LEAVES
        seen = of if inner and name == f"{of}.grad" else origin.twin
        return 0 if seen is None else self.index.get(seen, 0)

    def _with_operands(self, name: str) -> Iterator[str]:
        """A node after those of its operands that have waited for it."""
        if name not in self.placed:
            for operand in self.graph.nodes[name].inputs:
                yield from self._with_operands(operand)
            self.placed.add(name)
            yield name


def _free(graph: Graph) -> set[str]:
    """Leaves, what is made of parameters, states and numbers alone, and forward nodes that read
    nothing but that; a forward node that no other one reads is a result, and waits for nobody, nor
    does an output.
    """
    leaves = {node.name for node in graph if node.op in LEAVES}
    lasting = {node.name for node in graph if node.op in ("parameter", "state")}
    for node in graph:
        begins = not node.inputs and graph.origin(node.name).phase == "backward"
        if node.op not in LEAVES and lasting.issuperset(node.inputs) and not begins:
            lasting.add(node.name)
    known = leaves | lasting
    forward = [node for node in graph if graph.origin(node.name).phase == "forward"]
    early = {node.name for node in forward if known.issuperset(node.inputs)}
    read = {operand for node in forward for operand in node.inputs}
    results = {n.name for n in forward if n.op not in LEAVES and n.name not in read}
    return (known | early) - results - set(graph.outputs)
