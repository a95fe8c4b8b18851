"""Steps of workers that keep what they train: the means of gradients within the step."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from graphflow.ir.graph import Graph, Node
from graphflow.ir.types import type_symbols
from graphflow.passes.synchronise import ALL_REDUCE, in_order

ROWS = frozenset({"input", "rng"})
"""Leaves in which workers differ."""


def replicated(graph: Graph, sums: Collection[str]) -> Graph:
    """A step's graph, whose new states are the same on all workers, though each has its own rows.

    ``sums`` are states that gradients are added to: what is added becomes the mean over workers,
    as soon as it is there. So do new values of other states that come of rows, such as running
    statistics; those with a size of the batch stay each worker's own. Before: ``sum + g``. After:
    ``sum + all_reduce_mean(g)``.
    """
    means, added = dict[str, str](), dict[str, str]()
    for leaf, value in graph.updates.items():
        node = graph.nodes[value]
        if leaf in sums:
            added[value] = node.inputs[1]
        elif not type_symbols(node.type) and node.tensor.dtype.is_float:
            means[value] = f"{value}.mean"
    means |= {name: f"{name}.mean" for name in added.values()}
    means = {name: mean for name, mean in means.items() if _differs(graph, name)}
    nodes, origins = dict[str, Node](), dict(graph.origins)
    for node in graph:
        name = node.name
        inner = added.get(name)
        if inner in means:
            node = replace(node, inputs=(node.inputs[0], means[inner]))
        nodes[name] = node
        if name in means:
            mean = means[name]
            nodes[mean] = Node(ALL_REDUCE, (name,), (("place", mean),), node.type, mean)
            origins[mean] = graph.origin(name)
    updates = {leaf: means.get(value, value) for leaf, value in graph.updates.items()}
    return in_order(replace(graph, nodes=nodes, updates=updates, origins=origins))


def _differs(graph: Graph, name: str) -> bool:
    """Whether workers may have different values of a node."""
    return any(graph.nodes[each].op in ROWS for each in graph.needed_for([name]))
