"""A plan: a concrete graph laid out in time and memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from graphflow.ir.graph import LEAVES, Graph, Node, Phase
from graphflow.ops.control import ScanParts, is_control
from graphflow.ops.evaluate import Computed
from graphflow.ops.op import Op, get_op
from graphflow.schedule.liveness import Slot, Sources, last_reads, trace_sources
from graphflow.schedule.memory import Lifetime, aligned
from graphflow.schedule.order import running_order
from graphflow.schedule.storage import Buffer, Rooms, computes, fixed_bytes, staged_updates
from graphflow.schedule.updates import Ending, plan_ending, value_bytes
from graphflow.schedule.views import Order


@dataclass(frozen=True, slots=True)
class Reader:
    """A later node that keeps a value alive; ``twin`` is the forward node it differentiates."""

    name: str
    step: int
    phase: Phase
    twin: str | None


@dataclass(frozen=True, eq=False)
class Plan:
    """When each node runs and where its value lies.

    ``order`` holds all nodes, those of ``ending`` last: they write into leaves.
    ``lifetimes`` says during which steps a computed value is needed (a view's operand lives as long
    as the view). ``homes`` gives the buffer of each result, ``staged`` the buffer in which an
    update's value is put aside, ``regions`` the plans of the graphs inside control nodes and
    ``scratch`` the buffer that those run in. ``orders`` names the values that do not lie row by
    row.
    ``unplanned_bytes`` is what the arena would be if every value had memory of its own.
    """

    graph: Graph
    order: tuple[str, ...]
    lifetimes: Mapping[str, Lifetime]
    buffers: tuple[Buffer, ...]
    arena_bytes: int
    unplanned_bytes: int
    leaf_bytes: int
    fixed_bytes: int
    workspace_bytes: int
    sources: Sources
    homes: Mapping[Slot, int]
    ending: Ending
    staged: Mapping[str, int] = field(default_factory=dict)
    scratch: Mapping[str, int] = field(default_factory=dict)
    regions: Mapping[str, tuple[Plan, ...]] = field(default_factory=dict)
    orders: Mapping[str, Order] = field(default_factory=dict)

    @property
    def peak_bytes(self) -> int:
        """Bytes needed to run: leaves, constants, the arena, and scratch memory of one operator."""
        return self.leaf_bytes + self.fixed_bytes + self.arena_bytes + self.workspace_bytes

    @cached_property
    def steps(self) -> Mapping[str, int]:
        """The step at which each node runs."""
        return {name: step for step, name in enumerate(self.order)}

    def largest(self, n: int) -> list[tuple[str, int]]:
        """The ``n`` largest values that own memory, leaves among them, as (node, bytes)."""
        owners = {*self.lifetimes, *(node.name for node in self.graph if node.op in LEAVES)}
        sizes = [(node.name, value_bytes(node.type)) for node in self.graph if node.name in owners]
        return sorted(sizes, key=lambda pair: -pair[1])[:n]

    def alive_at(self, step: int) -> tuple[str, ...]:
        """The computed values that are kept at ``step``, in running order; leaves always are."""
        return tuple(n for n, life in self.lifetimes.items() if life.first <= step <= life.last)

    def why_alive(self, name: str, step: int) -> list[Reader]:
        """The nodes after ``step`` that read the value, itself or through a view of it."""
        slots = set(self.sources.slots[self.graph.resolve(name)])
        return [self._reader(n) for n in self.order[step + 1 :] if self._reads(n, slots)]

    def _reads(self, name: str, slots: set[Slot]) -> bool:
        if name in self.sources.views:
            return False
        inputs = self.graph.nodes[name].inputs
        return any(not slots.isdisjoint(self.sources.slots[n]) for n in inputs)

    def _reader(self, name: str) -> Reader:
        origin = self.graph.origin(name)
        return Reader(name, self.steps[name], origin.phase, origin.twin)


Orders = Callable[[Graph], Mapping[str, Order]]
"""Chooses computed values of a graph that are to lie in another order of their axes than row by
row."""


def row_by_row(graph: Graph) -> Mapping[str, Order]:
    """None of them."""
    return {}


def make_plan(graph: Graph, reuse: bool = True, orders: Orders = row_by_row) -> Plan:
    """Lay out a concrete graph without placeholders.

    With ``reuse`` memory is shared by values that are not needed at the same time; without, every
    value is kept until the end of the run, to be looked at. ``orders`` chooses how values lie, in
    this graph and in those inside it. Takes time about linear in the number of nodes.
    """
    return _planned(graph, reuse, {}, orders)


def _planned(graph: Graph, reuse: bool, seen: Mapping[str, Computed], orders: Orders) -> Plan:
    chosen = orders(graph)
    sources = trace_sources(graph, seen, chosen)
    ending = plan_ending(graph, sources) if reuse else Ending()
    order = running_order(graph, ending.nodes)
    kept = [*graph.outputs, *graph.updates.values()]
    last = last_reads(graph, order, sources, kept)
    rooms = Rooms(graph, sources, last, ending, reuse, len(order))
    regions, scratch = {}, {}
    for step, name in enumerate(order):
        node = graph.nodes[name]
        if computes(node, sources):
            rooms.settle(step, node)
            if is_control(node):
                regions[name] = tuple(_region_plans(node, sources, reuse, orders))
                size = scratch_bytes(node, regions[name])
                scratch[name] = rooms.new(name, size, Lifetime(step, step))
    end = Lifetime(len(order), len(order))
    staged = {
        leaf: rooms.new(leaf, value_bytes(graph.nodes[leaf].type), end)
        for leaf in staged_updates(graph, sources, ending)
    }
    buffers, arena = rooms.placed()
    inner = [plan for plans in regions.values() for plan in plans]
    return Plan(
        graph, order, _lifetimes(graph, order, sources, last), buffers, arena, rooms.unplanned,
        sum(value_bytes(node.type) for node in graph if node.op in LEAVES),
        fixed_bytes(graph) + sum(plan.fixed_bytes for plan in inner),
        max((_workspace(node, graph, regions.get(node.name, ())) for node in graph), default=0),
        sources, rooms.homes, ending, staged, scratch, regions, chosen,
    )  # fmt: skip


def _lifetimes(
    graph: Graph, order: tuple[str, ...], sources: Sources, last: Mapping[Slot, int]
) -> dict[str, Lifetime]:
    return {
        name: Lifetime(step, max(last[slot] for slot in sources.slots[name]))
        for step, name in enumerate(order)
        if computes(graph.nodes[name], sources) and sources.slots[name]
    }


def _workspace(node: Node, graph: Graph, inner: tuple[Plan, ...]) -> int:
    """Bytes of scratch memory that an operator, or one inside its regions, takes for itself."""
    own = 0
    op = get_op(node.op)
    if type(op).workspace is not Op.workspace:
        types = [graph.nodes[name].type for name in node.inputs]
        own = op.workspace(node.type, *types, **node.attributes())  # type: ignore[assignment]
    return max([own, *(plan.workspace_bytes for plan in inner)])


# -- regions ----------------------------------------------------------------------------------


def loop_step(node: Node) -> Graph:
    """A loop's body as a step: its carries are leaves that the step updates, the rest is output."""
    body, carries = node.attr("body"), node.attr("carries")
    assert isinstance(body, Graph) and isinstance(carries, int)
    leaves = [leaf.name for leaf in body.leaves("input")][:carries]
    updates = dict(zip(leaves, body.outputs[:carries], strict=True))
    return replace(body, outputs=body.outputs[carries:], updates=updates)


