"""Where a node of the whole graph is seen in drawings of its forward part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import NamedTuple

from graphflow.ir.graph import LEAVES, Graph, Node, Origin
from graphflow.view.scene.outline import Outline
from graphflow.view.steps import drawn_id

Within = Sequence[tuple[str, int]]


class Place(NamedTuple):
    """Where a step is seen: as in :class:`~graphflow.view.steps.Step`."""

    place: str
    edge: tuple[str, str] | None
    block: tuple[str, ...]


class Places:
    """Places of all nodes of ``graph``, of which ``outline`` shows the forward part."""

    def __init__(self, graph: Graph, outline: Outline) -> None:
        self.graph, self.outline = graph, outline

    def placed(self, node: str, within: Within = ()) -> Place:
        """The place of a node, or of one inside of the loops ``within``.

        A forward node is its own place. What belongs to the gradient of a value is seen at the
        value, along the edge that it flows back on; other nodes that differentiate a node at that
        node; what makes an update at the parameter that it updates.
        """
        graph, loops = self._inside(within)
        place, edge = self._seen(graph, node, loops)
        if not self.known(place):
            place = self._instead(loops)
        if edge is not None and not (self.known(edge[0]) and self.known(edge[1])):
            edge = None
        return Place(place, edge, self._block(place))

    def known(self, place: str) -> bool:
        """Whether drawings show a place, by itself or in something else."""
        outline = self.outline
        return place in outline.boxes or place in outline.groups or place in outline.stands_for

    def _inside(self, within: Within) -> tuple[Graph, tuple[str, ...]]:
        """The graph inside of loops, and the forward loops that it is drawn in."""
        graph, loops = self.graph, tuple[str, ...]()
        for loop, _ in within:
            twin = graph.origin(loop).twin
            forward = twin if graph.origin(loop).phase != "forward" and twin else loop
            loops = (*loops, forward)
            graph = _merged(graph.nodes[loop])
        return graph, loops

    def _seen(
        self, graph: Graph, name: str, loops: tuple[str, ...]
    ) -> tuple[str, tuple[str, str] | None]:
        """The drawn id of the place, and the ends of the edge."""
        origin = _forward_origin(graph, name)
        within = [(loop, 0) for loop in loops]
        if origin.phase == "forward":
            return drawn_id(name, within), None
        if origin.phase == "update" and not loops:
            return self.updated.get(name, ""), None
        if origin.twin is None:
            return "", None
        edge = None
        place = origin.twin
        if origin.wrt is not None:
            edge = drawn_id(origin.wrt, within), drawn_id(origin.twin, within)
            if name.rstrip("0123456789") == f"{origin.wrt}.grad":
                place = origin.wrt
        return drawn_id(place, within), edge

    def _instead(self, loops: tuple[str, ...]) -> str:
        """The place of what has none: the loop that it stands in, else the end of the graph."""
        for length in range(len(loops), 0, -1):
            place = "/".join(loops[:length])
            if self.known(place):
                return place
        ends = [id for id, box in self.outline.boxes.items() if box.kind in ("loss", "output")]
        return (ends or list(self.outline.boxes))[-1]

    def _block(self, place: str) -> tuple[str, ...]:
        """The groups that a place stands in; a group itself is the last of them."""
        outline = self.outline
        if place in outline.boxes:
            return outline.block(place)
        if place in outline.groups:
            return (*outline.block(place), place)
        return outline.block(outline.stands_for[place])

    @cached_property
    def updated(self) -> Mapping[str, str]:
        """For each update node the leaf that it helps to give a new value; drawn ones come first."""
        found: dict[str, str] = {}
        leaves = sorted(self.graph.updates, key=lambda leaf: not self.known(leaf))
        for leaf in leaves:
            todo = [self.graph.updates[leaf]]
            while todo:
                name = todo.pop()
                if name not in found and self.graph.origin(name).phase == "update":
                    found[name] = leaf
                    todo += self.graph.nodes[name].inputs
        return found


def _forward_origin(graph: Graph, name: str) -> Origin:
    """The origin of a node; of a derivative of a derivative, the one of the first."""
    origin = graph.origin(name)
    while origin.twin is not None and graph.origin(origin.twin).phase == "backward":
        origin = graph.origin(origin.twin)
    return origin


def _merged(loop: Node) -> Graph:
    """The graphs that a loop runs as one, for looking up names."""
    first, *others = loop.regions
    nodes, origins = dict(first.nodes), dict(first.origins)
    for region in others:
        nodes |= region.nodes
        origins |= region.origins
    return Graph(nodes, first.outputs, aliases={**first.aliases}, origins=origins)
