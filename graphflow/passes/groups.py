"""Which nodes can be computed in one go: the same space, and no way out of the group and back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import prod

from graphflow.ir.dims import Shape
from graphflow.ir.graph import LEAVES, ArrayLiteral, Graph, Node, Phase
from graphflow.ir.types import DType, TensorType, TupleType
from graphflow.ops.elementwise import Elementwise
from graphflow.ops.fused import (
    GATHERS,
    POWERS,
    REDUCTIONS,
    is_free,
    reduced_axes,
    rows_of,
    squeezed,
)
from graphflow.ops.op import get_op

Fusable = Callable[[Node, Sequence[TensorType]], bool]
"""Whether kernels have loops for an elementwise node, or sums for a reduction, of these types."""
Space = tuple[int, ...]
FLOATS = frozenset({DType.FLOAT32, DType.FLOAT64})
ARRAYS, NODES = 24, 96
"""The most arrays that a group reads and writes, and the most nodes in it."""
LONG, FEW, LITTLE = 1 << 16, 8, 1 << 14
"""A row has at most so many elements; fewer rows than so many only where there is little work."""
PARTS = 1 << 18
"""Elements of the largest sum over rows: each thread has one of its own."""


@dataclass(eq=False)
class Group:
    """Nodes to be computed together. ``number`` is a bit, ``before`` all that must run earlier."""

    number: int
    nodes: dict[str, None]
    space: Space
    tail: int
    phase: Phase
    reads: int = 0
    before: int = 0
    bits: int = field(init=False)

    def __post_init__(self) -> None:
        self.bits = 1 << self.number

    @property
    def size(self) -> int:
        """Points of the space."""
        return prod(self.space)


def grouped(graph: Graph, fusable: Fusable, phases: bool) -> Groups:
    """The groups of a concrete graph; with ``phases`` none holds nodes of several phases."""
    groups = Groups(graph, fusable, phases)
    for node in graph:
        groups.place(node)
    groups.join_readers()
    return groups


class Groups:
    """Nodes, each in a group of its own or with others; views of other shapes are in none."""

    def __init__(self, graph: Graph, fusable: Fusable, phases: bool) -> None:
        self.graph, self.fusable, self.phases = graph, fusable, phases
        self.position = {name: i for i, name in enumerate(graph.nodes)}
        self.of: dict[str, Group] = {}
        self.live: dict[int, Group] = {}
        self.roots = set(graph.roots())
        self._behind: dict[str, str] = {}

    def all(self) -> list[Group]:
        """The groups of nodes that have loops."""
        return [group for group in self.live.values() if group.nodes]

    # -- kinds of nodes ------------------------------------------------------------------------
    def tensor(self, name: str) -> TensorType:
        return self.graph.nodes[name].tensor

    def written_in(self, node: Node) -> list[str]:
        """The operands that are numbers to be known when loops are written: exponents."""
        return [node.inputs[1]] if node.op == "pow" else []

    def space(self, node: Node) -> tuple[Space, int] | None:
        """What a node runs through, and how much of it must be a row; None if it has no loops."""
        if isinstance(node.type, TupleType) or node.op in LEAVES or not node.inputs:
            return None
        types = [self.graph.nodes[n].type for n in node.inputs]
        operands = [t for t in types if isinstance(t, TensorType)]
        if len(operands) < len(types):
            return None
        shape, tail = node.tensor.shape, 0
        if node.op in REDUCTIONS:
            if not self.is_summed(node, operands[0]):
                return None
            shape = operands[0].shape
        elif node.op in GATHERS:
            tail = 1
            if not self.is_gathered(node, operands):
                return None
            shape = operands[0].shape if node.op == "take_along_axis" else shape
        elif not self.is_mapped(node, operands):
            return None
        found = sizes(squeezed(shape))
        return (found, tail) if 0 not in found and len(found) >= tail else None

    def is_mapped(self, node: Node, operands: list[TensorType]) -> bool:
        op = get_op(node.op)
        if not (isinstance(op, Elementwise) or node.op == "cast"):
            return False
        if node.op == "pow":
            exponent = self.graph.nodes[node.inputs[1]]
            if exponent.op != "constant" or isinstance(exponent.attr("value"), ArrayLiteral):
                return False
            return exponent.attr("value") in POWERS and self.fusable(node, operands)
        return self.fusable(node, operands)

    def is_summed(self, node: Node, operand: TensorType) -> bool:
        counted = node.op == "sum" and node.tensor.dtype is DType.INT64
        space, axes = sizes(squeezed(operand.shape)), reduced_axes(node, operand)
        few = prod(sizes(node.tensor.shape)) <= PARTS
        fits = few or self.row_of(node, space) > 0
        known = node.tensor.dtype in FLOATS or counted or self.is_narrow_sum(node, operand)
        return known and bool(axes) and fits

    def is_narrow_sum(self, node: Node, operand: TensorType) -> bool:
        """Whether bfloat16 is reduced, by kernels that have it in memory."""
        return node.tensor.dtype is DType.BFLOAT16 and self.fusable(node, [operand])

    def is_gathered(self, node: Node, operands: list[TensorType]) -> bool:
        """Whether there is one position for each row."""
        value, places = operands
        whole = value.shape if node.op == "take_along_axis" else node.tensor.shape
        last = len(whole) - 1
        single = (*whole[:-1], 1)
        beside = node.tensor.shape if node.op == "take_along_axis" else value.shape
        known = value.dtype in FLOATS and node.attr("axis") == last and whole[-1] != 1
        return known and places.shape == beside == single

    # -- making groups -------------------------------------------------------------------------
    def place(self, node: Node) -> None:
        """Give a node a group of its own, and join it with those it reads where that can be."""
        if is_free(self.graph, node) or node.op in LEAVES:
            return
        own = self.space(node)
        space, tail = own or ((), 0)
        phase = self.graph.origin(node.name).phase
        members = {node.name: None} if own else {}
        group = Group(self.position[node.name], members, space, tail, phase)
        for operand in node.inputs:
            giver = self.of.get(self.behind(operand))
            if giver is not None:
                group.reads |= giver.bits
                group.before |= giver.before | giver.bits
        self.of[node.name] = group
        self.live[id(group)] = group
        if own:
            for operand in node.inputs:
                giver = self.of.get(self.behind(operand))
                if giver is not None and giver.nodes:
                    self.join(giver, self.of[node.name])

    def behind(self, name: str) -> str:
        """The node whose value is seen, through views in other shapes."""
        if name not in self._behind:
            node = self.graph.nodes[name]
            self._behind[name] = self.behind(node.inputs[0]) if is_free(self.graph, node) else name
        return self._behind[name]

    def join_readers(self) -> None:
        """Groups that read the same large value go through it once."""
        readers: dict[str, list[str]] = {}
        for name, group in self.of.items():
            if not group.nodes:
                continue
            for operand in self.graph.nodes[name].inputs:
                source = self.behind(operand)
                large = self.single(source) and prod(sizes(self.tensor(source).shape)) >= group.size
                if large and self.of.get(source) is not group:
                    readers.setdefault(source, []).append(name)
        for names in readers.values():
            for first, second in pairwise(names):
                self.join(self.of[first], self.of[second])

    def single(self, name: str) -> bool:
        return isinstance(self.graph.nodes[name].type, TensorType)

    def join(self, first: Group, second: Group) -> bool:
        """Make one group of two, if that can be; whether it could."""
        if first is second or (self.phases and first.phase != second.phase):
            return False
        shape = self.common(first, second)
        if shape is None or self.leads_back(first, second) or self.leads_back(second, first):
            return False
        nodes = {**first.nodes, **second.nodes}
        if len(nodes) > NODES or self.arrays(nodes) > ARRAYS:
            return False
        self.unite(first, second, nodes, shape)
        return True

    def common(self, first: Group, second: Group) -> tuple[Space, int] | None:
        """The space of two groups together, and what is a row in it."""
        large, small = sorted((first, second), key=lambda g: -len(g.space))
        tails = {first.tail, second.tail} - {0}
        depth = len(large.space) - len(small.space)
        links = list(self.links(first, second))
        for node in links:
            if node.op in REDUCTIONS:
                tails.add(self.row_of(node, large.space))
        if depth:
            if small.space != large.space[:-depth] or small.tail or tails != {depth}:
                return None
        elif large.space != small.space or len(tails) > 1:
            return None
        tail = tails.pop() if tails else 0
        if tail and not self.is_row(large.space, tail):
            return None
        return large.space, tail

    def links(self, first: Group, second: Group) -> Iterator[Node]:
        """The nodes of one group that the other reads."""
        for group, other in ((first, second), (second, first)):
            for name in group.nodes:
                for operand in self.graph.nodes[name].inputs:
                    source = self.behind(operand)
                    if source in other.nodes:
                        yield self.graph.nodes[source]

    def row_of(self, node: Node, space: Space) -> int:
        """How many axes at the end of the space a reduction takes away; -1 if it is others."""
        operand = self.tensor(node.inputs[0])
        axes = reduced_axes(node, operand)
        last = range(len(space) - len(axes), len(space))
        return len(axes) if squeezed(operand.shape) == space and axes == tuple(last) else -1

    def is_row(self, space: Space, tail: int) -> bool:
        if not 0 < tail <= len(space):
            return False
        rows, length = rows_of(space, tail)
        return length <= LONG and (rows >= FEW or rows * length <= LITTLE)

    def leads_back(self, first: Group, second: Group) -> bool:
        """Whether a path leads out of ``first`` and into ``second`` through other nodes."""
        between = second.reads & ~first.bits & ~second.bits
        return bool(second.before & first.bits) and any(
            group.before & first.bits for group in self.live.values() if group.bits & between
        )

    def arrays(self, nodes: dict[str, None]) -> int:
        """How many arrays the nodes read and write together."""
        operands = {o for n in nodes for o in self.graph.nodes[n].inputs}
        given = [o for o in operands if self.behind(o) not in nodes]
        taken = [n for n in nodes if n in self.roots or not nodes.keys() >= self.readers(n)]
        return len(given) + len(taken)

    def readers(self, name: str) -> set[str]:
        return set(self.graph.consumers[name])

    def unite(
        self, first: Group, second: Group, nodes: dict[str, None], shape: tuple[Space, int]
    ) -> None:
        bits = first.bits | second.bits
        first.nodes, (first.space, first.tail) = nodes, shape
        first.reads = (first.reads | second.reads) & ~bits
        first.before = (first.before | second.before) & ~bits
        first.bits = bits
        for name in second.nodes:
            self.of[name] = first
        del self.live[id(second)]
        for group in self.live.values():
            if group is not first and group.before & bits:
                group.before |= first.before | bits


def sizes(shape: Shape) -> Space:
    """The sizes of a concrete shape."""
    assert all(isinstance(d, int) for d in shape)
    return shape  # type: ignore[return-value]
