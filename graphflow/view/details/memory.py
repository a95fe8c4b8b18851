"""What lies in memory while a walk is made: how long, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from graphflow.backends.sets import kernel_set
from graphflow.diagnostics import fail
from graphflow.ir.graph import LEAVES, Graph
from graphflow.runtime.compile import float_dtype
from graphflow.runtime.differences import in_precision
from graphflow.runtime.planning import fast_plan
from graphflow.schedule.liveness import Slot, Sources, last_reads, trace_sources
from graphflow.schedule.updates import value_bytes
from graphflow.view.recording.recording import Recording
from graphflow.view.recording.turn import Turn
from graphflow.view.shown import Lifetime, MemoryKind, MemoryView, Reading

PLANNED_IN = "float32"


def memory(recording: Recording) -> MemoryView:
    """The lifetimes of all values over the steps of a walk. A value lives from the step that makes
    it to the last one that reads it, through views too; leaves live as long as their turn. The
    plain plan, which is shown here, computes what the file says and frees what nothing reads any
    more; ``planned`` is what the fast plan needs in float32.
    """
    lifetimes: list[Lifetime] = []
    first = 0
    for number, turn in enumerate(recording.turns):
        own = [step for step in recording.steps if step.turn == number]
        positions = {step.node: step.index for step in own if not step.within}
        lifetimes += _of_turn(turn, positions, first, first + len(own) - 1)
        first += len(own)
    in_use = _in_use(lifetimes, first)
    peak_step = int(np.argmax(in_use)) if len(in_use) else 0
    planned = max((_planned(turn) for turn in recording.turns), default=0)
    peak = int(in_use[peak_step]) if len(in_use) else 0
    return MemoryView(
        tuple(lifetimes), tuple(int(n) for n in in_use), peak, peak_step, planned, PLANNED_IN
    )  # fmt: skip


def alive_at(view: MemoryView, step: int) -> tuple[tuple[Lifetime, str], ...]:
    """What is in memory after a step, the largest first, each with the reason: what will read it.

    Raises GF082 for a step that is not there.
    """
    if not 0 <= step < len(view.in_use):
        fail("GF082", f"there is no step {step}", help=f"there are {len(view.in_use)}")
    alive = [life for life in view.lifetimes if life.start <= step <= life.end]
    alive.sort(key=lambda life: (-life.bytes, life.name))
    return tuple((life, why(life, step)) for life in alive)


def why(life: Lifetime, step: int) -> str:
    """What keeps a value in memory at a step."""
    coming = [read for read in life.reads if read.step > step]
    if coming:
        soon = coming[0]
        more = f" and {len(coming) - 1} more" if len(coming) > 1 else ""
        for_what = f"for the backward of {soon.twin}" if soon.twin else f"read by {soon.name}"
        return f"{for_what} (step {soon.step + 1}){more}"
    if life.kind in ("parameter", "state", "input"):
        return {"parameter": "a parameter", "state": "a state", "input": "fed"}[life.kind]
    if life.kept:
        return life.kept
    return "made by this step" if life.start == step else "read by this step"


def _of_turn(turn: Turn, steps: Mapping[str, int], first: int, last: int) -> list[Lifetime]:
    """The lifetimes of one turn's values; ``steps`` says when each node runs."""
    graph = turn.graph
    sources = trace_sources(graph, {})
    order = sorted(steps, key=steps.__getitem__)
    ends = last_reads(graph, order, sources, graph.roots())
    reads = _reads(graph, sources, steps)
    gradients = {name: by for (_, by), name in graph.gradients.items()}
    updates = {name: leaf for leaf, name in graph.updates.items()}
    found = []
    for node in graph:
        leaf = node.op in LEAVES
        if node.op in ("constant", "rng") or (not leaf and node.name not in steps):
            continue
        slots = sources.slots[node.name]
        if node.name in sources.views or not slots:
            continue
        if leaf:
            start, end = first, last
        else:
            start = steps[node.name]
            at = max(ends.get(slot, 0) for slot in slots)
            end = last if at >= len(order) else steps[order[at]]
        found.append(
            Lifetime(
                node.name, value_bytes(node.type), start, end, "", _kind(graph, node.name),
                tuple(sorted({read for slot in slots for read in reads.get(slot, ())},
                             key=lambda read: read.step)),
                _kept(graph, node.name, sources, gradients, updates),
            )
        )  # fmt: skip
    return [_explained(life) for life in found]


def _explained(life: Lifetime) -> Lifetime:
    return replace(life, why=why(life, life.start))


def _reads(graph: Graph, sources: Sources, steps: Mapping[str, int]) -> dict[Slot, list[Reading]]:
    """For each slot the steps that read it, through views too."""
    found: dict[Slot, list[Reading]] = {}
    for name, step in steps.items():
        if name in sources.views:
            continue
        origin = graph.origin(name)
        twin = origin.twin if origin.phase == "backward" else None
        for operand in dict.fromkeys(graph.nodes[name].inputs):
            for slot in sources.slots[operand]:
                found.setdefault(slot, []).append(Reading(name, step, twin or ""))
    return found


def _kept(
    graph: Graph, name: str, sources: Sources, gradients: Mapping[str, str],
    updates: Mapping[str, str],
) -> str:  # fmt: skip
    """Why a value is kept to the end."""
    roots = [root for root in graph.roots() if name in {n for n, _ in sources.slots[root]}]
    if not roots:
        return ""
    if roots[0] in updates:
        return f"the new value of {updates[roots[0]]}"
    return f"the gradient of {gradients[roots[0]]}" if roots[0] in gradients else "a result"


def _kind(graph: Graph, name: str) -> MemoryKind:
    op = graph.nodes[name].op
    if op in ("parameter", "state", "input"):
        return op  # type: ignore[return-value]
    return "gradient" if graph.origin(name).phase == "backward" else "value"


def _in_use(lifetimes: Sequence[Lifetime], steps: int) -> np.ndarray:
    """Bytes alive at each step."""
    change = np.zeros(steps + 1, np.int64)
    for life in lifetimes:
        change[life.start] += life.bytes
        change[life.end + 1] -= life.bytes
    return np.cumsum(change)[:steps]


def _planned(turn: Turn) -> int:
    """Bytes of the fast plan of a turn."""
    graph = in_precision(turn.graph, float_dtype(PLANNED_IN))
    return fast_plan(graph, kernel_set("numpy")).peak_bytes
