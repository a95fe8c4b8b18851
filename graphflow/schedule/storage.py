"""What memory each result gets: a buffer of its own, a dying operand's, or a leaf's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from graphflow.ir.graph import LEAVES, Graph, Node
from graphflow.ir.types import tensors
from graphflow.schedule.liveness import Slot, Sources, is_fixed
from graphflow.schedule.memory import Lifetime, place
from graphflow.schedule.updates import Ending, is_elementwise, overwrites
from graphflow.schedule.views import UNIFORM, nbytes


@dataclass(frozen=True, slots=True)
class Buffer:
    """A part of the arena: ``owner`` is the first node that lives there."""

    owner: str
    nbytes: int
    lifetime: Lifetime
    offset: int


@dataclass
class Rooms:
    """Buffers under construction: who lives in which, and for how long."""

    graph: Graph
    sources: Sources
    last: Mapping[Slot, int]
    ending: Ending
    reuse: bool
    end: int
    owners: list[str] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    lifetimes: list[Lifetime] = field(default_factory=list)
    homes: dict[Slot, int] = field(default_factory=dict)
    unplanned: int = 0

    def new(self, owner: str, size: int, lifetime: Lifetime) -> int:
        """A further buffer; without reuse it is kept from the first step to the last."""
        self.owners.append(owner)
        self.sizes.append(size)
        self.lifetimes.append(lifetime if self.reuse else Lifetime(0, self.end))
        self.unplanned += size
        return len(self.owners) - 1

    def settle(self, step: int, node: Node) -> None:
        """Give every result of a node that computes its memory."""
        taken: set[int] = set()
        for part, type in enumerate(tensors(node.type)):
            slot = (node.name, part)
            if slot in self.ending.direct:
                continue
            lifetime = Lifetime(step, self.last[slot])
            home = self.inherited(step, node, part, taken) if self.reuse else None
            if home is None:
                self.homes[slot] = self.new(node.name, nbytes(type), lifetime)
            else:
                taken.add(home)
                self.homes[slot] = home
                self.lifetimes[home] = Lifetime(self.lifetimes[home].first, lifetime.last)
                self.unplanned += nbytes(type)

    def inherited(self, step: int, node: Node, part: int, taken: set[int]) -> int | None:
        """The buffer of an operand that dies here, where the result may be written over it."""
        if not is_elementwise(node):
            return None
        for name in node.inputs:
            (slot,) = self.sources.slots[name]
            free = slot in self.homes and self.homes[slot] not in taken
            if free and self.last[slot] == step and self.may_replace(node, part, slot):
                return self.homes[slot]
        return None

    def may_replace(self, node: Node, part: int, slot: Slot) -> bool:
        """Whether the result matches the slot, and no operand sees the slot in another way."""
        owner, at = slot
        own = tensors(node.type)[part].dtype
        if tensors(self.graph.nodes[owner].type)[at].dtype is not own:
            return False
        return overwrites(self.sources, node, part, slot)

    def placed(self) -> tuple[tuple[Buffer, ...], int]:
        """The buffers at their places, and the size of the arena."""
        offsets, size = place(self.sizes, self.lifetimes)
        rows = zip(self.owners, self.sizes, self.lifetimes, offsets, strict=True)
        return tuple(Buffer(*row) for row in rows), size


def fixed_bytes(graph: Graph) -> int:
    """Bytes of the values that are made once: constants, and creators of arrays."""
    return sum(
        node.tensor.dtype.itemsize if node.op in UNIFORM else nbytes(node.tensor)
        for node in graph
        if is_fixed(node)
    )


def computes(node: Node, sources: Sources) -> bool:
    """Whether a node runs: it is no leaf, no view, and not made once."""
    return node.op not in LEAVES and node.name not in sources.views and not is_fixed(node)


def staged_updates(graph: Graph, sources: Sources, ending: Ending) -> list[str]:
    """The updated leaves whose new value is seen in the memory of a leaf that is updated itself.

    Such a value is put aside before any leaf is written, so that a swap swaps.
    """
    return [
        leaf
        for leaf, value in graph.updates.items()
        if value != leaf
        and ending.direct.get(sources.slots[value][0]) != leaf
        and any(owner in graph.updates for owner, _ in sources.slots[value])
    ]
