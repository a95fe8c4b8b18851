"""A training step in stages: a pure pass that cuts forward and backward into graphs for workers.

Forward is cut where the order of its nodes is cut, so that every stage reads what earlier ones
made. Backward goes the way back: what differentiates a node stands in the stage of that node.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate, pairwise
from math import prod

from graphflow.diagnostics import fail
from graphflow.distributed.balance import balanced
from graphflow.distributed.dealing import keys, update_of
from graphflow.distributed.gradient_graph import GradientGraph
from graphflow.ir.graph import LEAVES, Graph, Node, Origin
from graphflow.ir.types import DType, TensorType, TupleType, tensors, type_symbols
from graphflow.ops.builder import Builder
from graphflow.ops.op import get_op
from graphflow.passes import specialise
from graphflow.passes.modes import resolve_modes
from graphflow.runtime.work import node_seconds
from graphflow.schedule.views import concrete_shape
from graphflow.training.step_graph import StepGraph

WEIGHT = "pipeline.weight"
"""The input of backward that says which part of a batch's rows a micro-batch has."""


@dataclass(frozen=True)
class Piece:
    """Forward or backward of one stage. ``passes`` maps the numbers of later pieces to the values
    of this one that they read, which are inputs there.
    """

    graph: Graph
    passes: Mapping[int, tuple[str, ...]]
    given: frozenset[str]
    outputs: tuple[str, ...]

    @property
    def leaves(self) -> dict[str, TensorType]:
        """All parameters and states that it reads or writes."""
        found = [*self.graph.leaves("parameter"), *self.graph.leaves("state")]
        return {leaf.name: leaf.tensor for leaf in found}

    @property
    def fed(self) -> frozenset[str]:
        """The inputs of the file that it reads."""
        return frozenset(n.name for n in self.graph.leaves("input")) - self.given - {WEIGHT}


@dataclass(frozen=True)
class Stages:
    """A step in ``count`` stages, of ``2 count`` pieces: forward of the first stage to that of the
    last, then backward of the last to that of the first. ``owners`` maps parameters, states and the
    sums of gradients to the stage that has them; ``updates`` make the new values of those,
    ``common`` that of states which all stages may read. ``outputs`` maps a step's to what stands
    for them here. ``seconds`` is about how long each stage computes for a micro-batch, ``concrete``
    the step on one.
    """

    count: int
    pieces: tuple[Piece, ...]
    owners: Mapping[str, int]
    updates: tuple[Graph, ...]
    common: Graph
    outputs: Mapping[str, str]
    seconds: tuple[float, ...]
    concrete: Graph

    @classmethod
    def of(
        cls, step: StepGraph, sizes: Mapping[str, int], count: int, dtype: DType = DType.FLOAT32
    ) -> Stages:
        """Cut a step whose update is a graph of its own, for micro-batches of these sizes. By the
        cost model the slowest stage takes at most a tenth more than it must, and of such cuts it is
        the one over which forward passes the fewest bytes.

        Raises GF044 where there are fewer nodes than stages, and where a state would be read in one
        stage and made in a later one, or an update needs what lies in several.
        """
        return _Cutting(step, sizes, count, dtype).made()

    def stage(self, piece: int) -> int:
        """The stage that a piece is of."""
        return min(piece, 2 * self.count - 1 - piece)

    def bytes_over(self, cut: int) -> tuple[int, int]:
        """Bytes of one micro-batch that pass between the stages up to ``cut``, counted from 0, and
        those after it: in forward, and in backward.
        """
        ways = [0, 0]
        for number, piece in enumerate(self.pieces):
            for other, names in piece.passes.items():
                low, high = sorted((self.stage(number), self.stage(other)))
                if low <= cut < high:
                    way = int(self.stage(other) < self.stage(number))
                    ways[way] += sum(_bytes(self.concrete.nodes[name]) for name in names)
        return ways[0], ways[1]

    def nodes_of(self, stage: int) -> int:
        """How many nodes of the step a stage computes, forward and backward."""
        pieces = (self.pieces[stage], self.pieces[2 * self.count - 1 - stage])
        computed = {node.name for piece in pieces for node in piece.graph if node.inputs}
        return len(computed & self.concrete.nodes.keys())

    def bytes_kept(self, stage: int) -> tuple[int, int]:
        """Bytes of the parameters of a stage, and of all that it keeps from step to step: with sums
        of gradients and what the optimizer keeps.
        """
        graphs = [self.concrete, *self.updates]
        known = {n.name: n for graph in graphs for n in graph if n.op in ("parameter", "state")}
        mine = [known[n] for n, number in self.owners.items() if number == stage and n in known]
        return sum(_bytes(n) for n in mine if n.op == "parameter"), sum(map(_bytes, mine))

    def bubble(self, micro_batches: int) -> float:
        """The part of its time that a stage waits while a batch fills the stages and drains:
        (K - 1) / (M + K - 1).
        """
        return (self.count - 1) / (micro_batches + self.count - 1)


