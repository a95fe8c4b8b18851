"""What the loop drives: something that makes steps, be it training or plain iteration."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from graphflow.diagnostics import Mark, did_you_mean, fail
from graphflow.ir.graph import Graph
from graphflow.ir.types import DType
from graphflow.ops.op import Array
from graphflow.passes import solve_sizes
from graphflow.runtime.compile import Compiler, Settings
from graphflow.runtime.initial import Initialiser
from graphflow.runtime.planning import Budgeted
from graphflow.runtime.result import Result
from graphflow.runtime.store import Store, as_array
from graphflow.spec.elaborate import COUNTERS, EarlyStopping, Elaborated, Goal, HistoryPlan
from graphflow.training.feed import Fed

Batch = Mapping[str, Array]
RANDOM_STEP = "random.step"
"""The name under which a checkpoint keeps how often random numbers were drawn."""
NewBatch = Callable[[], Batch]


@dataclass(eq=False)
class Stepped(Result):
    """What a step gives: its reported values, and for the history values used in the step.

    ``leaves`` are parameters and states as the step found them, ``nodes`` what it computed from
    them. ``finished`` says that the run's ``until`` holds, ``undecided`` that it compares a nan.
    """

    leaves: Mapping[str, Array] = field(default_factory=dict)
    nodes: Mapping[str, Array] = field(default_factory=dict)
    finished: bool = False
    undecided: bool = False


@dataclass(slots=True, eq=False)
class Part:
    """One run of a compiled graph within a step. ``of`` is what it differentiates, if anything.

    ``report`` and ``history`` map the names of what the step reports and keeps to nodes.
    """

    title: str
    compiler: Compiler
    feed: Batch
    key: Array
    sizes: Mapping[str, int]
    of: str = ""
    report: Mapping[str, str] = field(default_factory=dict)
    history: Mapping[str, str] = field(default_factory=dict)

    def run(self) -> dict[str, Array]:
        """The outputs by node; updates are made."""
        return self.compiler.run(self.feed, self.key, self.sizes)


class StepPlan(Protocol):
    """What ``train:`` and ``run:`` have in common."""

    @property
    def steps(self) -> int | None: ...

    @property
    def epochs(self) -> int | None: ...

    @property
    def mark(self) -> Mark | None: ...

    @property
    def history(self) -> HistoryPlan | None: ...

    @property
    def best(self) -> Goal | None: ...

    @property
    def early_stopping(self) -> EarlyStopping | None: ...


class Stepping(Protocol):
    """What makes steps: a trainer, or an iteration.

    ``part`` stands before the names of its metrics (``train/``); the values that ``must_be_finite``
    names end the run when they are not, with ``advice``.
    """

    part: str
    must_be_finite: tuple[str, ...]
    elaborated: Elaborated
    seed: int

    @property
    def plan(self) -> StepPlan: ...

    @property
    def settings(self) -> Settings:
        """What it is compiled with."""

    @property
    def budgeted(self) -> Mapping[str, Budgeted]:
        """For each player the latest plan that was made within a budget of memory."""

    @property
    def dtype(self) -> DType:
        """The program's float type."""

    @property
    def reported(self) -> list[str]:
        """The names of the values that a step reports."""

    @property
    def measured(self) -> list[str]:
        """The names of what the parts that are not trained on are measured by."""

    def step(self, batch: Batch, new_batch: NewBatch | None = None) -> Stepped:
        """One step on a batch."""

    def parts(self, batch: Batch, new_batch: NewBatch | None = None) -> Iterator[Part]:
        """What a step on a batch runs, in order. Each part is to be run, its updates made, before
        the next one is asked for.
        """

    def ahead(self, batches: Iterator[Fed]) -> Iterator[Fed]:
        """An epoch's batches, each to be stepped on before the next one is asked for."""

    def advice(self, guard: str) -> str:
        """What to do about a value that is not finite; ``guard`` names the guarded plan."""

    def start_epoch(self, epoch: int) -> None:
        """An epoch begins, counted from 0."""

    def evaluate(self, batches: Iterable[tuple[Batch, int]]) -> dict[str, float]:
        """Means of the reported values over batches, nothing changed."""

    @property
    def updated(self) -> bool:
        """Whether the last step ended with an update: several batches may make one."""

    def finish_epoch(self) -> bool:
        """Make the update that batches still wait for, if any do; whether one was made."""

    def end_epoch(self, metrics: Mapping[str, float]) -> None:
        """An epoch has ended with these metrics; a checkpoint is taken after."""

    def check_metrics(self, names: Collection[str]) -> None:
        """Refuse to read a metric that is not among ``names``, those that epochs will end with."""

    def finish(self) -> None:
        """All steps are made: the model is left with its result."""

    def release(self) -> None:
        """The run has ended, in whatever way: nothing of it goes on elsewhere."""

    def recorded_leaves(self) -> dict[str, Array]:
        """Copies of the parameters and states whose history is kept, as they are now."""

    def graphs(self, batch: Batch) -> list[Graph]:
        """What a step on such a batch computes, as specialised graphs."""

    def state_dict(self) -> dict[str, Array]:
        """Copies of everything that steps change."""

    def load_state_dict(self, arrays: Mapping[str, Array]) -> None:
        """Take over a state that ``state_dict`` gave."""


