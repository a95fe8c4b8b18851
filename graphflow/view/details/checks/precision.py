"""The same graph three times: float64 node by node, float32 node by node, float32 as the fast plan.

How far float32 may lie off is measured, not guessed: the float64 graph is run again with every
result stirred by as much as float32 rounds. What moves a node then is what rounding can do to it,
through cancellation and ill condition on the way; :data:`TIMES` as much is allowed. Source: the
stochastic arithmetic of La Porte and Vignes 1974 (CESTAC).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from graphflow.ir.graph import LEAVES, Graph
from graphflow.ir.types import DType, tensors
from graphflow.ops.evaluate import Computed, evaluate, run_node
from graphflow.ops.op import Array
from graphflow.passes import optimise, stands_for
from graphflow.runtime.differences import in_precision
from graphflow.runtime.executor import Executor
from graphflow.runtime.store import Store
from graphflow.schedule.plan import make_plan
from graphflow.view.details.checks.report import Row, Section, Status, counted, verdict_of
from graphflow.view.details.values import text_of
from graphflow.view.recording.turn import Turn

TITLE = "Three plans"
ROUNDING = 2.0**-24
"""Half the gap after 1 in float32."""
TIMES = 30.0
STIRRED = 3
"""Runs that measure what rounding does."""
PLAIN = "float32 node by node"
FAST = "float32, fast plan"


def precision(turns: tuple[Turn, ...]) -> Section:
    """Compare the three for every node of every turn; the first that is off is named."""
    rows: list[Row] = []
    for turn in turns:
        runs = _Runs.of(turn)
        rows += _compared(runs, runs.plain, PLAIN)
        rows += _compared(runs, runs.fast, FAST)
        rows += _reused(runs)
    failing = [row for row in rows if row.failing]
    ties = sum(row.status == "tie" for row in rows)
    words = f"{counted(len(rows), 'value')} compared with float64; "
    if failing:
        words += f"'{failing[0].name}' is the first that is off by more than rounding explains."
    else:
        words += "none is off by more than rounding explains."
    if ties:
        words += f" {counted(ties, 'decision')} fell between numbers that are equal up to rounding."
    first = failing[0].name if failing else ""
    return Section("precision", TITLE, verdict_of(tuple(rows)), words, tuple(rows), first)


@dataclass(frozen=True, eq=False)
class _Runs:
    """The values of all nodes, by run. ``fast`` has those that are left of the fast plan, by the
    names of the plain one; ``doing`` names the fast node that does a node's work.
    """

    graph: Graph
    leaves: Mapping[str, Array]
    wide: Mapping[str, Computed]
    stirred: tuple[Mapping[str, Computed], ...]
    plain: Mapping[str, Computed]

    @staticmethod
    def of(turn: Turn) -> _Runs:
        """Run a turn's graph at the leaves it has, rounded to float32."""
        narrow = in_precision(turn.graph, DType.FLOAT32)
        narrow = replace(narrow, outputs=narrow.roots(), updates={})
        leaves = {
            node.name: np.asarray(turn.values[node.name], node.tensor.dtype.value)
            for node in narrow
            if node.op in LEAVES
        }
        wide = in_precision(narrow, DType.FLOAT64)
        exact = {
            name: value.astype(np.float64) if value.dtype.kind == "f" else value
            for name, value in leaves.items()
        }
        stirred = tuple(_stirred(wide, exact, seed) for seed in range(STIRRED))
        return _Runs(narrow, leaves, evaluate(wide, exact), stirred, evaluate(narrow, leaves))

    @cached_property
    def plan_graph(self) -> Graph:
        """The graph of the fast plan."""
        return optimise(self.graph)

    @cached_property
    def fast(self) -> Mapping[str, Computed]:
        """What the kernels of the fast plan gave, each in memory of its own."""
        plan = make_plan(self.plan_graph, reuse=False)
        executor = Executor(plan, _no_store(), list(self.leaves))
        executor.run(self.leaves)
        graph = self.plan_graph
        names = [name for name in self.graph.nodes if name in graph.nodes or name in graph.aliases]
        return {name: executor.value(graph.resolve(name)) for name in names}

    @cached_property
    def reused(self) -> Mapping[str, Array]:
        """The outputs of the fast plan as it runs in training: values share memory."""
        plan = make_plan(self.plan_graph)
        return Executor(plan, _no_store(), list(self.leaves)).run(self.leaves)


def _no_store() -> Store:
    """A store for a plan all of whose leaves are fed."""
    return Store({}, lambda name: np.zeros(0))


