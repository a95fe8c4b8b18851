"""Where shapes were stretched: every elementwise node that repeats a non-scalar operand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from graphflow.diagnostics import Mark
from graphflow.ir.graph import Graph, Node, Origin
from graphflow.ops.elementwise import Elementwise
from graphflow.ops.op import get_op


@dataclass(frozen=True)
class Stretch:
    """One operand that a node repeats to fit the others."""

    node: str
    op: str
    operand: str
    shape: str
    result: str
    mark: Mark | None

    def message(self) -> str:
        """A line that says what is stretched to what."""
        where = f"{self.mark}: " if self.mark else ""
        stretched = f"stretches '{self.operand}' {self.shape} to {self.result}"
        return f"{where}'{self.node}' ({self.op}) {stretched}"


def stretches(graph: Graph, outer: Origin | None = None) -> Iterator[Stretch]:
    """All of a graph, those inside its loops and branches too, which stand on the loop's line."""
    for node in graph:
        origin = graph.origin(node.name) if outer is None else outer
        if isinstance(get_op(node.op), Elementwise) and origin.phase == "forward":
            yield from _of_node(graph, node, origin.mark)
        for region in node.regions:
            yield from stretches(region, origin)


def _of_node(graph: Graph, node: Node, mark: Mark | None) -> Iterator[Stretch]:
    result = list(node.tensor.shape)
    for name in node.inputs:
        shape = list(graph.nodes[name].tensor.shape)
        if shape not in ([], result):
            yield Stretch(node.name, node.op, name, str(shape), str(result), mark)
