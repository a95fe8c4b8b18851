"""Updates that can be written straight into the leaf they update.

All writing into leaves is left to the end of a step, so that a step that is stopped half way leaves
them as they were. An elementwise update of a large leaf then needs no memory of its own: it runs
when all other readers of the leaf have run, with the leaf itself as its result.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush

from graphflow.ir.graph import LEAVES, Graph, Node
from graphflow.ir.types import TupleType, ValueType, tensors
from graphflow.ops.elementwise import Elementwise
from graphflow.ops.fused import Fused, may_replace
from graphflow.ops.op import Array, get_op
from graphflow.schedule.liveness import Slot, Sources, is_fixed, readers
from graphflow.schedule.views import nbytes

SMALL = 4096
"""Bytes below which a copy costs nothing."""
REACH = 256
"""How many nodes may depend on an update for it to be left to the end."""


@dataclass(frozen=True)
class Ending:
    """The last part of a step: ``direct`` maps results to the leaf they are written into.

    ``nodes`` are all nodes that run there, in order: updates, what depends on them, and elementwise
    work that only they need.
    """

    direct: Mapping[Slot, str] = field(default_factory=dict)
    nodes: tuple[str, ...] = ()


def plan_ending(graph: Graph, sources: Sources) -> Ending:
    """Choose the updates to be written straight into their leaves, and order the step's end."""
    return _Chooser(graph, sources).ending()


def is_elementwise(node: Node) -> bool:
    """Whether a result may take the memory of an operand of its type."""
    return isinstance(get_op(node.op), Elementwise | Fused)


