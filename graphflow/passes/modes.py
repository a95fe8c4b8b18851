"""Choosing a mode: every ``by_mode`` node gives way to the operand for training or evaluation."""

from __future__ import annotations

from functools import partial

from graphflow.ir.graph import Graph, Node
from graphflow.passes.substitute import assembled, map_regions, redirected


def resolve_modes(graph: Graph, training: bool) -> Graph:
    """``by_mode(train, evaluation) -> train`` (or ``evaluation``), in regions too.

    Names and aliases of the choice follow to the chosen operand.
    """
    if not has_modes(graph):
        return graph
    nodes: dict[str, Node] = {}
    chosen: dict[str, str] = {}
    for node in graph:
        node = map_regions(redirected(node, chosen), partial(resolve_modes, training=training))
        if node.op == "by_mode":
            chosen[node.name] = node.inputs[0 if training else 1]
        else:
            nodes[node.name] = node
    return assembled(graph, nodes, chosen)


def has_modes(graph: Graph) -> bool:
    """Whether any choice by mode is left."""
    return any(node.op == "by_mode" or any(map(has_modes, node.regions)) for node in graph)
