"""Common subexpressions: what is computed twice is computed once."""

from __future__ import annotations

import math
from collections import Counter

from graphflow.ir.graph import LEAVES, Attr, Graph, Node
from graphflow.passes.rewrite import Rewritten
from graphflow.passes.substitute import assembled, map_regions, redirected

COMMUTATIVE = frozenset({"add", "mul", "equal", "not_equal", "logical_and", "logical_or"})
"""Operators whose operands may be swapped without changing a bit of the result."""


def merge_equal(graph: Graph) -> Rewritten:
    """Nodes of equal operator, operands and attributes become one: the earliest.

    Leaves are never merged. Random operators draw from streams of their own, so two draws are
    equal only where they are the same draw.
    """
    fired: Counter[str] = Counter()
    return Rewritten(_merged(graph, fired), dict(fired))


def _merged(graph: Graph, fired: Counter[str]) -> Graph:
    nodes: dict[str, Node] = {}
    replaced: dict[str, str] = {}
    first: dict[tuple[object, ...], str] = {}
    changed = False
    for node in graph:
        after = map_regions(redirected(node, replaced), lambda region: _merged(region, fired))
        changed |= after is not node
        found = node.name if node.op in LEAVES else first.setdefault(_key(after), node.name)
        if found != node.name:
            replaced[node.name] = found
            fired["merge_equal"] += 1
        else:
            nodes[node.name] = after
    return assembled(graph, nodes, replaced) if changed or replaced else graph


def _key(node: Node) -> tuple[object, ...]:
    """What two nodes have in common if they compute the same."""
    inputs = tuple(sorted(node.inputs)) if node.op in COMMUTATIVE else node.inputs
    return node.op, inputs, node.attrs, node.type, tuple(map(_finer, node.attrs))


def _finer(value: Attr | tuple[str, Attr]) -> object:
    """What ``==`` of attributes overlooks: 0.0 equals -0.0, also inside tuples and regions."""
    if isinstance(value, float):
        return value == 0 and math.copysign(1, value) < 0
    if isinstance(value, tuple):
        return tuple(map(_finer, value))
    if isinstance(value, Graph):
        return tuple(tuple(map(_finer, node.attrs)) for node in value)
    return False
