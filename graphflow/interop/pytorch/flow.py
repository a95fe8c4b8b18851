"""A section laid out for writing: its steps in a row, who reads what, what comes from outside."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from graphflow.ir.graph import Node
from graphflow.ops.op import OPS
from graphflow.spec.elaborate.calltree import CallNode, RegionNode, Section

Step = Node | CallNode
Splice = Callable[[CallNode], Sequence[Step] | None]
Regions = Mapping[str, Mapping[str, RegionNode]]
DERIVATIVES = frozenset({"gradients", "jvp", "jacobian", "hessian"})
HIDDEN = frozenset({"rng_split"})
"""Operators that only hand random keys on."""
LOOPED = 2
"""How often a loop reads what it captures: more than once, so that it is not computed in it."""


def outside(section: Section, handed: bool = False) -> list[str]:
    """What a section reads that it has not made, leaves included, each once, in order of use.

    ``handed`` leaves out what an earlier call has made of a state: the state holds it by then.
    """
    made = {node.name for node in section.nodes()}
    pending = set(_pending(section))
    results = section.results.values() if isinstance(section, CallNode) else ()
    found = [*_reads(section, handed), *results, *all_updates(section).values()]
    return [n for n in dict.fromkeys(found) if n not in made and n not in pending]


def _pending(section: Section) -> Iterator[str]:
    yield from section.pending
    for child in section.sections:
        yield from _pending(child)


def all_updates(section: Section) -> dict[str, str]:
    """New values of states, of this section and of those inside it."""
    found = dict(section.updates)
    for child in section.sections:
        found |= all_updates(child)
    return found


def _reads(section: Section, handed: bool) -> Iterator[str]:
    """What nodes anywhere inside read, aliases under the names that are known here."""
    for step in section.steps:
        if isinstance(step, CallNode):
            yield from (known(step, name) for name in _reads(step, handed))
        elif handed and step.name in section.pending:
            yield section.pending[step.name]
        else:
            yield from operands(step)
            for region in section.regions.get(step.name, {}).values():
                yield from captures(region)


def known(call: CallNode, name: str) -> str:
    """What the caller calls a value that the call reads as ``name``."""
    while name in call.aliases:
        (name,) = call.aliases[name].inputs
    return name


def operands(node: Node) -> tuple[str, ...]:
    """What a node reads, without the random key."""
    return node.inputs[1:] if OPS[node.op].random else node.inputs


def captures(region: RegionNode) -> list[str]:
    """Outer nodes that the inside of a loop reads, as the outside calls them."""
    return [region.captured[n] for n in outside(region) if n in region.captured]


@dataclass(frozen=True)
class Flow:
    """The steps of one function, and for every value the positions that read it.

    The first ``split`` steps are all that the first results need. ``regions`` and ``pending`` are
    those of all steps, whichever section they come from.
    """

    steps: Sequence[Step] = ()
    readers: Mapping[str, Sequence[int]] = field(default_factory=dict)
    split: int = 0
    regions: Regions = field(default_factory=dict)
    pending: Mapping[str, str] = field(default_factory=dict)

    @property
    def end(self) -> int:
        """The position after the last step, where results are read."""
        return len(self.steps)

    @cached_property
    def differentiated(self) -> frozenset[str]:
        """The values that something is differentiated by, leaves among them."""
        found: set[str] = set()
        for step in self.steps:
            if isinstance(step, Node) and step.op in DERIVATIVES:
                found.update(step.inputs[1:2] if step.op == "jvp" else step.inputs[1:])
        return frozenset(found)

    @classmethod
    def of(
        cls,
        section: Section,
        spliced: Splice,
        roots: Sequence[str],
        first: Sequence[str] = (),
    ) -> Flow:
        """A section's steps, with some calls replaced by their insides, dead ones left out.

        What ``first`` needs stands in front.
        """
        regions, pending = dict(section.regions), dict(section.pending)
        steps = list(_spliced(section.steps, spliced, regions, pending))
        kept = _needed(steps, regions, roots, effects=True)
        early: set[Step] = set()
        if first:
            early = set(_needed(steps, regions, first, effects=False))
            kept = [*(s for s in kept if s in early), *(s for s in kept if s not in early)]
        split = len(early)
        readers: dict[str, list[int]] = {}
        for position, step in enumerate(kept):
            for name in reads(step, regions):
                readers.setdefault(name, []).append(position)
        for name, position in [*((n, split) for n in first), *((n, len(kept)) for n in roots)]:
            readers.setdefault(name, []).append(position)
        return cls(kept, readers, split, regions, pending)


def _needed(
    steps: Sequence[Step], regions: Regions, roots: Iterable[str], effects: bool
) -> list[Step]:
    """The steps that roots depend on; with ``effects`` calls that keep a state as well."""
    kept: list[Step] = []
    needed = set(roots)
    for step in reversed(steps):
        if not isinstance(step, CallNode) and step.op in HIDDEN:
            continue
        acts = effects and isinstance(step, CallNode) and all_updates(step)
        if needed.isdisjoint(results(step)) and not acts:
            continue
        needed.update(reads(step, regions))
        kept.append(step)
    return kept[::-1]


def _spliced(
    steps: Sequence[Step],
    spliced: Splice,
    regions: dict[str, Mapping[str, RegionNode]],
    pending: dict[str, str],
) -> Iterator[Step]:
    """The steps, insides in place of calls that are spliced; their tables are added to ours."""
    for step in steps:
        if not isinstance(step, CallNode):
            yield step
            continue
        yield from step.aliases.values()
        inner = spliced(step)
        if inner is None:
            yield step
            continue
        regions.update(step.regions)
        pending.update(step.pending)
        yield from _spliced(inner, spliced, regions, pending)


def results(step: Step) -> tuple[str, ...]:
    """The values that a step gives."""
    if isinstance(step, CallNode):
        return tuple({node.name for node in step.nodes()})
    return (step.name,)


def reads(step: Step, regions: Regions) -> list[str]:
    """The values that a step reads; what a loop captures counts twice."""
    if isinstance(step, CallNode):
        return outside(step)
    inner = [n for region in regions.get(step.name, {}).values() for n in captures(region)]
    return [*operands(step), *inner * LOOPED]
