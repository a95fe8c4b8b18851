"""Kernels of the operators that run a graph inside: scans, while loops, branches.

The regions are bound once, but for the turns of a scan that is not too long, which are bound each.
A loop's carries live in the loop's own results: they are set to their first values, and each turn
updates them as a training step updates parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from graphflow.backends.base import Backend, Hosted, Kernel
from graphflow.diagnostics import fail
from graphflow.ir.graph import Graph, Node
from graphflow.ir.types import TensorType
from graphflow.ops.evaluate import Computed
from graphflow.ops.op import Array
from graphflow.runtime.line import Binder, Line, carve
from graphflow.runtime.turns import Turns, count_kernels
from graphflow.schedule.memory import aligned
from graphflow.schedule.plan import Plan, scan_leaves

BOUND = 2000
"""Kernels up to which all turns are bound: one takes about 50 microseconds."""


def control_kernel(
    node: Node,
    plans: tuple[Plan, ...],
    out: tuple[Array, ...],
    inputs: Sequence[Computed],
    scratch: Array,
    backend: Backend,
    bind: Binder,
) -> Kernel:
    """A control node bound to its results, operands, and the memory its regions run in."""
    operands = [x for x in inputs if not isinstance(x, tuple)]
    make = _MAKERS[node.op]
    return make(_Setting(node, plans, out, operands, scratch, backend, bind))


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
        bind: Binder,
    ) -> None:
        self.node, self.plans, self.out, self.operands = node, plans, out, operands
        self.scratch, self.backend, self.bind = scratch, backend, bind

    def number(self, name: str) -> int:
        """An attribute that counts something."""
        value = self.node.attr(name)
        assert isinstance(value, int)
        return value

    def plan(self, name: str) -> Plan:
        """The plan of the region that the attribute ``name`` holds."""
        held = [key for key, value in self.node.attrs if isinstance(value, Graph)]
        return self.plans[held.index(name)]

    def line(self, plan: Plan, arguments: Sequence[Array], arena: Array) -> Line:
        """A region bound, its leaves to ``arguments`` in order."""
        names = [leaf.name for leaf in plan.graph.leaves("input")]
        leaves = dict(zip(names, arguments, strict=True))
        return self.bind(self.backend, plan, leaves, arena, {})

    def starts(self) -> list[Kernel]:
        """What copies first values into the carries."""
        carries = self.number("carries")
        pairs = zip(self.out[:carries], self.operands[:carries], strict=True)
        return [self.backend.copy(carry, first) for carry, first in pairs]


def _scan(at: _Setting) -> Kernel:
    plan = at.plan("body")
    turns = range(at.number("length"))
    if at.node.attr("reverse"):
        turns = turns[::-1]
    if len(turns) * count_kernels(plan) <= BOUND:
        return _in_turn(at, plan, turns)
    return _in_place(at, plan, turns)


def _in_turn(at: _Setting, plan: Plan, turns: Sequence[int]) -> Kernel:
    """Every turn bound to the rows that are its own."""
    carries, last = at.number("carries"), at.number("carries") + at.number("sequences")
    elements, others, arena = _places(at)
    bound = Turns(
        plan, at.backend, at.bind, arena, at.operands[:carries], at.operands[carries:last],
        at.operands[last:], at.out[carries:],
        list(zip(at.out[:carries], others, strict=True)), elements,
    )  # fmt: skip
    kernels = bound.kernels(turns)
    return kernels[0] if len(kernels) == 1 else _one_by_one(kernels)


def _one_by_one(kernels: Sequence[Kernel]) -> Kernel:
    """Kernels as one; the host takes part in it if it does in one of them."""

    def run() -> None:
        for kernel in kernels:
            kernel()

    return Hosted(run) if any(isinstance(each, Hosted) for each in kernels) else run


def _in_place(at: _Setting, plan: Plan, turns: Sequence[int]) -> Kernel:
    """One turn bound, for loops too long to bind each: what it reads and gives is copied."""
    carries, last = at.number("carries"), at.number("carries") + at.number("sequences")
    elements, _, arena = _places(at)
    line = at.line(plan, [*at.out[:carries], *elements, *at.operands[last:]], arena)
    starts = at.starts()
    read = list(zip(elements, at.operands[carries:last], strict=True))
    collected = [line.array(name) for name in plan.graph.outputs]
    written = list(zip(at.out[carries:], collected, strict=True))

    copyto = at.backend.xp.copyto
    hosted = any(isinstance(each, Hosted) for each in (*line.kernels, *line.ending))

    def run() -> None:
        for start in starts:
            start()
        for turn in turns:
            for element, sequence in read:
                copyto(element, sequence[turn])
            for kernel in line.kernels:
                kernel()
            for kernel in line.ending:
                kernel()
            for rows, value in written:
                rows[turn] = value
            for copy in line.copies:
                copy()

    return Hosted(run) if hosted else run


def _places(at: _Setting) -> tuple[list[Array], list[Array], Array]:
    """Memory for an element of each sequence, a second place of each carry, and the body."""
    offset = 0

    def taken(type: TensorType) -> Array:
        nonlocal offset
        place = carve(at.scratch, offset, type)
        offset += aligned(place.nbytes)
        return place

    carries, elements = scan_leaves(at.node)
    others = [taken(leaf.tensor) for leaf in carries]
    return [taken(leaf.tensor) for leaf in elements], others, at.scratch[offset:]


def _while_loop(at: _Setting) -> Kernel:
    condition, body = at.plan("condition"), at.plan("body")
    carries, most = at.number("carries"), at.number("max_steps")
    arguments = [*at.out[:carries], *at.operands[carries:]]
    test = at.line(condition, arguments, at.scratch)
    step = at.line(body, arguments, at.scratch)
    goes_on = test.array(condition.graph.outputs[0])
    starts = at.starts()
    turn = at.backend.joined([*step.kernels, *step.ending, *step.copies])

    def run() -> None:
        for start in starts:
            start()
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

    return Hosted(run)


def _cond(at: _Setting) -> Kernel:
    predicate = at.operands[0]
    then, orelse = _branch(at, "then"), _branch(at, "orelse")

    def run() -> None:
        for kernel in then if predicate else orelse:
            kernel()

    return Hosted(run)


def _branch(at: _Setting, name: str) -> list[Kernel]:
    """A branch's kernels, and copies of what it yields into the node's results."""
    plan = at.plan(name)
    line = at.line(plan, at.operands[1:], at.scratch)
    yielded = [line.array(output) for output in plan.graph.outputs]
    pairs = zip(at.out, yielded, strict=True)
    copies = [at.backend.copy(target, value) for target, value in pairs]
    return at.backend.joined([*line.kernels, *copies])


_MAKERS: dict[str, Callable[[_Setting], Kernel]] = {
    "scan": _scan,
    "while_loop": _while_loop,
    "cond": _cond,
}
