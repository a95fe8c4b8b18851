"""Kernels of the operators that run a graph inside: scans, while loops, branches.

The regions are bound once. A loop's carries live in the loop's own results: they are set to their
first values, and each turn updates them as a training step updates parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from graphflow.backends.base import Backend, Kernel
from graphflow.diagnostics import fail
from graphflow.ir.graph import Graph, Node
from graphflow.ops.evaluate import Computed
from graphflow.ops.op import Array
from graphflow.runtime.line import Line, bind, carve
from graphflow.schedule.memory import aligned
from graphflow.schedule.plan import Plan, element_leaves

Copies = list[tuple[Array, Array]]


def control_kernel(
    node: Node,
    plans: tuple[Plan, ...],
    out: tuple[Array, ...],
    inputs: Sequence[Computed],
    scratch: Array,
    backend: Backend,
) -> Kernel:
    """A control node bound to its results, operands, and the memory its regions run in."""
    operands = [x for x in inputs if isinstance(x, Array)]
    make = _MAKERS[node.op]
    return make(_Setting(node, plans, out, operands, scratch, backend))


class _Setting:
    """What a control node is bound to."""

    def __init__(
        self,
        node: Node,
        plans: tuple[Plan, ...],
        out: tuple[Array, ...],
        operands: Sequence[Array],
        scratch: Array,
        backend: Backend,
    ) -> None:
        self.node, self.plans, self.out, self.operands = node, plans, out, operands
        self.scratch, self.backend = scratch, backend

    def number(self, name: str) -> int:
        """An attribute that counts something."""
        value = self.node.attr(name)
        assert isinstance(value, int)
        return value

    def line(self, plan: Plan, arguments: Sequence[Array], arena: Array) -> Line:
        """A region bound, its leaves to ``arguments`` in order."""
        names = [leaf.name for leaf in plan.graph.leaves("input")]
        leaves = dict(zip(names, arguments, strict=True))
        return bind(plan, leaves, arena, self.backend)

    def starts(self) -> Copies:
        """The carries and their first values."""
        carries = self.number("carries")
        return list(zip(self.out[:carries], self.operands[:carries], strict=True))


def _scan(at: _Setting) -> Kernel:
    (plan,) = at.plans
    carries, sequences = at.number("carries"), at.number("sequences")
    elements, arena = _elements(at)
    captured = at.operands[carries + sequences :]
    line = at.line(plan, [*at.out[:carries], *elements, *captured], arena)
    starts = at.starts()
    read = list(zip(elements, at.operands[carries : carries + sequences], strict=True))
    collected = [line.array(name) for name in plan.graph.outputs]
    written = list(zip(at.out[carries:], collected, strict=True))
    turns = range(at.number("length"))
    if at.node.attr("reverse"):
        turns = turns[::-1]

    def run() -> None:
        for carry, first in starts:
            np.copyto(carry, first)
        for turn in turns:
            for element, sequence in read:
                np.copyto(element, sequence[turn])
            for kernel in line.kernels:
                kernel()
            for kernel in line.ending:
                kernel()
            for rows, value in written:
                rows[turn] = value
            for copy in line.copies:
                copy()

    return run


def _elements(at: _Setting) -> tuple[list[Array], Array]:
    """Memory for one element of each sequence, and what is left for the body."""
    offset, found = 0, []
    for leaf in element_leaves(at.node):
        found.append(carve(at.scratch, offset, leaf.tensor))
        offset += aligned(found[-1].nbytes)
    return found, at.scratch[offset:]


def _while_loop(at: _Setting) -> Kernel:
    condition, body = at.node.attr("condition"), at.node.attr("body")
    assert isinstance(condition, Graph) and isinstance(body, Graph)
    plans = dict(zip(("condition", "body"), _by_attribute(at, "condition", "body"), strict=True))
    carries = at.number("carries")
    arguments = [*at.out[:carries], *at.operands[carries:]]
    test = at.line(plans["condition"], arguments, at.scratch)
    step = at.line(plans["body"], arguments, at.scratch)
    goes_on = test.array(condition.outputs[0])
    starts, most = at.starts(), at.number("max_steps")
    turn = [*step.kernels, *step.ending, *step.copies]

    def run() -> None:
        for carry, first in starts:
            np.copyto(carry, first)
        for done in range(most + 1):
            for kernel in test.kernels:
                kernel()
            if not goes_on:
                return
            if done < most:
                for kernel in turn:
                    kernel()
        fail(
            "GF063",
            f"a while loop did not end within {most} turns",
            help="check that its condition becomes false, or raise max_steps",
        )

    return run


def _cond(at: _Setting) -> Kernel:
    predicate, *captured = at.operands
    branches = [at.line(plan, captured, at.scratch) for plan in _by_attribute(at, "then", "orelse")]
    first, second = (_branch(line, plan, at) for line, plan in zip(
        branches, _by_attribute(at, "then", "orelse"), strict=True))

    def run() -> None:
        for kernel in first if predicate else second:
            kernel()

    return run


def _branch(line: Line, plan: Plan, at: _Setting) -> list[Kernel]:
    """A branch's kernels, and copies of what it yields into the node's results."""
    yielded = [line.array(name) for name in plan.graph.outputs]
    pairs = list(zip(at.out, yielded, strict=True))

    def hand_over() -> None:
        for target, value in pairs:
            np.copyto(target, value)

    return [*line.kernels, hand_over]


def _by_attribute(at: _Setting, *names: str) -> list[Plan]:
    """The plans of regions by the attributes that hold them."""
    held = [key for key, value in at.node.attrs if isinstance(value, Graph)]
    return [at.plans[held.index(name)] for name in names]


_MAKERS: dict[str, Callable[[_Setting], Kernel]] = {
    "scan": _scan,
    "while_loop": _while_loop,
    "cond": _cond,
}
