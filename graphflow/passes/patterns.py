"""A small graph found in a larger one: the same operators on the same values.

Axes may be turned on the way: both sides are looked at behind ``transpose``, which moves nothing.
So it is with casts from one float type to another, where precision is mixed.
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


def turned(graph: Graph, name: str, cast: bool = False) -> Turned:
    """The value behind all transposes that a node ends in, and the order of its axes; with
    ``cast`` also behind casts from one float type to another.
    """
    node = graph.nodes[name]
    axes = tuple(range(node.tensor.ndim))
    while node.op == "transpose" or (cast and is_rounding(graph, node)):
        if node.op == "transpose":
            order = node.attr("axes")
            assert isinstance(order, tuple)
            axes = tuple(order[axis] for axis in axes)  # type: ignore[misc]
        node = graph.nodes[node.inputs[0]]
    return Turned(node.name, axes)


def is_rounding(graph: Graph, node: Node) -> bool:
    """Whether a node is a cast from one float type to another."""
    if node.op != "cast" or not node.tensor.dtype.is_float:
        return False
    return graph.nodes[node.inputs[0]].tensor.dtype.is_float


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
        one = turned(self.pattern, left)
        node = self.pattern.nodes[one.base]
        other = turned(self.graph, right, cast=node.op != "input")
        if node.op == "input":
            back = inverse(one.axes)
            meant = Turned(other.base, tuple(other.axes[axis] for axis in back))
            return self.inputs.setdefault(one.base, meant) == meant
        if one.base in self.nodes or one.axes != other.axes:
            return self.nodes.get(one.base) == other.base and one.axes == other.axes
        return self._same_nodes(node, self.graph.nodes[other.base])

    def _same_nodes(self, node: Node, found: Node) -> bool:
        if node.op != found.op or len(node.inputs) != len(found.inputs):
            return False
        if node.op == "constant":  # in any number type
            same = node.attr("value") == found.attr("value")
        else:
            same = node.attrs == found.attrs
        if not same:
            return False
        self.nodes[node.name] = found.name
        return all(map(self.same, node.inputs, found.inputs))
