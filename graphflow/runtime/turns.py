"""Scans whose turns are bound one by one, each to its own rows of what is read and collected.

A turn then reads elements where they lie, writes what it collects where that is to stay, and leaves
carries where the next turn looks for them: nothing is copied that can lie in place.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from graphflow.backends.base import Backend, Kernel
from graphflow.ops.op import Array
from graphflow.runtime.line import Binder
from graphflow.schedule.liveness import Slot
from graphflow.schedule.plan import Plan
from graphflow.schedule.storage import computes


@dataclass
class Turns:
    """The turns of a scan: its body, and what they are bound to.

    ``carries`` are two places for each carry, which turns take alternately: the first is the
    scan's result. ``elements`` are places for elements that do not lie row by row in theirs.
    """

    plan: Plan
    backend: Backend
    bind: Binder
    arena: Array
    starts: Sequence[Array]
    sequences: Sequence[Array]
    captured: Sequence[Array]
    stacks: Sequence[Array]
    carries: Sequence[tuple[Array, Array]]
    elements: Sequence[Array]

    def kernels(self, turns: Sequence[int]) -> list[Kernel]:
        """What runs, turn after turn, from the first values of the carries to the last."""
        places = [pair[len(turns) % 2] for pair in self.carries]
        found = self._copying(zip(places, self.starts, strict=True))
        for left, turn in zip(reversed(range(len(turns))), turns, strict=True):
            read = []
            for sequence, own in zip(self.sequences, self.elements, strict=True):
                row = sequence[turn, ...]
                if row.strides != own.strides:
                    found += self._copying([(own, row)])
                    row = own
                read.append(row)
            rows = [stack[turn, ...] for stack in self.stacks]
            free = [pair[left % 2] for pair in self.carries]
            places = self._turn(found, [*places, *read, *self.captured], rows, free)
        results = [last for last, _ in self.carries]
        found += self._copying((a, b) for a, b in zip(results, places, strict=True) if a is not b)
        return self.backend.joined(found)

    def _turn(
        self, kernels: list[Kernel], leaves: Sequence[Array], rows: Sequence[Array],
        free: Sequence[Array],
    ) -> list[Array]:  # fmt: skip
        """Bind one turn, which may write to ``rows`` and to ``free`` places for the carries; where
        the carries lie after it.
        """
        graph = self.plan.graph
        names = [leaf.name for leaf in graph.leaves("input")]
        given: dict[Slot, Array] = {}
        copied: list[tuple[str, Array]] = []
        for name, row in zip(graph.outputs, rows, strict=True):
            if not self._lies_in(name, row, given):
                copied.append((name, row))
        after = []
        for leaf, old, place in zip(names, leaves, free, strict=False):
            name = graph.updates[leaf]
            slot = self._slot(name, place)
            if name == leaf:
                after.append(old)
            elif slot is not None and slot in given:
                after.append(given[slot])
            else:
                after.append(place)
                if not self._lies_in(name, place, given):
                    copied.append((name, place))
        bound = dict(zip(names, leaves, strict=True))
        line = self.bind(self.backend, self.plan, bound, self.arena, given)
        kernels += [*line.kernels, *line.ending]
        kernels += self._copying((place, line.array(name)) for name, place in copied)
        return after

    def _lies_in(self, name: str, place: Array, given: dict[Slot, Array]) -> bool:
        """Whether a value will be computed straight into ``place``, which is then its own."""
        slot = self._slot(name, place)
        if slot is None or slot in given:
            return False
        given[slot] = place
        return True

    def _slot(self, name: str, place: Array) -> Slot | None:
        """The result of a computing node that a value is all of, lying as ``place`` does."""
        sources = self.plan.sources
        (owner, part), *others = sources.slots[name]
        whole = sources.seen[owner]
        result = whole[part] if isinstance(whole, tuple) else whole
        same = all(
            isinstance(x, Array) and (x.shape, x.strides) == (place.shape, place.strides)
            for x in (sources.seen[name], result)
        )
        computed = computes(self.plan.graph.nodes[owner], sources)
        return (owner, part) if same and computed and not others else None

    def _copying(self, pairs: Iterable[tuple[Array, Array]]) -> list[Kernel]:
        return [self.backend.copy(target, source) for target, source in pairs]


def count_kernels(plan: Plan) -> int:
    """How many nodes of a body run in a turn."""
    return sum(computes(node, plan.sources) for node in plan.graph)
