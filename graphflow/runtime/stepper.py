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

import numpy as np

from graphflow.diagnostics import Mark, did_you_mean, fail
from graphflow.ir.graph import LEAVES, Graph, Phase
from graphflow.ops.core import PassThrough
from graphflow.ops.elementwise import Elementwise
from graphflow.ops.evaluate import Computed, run_node
from graphflow.ops.op import OPS, Array
from graphflow.runtime.program import Program


@dataclass(frozen=True, eq=False)
class ChainRule:
    """One contribution of the chain rule: upstream gradient times local derivative.

    ``upstream`` is the gradient of ``twin``'s result, ``contribution`` what flows on to
    ``operand``; ``local`` is the derivative of the result by the operand where it is a number for
    each element (None where it is a matrix that nobody writes out). ``total`` is the running sum
    at a fan-out, the contributions so far included.
    """

    twin: str
    operand: str
    upstream_name: str
    upstream: Array
    contribution: Array
    local: Array | None
    total: Array | None


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


class Stepper:
    """A cursor over the plain plan of a program. Values after ``back`` are those of before."""

    def __init__(
        self,
        program: Program,
        feed: Mapping[str, Array],
        cotangent: Array | float | None = None,
        step: int = 0,
    ) -> None:
        prepared = program.prepared(feed, cotangent, step)
        self.graph: Graph = prepared.graph
        self._leaves = dict(prepared.leaves)
        self.order = tuple(n.name for n in self.graph if n.op not in LEAVES and n.op != "constant")
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
            self.formula(node.name),
            origin.mark,
            self._chain(node.name),
        )

    def formula(self, name: str) -> str:
        """The node's operation as LaTeX over the names of its operands."""
        node = self.graph.nodes[name]
        op = OPS[node.op]
        names: dict[str, object] = dict(node.attrs)
        for position, operand in enumerate(op.operands):
            if operand.startswith("*"):
                names[operand[1:]] = ", ".join(map(_text, node.inputs[position:]))
                names["operands"] = names[operand[1:]]
            elif position < len(node.inputs):
                names[operand] = _text(node.inputs[position])
        try:
            return op.latex.format_map(names) if op.latex else rf"\operatorname{{{node.op}}}"
        except (KeyError, IndexError):
            return rf"\operatorname{{{node.op}}}({', '.join(map(_text, node.inputs))})"

    def _position(self, name: str) -> int:
        if name in self.graph and self.graph.resolve(name) in self.order:
            return self.order.index(self.graph.resolve(name))
        fail("GF020", f"no step is called '{name}'", help=did_you_mean(name, self.order))

    def _chain(self, name: str) -> ChainRule | None:
        """The chain rule of a backward node that is one operand's contribution."""
        origin = self.graph.origin(name)
        if origin.twin is None or origin.wrt is None:
            return None
        upstream_name = f"{origin.twin}.grad"
        if upstream_name not in self._values:
            return None
        upstream, contribution = self._values[upstream_name], self._values[name]
        if isinstance(upstream, tuple) or isinstance(contribution, tuple):
            return None
        return ChainRule(
            origin.twin,
            origin.wrt,
            upstream_name,
            upstream,
            contribution,
            self._local(name, origin.twin, upstream_name),
            self._running_sum(name, origin.wrt),
        )

    def _local(self, name: str, twin: str, upstream: str) -> Array | None:
        """The local derivative: the same backward nodes, run with an upstream gradient of 1.

        That is the derivative only where every element of the result hangs on its own element of
        the operand; elsewhere it is a matrix, and None is given.
        """
        forward = self.graph.nodes[twin]
        if not isinstance(OPS[forward.op], Elementwise | PassThrough):
            return None
        if self.graph.nodes[name].type != forward.type:
            return None
        one = np.ones_like(self._values[upstream])

        def again(node: str) -> Computed:
            origin = self.graph.origin(node)
            if node == upstream:
                return one
            if origin.twin != twin or origin.phase != "backward" or node in self._constants:
                return self._values[node]
            found = self.graph.nodes[node]
            return run_node(found, [again(n) for n in found.inputs])

        return np.asarray(again(name))

    def _running_sum(self, name: str, operand: str) -> Array | None:
        """The sum of the contributions to ``operand`` up to and with this one, at a fan-out."""
        prefix = f"{operand}.grad."
        if not name.startswith(prefix):
            return None
        total: Array | None = None
        for step in self.order[: self.order.index(name) + 1]:
            origin = self.graph.origin(step)
            value = self._values.get(step)
            if origin.wrt == operand and step.startswith(prefix) and isinstance(value, np.ndarray):
                total = value if total is None else total + value
        return total


def _text(name: str) -> str:
    """A node's name inside LaTeX."""
    escaped = name.replace("_", r"\_")
    return escaped if len(name) == 1 else rf"\text{{{escaped}}}"
