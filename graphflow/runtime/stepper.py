"""Stepping through a program: forward and backward, node by node, and back again.

>>> from graphflow.api import loads
>>> model = loads("{graphflow: 1, name: s, inputs: {x: scalar}, nodes: {y: x * x}}")
>>> stepper = Stepper(model.compile(of="y", wrt="x"), {"x": 3})
>>> stepper.next().node, float(stepper.value("y"))
('y', 9.0)
>>> [step.node for step in stepper.run_to_phase("backward")]
['y.grad']
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from graphflow.diagnostics import Mark, did_you_mean, fail
from graphflow.ir.graph import Graph, Phase
from graphflow.ops.control import ScanParts
from graphflow.ops.evaluate import Computed, run_in, run_node
from graphflow.ops.op import Array
from graphflow.runtime.chain import ChainRule, chain_rule
from graphflow.runtime.formula import formula
from graphflow.runtime.loops import (
    Level,
    Place,
    Within,
    brought,
    name_in_time,
    phase_of,
    place_of,
    turns,
)
from graphflow.runtime.program import Program


@dataclass(frozen=True, eq=False)
class StepView:
    """What one step did. ``graph`` is the one that ``node`` stands in: that of the walk, or the
    body of the innermost of the loops ``within``, from outside in, each with its time step.
    """

    index: int
    name: str
    node: str
    within: Within
    graph: Graph
    op: str
    phase: Phase
    value: Computed
    operands: Mapping[str, Computed]
    latex: str
    mark: Mark | None
    chain: ChainRule | None


class GraphStepper:
    """A cursor over a concrete graph whose leaves have values, in the order in which the studio
    walks, too. Values after ``back`` are those of before. ``unrolled`` names loops that are walked
    inside; what runs there at time 3 is called ``loop@3/node``.
    """

    def __init__(
        self, graph: Graph, leaves: Mapping[str, Array], unrolled: Collection[str] = ()
    ) -> None:
        self.graph = graph
        self._level = Level.of(graph, unrolled)
        self._places = tuple(self._level.places())
        self.order = tuple(map(name_in_time, self._places))
        self._scopes: dict[Within, dict[str, Computed]] = {(): _begun(graph, leaves)}
        self.cursor = 0

    # -- moving ------------------------------------------------------------------------------
    @property
    def done(self) -> bool:
        """Whether the last node has run."""
        return self.cursor == len(self.order)

    def next(self) -> StepView:
        """Run the next node."""
        if self.done:
            fail("GF082", "the last node has run", help="go back, or reset")
        within, name = self._places[self.cursor]
        values, graph = self._entered(within), self._graph(within)
        node = graph.nodes[name]
        values[name] = run_in(graph, node, [values[n] for n in node.inputs])
        self.cursor += 1
        return self.view(self.cursor - 1)

    def back(self) -> StepView | None:
        """Undo the last node; the step before it, or None at the start."""
        if self.cursor == 0:
            fail("GF082", "nothing has run yet", help="go forward with next")
        self.cursor -= 1
        within, name = self._places[self.cursor]
        del self._scopes[within][name]
        return self.current

    def reset(self) -> None:
        """Back to the start."""
        while self.cursor:
            self.back()

    def run_to(self, name: str) -> list[StepView]:
        """Go forward or back until ``name`` is the node that ran last; the steps made forward. A
        name without times, ``loop/node``, is the next one of that name, else the last before.
        """
        target = self.position(name)
        if target is None:
            fail("GF020", f"no step is called '{name}'", help=did_you_mean(name, self.order))
        while self.cursor > target + 1:
            self.back()
        return [self.next() for _ in range(target + 1 - self.cursor)]

    def run_to_phase(self, phase: Phase) -> list[StepView]:
        """Go forward through the first node of a phase; the steps made."""
        made = []
        while not self.done:
            made.append(self.next())
            if made[-1].phase == phase:
                return made[-1:]
        return made

    def run_to_end(self) -> list[StepView]:
        """Run everything that is left."""
        return [self.next() for _ in range(len(self.order) - self.cursor)]

    def position(self, name: str) -> int | None:
        """The step of that name: the next one, else the last before; None where there is none."""
        ahead, behind = range(self.cursor, len(self.order)), range(self.cursor - 1, -1, -1)
        return next((at for at in (*ahead, *behind) if self._is(self._places[at], name)), None)

    # -- looking -----------------------------------------------------------------------------
    @property
    def current(self) -> StepView | None:
        """The step made last."""
        return self.view(self.cursor - 1) if self.cursor else None

    def knows(self, name: str) -> bool:
        """Whether a node of the walk has that name, leaves included."""
        return name in self.graph or any(self._has(within, name) for within, _ in self._places)

    def value(self, name: str) -> Computed:
        """The value of a node that has run, or of a leaf; for a name without times, ``loop/node``,
        of the time step in which the walk was last.
        """
        if not self.knows(name):
            known = [*self.graph.nodes, *self.graph.aliases, *self.order]
            fail("GF020", f"no node is called '{name}'", help=did_you_mean(name, known))
        found = self._value(name)
        if found is None:
            fail("GF082", f"'{name}' has not run yet", help=f"run to it: run_to('{name}')")
        return found

    @property
    def values(self) -> Mapping[str, Computed]:
        """All values there are at the cursor, those inside of loops left out."""
        return dict(self._scopes[()])

    def has_run(self, name: str) -> bool:
        """Whether there is a value of that name at the cursor."""
        return self._value(name) is not None

    def phase(self, index: int) -> Phase:
        """The phase of a step."""
        return phase_of(self.graph, self._places[index])

    def view(self, index: int) -> StepView:
        """One step that was made."""
        within, name = self._places[index]
        graph, values = self._graph(within), self._scopes[within]
        node = graph.nodes[name]
        return StepView(
            index,
            self.order[index],
            name,
            within,
            graph,
            node.op,
            self.phase(index),
            values[name],
            {operand: values[operand] for operand in node.inputs},
            formula(graph, name),
            graph.origin(name).mark,
            chain_rule(graph, values, name),
        )

    # -- inside of loops ---------------------------------------------------------------------
    def _graph(self, within: Within) -> Graph:
        level = self._level
        for loop, _ in within:
            level = level.inside[loop]
        return level.graph

    def _entered(self, within: Within) -> dict[str, Computed]:
        """The values of a time step, which begins here if nothing in it has run yet."""
        if within not in self._scopes:
            around, (loop, time) = within[:-1], within[-1]
            parts = ScanParts.of(self._graph(around).nodes[loop])
            order = turns(parts)
            last = order.index(time) - 1
            before = self._scopes[(*around, (loop, order[last]))] if last >= 0 else None
            leaves = brought(parts, self._entered(around), time, before)
            self._scopes[within] = _begun(parts.body, leaves)
        return self._scopes[within]

    def _is(self, place: Place, name: str) -> bool:
        within, node = place
        loops, _ = place_of(name)
        return len(loops) == len(within) and self._resolved(within, name) == node

    def _has(self, within: Within, name: str) -> bool:
        return self._resolved(within, name) is not None

    def _resolved(self, within: Within, name: str) -> str | None:
        """The node that a name means for a step in these time steps; None where it is none."""
        loops, node = place_of(name)
        if not all(
            loop == of and time in (None, at)
            for (of, at), (loop, time) in zip(within, loops, strict=False)
        ) or len(loops) > len(within):
            return None
        graph = self._graph(within[: len(loops)])
        return graph.resolve(node) if node in graph else None

    def _value(self, name: str) -> Computed | None:
        """The value of a name as the cursor leaves it."""
        depth = len(place_of(name)[0])
        made = [((), ""), *self._places[: self.cursor]]
        for within, _ in reversed(made):
            node = self._resolved(within, name)
            if node is not None:
                return self._scopes[within[:depth]].get(node)
        return None


def _begun(graph: Graph, leaves: Mapping[str, Array]) -> dict[str, Computed]:
    """The values that a graph begins with."""
    return {**leaves, **{n.name: run_node(n, []) for n in graph if n.op == "constant"}}


class Stepper(GraphStepper):
    """A cursor over the plain plan of a program."""

    def __init__(
        self,
        program: Program,
        feed: Mapping[str, Array],
        cotangent: Array | float | None = None,
        step: int = 0,
        unrolled: Collection[str] = (),
    ) -> None:
        prepared = program.prepared(feed, cotangent, step)
        super().__init__(prepared.graph, prepared.leaves, unrolled)
