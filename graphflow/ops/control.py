"""Operators that run a graph inside: loops over time, loops with a condition, branches.

A *region* is a Graph held as an attribute. Its ``input`` leaves, in order, take the operands that
the operator hands it; values of the surrounding graph reach it as *captured* operands, so nothing
is implicit. Derivative rules differentiate a graph and live in :mod:`graphflow.autodiff`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from graphflow.diagnostics import fail
from graphflow.ir.dims import Dim, Symbolic
from graphflow.ir.graph import Attr, Graph, Node
from graphflow.ir.types import TensorType, TupleType, ValueType
from graphflow.ops.evaluate import run_region
from graphflow.ops.op import OPS, Array, Namespace, Op, register

T = TypeVar("T")


class Control(Op):
    """Base of the operators that hold regions."""

    family = "control"


@register
class Scan(Control):
    """A loop over time. carry_t+1, y_t = body(carry_t, x_t, captured), for t along axis 0.

    Operands: the first ``carries`` are initial values, the next ``sequences`` are read one element
    of axis 0 a turn, the rest are captured. The result holds the final carries, then every further
    output of the body stacked along a new axis 0. ``reverse`` runs from the last element to the
    first (stacked results keep the sequences' order). Source: recurrent networks, D2L 9.
    """

    latex = r"\operatorname{{scan}}({operands})"
    example = """\
nodes:
  sums:
    scan: {x: '[1.0, 2.0, 3.0]'}
    carry: {total: 0.0}
    nodes:
      more: total + x
    next: {total: more}
    collect: [more]
outputs: [sums.more, sums.final.total]
"""

    def infer(
        self,
        *operands: TensorType,
        body: Graph,
        carries: int,
        sequences: int,
        length: Dim,
        reverse: bool = False,
    ) -> TupleType:
        given = region_arguments(operands, carries, sequences, length)
        check_region(body, given, "scan body")
        results = [body[name].tensor for name in body.outputs]
        check_carries(operands[:carries], results[:carries])
        stacked = [t.with_shape((length, *t.shape)) for t in results[carries:]]
        return TupleType((*operands[:carries], *stacked))

    def forward(
        self,
        xp: Namespace,
        *operands: Array,
        body: Graph,
        carries: int,
        sequences: int,
        length: int,
        reverse: bool,
    ) -> tuple[Array, ...]:
        carry = list(operands[:carries])
        series = operands[carries : carries + sequences]
        captured = list(operands[carries + sequences :])
        collected: list[tuple[Array, ...]] = []
        for t in range(length):
            turn = length - 1 - t if reverse else t
            results = run_region(body, [*carry, *(s[turn] for s in series), *captured], xp)
            carry = list(results[:carries])
            collected.append(results[carries:])
        if reverse:
            collected.reverse()
        return (*carry, *_stacked(xp, body, carries, collected))

    def flops(self, out: ValueType, *types: ValueType, **attrs: Attr) -> Dim:
        body, length = attrs["body"], attrs["length"]
        assert isinstance(body, Graph) and isinstance(length, int | Symbolic)
        return graph_flops(body) * length


@dataclass(frozen=True)
class ScanParts:
    """A scan node taken apart.

    Its operands, and one for one the inputs of its body, are carries, then sequences (inside: one
    element each), then captured values.
    """

    node: Node
    body: Graph
    carries: int
    sequences: int

    @classmethod
    def of(cls, node: Node) -> ScanParts:
        body, carries, sequences = (node.attr(k) for k in ("body", "carries", "sequences"))
        assert isinstance(body, Graph) and isinstance(carries, int) and isinstance(sequences, int)
        return cls(node, body, carries, sequences)

    @property
    def names(self) -> list[str]:
        """The inputs of the body, one for each operand."""
        return [leaf.name for leaf in self.body.leaves("input")]

    def split(self, items: Sequence[T]) -> tuple[list[T], list[T], list[T]]:
        """``items`` (one for each operand) by role: carries, sequences, captured."""
        last = self.carries + self.sequences
        return list(items[: self.carries]), list(items[self.carries : last]), list(items[last:])


def _stacked(
    xp: Namespace, body: Graph, carries: int, collected: list[tuple[Array, ...]]
) -> list[Array]:
    """Collected values along a new axis 0; zero turns give arrays of length zero."""
    if collected:
        return [xp.stack(parts) for parts in zip(*collected, strict=True)]
    types = [body[name].tensor for name in body.outputs[carries:]]
    return [xp.zeros((0, *t.shape), dtype=t.dtype.value) for t in types]


@register
class WhileLoop(Control):
    """Repeats body while the condition holds: carry = body(carry, captured).

    Both regions take the carries, then the captured operands. After ``max_steps`` turns the loop is
    stopped with an error. The number of turns depends on data: backward makes them again, in a scan
    of ``max_steps`` turns that rests after the last. Source: control flow in D2L 2.5.
    """

    latex, waits = r"\operatorname{{while}}({operands})", True
    example = """\
nodes:
  root:
    while: abs(x * x - 2) > 1e-6
    carry: {x: 1.0}
    next: {x: (x + 2 / x) / 2}
outputs: [root.x]
"""

    def infer(
        self, *operands: TensorType, condition: Graph, body: Graph, carries: int, max_steps: int
    ) -> TupleType:
        check_region(body, operands, "while body")
        check_region(condition, operands, "while condition")
        predicate(condition[condition.outputs[0]].tensor, "while")
        check_carries(operands[:carries], [body[name].tensor for name in body.outputs])
        return TupleType(tuple(operands[:carries]))

    def forward(
        self,
        xp: Namespace,
        *operands: Array,
        condition: Graph,
        body: Graph,
        carries: int,
        max_steps: int,
    ) -> tuple[Array, ...]:
        carry, captured = list(operands[:carries]), list(operands[carries:])
        for _ in range(max_steps):
            if not bool(run_region(condition, [*carry, *captured], xp)[0]):
                return tuple(carry)
            carry = list(run_region(body, [*carry, *captured], xp))
        if bool(run_region(condition, [*carry, *captured], xp)[0]):
            fail(
                "GF063",
                f"a while loop did not end within {max_steps} turns",
                help="check that its condition becomes false, or raise max_steps",
            )
        return tuple(carry)


@register
class Cond(Control):
    """One of two branches, chosen by a boolean scalar while running.

    Both regions take the captured operands and must give the same types. Only the chosen one runs.
    """

    latex, waits = r"\text{{if }} {condition}", True
    example = """\
nodes:
  x: sum([1.0, -3.0])
  y:
    cond: x > 0
    then: x
    else: -x
outputs: [y]
"""

    def infer(
        self, condition: TensorType, *captured: TensorType, then: Graph, orelse: Graph
    ) -> TupleType:
        predicate(condition, "cond")
        for branch, name in ((then, "then branch"), (orelse, "else branch")):
            check_region(branch, captured, name)
        first = [then[name].tensor for name in then.outputs]
        second = [orelse[name].tensor for name in orelse.outputs]
        if first != second:
            fail("GF030", f"the branches of cond differ: then gives {first}, else gives {second}")
        return TupleType(tuple(first))

    def forward(
        self, xp: Namespace, condition: Array, *captured: Array, then: Graph, orelse: Graph
    ) -> tuple[Array, ...]:
        return run_region(then if bool(condition) else orelse, list(captured), xp)


def is_control(node: Node) -> bool:
    """Whether a node runs the graphs that it holds as loops and branches do, node by node."""
    return isinstance(OPS[node.op], Control)


def region_arguments(
    operands: Sequence[TensorType], carries: int, sequences: int, length: Dim
) -> list[TensorType]:
    """The types a scan's body sees: carries, one element of each sequence, captured values."""
    elements = []
    for t in operands[carries : carries + sequences]:
        if not t.shape or t.shape[0] != length:
            fail("GF030", f"scan runs {length} turns, but a sequence has shape {list(t.shape)}")
        elements.append(t.with_shape(t.shape[1:]))
    return [*operands[:carries], *elements, *operands[carries + sequences :]]


def check_region(region: Graph, arguments: Sequence[TensorType], what: str) -> None:
    """The region's inputs must have exactly the types it is handed."""
    leaves = [leaf.tensor for leaf in region.leaves("input")]
    if leaves != list(arguments):
        raise TypeError(f"{what} takes {leaves} but is given {list(arguments)}")


def check_carries(before: Sequence[TensorType], after: Sequence[TensorType]) -> None:
    """What a loop carries must keep its type from turn to turn."""
    for old, new in zip(before, after, strict=True):
        if old != new:
            fail(
                "GF034",
                f"a carried value enters a turn as {old} but leaves it as {new}",
                help="the 'next' value must have the same shape and number type as 'carry'",
            )


def predicate(condition: TensorType, what: str) -> None:
    """Conditions are boolean scalars."""
    if condition.shape != () or condition.dtype.value != "bool":
        fail("GF031", f"the condition of {what} must be one boolean, not {condition}")


def graph_flops(graph: Graph) -> Dim:
    """Floating point operations of one run of a graph, regions included."""
    total: Dim = 0
    for node in graph:
        total = total + node_flops(graph, node)
    return total


def node_flops(graph: Graph, node: Node) -> Dim:
    """Floating point operations of a node of a graph."""
    types = [graph.nodes[name].type for name in node.inputs]
    return OPS[node.op].flops(node.type, *types, **node.attributes())
