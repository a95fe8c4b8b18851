"""The plain plan: every node of the graph, in order, by its portable forward.

Slower than the fast plan and never different from it: steppers, traces and checks look at the
nodes the user wrote, each with its own value.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from graphflow.ir.graph import LEAVES, Graph
from graphflow.ops.evaluate import Computed, evaluate
from graphflow.ops.op import Array
from graphflow.runtime.store import StoreLike


def leaf_values(graph: Graph, store: StoreLike, feed: Mapping[str, Array]) -> dict[str, Array]:
    """A value for every leaf of a specialised graph: what is fed, and what the store holds."""
    values: dict[str, Array] = {}
    for node in graph:
        if node.op in LEAVES:
            found = feed[node.name] if node.name in feed else store.array(node.name)
            values[node.name] = np.asarray(found, dtype=node.tensor.dtype.value)
    return values


def assign_updates(graph: Graph, store: StoreLike, values: Mapping[str, Computed]) -> None:
    """Take over the new values of leaves, all at once."""
    fresh = {leaf: np.array(values[name]) for leaf, name in graph.updates.items()}
    for leaf, value in fresh.items():
        np.copyto(store.array(leaf), value, casting="same_kind")


class Interpreter:
    """Runs a specialised graph node by node."""

    def __init__(self, graph: Graph, store: StoreLike) -> None:
        self.graph, self.store = graph, store

    def run(self, feed: Mapping[str, Array]) -> dict[str, Array]:
        """The outputs; updates are made in the store."""
        values = self.run_all(feed)
        assign_updates(self.graph, self.store, values)
        return {name: np.array(values[name]) for name in self.graph.outputs}

    def run_all(self, feed: Mapping[str, Array]) -> dict[str, Computed]:
        """Every node's value; nothing is updated."""
        return evaluate(self.graph, leaf_values(self.graph, self.store, feed))
