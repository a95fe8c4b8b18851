"""Which memory a value lives in, and how long it is needed there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from graphflow.ir.graph import LEAVES, Graph, Node
from graphflow.ir.types import TupleType, tensors
from graphflow.ops.evaluate import Computed
from graphflow.schedule.views import UNIFORM, Order, stand_in, uniform_stand_in, view

Slot = tuple[str, int]
"""One result of one node: the node's name and the number of the result."""


@dataclass(frozen=True)
class Sources:
    """For every node the slots that its values lie in, and their shapes and strides.

    A view lies in the slots of its operand, any other node in slots of its own.
    """

    slots: Mapping[str, tuple[Slot, ...]]
    seen: Mapping[str, Computed]
    views: frozenset[str]


def trace_sources(
    graph: Graph, given: Mapping[str, Computed], orders: Mapping[str, Order] = MappingProxyType({})
) -> Sources:
    """Follow views through ``graph``. ``given`` tells strides of leaves that are not row by row,
    ``orders`` in which order of its axes a computed value lies in memory.
    """
    slots: dict[str, tuple[Slot, ...]] = {}
    seen: dict[str, Computed] = {}
    views: set[str] = set()
    for node in graph:
        seeing = view(node, seen[node.inputs[0]]) if len(node.inputs) == 1 else None
        if seeing is None:
            slots[node.name] = tuple((node.name, i) for i in range(len(tensors(node.type))))
            seen[node.name] = given[node.name] if node.name in given else _fresh(node, orders)
        else:
            views.add(node.name)
            slots[node.name] = _seen_slots(node, slots[node.inputs[0]])
            seen[node.name] = seeing
    return Sources(slots, seen, frozenset(views))


def _fresh(node: Node, orders: Mapping[str, Order]) -> Computed:
    if node.op in UNIFORM:
        return uniform_stand_in(node.tensor)
    return stand_in(node.type, orders.get(node.name))


def _seen_slots(node: Node, operand: tuple[Slot, ...]) -> tuple[Slot, ...]:
    if node.op == "item":
        index = node.attr("index")
        assert isinstance(index, int)
        return (operand[index],)
    return operand * len(tensors(node.type))


def is_fixed(node: Node) -> bool:
    """Whether a node is an array that never changes: it reads nothing and is no leaf."""
    return not node.inputs and node.op not in LEAVES and not isinstance(node.type, TupleType)


def last_reads(
    graph: Graph, order: Sequence[str], sources: Sources, kept: Iterable[str]
) -> dict[Slot, int]:
    """The last step at which each slot is read, through views too.

    A value that nothing reads is needed at its own step only; ``kept`` nodes until the end, which
    is the step after the last one.
    """
    last: dict[Slot, int] = {}
    for step, name in enumerate(order):
        if name in sources.views:
            continue
        for slot in sources.slots[name]:
            last[slot] = step
        for operand in graph.nodes[name].inputs:
            for slot in sources.slots[operand]:
                last[slot] = step
    for name in kept:
        for slot in sources.slots[name]:
            last[slot] = len(order)
    return last


def readers(graph: Graph, sources: Sources) -> dict[Slot, list[str]]:
    """For each slot the nodes that read it, directly or through views, in the graph's order."""
    found: dict[Slot, list[str]] = {}
    for node in graph:
        if node.name in sources.views:
            continue
        touched = dict.fromkeys(slot for operand in node.inputs for slot in sources.slots[operand])
        for slot in touched:
            found.setdefault(slot, []).append(node.name)
    return found