class _Cutting:
    """A step being cut. ``slots`` maps nodes to the number of their piece."""

    def __init__(
        self, step: StepGraph, sizes: Mapping[str, int], count: int, dtype: DType
    ) -> None:
        assert step.update is not None
        whole = in_training(step.graph)
        known = GradientGraph.of(whole, step.sums)
        self.graph, self.count, self.reported = known.graph, count, whole.outputs
        self.sums = {n: v for n, v in known.gradients.items() if n != step.gathered}
        self.step, self.update = step, step.update
        self.groups = keys(step.update, self.sums)
        touched = {leaf for group in self.groups for leaf in group}
        self.common = [name for name in step.update.updates if name not in touched]
        self.concrete = specialise(self.graph, sizes, dtype, training=True)
        self.free = _free(self.graph)
        self.slots: dict[str, int] = {}
        self.owners: dict[str, int] = {}

    def made(self) -> Stages:
        """The stages."""
        self._place_forward()
        self._place_backward()
        self._own_leaves()
        self._own_update()
        pieces = tuple(map(self._piece, range(2 * self.count)))
        seconds = [0.0] * self.count
        for name, slot in self.slots.items():
            seconds[self._stage(slot)] += self._seconds(name)
        updates = tuple(
            update_of(self.update, [n for n in self._own(k) if n in self.update.updates])
            for k in range(self.count)
        )
        outputs = dict(zip(self.step.graph.outputs, self.reported, strict=True))
        return Stages(self.count, pieces, self.owners, updates, update_of(self.update, self.common),
                      outputs, tuple(seconds), self.concrete)  # fmt: skip

    def _own(self, stage: int) -> list[str]:
        """The leaves of a stage."""
        return [name for name, number in self.owners.items() if number == stage]

    def _stage(self, slot: int) -> int:
        return min(slot, 2 * self.count - 1 - slot)

    def _seconds(self, name: str) -> float:
        return node_seconds(self.concrete, self.concrete.nodes[name])

    @cached_property
    def _computed(self) -> list[Node]:
        """The nodes that belong to one piece: no leaves, and not what follows from none, which
        every piece makes that reads it.
        """
        return [n for n in self.graph if n.op not in LEAVES and n.name not in self.free]

    def _twin(self, name: str) -> str:
        return self.graph.origin(name).twin or ""

    def _place_forward(self) -> None:
        """Forward nodes go to stages by their order; results of one node stay with it."""
        needed = self.graph.needed_for((*self.reported, *self.graph.updates.values()))
        order = [node for node in self._computed if node.name in needed]
        places = {node.name: place for place, node in enumerate(order)}
        begins = self._begins(places)
        if len(begins) < self.count:
            fail("GF044", f"{self.count} stages need a part of forward each, and it can be cut "
                 f"into {len(begins)}",
                 help=f"--pipeline {max(1, len(begins))}, or less")  # fmt: skip
        costs, passed = [0.0] * len(order), self._passed(places)
        for node in self._computed:
            place = places.get(node.name, places.get(self._twin(node.name)))
            if place is not None:
                costs[place] += self._seconds(node.name)
        ends = [*begins[1:], len(order)]
        parts = [sum(costs[a:b]) for a, b in zip(begins, ends, strict=True)]
        bounds = balanced(parts, [*(passed[p] for p in begins), 0], self.count)
        for stage, (start, end) in enumerate(pairwise(bounds)):
            for node in order[begins[start] : ends[end - 1]]:
                self.slots[node.name] = self._with_results(node, stage)

    def _begins(self, places: Mapping[str, int]) -> list[int]:
        """The places at which a stage can begin: none between the first reader of a state and what
        this becomes, which the next micro-batch reads.
        """
        within = set[int]()
        for leaf, value in self.graph.updates.items():
            read = [places[n] for n in self.graph.consumers[leaf] if n in places]
            if read and value in places:
                within |= set(range(min(read) + 1, places[value] + 1))
        return [place for place in range(len(places)) if place not in within]

    def _passed(self, places: Mapping[str, int]) -> list[int]:
        """The bytes of the values that are made before each place and read from there on."""
        passed = [0] * (len(places) + 1)
        for name, place in places.items():
            readers = self.graph.consumers[name]
            last = max((places[n] for n in readers if n in places), default=place)
            size = _bytes(self.concrete.nodes[name])
            passed[place + 1] += size
            passed[last + 1] -= size
        return list(accumulate(passed))

    def _place_backward(self) -> None:
        """Backward nodes go to the stage of what they differentiate, or to the later piece in which
        the last of what they read is made; a sum of gradients goes there at once.
        """
        for node in self._computed:
            if node.name in self.slots:
                continue
            read = [self.slots[n] for n in node.inputs if n in self.slots]
            is_sum = len(read) > 1 and min(read) >= self.count
            twin = self._stage(self.slots.get(self._twin(node.name), self.count - 1))
            own = self.count if is_sum else 2 * self.count - 1 - twin
            self.slots[node.name] = self._with_results(node, max([own, *read]))

    def _with_results(self, node: Node, slot: int) -> int:
        """The piece of a node; what takes one of several results stands with who has them."""
        several = [n for n in node.inputs if isinstance(self.graph.nodes[n].type, TupleType)]
        return next((self.slots[n] for n in several if n in self.slots), slot)

    def _own_leaves(self) -> None:
        """A leaf is with the first stage that reads it."""
        for node in (*self.graph.leaves("parameter"), *self.graph.leaves("state")):
            if node.name not in self.common and not self._is_fed(node):
                readers = (*self.graph.consumers[node.name], self.graph.updates.get(node.name))
                found = [self._stage(self.slots[n]) for n in readers if n in self.slots]
                self.owners[node.name] = min(found, default=0)
        for leaf, value in self.graph.updates.items():
            made = self._home(value)
            if made is not None and made > self.owners[leaf]:
                fail("GF044", f"the state '{leaf}' is read in one stage, and what it becomes is "
                     "made in a later one", self.graph.origin(leaf).mark,
                     help="another number of stages, or leave out --pipeline")  # fmt: skip

    def _is_fed(self, node: Node) -> bool:
        """Whether a leaf has a row for each of a batch, and no micro-batch changes it."""
        return node.name not in self.graph.updates and bool(type_symbols(node.type))

    def _own_update(self) -> None:
        """What an optimizer keeps of a parameter, and the sum of its gradients, is with it."""
        for group in self.groups:
            there = {self.owners[leaf] for leaf in group if leaf in self.owners}
            if len(there) > 1:
                names = [n for n in group if self.update.nodes[n].op == "parameter"]
                rest = f" and {len(names) - 3} more" if len(names) > 3 else ""
                fail("GF044", f"the update of {', '.join(names[:3])}{rest} needs all of these at "
                     "one place, and stages have some each",
                     help="clip_norm needs the gradients of all, as an optimizer does that sees "
                     "parameters as one vector; clip_value does not")  # fmt: skip
            self.owners |= dict.fromkeys(group, min(there, default=0))

    def _home(self, name: str) -> int | None:
        """The piece that makes a value, or has a leaf in forward; None where every piece has it."""
        return self.slots[name] if name in self.slots else self.owners.get(name)

    def _is_given(self, name: str, slot: int) -> bool:
        """Whether a piece has to be given a value. A parameter is there in backward of its stage;
        a state that moves in the meantime is not.
        """
        home = self._home(name)
        fixed = name in self.owners and name not in self.graph.updates
        return home not in (None, slot) and not (fixed and self._stage(slot) == home)

    def _gradients(self, slot: int) -> dict[str, str]:
        """The gradients that a piece adds up, by the leaf that holds the sum."""
        return {
            leaf: value for leaf, value in self.sums.items()
            if 2 * self.count - 1 - self.owners[leaf] == slot
        }  # fmt: skip

    def _updates(self, slot: int) -> dict[str, str]:
        """The states that a piece gives new values."""
        return {n: value for n, value in self.graph.updates.items() if self.owners[n] == slot}

    @cached_property
    def _given(self) -> list[list[str]]:
        """By piece, the values of others that it reads."""
        reads: list[dict[str, None]] = [{} for _ in range(2 * self.count)]
        for name, slot in self.slots.items():
            reads[slot] |= dict.fromkeys(self.graph.nodes[name].inputs)
        for slot, found in enumerate(reads):
            found |= dict.fromkeys((*self._gradients(slot).values(), *self._updates(slot).values()))
        return [[n for n in found if self._is_given(n, slot)] for slot, found in enumerate(reads)]

    def _passes(self, slot: int) -> dict[int, tuple[str, ...]]:
        """What later pieces read of this one. A stage that reads it in backward, too, or in that
        alone, is given it in forward, where it can, and keeps it.
        """
        found: dict[int, dict[str, None]] = {}
        for other, names in enumerate(self._given):
            to = self._stage(other) if slot < self._stage(other) else other
            if mine := dict.fromkeys(name for name in names if self._home(name) == slot):
                found[to] = found.get(to, {}) | mine
        return {to: tuple(names) for to, names in found.items()}

    def _piece(self, slot: int) -> Piece:
        """One piece."""
        given, passes = frozenset(self._given[slot]), self._passes(slot)
        outputs = tuple(n for n in self.reported if (self._home(n) or 0) == slot)
        roots = tuple(dict.fromkeys((*outputs, *(n for names in passes.values() for n in names))))
        nodes = {
            name: Node("input", (), (), node.type, name) if name in given else node
            for name, node in self.graph.nodes.items()
        }
        cut = Graph(nodes, roots, self._updates(slot), origins=self.graph.origins)
        made = _added_up(cut, self._gradients(slot), self.step.states)
        return Piece(made.restricted_to(made.needed_for((*made.roots(), *made.updates))), passes,
                     given, outputs)  # fmt: skip


