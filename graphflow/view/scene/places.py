"""Where a node of the whole graph is seen in drawings of its forward part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from graphflow.ir.graph import Graph, Origin
from graphflow.view.scene.outline import Outline
from graphflow.view.steps import drawn_id

Within = Sequence[tuple[str, int]]
"""Loops of the forward graph from outside in, each with its time step."""


class Place(NamedTuple):
    """Where a step is seen: as in :class:`~graphflow.view.steps.Step`, its own id left out."""

    place: str
    edge: tuple[str, str] | None
    block: tuple[str, ...]
    seen_at: frozenset[str]


class Places:
    """Places of the nodes of a model's graphs, whose forward part ``outline`` shows."""

    def __init__(self, outline: Outline) -> None:
        self.outline = outline
        self._updated: dict[int, tuple[Graph, Mapping[str, str]]] = {}

    def placed(self, graph: Graph, node: str, within: Within = ()) -> Place:
        """The place of a node of ``graph``, which is a turn's or what runs inside of ``within``.

        A forward node is its own place. What belongs to the gradient of a value is seen at the
        value, along the edge that it flows back on; other nodes that differentiate a node at that
        node; what makes an update at the parameter or state that it updates.
        """
        place, edge = self._seen(graph, node, within)
        place = self.outline.place_of(place) or self._instead(within)
        outline, block = self.outline, self._block(place)
        box = outline.stands_for.get(place, place)
        groups = (group for group in block if group not in outline.boxes)
        edge = None if edge is None else self._edge(*edge)
        return Place(place, edge, block, frozenset((place, box, *groups)))

    def of(self, graph: Graph, name: str, within: Within = ()) -> str:
        """Where the value of a node is seen; nothing where it is nowhere."""
        return self.outline.place_of(drawn_id(chosen(graph, name), within))

    def _edge(self, source: str, target: str) -> tuple[str, str] | None:
        """The ends of an edge; one that leads into a loop ends at what takes the value there."""
        source, target = self.outline.place_of(source), self.outline.place_of(target)
        if target in self.outline.groups and target not in self.outline.boxes:
            readers = self.outline.readers.get(self.outline.stands_for.get(source, source), ())
            inside = (r for r in readers if target in self._block(r))
            target = next(inside, target)
        return (source, target) if source and target and source != target else None

    def _seen(self, graph: Graph, name: str, within: Within) -> tuple[str, tuple[str, str] | None]:
        """The drawn id of the place, and the ends of the edge."""
        origin = first_derivative(graph, name)
        if origin.phase == "forward":
            return drawn_id(name, within), None
        if origin.phase == "update":
            return self._leaf(graph, name), None
        if origin.twin is None:
            return "", None
        twin = drawn_id(chosen(graph, origin.twin), within)
        if origin.wrt is None:
            return twin, None
        operand = drawn_id(chosen(graph, origin.wrt), within)
        whole = name.rstrip("0123456789") == f"{origin.wrt}.grad"
        return operand if whole else twin, (operand, twin)

    def _leaf(self, graph: Graph, name: str) -> str:
        """The leaf that an update node helps to give a new value; drawn ones come first."""
        known = self._updated.get(id(graph))
        if known is None:
            known = self._updated[id(graph)] = graph, self._updates(graph)
        return known[1].get(name, "")

    def _updates(self, graph: Graph) -> Mapping[str, str]:
        """For each update node the leaf where it is seen; what only the optimizer knows, such as
        its count of steps, is seen at the first.
        """
        found: dict[str, str] = {}
        drawn = [leaf for leaf in graph.updates if leaf in self.outline.boxes]
        for leaf in dict.fromkeys((*drawn, *graph.updates)):
            todo = [graph.updates[leaf]]
            while todo:
                node = todo.pop()
                if node not in found and graph.origin(node).phase == "update":
                    found[node] = leaf if leaf in self.outline.boxes else next(iter(drawn), "")
                    todo += graph.nodes[node].inputs
        return found

    def _instead(self, within: Within) -> str:
        """The place of what has none: the loop that it stands in, else the end of the graph."""
        for depth in range(len(within) - 1, -1, -1):
            place = drawn_id(within[depth][0], within[:depth])
            if place in self.outline.groups:
                return place
        ends = [id for id, box in self.outline.boxes.items() if box.kind in ("loss", "output")]
        return (ends or list(self.outline.boxes))[-1]

    def _block(self, place: str) -> tuple[str, ...]:
        """The groups that a place stands in; a group itself is the last of them."""
        outline = self.outline
        if place not in outline.boxes and place in outline.groups:
            return outline.path(place)
        box = outline.boxes[place if place in outline.boxes else outline.stands_for[place]]
        return outline.path(box.group)


def first_derivative(graph: Graph, name: str) -> Origin:
    """The origin of a node; of the derivative of a derivative, that of the first."""
    origin = graph.origin(name)
    while origin.twin is not None and graph.origin(origin.twin).phase == "backward":
        origin = graph.origin(origin.twin)
    return origin


def chosen(graph: Graph, name: str) -> str:
    """The node itself; where it was a choice by mode, the node that was chosen."""
    return graph.resolve(name) if name in graph else name
