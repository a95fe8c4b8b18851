"""Loops over time walked inside: what they are called, and what each time step begins with.

What runs in the loop ``lstm`` is called ``lstm/c``, and at time 3 ``lstm@3/c``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from graphflow.diagnostics import did_you_mean, fail
from graphflow.ir.graph import LEAVES, Graph, Phase
from graphflow.ops.control import ScanParts
from graphflow.ops.evaluate import Computed
from graphflow.ops.op import Array
from graphflow.runtime.walking_order import walking_order

Within = tuple[tuple[str, int], ...]
"""Loops from outside in, each with its time step: the nodes that run them, so that the backward of
a loop has a place of its own.
"""
Place = tuple[Within, str]
"""A node, and the time steps that it runs in."""


# -- names -----------------------------------------------------------------------------------
def loop_of(graph: Graph, name: str) -> str:
    """The loop that a node is, or that it is the backward of."""
    origin = graph.origin(name)
    return origin.twin if origin.phase == "backward" and origin.twin is not None else name


def loops(graph: Graph, around: Sequence[str] = ()) -> Iterator[tuple[str, int]]:
    """The loops over time and their lengths; those inside others after them as ``outer/inner``."""
    for node in graph:
        if node.op == "scan":
            length, path = node.attr("length"), (*around, loop_of(graph, node.name))
            assert isinstance(length, int)
            yield "/".join(path), length
            yield from loops(ScanParts.of(node).body, path)


def known_loops(names: Sequence[str], graphs: Sequence[Graph]) -> tuple[str, ...]:
    """The names, if each is a loop's of these graphs."""
    known = dict(loop for graph in graphs for loop in loops(graph))
    for name in names:
        if name not in known:
            fail("GF020", f"no loop is called '{name}'",
                 help=did_you_mean(name, known) or "the walk has no loop over time")  # fmt: skip
    return tuple(names)


def name_in_time(place: Place) -> str:
    """The name of a node in its time steps.

    >>> name_in_time(((("lstm", 3),), "c"))
    'lstm@3/c'
    """
    within, node = place
    return "/".join([*(f"{loop}@{time}" for loop, time in within), node])


def place_of(name: str) -> tuple[tuple[tuple[str, int | None], ...], str]:
    """Loops, each with its time step as far as the name says it, and a node.

    >>> place_of("lstm@3/c"), place_of("lstm/c")
    (((('lstm', 3),), 'c'), ((('lstm', None),), 'c'))
    """
    *loops, node = name.split("/")
    parted = [loop.rpartition("@") for loop in loops]
    timed = [(a, int(b)) if a and b.isdecimal() else (f"{a}{at}{b}", None) for a, at, b in parted]
    return tuple(timed), node


# -- places ----------------------------------------------------------------------------------
@dataclass(frozen=True, eq=False)
class Level:
    """A graph that is walked: its nodes in order, and inside those of its loops that are walked
    time step by time step.
    """

    graph: Graph
    order: tuple[str, ...]
    inside: Mapping[str, Level]

    @classmethod
    def of(cls, graph: Graph, unrolled: Collection[str], around: Sequence[str] = ()) -> Level:
        """``unrolled`` names loops as :func:`loops` does; their backward is walked inside, too."""
        paths = {n.name: (*around, loop_of(graph, n.name)) for n in graph if n.op == "scan"}
        inside = {
            name: cls.of(ScanParts.of(graph.nodes[name]).body, unrolled, path)
            for name, path in paths.items() if "/".join(path) in unrolled
        }  # fmt: skip
        return cls(graph, walking_order(graph), inside)

    def places(self, within: Within = ()) -> Iterator[Place]:
        """All steps of the walk: the time steps of a loop come before the loop itself."""
        for name in self.order:
            node = self.graph.nodes[name]
            if node.op in LEAVES or node.op == "constant":
                continue
            if name in self.inside:
                for time in turns(ScanParts.of(node)):
                    yield from self.inside[name].places((*within, (name, time)))
            yield within, name


def forward_loops(graph: Graph, within: Within) -> Within:
    """``within`` with the loops of the forward graph in the place of their backward."""
    found = list[tuple[str, int]]()
    for name, time in within:
        found.append((loop_of(graph, name), time))
        graph = ScanParts.of(graph.nodes[name]).body
    return tuple(found)


def phase_of(graph: Graph, place: Place) -> Phase:
    """The phase of a node's run: all that runs inside the backward of a loop is backward."""
    within, node = place
    for name, _ in within:
        around = graph.origin(name).phase
        if around != "forward":
            return around
        graph = ScanParts.of(graph.nodes[name]).body
    return graph.origin(node).phase


# -- values ----------------------------------------------------------------------------------
def turns(parts: ScanParts) -> Sequence[int]:
    """The time steps of a loop in the order in which they run."""
    length = parts.node.attr("length")
    assert isinstance(length, int)
    return range(length - 1, -1, -1) if parts.node.attr("reverse") else range(length)


def brought(
    parts: ScanParts,
    around: Mapping[str, Computed],
    time: int,
    before: Mapping[str, Computed] | None,
) -> dict[str, Array]:
    """What the inputs of a loop's body are at a time step, from the values ``around`` the loop and
    those of the time step ``before``, if there was one.
    """
    operands = [np.asarray(around[name]) for name in parts.node.inputs]
    carries, series, captured = parts.split(operands)
    if before is not None:
        carries = [np.asarray(before[name]) for name in parts.body.outputs[: parts.carries]]
    given = [*carries, *(each[time] for each in series), *captured]
    return dict(zip(parts.names, given, strict=True))
