"""A graph under construction, of the file itself or inside a control operator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from graphflow.ir.graph import Graph
from graphflow.ir.types import DType, TensorType
from graphflow.ops.builder import Builder, Value
from graphflow.spec.elaborate.calltree import Opened, RegionNode, settled_region


class Region:
    """A graph under construction inside a control operator, and what it captures from outside."""

    def __init__(self, turn: bool = False) -> None:
        self.builder = Builder()
        self.turn = turn
        self.captured: dict[str, str] = {}
        self.outside: list[Value] = []
        self.open: list[Opened] = [Opened()]
        """This region and the calls in it that are being made, the innermost last."""
        self.rng: Value | None = None

    def capture(self, value: Value) -> Value:
        """The value inside this region that stands for an outer one."""
        if value.node.op == "constant":
            attrs = value.node.attributes()
            dtype = attrs["dtype"]
            assert isinstance(dtype, DType)
            return self.builder.constant(attrs["value"], dtype, f"{value.name}.inside")
        if value.name not in self.captured:
            inner = self.builder.input(value.name, value.tensor)
            self.captured[value.name] = inner.name
            self.outside.append(value)
        return self.builder.value(self.captured[value.name])

    def key(self) -> Value:
        """The random key of one turn of this region."""
        if self.rng is None:
            self.rng = self.builder.input("rng", TensorType(DType.INT64, (2,)))
        return self.rng

    def close(self, first: Sequence[str], outputs: Sequence[str]) -> Graph:
        """The region's graph: inputs ``first``, then the key, then captured ones."""
        key = [self.rng.name] if self.rng else []
        order = [*first, *key, *self.captured.values()]
        graph = self.builder.graph(outputs)
        return replace(graph, nodes={n: graph.nodes[n] for n in order} | graph.nodes)

    def section(self, graph: Graph) -> RegionNode:
        """What happened inside, once it has become the ``graph`` of an operator."""
        (opened,) = self.open
        opened.end = len(self.builder.nodes)
        return settled_region(opened, self.builder, graph, self.captured)