def _region_plans(node: Node, sources: Sources, reuse: bool, orders: Orders) -> Iterator[Plan]:
    """The plans of a control node's regions; what they capture keeps its strides."""
    for region in node.regions:
        is_body = node.op != "cond" and region is node.attr("body")
        first = 1 if node.op == "cond" else _own_leaves(node)
        operands = node.inputs[first:]
        leaves = [leaf.name for leaf in region.leaves("input")]
        captured = leaves[len(leaves) - len(operands) :]
        seen = {leaf: sources.seen[n] for leaf, n in zip(captured, operands, strict=True)}
        yield _planned(loop_step(node) if is_body else region, reuse, seen, orders)


def _own_leaves(node: Node) -> int:
    """How many leaves of a loop's regions have memory of their own: carries and elements."""
    return sum(c for key, c in node.attrs if key in ("carries", "sequences"))  # type: ignore[misc]


def scan_leaves(node: Node) -> tuple[list[Node], list[Node]]:
    """The leaves of a scan's body that are carried, and those that take an element each turn."""
    if node.op != "scan":
        return [], []
    scan = ScanParts.of(node)
    carries, elements, _ = scan.split(scan.body.leaves("input"))
    return carries, elements


def scratch_bytes(node: Node, plans: tuple[Plan, ...]) -> int:
    """Bytes that a control node's regions run in: a second place for each carry of a scan, one for
    an element of each sequence, then one arena for all.
    """
    leaves = sum(aligned(value_bytes(leaf.type)) for part in scan_leaves(node) for leaf in part)
    return leaves + max(plan.arena_bytes for plan in plans)
