"""The part of a step that workers do: forward and backward, and which gradients come when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod

from graphflow.diagnostics import fail
from graphflow.ir.dims import Symbolic, symbols
from graphflow.ir.graph import Graph, Node
from graphflow.ir.types import TensorType, type_symbols

BUCKET = 4 * 2**20
"""Bytes of gradients that are sent at one time."""


@dataclass(frozen=True)
class GradientGraph:
    """A graph whose outputs are a step's and the ``gradients``: by the leaf that each is added to,
    the node that is added.
    """

    graph: Graph
    gradients: Mapping[str, str]

    @classmethod
    def of(cls, graph: Graph, sums: Sequence[str]) -> GradientGraph:
        """Of a graph that adds a batch's gradients to the leaves ``sums``, what is added."""
        added = {leaf: graph.nodes[graph.updates[leaf]].inputs[1] for leaf in sums}
        kept = {leaf: value for leaf, value in graph.updates.items() if leaf not in added}
        roots = tuple(dict.fromkeys((*graph.outputs, *added.values())))
        found = replace(graph, outputs=roots, updates=kept)
        return cls(found.restricted_to(found.needed_for((*found.roots(), *kept))), added)

    @property
    def leaves(self) -> dict[str, TensorType]:
        """All parameters and states that it reads or writes."""
        found = [*self.graph.leaves("parameter"), *self.graph.leaves("state")]
        return {leaf.name: leaf.tensor for leaf in found}

    def buckets(self, size: int, itemsize: int) -> list[tuple[str, ...]]:
        """The leaves of gradients that are sent together, in the order of the graph, in which the
        last layers' gradients are first: as many as make up ``size`` bytes, numbers having
        ``itemsize`` of them. The same for all workers, whatever their rows.
        """
        place = {name: number for number, name in enumerate(self.graph.nodes)}
        waiting, held = list[str](), 0
        found: list[tuple[str, ...]] = []
        for leaf in sorted(self.gradients, key=lambda leaf: place[self.gradients[leaf]]):
            shape = self.graph.nodes[self.gradients[leaf]].tensor.shape
            waiting.append(leaf)
            held += itemsize * prod(int(str(size)) for size in shape)
            if held >= size:
                found.append(tuple(waiting))
                waiting, held = [], 0
        return [*found, tuple(waiting)] if waiting else found


def refuse_counts(gradient_graph: GradientGraph, rows: str) -> None:
    """Refuse a state of whole numbers that is made from the rows of a batch, or counts these:
    workers have some of them each, and of what they found there is no mean. GF044.
    """
    graph = gradient_graph.graph
    for leaf, value in graph.updates.items():
        type = graph.nodes[leaf].tensor
        if type.dtype.is_float or rows in type_symbols(type):
            continue
        if any(_knows(graph.nodes[name], rows) for name in graph.needed_for([value])):
            fail("GF044", f"'{leaf}' is of whole numbers and is made from a batch, of which each "
                 "worker has some rows", graph.origin(leaf).mark,
                 help="leave out --workers, or let it count updates alone: n + 1")  # fmt: skip


def _knows(node: Node, rows: str) -> bool:
    """Whether a node is of the batch, or its attributes say how many rows that has."""
    sizes = [part for _, part in node.attrs if isinstance(part, Symbolic)]
    fed = node.op == "input" and rows in type_symbols(node.type)
    return fed or any(rows in symbols(size) for size in sizes)