def _stirred(graph: Graph, leaves: Mapping[str, Array], seed: int) -> dict[str, Computed]:
    """A run in which every real result is off by up to what float32 rounds."""
    draw = np.random.default_rng(seed)
    values: dict[str, Computed] = dict(leaves)
    for node in graph:
        if node.op in LEAVES:
            continue
        value = run_node(node, [values[name] for name in node.inputs])
        parts = value if isinstance(value, tuple) else (value,)
        moved = tuple(_moved(part, draw) for part in parts) if node.inputs else parts
        values[node.name] = moved if isinstance(value, tuple) else moved[0]
    return values


def _moved(value: Array, draw: np.random.Generator) -> Array:
    if value.dtype.kind != "f":
        return value
    return np.asarray(value * (1 + ROUNDING * draw.uniform(-1, 1, value.shape)))


# -- comparing ---------------------------------------------------------------------------------
def _compared(runs: _Runs, found: Mapping[str, Computed], what: str) -> Iterator[Row]:
    """A row for every node; what depends on a tie is not judged."""
    unjudged: set[str] = set()
    work = {p: fast for fast, plain in _doing(runs).items() for p in plain} if what == FAST else {}
    for node in runs.graph:
        if node.name not in found or node.op in (*LEAVES, "constant"):
            continue
        if not unjudged.isdisjoint(node.inputs):
            unjudged.add(node.name)
            continue
        status, error, allowed, words = _judged(runs, found, node.name)
        if status in ("tie", "wrong"):
            unjudged.add(node.name)
        if status == "wrong" and work.get(node.name, node.name) != node.name:
            words += f"; in the fast plan '{work[node.name]}' does its work"
        yield Row(
            node.name,
            what,
            status,
            text_of(runs.wide[node.name]),
            text_of(found[node.name]),
            error,
            allowed,
            words,
            runs.graph.origin(node.name).mark,
        )


def _doing(runs: _Runs) -> Mapping[str, tuple[str, ...]]:
    return stands_for(runs.graph, runs.plan_graph)


def _judged(
    runs: _Runs, found: Mapping[str, Computed], name: str
) -> tuple[Status, float | None, float | None, str]:
    """How one node compares: status, error, what is allowed, and words."""
    wide, got = _parts(runs.wide[name]), _parts(found[name])
    if [a.shape for a in wide] != [b.shape for b in got]:
        return "good", None, None, "in another shape, as the passes left it"
    apart = sum(
        int(np.count_nonzero(a != b)) for a, b in zip(wide, got, strict=True) if a.dtype.kind != "f"
    )
    if apart and _reads_real(runs.graph, name):
        return "tie", float(apart), None, f"{counted(apart, 'decision')} between equal numbers"
    if apart:
        return "wrong", float(apart), 0.0, f"{counted(apart, 'whole number')} differ"
    stirred = [_parts(run[name]) for run in runs.stirred]
    if any(np.any(np.isfinite(a) != np.isfinite(b)) for a, b in zip(wide, got, strict=True)):
        return "wrong", None, None, "finite in one and not in the other: beyond float32's range?"
    error = max((_apart(a, b) for a, b in zip(wide, got, strict=True)), default=0.0)
    allowed = max(
        (TIMES * max(_noise(a, [run[i] for run in stirred]), ROUNDING * _size(a))
         for i, a in enumerate(wide)), default=0.0,
    )  # fmt: skip
    if error <= allowed:
        return "good", error, allowed, "off by no more than rounding explains"
    return "wrong", error, allowed, f"off by {error:.3g}, where rounding explains {allowed:.3g}"


def _reads_real(graph: Graph, name: str) -> bool:
    types = (t for operand in graph.nodes[name].inputs for t in tensors(graph.nodes[operand].type))
    return any(t.dtype.is_float for t in types)


def _noise(value: Array, stirred: list[Array]) -> float:
    return max(_apart(value, other) for other in stirred)


def _apart(one: Array, other: Array) -> float:
    """The largest difference of finite entries."""
    with np.errstate(all="ignore"):
        off = np.abs(one - other.astype(np.float64))
    return float(np.max(off[np.isfinite(off)], initial=0.0))


def _size(value: Array) -> float:
    return float(np.max(np.abs(value[np.isfinite(value)]), initial=0.0))


def _parts(value: Computed) -> tuple[Array, ...]:
    return value if isinstance(value, tuple) else (np.asarray(value),)


def _reused(runs: _Runs) -> Iterator[Row]:
    """Outputs that change when values share memory: the planner, not a kernel, is at fault."""
    for plain, fast in zip(runs.graph.outputs, runs.plan_graph.outputs, strict=True):
        alone = runs.fast.get(plain)
        shared = runs.reused[fast]
        if alone is None or isinstance(alone, tuple):
            continue
        if np.array_equal(alone, shared, equal_nan=shared.dtype.kind == "f"):
            continue
        yield Row(
            plain, "shared memory", "wrong", text_of(alone), text_of(shared),
            _apart(np.asarray(alone, np.float64), shared), 0.0,
            "differs once values share memory", runs.graph.origin(plain).mark,
        )  # fmt: skip
