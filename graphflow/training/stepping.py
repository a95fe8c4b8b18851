"""What the loop drives: something that makes steps, be it training or plain iteration."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from graphflow.diagnostics import Mark
from graphflow.ir.types import DType
from graphflow.ops.op import Array
from graphflow.runtime.result import Result
from graphflow.runtime.store import Store
from graphflow.spec.elaborate import EarlyStopping, Elaborated, Goal, HistoryPlan

Batch = Mapping[str, Array]
NewBatch = Callable[[], Batch]


@dataclass(frozen=True, eq=False)
class Stepped(Result):
    """What a step gives: its reported values, and for the history values used in the step.

    ``leaves`` are parameters and states as the step found them, ``nodes`` what it computed from
    them. ``finished`` says that the run's ``until`` holds.
    """

    leaves: Mapping[str, Array] = field(default_factory=dict)
    nodes: Mapping[str, Array] = field(default_factory=dict)
    finished: bool = False


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
    names end the run when they are not.
    """

    part: str
    must_be_finite: tuple[str, ...]
    elaborated: Elaborated
    seed: int

    @property
    def plan(self) -> StepPlan: ...

    @property
    def dtype(self) -> DType:
        """The program's float type."""

    @property
    def reported(self) -> list[str]:
        """The names of the values that a step reports."""

    def step(self, batch: Batch, new_batch: NewBatch | None = None) -> Stepped:
        """One step on a batch."""

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

    def recorded_leaves(self) -> dict[str, Array]:
        """Copies of the parameters and states whose history is kept, as they are now."""

    def largest_operation(self, batch: Batch) -> int:
        """The floating point operations of the heaviest node of a step."""

    def state_dict(self) -> dict[str, Array]:
        """Copies of everything that steps change."""

    def load_state_dict(self, arrays: Mapping[str, Array]) -> None:
        """Take over a state that ``state_dict`` gave."""


def recorded(elaborated: Elaborated, plan: HistoryPlan | None) -> tuple[dict[str, str], ...]:
    """The names whose history is kept, as leaves and as computed nodes, each with its node."""
    names = {} if plan is None else plan.nodes
    leaves = {name: node for name, node in names.items() if node in elaborated.leaves}
    return leaves, {name: node for name, node in names.items() if name not in leaves}


def copies(store: Store, leaves: Mapping[str, str]) -> dict[str, Array]:
    """Copies of leaves by the names they go by."""
    return {name: np.array(store.array(leaf)) for name, leaf in leaves.items()}
