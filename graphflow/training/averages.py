"""Averaged weights in place of the trained ones: for evaluation, and in what training leaves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from graphflow.ir.graph import Graph
from graphflow.ops.op import Array
from graphflow.passes.substitute import assembled, redirected
from graphflow.spec.elaborate import Elaborated
from graphflow.training.step_graph import averages


def with_averages(elaborated: Elaborated, arrays: Mapping[str, Array]) -> dict[str, Array]:
    """A checkpoint's arrays, with averages in place of what they average."""
    training = elaborated.training
    players = () if training is None else training.objectives
    states = {leaf: s for p in players for leaf, s in averages(elaborated, p).items()}
    return {**arrays, **{leaf: arrays[s] for leaf, s in states.items() if s in arrays}}


def reading(graph: Graph, states: Mapping[str, str]) -> Graph:
    """The graph that reads ``states`` in place of the leaves that they average."""
    renamed = {leaf: state for leaf, state in states.items() if leaf in graph.nodes}
    nodes = {}
    for node in graph:
        if node.name in renamed:
            node = replace(node, op="state", attrs=(), name=renamed[node.name])
        nodes[node.name] = redirected(node, renamed)
    return assembled(graph, nodes, renamed)
