"""Everything that happened in one run: values, times, bytes."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from graphflow.diagnostics import Mark
from graphflow.ir.graph import LEAVES, Graph, Node, Phase
from graphflow.ops.evaluate import Computed, run_in
from graphflow.ops.op import Array
from graphflow.runtime.guard import Summary, is_finite, summarise
from graphflow.runtime.program import Program


@dataclass(frozen=True, eq=False)
class TraceRow:
    """One node's run: what it gave, how long it took (seconds), how many bytes the result has."""

    name: str
    op: str
    phase: Phase
    value: Computed
    seconds: float
    bytes: int
    mark: Mark | None
    gradient: str | None

    @property
    def summaries(self) -> tuple[Summary, ...]:
        """The result, or each of several results."""
        parts = self.value if isinstance(self.value, tuple) else (self.value,)
        return tuple(summarise(part) for part in parts)


@dataclass(frozen=True, eq=False)
class Trace:
    """The rows of one run in running order, leaves first as they are met."""

    rows: tuple[TraceRow, ...]

    def __getitem__(self, name: str) -> TraceRow:
        for row in self.rows:
            if row.name == name:
                return row
        raise KeyError(name)

    @property
    def seconds(self) -> float:
        """The sum over nodes."""
        return sum(row.seconds for row in self.rows)

    def slowest(self, count: int = 10) -> list[TraceRow]:
        """The nodes that took longest."""
        return sorted(self.rows, key=lambda row: -row.seconds)[:count]


def trace(
    program: Program, feed: Mapping[str, Array], cotangent: Array | float | None = None
) -> Trace:
    """Run a program node by node and keep everything."""
    prepared = program.prepared(feed, cotangent)
    graph, leaves = prepared.graph, prepared.leaves
    values: dict[str, Computed] = {}
    rows = []
    for node in graph:
        begun = time.perf_counter()
        leaf = node.op in LEAVES
        value = leaves[node.name] if leaf else run_in(graph, node, [values[n] for n in node.inputs])
        seconds = 0.0 if leaf else time.perf_counter() - begun
        values[node.name] = value
        rows.append(_row(graph, node, value, seconds))
    return Trace(tuple(rows))


def _row(graph: Graph, node: Node, value: Computed, seconds: float) -> TraceRow:
    parts = value if isinstance(value, tuple) else (value,)
    origin = graph.origin(node.name)
    gradient = f"{node.name}.grad"
    return TraceRow(
        node.name,
        node.op,
        origin.phase,
        value,
        seconds,
        sum(part.nbytes for part in parts),
        origin.mark,
        gradient if gradient in graph.nodes else None,
    )


def first_nonfinite(rows: Sequence[TraceRow]) -> TraceRow | None:
    """The first row whose value holds a NaN or an infinity."""
    return next((row for row in rows if not is_finite(row.value)), None)
