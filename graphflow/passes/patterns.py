"""A small graph found in a larger one: the same operators on the same values.

Axes may be turned on the way: both sides are looked at behind ``transpose``, which moves nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from graphflow.ir.graph import Graph, Node


@dataclass(frozen=True)
class Turned:
    """A value whose axes are taken in an order: transpose(base, axes)."""

    base: str
    axes: tuple[int, ...]


def turned(graph: Graph, name: str) -> Turned:
    """The value behind all transposes that a node ends in, and the order of its axes."""
    node = graph.nodes[name]
    axes = tuple(range(node.tensor.ndim))
    while node.op == "transpose":
        order = node.attr("axes")
        assert isinstance(order, tuple)
        axes = tuple(order[axis] for axis in axes)  # type: ignore[misc]
        node = graph.nodes[node.inputs[0]]
    return Turned(node.name, axes)


def inverse(axes: tuple[int, ...]) -> tuple[int, ...]:
    """The order that undoes another.

    >>> inverse((2, 0, 1))
    (1, 2, 0)
    """
    return tuple(axes.index(axis) for axis in range(len(axes)))


@dataclass(frozen=True)
class Match:
    """Which values of a graph the inputs of a pattern stand for, and which of its nodes the others
    are.
    """

    inputs: Mapping[str, Turned] = field(default_factory=dict)
    nodes: Mapping[str, str] = field(default_factory=dict)


def matched(pattern: Graph, root: str, graph: Graph, name: str, known: Match) -> Match | None:
    """``known``, with what it takes for node ``root`` of a pattern to be ``name``, whatever its
    inputs are; None where it is another.
    """
    search = _Search(pattern, graph, dict(known.inputs), dict(known.nodes))
    return Match(search.inputs, search.nodes) if search.same(root, name) else None


@dataclass
class _Search:
    pattern: Graph
    graph: Graph
    inputs: dict[str, Turned]
    nodes: dict[str, str]

    def same(self, left: str, right: str) -> bool:
        """Whether a node of the pattern can be a node of the graph."""
        if self.pattern.nodes[left].tensor.ndim != self.graph.nodes[right].tensor.ndim:
            return False
        one, other = turned(self.pattern, left), turned(self.graph, right)
        node = self.pattern.nodes[one.base]
        if node.op == "input":
            back = inverse(one.axes)
            meant = Turned(other.base, tuple(other.axes[axis] for axis in back))
            return self.inputs.setdefault(one.base, meant) == meant
        if one.base in self.nodes or one.axes != other.axes:
            return self.nodes.get(one.base) == other.base and one.axes == other.axes
        return self._same_nodes(node, self.graph.nodes[other.base])

    def _same_nodes(self, node: Node, found: Node) -> bool:
        if (node.op, node.attrs, len(node.inputs)) != (found.op, found.attrs, len(found.inputs)):
            return False
        self.nodes[node.name] = found.name
        return all(map(self.same, node.inputs, found.inputs))
