"""One turn: a concrete graph run node by node on the plain plan, every value kept."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from graphflow.ir.graph import LEAVES, Graph, Node, Phase
from graphflow.ops.control import ScanParts
from graphflow.ops.evaluate import Computed, run_in, run_node
from graphflow.ops.op import Array
from graphflow.runtime.guard import Summary, summarise
from graphflow.runtime.loops import Level, Within, brought, forward_loops, phase_of, turns
from graphflow.view.recording.boxed import Gradient, Gradients, value_text
from graphflow.view.recording.kept import Values, last_reads
from graphflow.view.recording.limits import Meter
from graphflow.view.recording.texts import told

Order = tuple[str, ...]
Broken = Literal["", "nan", "inf"]


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
        return phase_of(self.graph, (within, node))

    def loops(self, within: Within) -> Within:
        """The same with the loops of the forward graph in the place of their backward."""
        return forward_loops(self.graph, within)


class Runner:
    """Runs the graph of a turn. ``unrolled`` names the loops that are walked inside."""

    def __init__(self, meter: Meter, unrolled: Sequence[str] = ()) -> None:
        self.meter, self.unrolled = meter, frozenset(unrolled)
        self.scopes: dict[Within, Scope] = {}
        self.ran: list[Ran] = []
        self.gradients = Gradients()
        self.last: dict[int, Mapping[str, Order]] = {}

    def run(self, title: str, of: str, graph: Graph, leaves: Mapping[str, Array]) -> Turn:
        """The turn of a graph whose leaves have these values."""
        self.meter.keep(leaves.values())
        self._run(Level.of(graph, self.unrolled), Scope(graph, Values(graph, leaves)), ())
        return Turn(title, of, self.scopes, tuple(self.ran))

    def _run(self, level: Level, scope: Scope, within: Within) -> None:
        """Run the nodes of one scope, whose leaves have their values already."""
        graph, values = scope.graph, scope.values
        self.scopes[within] = scope
        if id(level) not in self.last:
            self.last[id(level)] = last_reads(graph, level.order)
        last = self.last[id(level)]
        for name in level.order:
            node = graph.nodes[name]
            if node.op in LEAVES:
                continue
            if node.op == "constant":
                values.keep(name, run_node(node, []))
                continue
            operands = [values[n] for n in node.inputs]
            if name in level.inside:
                self._enter(level.inside[name], node, values, within)
            begun = time.perf_counter()
            value = run_in(graph, node, operands)
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

    def _enter(self, level: Level, loop: Node, around: Values, within: Within) -> None:
        """Walk through the time steps of a loop."""
        parts, before = ScanParts.of(loop), None
        for turn in turns(parts):
            values = Values(parts.body, brought(parts, around, turn, before))
            self._run(level, Scope(parts.body, values), (*within, (loop.name, turn)))
            before = values


def nonfinite(parts: Sequence[Array]) -> Broken:
    """What is wrong with values that are not all finite: ``"nan"``, else ``"inf"``."""
    return "nan" if any(bool(np.isnan(part).any()) for part in parts) else "inf"