def check_batch(graph: Graph, batch: Batch) -> None:
    """Every name of a batch is a node of the file."""
    if not isinstance(batch, (dict, Mapping)):  # a dict is told at once
        fail("GF065", f"a batch maps names of inputs to arrays, not {type(batch).__name__}",
             help="step({'x': ..., 'y': ...})")  # fmt: skip
    for name in batch:
        if name not in graph:
            fail("GF065", f"there is no node '{name}' to feed",
                 help=did_you_mean(str(name), [*graph.nodes, *graph.aliases]))  # fmt: skip


def batch_sizes(graph: Graph, batch: Batch) -> dict[str, int]:
    """What a batch says about sizes: a part of the graph needs them even where it reads no input.

    >>> from graphflow import loads
    >>> graph = loads("{graphflow: 1, name: f, inputs: {x: [B, 3]}, nodes: {y: 2 * x}}").graph
    >>> batch_sizes(graph, {"x": np.zeros((4, 3))})
    {'B': 4}
    """
    shapes = {n: as_array(n, v).shape for n, v in batch.items() if n in graph}
    return solve_sizes(graph, shapes, {})


def learn_first(initialiser: Initialiser, graph: Graph, batch: Batch) -> dict[str, int]:
    """Let first values learn of a batch, of what nothing but they need, too; the batch's sizes."""
    sizes = batch_sizes(graph, batch)
    first = {n: as_array(n, v) for n, v in batch.items() if n not in initialiser.feed}
    initialiser.learn(first, sizes)
    return sizes


def begin_epoch(
    elaborated: Elaborated, store: Store, epoch: int, counters: Iterable[str] = ()
) -> None:
    """Say which epoch begins (from 0), to ``counters`` as well; states that reset start afresh."""
    for counter in (COUNTERS["epoch"], *counters):
        if counter in store:
            store.assign(counter, np.array(epoch))
    for name, leaf in elaborated.leaves.items():
        if leaf.reset == "epoch":
            store.forget(name)


def recorded(elaborated: Elaborated, plan: HistoryPlan | None) -> tuple[dict[str, str], ...]:
    """The names whose history is kept, as leaves and as computed nodes, each with its node."""
    names = {} if plan is None else plan.nodes
    leaves = {name: node for name, node in names.items() if node in elaborated.leaves}
    return leaves, {name: node for name, node in names.items() if name not in leaves}


def copies(store: Store, leaves: Mapping[str, str]) -> dict[str, Array]:
    """Copies of leaves by the names they go by."""
    return {name: store.copied(leaf) for name, leaf in leaves.items()}


def everything(store: Store, initialiser: Initialiser, runs: int) -> dict[str, Array]:
    """Copies of all that steps change, and how often random numbers were drawn.

    A state whose first value is not known yet (its size depends on the first batch) is absent.
    """
    for name in store.names():
        home = store.home(name)
        if not store.filled(name) and (home is store or initialiser.known(name)):
            store.array(name)
    return {**store.snapshot(), RANDOM_STEP: np.array(runs)}


def take_over(store: Store, arrays: Mapping[str, Array]) -> int:
    """Set a store to what ``everything`` gave; how often random numbers were drawn."""
    values = {name: array for name, array in arrays.items() if name != RANDOM_STEP}
    unknown = [name for name in values if name not in store]
    if unknown:
        fail("GF064", f"the checkpoint holds '{unknown[0]}', which this model does not have",
             help="the graph or its optimizer has changed since")  # fmt: skip
    store.restore(values)
    return int(arrays.get(RANDOM_STEP, 0))
