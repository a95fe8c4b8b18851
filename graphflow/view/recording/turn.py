"""One turn: a concrete graph run node by node on the plain plan, every value kept."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from graphflow.ir.graph import LEAVES, Graph, Phase
from graphflow.ops.control import ScanParts
from graphflow.ops.evaluate import Computed, run_node
from graphflow.ops.op import Array
from graphflow.runtime.guard import Summary, summarise
from graphflow.runtime.walking import walking_order
from graphflow.view.recording.boxed import Gradient, Gradients, value_text
from graphflow.view.recording.kept import Values, last_reads
from graphflow.view.recording.limits import Meter
from graphflow.view.recording.texts import told
from graphflow.view.steps import drawn_id

Order = tuple[str, ...]
Broken = Literal["", "nan", "inf"]
Within = tuple[tuple[str, int], ...]
"""Loops from outside in, each with its time step: the nodes that run them, so that the backward of
a loop has a place of its own.
"""


@dataclass(frozen=True, eq=False)
class Scope:
    """The values of the graph of a turn, or of one time step of a loop inside it."""

    graph: Graph
    values: Values


@dataclass(frozen=True, eq=False)
class Ran:
    """One node that ran: where, how long (seconds), how many bytes it gave, and what it gave in a
    few numbers (the first result of several). ``brief`` is the same in a few characters;
    ``gradient`` says what the run has made of a gradient.
    """

    node: str
    within: Within
    seconds: float
    bytes: int
    summary: Summary
    flag: Broken
    text: str
    brief: str = ""
    gradient: Gradient | None = None


@dataclass(frozen=True, eq=False)
class Turn:
    """A graph that has run. ``scopes`` are the loops walked inside, by time step; () is the graph
    itself.
    """

    title: str
    of: str
    scopes: Mapping[Within, Scope]
    ran: tuple[Ran, ...]

    @property
    def graph(self) -> Graph:
        """The graph that ran, sizes and mode definite."""
        return self.scopes[()].graph

    @property
    def values(self) -> Mapping[str, Computed]:
        """Its values, leaves included."""
        return self.scopes[()].values

    def phase(self, within: Within, node: str) -> Phase:
        """The phase of a node's run: all that runs inside the backward of a loop is backward."""
        for depth, (loop, _) in enumerate(within):
            around = self.scopes[within[:depth]].graph.origin(loop).phase
            if around != "forward":
                return around
        return self.scopes[within].graph.origin(node).phase

    def loops(self, within: Within) -> Within:
        """The same with the loops of the forward graph in the place of their backward."""
        return forward_loops(self.scopes, within)


def forward_loops(scopes: Mapping[Within, Scope], within: Within) -> Within:
    """``within`` with the loops of the forward graph in the place of their backward."""
    around = [scopes[within[:depth]].graph for depth in range(len(within))]
    return tuple(
        (loop_of(graph, name), time) for graph, (name, time) in zip(around, within, strict=True)
    )


class Runner:
    """Runs the graph of a turn. ``unrolled`` names the loops that are walked inside."""

    def __init__(self, meter: Meter, unrolled: Sequence[str] = ()) -> None:
        self.meter, self.unrolled = meter, frozenset(unrolled)
        self.scopes: dict[Within, Scope] = {}
        self.ran: list[Ran] = []
        self.gradients = Gradients()
        self.orders: dict[int, tuple[Graph, Order, Mapping[str, Order]]] = {}

    def run(self, title: str, of: str, graph: Graph, leaves: Mapping[str, Array]) -> Turn:
        """The turn of a graph whose leaves have these values."""
        self.meter.keep(leaves.values())
        self._run(Scope(graph, Values(graph, leaves)), ())
        return Turn(title, of, self.scopes, tuple(self.ran))

    def _run(self, scope: Scope, within: Within) -> None:
        """Run the nodes of one scope, whose leaves have their values already."""
        graph, values = scope.graph, scope.values
        self.scopes[within] = scope
        if id(graph) not in self.orders:
            order = walking_order(graph)
            self.orders[id(graph)] = graph, order, last_reads(graph, order)
        _, order, last = self.orders[id(graph)]
        for name in order:
            node = graph.nodes[name]
            if node.op in LEAVES:
                continue
            if node.op == "constant":
                values.keep(name, run_node(node, []))
                continue
            operands = [values[n] for n in node.inputs]
            if node.op == "scan":
                self._enter(scope, name, within)
            begun = time.perf_counter()
            value = run_node(node, operands)
            seconds = time.perf_counter() - begun
            values.keep(name, value)
            self._note(scope, name, within, seconds)
            if self.meter.crowded:
                for unread in last.get(name, ()):
                    self.meter.let_go(values.let_go(unread))

    def _note(self, scope: Scope, name: str, within: Within, seconds: float) -> None:
        """Keep count of what a node gave."""
        value = scope.values[name]
        parts = value if isinstance(value, tuple) else (value,)
        self.meter.step()
        nbytes = self.meter.keep(parts)
        summaries = [summarise(part) for part in parts]
        text = told(scope.graph, scope.graph.nodes[name], value, summaries[0],
                    scope.values.__getitem__)  # fmt: skip
        flag: Broken = nonfinite(parts) if any(s.nonfinite for s in summaries) else ""
        brief = value_text(value, summaries[0])
        gradient = self.gradients.noted(scope.graph, name, within, value)
        self.ran.append(
            Ran(name, within, seconds, nbytes, summaries[0], flag, text, brief, gradient)
        )

    def _enter(self, scope: Scope, name: str, within: Within) -> None:
        """Walk through the time steps of a loop, if it is to be walked inside."""
        around = forward_loops(self.scopes, within)
        if drawn_id(loop_of(scope.graph, name), around) not in self.unrolled:
            return
        parts = ScanParts.of(scope.graph.nodes[name])
        body, operands = parts.body, [np.asarray(scope.values[n]) for n in parts.node.inputs]
        carries, series, captured = parts.split(operands)
        names = parts.names
        for turn in turns(parts):
            given = [*carries, *(s[turn] for s in series), *captured]
            values = Values(body, dict(zip(names, given, strict=True)))
            self._run(Scope(body, values), (*within, (name, turn)))
            carries = [np.asarray(values[n]) for n in body.outputs[: parts.carries]]


def nonfinite(parts: Sequence[Array]) -> Broken:
    """What is wrong with values that are not all finite: ``"nan"``, else ``"inf"``."""
    return "nan" if any(bool(np.isnan(part).any()) for part in parts) else "inf"


def turns(parts: ScanParts) -> Iterator[int]:
    """The time steps of a loop in the order in which they run."""
    length = parts.node.attr("length")
    assert isinstance(length, int)
    return iter(reversed(range(length)) if parts.node.attr("reverse") else range(length))


def loop_of(graph: Graph, name: str) -> str:
    """The loop that a node is, or that it is the backward of."""
    origin = graph.origin(name)
    return origin.twin if origin.phase == "backward" and origin.twin is not None else name