def in_training(graph: Graph) -> Graph:
    """What a step computes in training; a state that stays as it is there is not in it."""
    found = resolve_modes(graph, training=True)
    moved = {leaf: value for leaf, value in found.updates.items() if value != leaf}
    found = replace(found, updates=moved)
    return found.restricted_to(found.needed_for((*found.roots(), *moved)))


def _added_up(graph: Graph, gradients: Mapping[str, str], types: Mapping[str, TensorType]) -> Graph:
    """With the weighted gradients of a micro-batch added to those before it."""
    if not gradients:
        return graph
    builder, updates = Builder(graph), dict(graph.updates)
    with builder.within("pipeline", Origin(phase="update")):
        weight = builder.input(WEIGHT, TensorType(DType.FLOAT))
        for leaf, value in gradients.items():
            total = builder.leaf("state", leaf, types[leaf])
            updates[leaf] = (total + builder.value(value) * weight).name
    return builder.graph(graph.outputs, updates)


def _free(graph: Graph) -> set[str]:
    """The nodes that follow from no leaf."""
    found = set[str]()
    for node in graph:
        random = node.op not in LEAVES and get_op(node.op).random
        if node.op not in LEAVES and not random and found.issuperset(node.inputs):
            found.add(node.name)
    return found


def _bytes(node: Node) -> int:
    return sum(prod(concrete_shape(t)) * t.dtype.itemsize for t in tensors(node.type))

