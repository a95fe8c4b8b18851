"""The part of a step that workers do: forward and backward, and which gradients come when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod

from graphflow.ir.graph import Graph
from graphflow.ir.types import TensorType

BUCKET = 4 * 2**20
"""Bytes of gradients that are sent at one time."""


@dataclass(frozen=True)
class Gathering:
    """A graph whose outputs are a step's and the ``gradients``: by the leaf that each is added to,
    the node that is added.
    """

    graph: Graph
    gradients: Mapping[str, str]

    @classmethod
    def of(cls, graph: Graph, sums: Sequence[str]) -> Gathering:
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
