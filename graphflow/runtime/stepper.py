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

from collections.abc import Mapping
from dataclasses import dataclass

from graphflow.diagnostics import Mark, did_you_mean, fail
from graphflow.ir.graph import LEAVES, Graph, Phase
from graphflow.ops.evaluate import Computed, run_node
from graphflow.ops.op import Array
from graphflow.runtime.chain import ChainRule, chain_rule
from graphflow.runtime.formula import formula
from graphflow.runtime.program import Program
from graphflow.runtime.walking import walking_order


@dataclass(frozen=True, eq=False)
class StepView:
    """What one step did."""

    index: int
    node: str
    op: str
    phase: Phase
    value: Computed
    operands: Mapping[str, Computed]
    latex: str
    mark: Mark | None
    chain: ChainRule | None


class GraphStepper:
    """A cursor over a concrete graph whose leaves have values, in the order in which the studio
    walks, too. Values after ``back`` are those of before.
    """

    def __init__(self, graph: Graph, leaves: Mapping[str, Array]) -> None:
        self.graph = graph
        self._leaves = dict(leaves)
        given = {n.name for n in self.graph if n.op in LEAVES or n.op == "constant"}
        self.order = tuple(name for name in walking_order(self.graph) if name not in given)
        self._constants = {n.name: run_node(n, []) for n in self.graph if n.op == "constant"}
        self._values: dict[str, Computed] = {**self._leaves, **self._constants}
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
        node = self.graph.nodes[self.order[self.cursor]]
        self._values[node.name] = run_node(node, [self._values[n] for n in node.inputs])
        self.cursor += 1
        return self.view(self.cursor - 1)

    def back(self) -> StepView | None:
        """Undo the last node; the step before it, or None at the start."""
        if self.cursor == 0:
            fail("GF082", "nothing has run yet", help="go forward with next")
        self.cursor -= 1
        del self._values[self.order[self.cursor]]
        return self.current

    def reset(self) -> None:
        """Back to the start."""
        while self.cursor:
            self.back()

    def run_to(self, name: str) -> list[StepView]:
        """Go forward or back until ``name`` is the node that ran last; the steps made forward."""
        target = self._position(name)
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

    # -- looking -----------------------------------------------------------------------------
    @property
    def current(self) -> StepView | None:
        """The step made last."""
        return self.view(self.cursor - 1) if self.cursor else None

    def value(self, name: str) -> Computed:
        """The value of a node that has run, or of a leaf."""
        if name not in self.graph:
            fail("GF020", f"no node is called '{name}'",
                 help=did_you_mean(name, [*self.graph.nodes, *self.graph.aliases]))  # fmt: skip
        node = self.graph.resolve(name)
        if node not in self._values:
            fail("GF082", f"'{name}' has not run yet", help=f"run to it: run_to('{name}')")
        return self._values[node]

    @property
    def values(self) -> Mapping[str, Computed]:
        """All values there are at the cursor."""
        return dict(self._values)

    def view(self, index: int) -> StepView:
        """One step that was made."""
        node = self.graph.nodes[self.order[index]]
        origin = self.graph.origin(node.name)
        return StepView(
            index,
            node.name,
            node.op,
            origin.phase,
            self._values[node.name],
            {name: self._values[name] for name in node.inputs},
            formula(self.graph, node.name),
            origin.mark,
            chain_rule(self.graph, self._values, node.name),
        )

    def _position(self, name: str) -> int:
        if name in self.graph and self.graph.resolve(name) in self.order:
            return self.order.index(self.graph.resolve(name))
        fail("GF020", f"no step is called '{name}'", help=did_you_mean(name, self.order))


class Stepper(GraphStepper):
    """A cursor over the plain plan of a program."""

    def __init__(
        self,
        program: Program,
        feed: Mapping[str, Array],
        cotangent: Array | float | None = None,
        step: int = 0,
    ) -> None:
        prepared = program.prepared(feed, cotangent, step)
        super().__init__(prepared.graph, prepared.leaves)
