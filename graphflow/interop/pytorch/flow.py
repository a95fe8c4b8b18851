"""A record laid out for writing: its steps in a row, who reads what, what comes from outside."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from graphflow.interop.pytorch.record import CONTROL, Record
from graphflow.ir.graph import Node
from graphflow.ops.op import OPS

Step = Node | Record
Splice = Callable[[Record], Sequence[Step] | None]
HIDDEN = frozenset({"rng_split"})
"""Operators that only hand random keys on."""
LOOPED = 2
"""How often a loop reads what it captures: more than once, so that it is not computed in it."""


def outside(record: Record) -> list[str]:
    """What a call reads that it has not made, leaves included, each once, in order of use."""
    made = {node.name for node in record.nodes()}
    current = set(_current(record))
    found = [*_reads(record), *record.results, *all_updates(record).values()]
    return [n for n in dict.fromkeys(found) if n not in made and n not in current]


def _current(record: Record) -> Iterable[str]:
    yield from record.current
    for child in children(record):
        yield from _current(child)


def children(record: Record) -> list[Record]:
    """The calls and loops right inside a record."""
    calls = [step for step in record.steps if isinstance(step, Record)]
    return [*calls, *(r for regions in record.regions.values() for r in regions)]


def all_updates(record: Record) -> dict[str, str]:
    """New values of states, of this call and of those inside it."""
    found = dict(record.updates)
    for child in children(record):
        found |= all_updates(child)
    return found


def _reads(record: Record) -> Iterable[str]:
    for step in record.steps:
        if isinstance(step, Record):
            yield from _reads(step)
        else:
            yield from operands(step)
            for region in record.regions.get(step.name, ()):
                yield from captures(region)


def operands(node: Node) -> tuple[str, ...]:
    """What a node reads, without the random key."""
    return node.inputs[1:] if OPS[node.op].random else node.inputs


def captures(region: Record) -> list[str]:
    """Outer nodes that the inside of a loop reads, as the outside calls them."""
    return [region.captured[n] for n in outside(region) if n in region.captured]


@dataclass
class Flow:
    """The steps of one function, and for every value the positions that read it.

    The first ``split`` steps are all that the first results need.
    """

    steps: list[Step]
    readers: dict[str, list[int]] = field(default_factory=dict)
    split: int = 0

    @property
    def end(self) -> int:
        """The position after the last step, where results are read."""
        return len(self.steps)

    @classmethod
    def of(
        cls,
        record: Record,
        spliced: Splice,
        roots: Iterable[str],
        first: Iterable[str] = (),
    ) -> Flow:
        """The record's steps, with some calls replaced by their insides, dead ones left out.

        What ``first`` needs stands in front.
        """
        steps = list(_spliced(record, spliced))
        kept = _needed(steps, record, roots, effects=True)
        if first:
            early = {id(step) for step in _needed(steps, record, first, effects=False)}
            kept = [*(s for s in kept if id(s) in early), *(s for s in kept if id(s) not in early)]
            flow = cls(kept, split=len(early))
        else:
            flow = cls(kept)
        for position, step in enumerate(flow.steps):
            for name in reads(step, record):
                flow.readers.setdefault(name, []).append(position)
        for name, position in [*((n, flow.split) for n in first), *((n, flow.end) for n in roots)]:
            flow.readers.setdefault(name, []).append(position)
        return flow


def _needed(
    steps: Sequence[Step], record: Record, roots: Iterable[str], effects: bool
) -> list[Step]:
    """The steps that roots depend on; with ``effects`` calls that keep a state as well."""
    kept: list[Step] = []
    needed = set(roots)
    for step in reversed(steps):
        if not isinstance(step, Record) and step.op in HIDDEN:
            continue
        acts = effects and isinstance(step, Record) and all_updates(step)
        if needed.isdisjoint(results(step)) and not acts:
            continue
        needed.update(reads(step, record))
        kept.append(step)
    return kept[::-1]


def _spliced(record: Record, spliced: Splice) -> Iterable[Step]:
    for step in record.steps:
        inner = spliced(step) if isinstance(step, Record) else None
        if inner is None:
            yield step
            continue
        assert isinstance(step, Record)
        record.regions.update(step.regions)
        record.current.update(step.current)
        record.origins.update(step.origins)
        view = Record(
            step.name,
            steps=list(inner),
            regions=record.regions,
            current=record.current,
            origins=record.origins,
            table=record.table,
        )
        yield from _spliced(view, spliced)


def results(step: Step) -> tuple[str, ...]:
    """The values that a step gives."""
    if isinstance(step, Record):
        made = {node.name for node in step.nodes()}
        return tuple(made)
    return (step.name,)


def reads(step: Step, record: Record) -> list[str]:
    """The values that a step reads; what a loop captures counts twice."""
    if isinstance(step, Record):
        return outside(step)
    if step.op not in CONTROL:
        return list(operands(step))
    inner = [n for region in record.regions.get(step.name, ()) for n in captures(region)]
    return [*operands(step), *inner * LOOPED]