class _Chooser:
    def __init__(self, graph: Graph, sources: Sources) -> None:
        self.graph, self.sources = graph, sources
        self.readers = readers(graph, sources)
        self.direct: dict[Slot, str] = {}
        self.writer: dict[str, str] = {}
        self.members: set[str] = set()
        self.views_of: dict[str, list[str]] = {}
        for name in graph.nodes:
            if name in sources.views:
                self.views_of.setdefault(sources.slots[name][0][0], []).append(name)
        values = [v for leaf, v in graph.updates.items() if v != leaf]
        self.kept = {s for name in (*graph.outputs, *values) for s in sources.slots[name]}

    def ending(self) -> Ending:
        taken = Counter(self.graph.updates.values())
        for leaf, value in self.graph.updates.items():
            if taken[value] == 1 and self.suits(leaf, value):
                slot = self.sources.slots[value][0]
                reached = self.depending_on(slot[0])
                others = set(self.readers.get((leaf, 0), ())) - {slot[0]}
                if reached is not None and reached.isdisjoint(others):
                    self.direct[slot] = leaf
                    self.writer[leaf] = slot[0]
                    self.members |= reached
        self.add_needed()
        return Ending(self.direct, self.in_order())

    def suits(self, leaf: str, value: str) -> bool:
        """Whether the update may be written over the leaf, which it reads in place, if at all."""
        if value in self.sources.views and self.graph.nodes[value].op != "item":
            return False
        slot = name, part = self.sources.slots[value][0]
        node, own = self.graph.nodes[name], self.graph.nodes[leaf]
        return (
            node.op not in LEAVES
            and slot not in self.direct
            and (is_elementwise(node) or self.writes_over(node, leaf))
            and tensors(node.type)[part] == own.type
            and value_bytes(own.type) >= SMALL
            and (leaf, 0) not in self.kept
            and overwrites(self.sources, node, part, (leaf, 0))
        )

    def writes_over(self, node: Node, leaf: str) -> bool:
        """Whether the operator changes parts of its first operand, which alone sees the leaf."""
        seen = [(leaf, 0) in self.sources.slots[name] for name in node.inputs]
        return get_op(node.op).in_place and seen[0] and not any(seen[1:])

    def depending_on(self, value: str) -> set[str] | None:
        """Everything that must run after ``value``: elementwise and few, or None."""
        reached = {value}
        stack = [value]
        while stack:
            for name in self.after(stack.pop()):
                if name in reached:
                    continue
                if len(reached) > REACH or not self.is_plain(name):
                    return None
                reached.add(name)
                stack.append(name)
        return reached

    def after(self, name: str) -> list[str]:
        """The readers of a node, and updates that overwrite a leaf it reads."""
        found = self.read_by(name)
        read = {s[0] for n in self.graph.nodes[name].inputs for s in self.sources.slots[n]}
        return found + [self.writer[leaf] for leaf in read if leaf in self.writer]

    def read_by(self, name: str) -> list[str]:
        """The readers of any of a node's results."""
        return [reader for slot in self.slots(name) for reader in self.readers.get(slot, ())]

    def slots(self, name: str) -> list[Slot]:
        return [(name, part) for part in range(len(tensors(self.graph.nodes[name].type)))]

    def is_plain(self, name: str) -> bool:
        node = self.graph.nodes[name]
        return is_elementwise(node) and not isinstance(node.type, TupleType)

    def add_needed(self) -> None:
        """Elementwise work that only the end needs, where waiting for it keeps nothing larger."""
        for node in reversed(list(self.graph)):
            read = self.read_by(node.name)
            if (
                node.name not in self.members
                and node.name not in self.sources.views
                and node.op not in LEAVES
                and self.kept.isdisjoint(self.slots(node.name))
                and self.is_plain(node.name)
                and read
                and self.members.issuperset(read)
                and self.large_operands(node) <= value_bytes(node.type)
            ):
                self.members.add(node.name)

    def large_operands(self, node: Node) -> int:
        """Bytes of computed values that the node reads, small ones left out."""
        slots = {s for name in node.inputs for s in self.sources.slots[name]}
        total = 0
        for name, part in slots:
            operand = self.graph.nodes[name]
            if operand.op not in LEAVES and not is_fixed(operand):
                size = nbytes(tensors(operand.type)[part])
                total += size if size >= SMALL else 0
        return total

    def in_order(self) -> tuple[str, ...]:
        """The members in the graph's order, but every reader of a leaf before its update."""
        position = {name: i for i, name in enumerate(self.graph.nodes)}
        following: dict[str, list[str]] = {name: [] for name in self.members}
        waiting = dict.fromkeys(self.members, 0)
        for name in self.members:
            for later in dict.fromkeys(self.after(name)):
                if later in waiting and later != name:
                    following[name].append(later)
                    waiting[later] += 1
        names = list(position)
        ready = [position[name] for name, count in waiting.items() if not count]
        heapify(ready)
        order = []
        while ready:
            name = names[heappop(ready)]
            order.append(name)
            for later in following[name]:
                waiting[later] -= 1
                if not waiting[later]:
                    heappush(ready, position[later])
        return tuple(n for name in order for n in (name, *self.views_of.get(name, ())))


def overwrites(sources: Sources, node: Node, part: int, slot: Slot) -> bool:
    """Whether a result may be written over a slot as far as the node's own operands go.

    Each that sees the slot sees all of it, element for element as the result does, and is read no
    more where it is written over.
    """
    seen = sources.seen[node.name]
    result = seen[part] if isinstance(seen, tuple) else seen
    return all(
        same_place(sources, name, result) and (node.op != "fused" or may_replace(node, part, i))
        for i, name in enumerate(node.inputs)
        if slot in sources.slots[name]
    )


def same_place(sources: Sources, name: str, other: Array) -> bool:
    """Whether ``name`` lies in memory, element for element, as another array does."""
    seen = sources.seen[name]
    assert isinstance(seen, Array)
    return (seen.shape, seen.strides, seen.dtype) == (other.shape, other.strides, other.dtype)


def value_bytes(type: ValueType) -> int:
    """Bytes of a value of one or several tensors."""
    return sum(nbytes(t) for t in tensors(type))
