"""Training steps, or the steps of a run, recorded: forward, backward, update, every turn."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from graphflow.diagnostics import GraphflowError, fail
from graphflow.model import Model
from graphflow.ops.op import Array
from graphflow.runtime.interpret import assign_updates
from graphflow.runtime.store import StoreLike
from graphflow.spec.elaborate import Elaborated
from graphflow.training.feed import Served, open_feed
from graphflow.training.stepping import Batch, learn_first
from graphflow.view.feeding import (
    few_rows,
    is_away,
    needed_inputs,
    studied_feed,
    take_parameters,
)
from graphflow.view.recording.edits import as_edited, edited_values, known_name
from graphflow.view.recording.limits import Meter
from graphflow.view.recording.turn import Runner, Turn
from graphflow.view.workspace import Edit, Workspace

NOTHING = "nothing: the file makes what it needs"
"""Where the values of the inputs are from, where there are none."""
KEPT_BYTES = 256 * 1024**2
"""Bytes of states after earlier iterations that are kept, so that going back is quick."""


class Batches(Protocol):
    """Where batches come from."""

    def batches(self, epoch: int) -> int | None:
        """How many an epoch has; None where it has no end."""

    def training(self, epoch: int, start: int = 0) -> Iterator[tuple[dict[str, Array], int]]:
        """The batches of an epoch, from ``start`` on."""


@dataclass(frozen=True)
class Repeated:
    """The same batch again and again."""

    batch: Mapping[str, Array]

    def batches(self, epoch: int) -> None:
        """There is always one more."""

    def training(self, epoch: int, start: int = 0) -> Iterator[tuple[dict[str, Array], int]]:
        """The batch, without end."""
        while True:
            yield dict(self.batch), 1


@dataclass(frozen=True)
class Stand:
    """Where training stands: at which batch of which epoch, and all that steps change."""

    epoch: int
    batch: int
    arrays: Mapping[str, Array]

    @property
    def bytes(self) -> int:
        """What the arrays take."""
        return sum(array.nbytes for array in self.arrays.values())


def moves(elaborated: Elaborated) -> bool:
    """Whether steps of the file change anything: those of a run without updates are all alike, and
    the other walk shows all that one computes.
    """
    run = elaborated.run is not None and bool(elaborated.graph.updates)
    return run or elaborated.training is not None


class TrainingWalk:
    """The steps that the file's ``train:`` or ``run:`` makes, each of them to be walked through.

    Batches come as in training, but have a few rows; a file without data is fed from its check.
    """

    def __init__(self, model: Model, workspace: Workspace) -> None:
        self.model = model
        if model.elaborated.run is not None and not moves(model.elaborated):
            fail("GF067", "a step of this run changes nothing, so that none follows another",
                 help="the walk through the graph itself shows all that one computes")  # fmt: skip
        self.stepping = model.stepping(dtype=workspace.dtype, seed=workspace.seed)
        self.fed = NOTHING
        self.warnings: tuple[str, ...] = ()
        self.sizes: Mapping[str, int] = dict(workspace.sizes)
        self.batches = self._chosen()
        self.epoch, self.batch, self.iteration = 0, 0, 0
        self._coming: Iterator[tuple[dict[str, Array], int]] | None = None
        self._last: Batch = {}
        self.stepping.start_epoch(0)
        self._kept: dict[int, Stand] = {}
        self._keep()

    def _chosen(self) -> Batches:
        """The data; without any a check's feed, unless the file makes all it needs."""
        model, plan = self.model, self.model.elaborated.data
        graph = replace(model.graph, outputs=tuple(model.elaborated.goals))
        served: Served | None = None
        try:
            if plan is not None or not needed_inputs(graph):
                served = open_feed(few_rows(model), model.folder, self.stepping.seed, model.learned)
        except GraphflowError as error:
            if not is_away(model, error):
                raise
        if served is not None:
            self.sizes = {}
            self.fed = "data" if plan is not None else self.fed
            return served
        own, warning = studied_feed(model, graph, self.sizes)
        take_parameters(model, own)
        self.fed, self.warnings = own.source, (warning,) if warning else ()
        self.sizes = own.sizes
        return Repeated(own.values)

    @property
    def of(self) -> str:
        """What is made small; of a run what it reports first."""
        training, run = self.model.elaborated.training, self.model.elaborated.run
        if training is not None:
            return training.objectives[0].loss
        assert run is not None
        return next(iter(run.report.values()), "")

    @property
    def by(self) -> tuple[str, ...]:
        """What training changes."""
        training = self.model.elaborated.training
        players = () if training is None else training.objectives
        return tuple(dict.fromkeys(p for player in players for p in player.params))

    # -- moving ------------------------------------------------------------------------------
    def reaches(self, iteration: int) -> bool:
        """Whether that many steps can be made from here, or from a stand that is kept."""
        return iteration >= min([self.iteration, *self._kept])

    def advance(self, iteration: int, meter: Meter) -> None:
        """Make steps, or go back, until so many are made."""
        nearest = max((n for n in self._kept if n <= iteration), default=self.iteration)
        if self.iteration > iteration or self.iteration < nearest:
            stand = self._kept[nearest]
            self.stepping.load_state_dict(stand.arrays)
            self.epoch, self.batch, self.iteration = stand.epoch, stand.batch, nearest
            self._coming = None
        while self.iteration < iteration:
            self.stepping.step(self._next(), self._next)
            self.iteration += 1
            self._turn_epoch()
            meter.step(0)
        self._keep()

    def _keep(self) -> None:
        """Keep where training stands, if that does not take too much."""
        if self.iteration in self._kept:
            return
        stand = Stand(self.epoch, self.batch, self.stepping.state_dict())
        if stand.bytes + sum(s.bytes for s in self._kept.values()) <= KEPT_BYTES:
            self._kept[self.iteration] = stand

    def _turn_epoch(self) -> None:
        """Close an epoch that is over, and begin the next one."""
        length = self.batches.batches(self.epoch)
        if length is not None and self.batch >= length:
            self.stepping.finish_epoch()
            self.stepping.end_epoch({})
            self.epoch, self.batch, self._coming = self.epoch + 1, 0, None
            self.stepping.start_epoch(self.epoch)

    def _next(self) -> Batch:
        """The next batch; at the end of the epoch the last one again, for turns that ask for more
        batches than there are.
        """
        if self._coming is None:
            self._coming = iter(self.batches.training(self.epoch, self.batch))
        found = next(self._coming, None)
        if found is not None:
            self._last, self.batch = found[0], self.batch + 1
        return self._last

    # -- recording ---------------------------------------------------------------------------
    def record(
        self, edits: Sequence[Edit], meter: Meter, unrolled: Sequence[str]
    ) -> tuple[Turn, ...]:
        """The turns of the next step, which leaves everything as it was."""
        with self._unmoved():
            batch = self._next()
            learn_first(self.stepping.initialiser, self.model.graph, batch)

            def current(name: str, so_far: Mapping[str, Array]) -> Array:
                return self._current(name, batch, so_far, meter)

            return self._recorded(batch, edited_values(edits, current), meter, unrolled)

    @contextmanager
    def _unmoved(self) -> Iterator[None]:
        """What is done inside takes no batches and counts as no run."""
        stepping, at = self.stepping, self.batch
        runs, updated = stepping.runs, stepping.updated
        try:
            yield
        finally:
            stepping.runs, stepping.updated = runs, updated
            self.batch, self._coming = at, None

    def _recorded(
        self, batch: Batch, values: Mapping[str, Array], meter: Meter, unrolled: Sequence[str]
    ) -> tuple[Turn, ...]:
        """A step on a batch, with these ``values`` in the place of others."""
        store, turns = self.stepping.store, list[Turn]()
        leaves = {name: value for name, value in values.items() if name in store}
        fed = {**batch, **{n: v for n, v in values.items() if n not in leaves}}
        undo: list[tuple[StoreLike, dict[str, Array]]] = [
            (store, {name: np.array(store.array(name)) for name in leaves})
        ]
        try:
            for name, value in leaves.items():
                store.assign(name, value)
            for part in self.stepping.parts(fed, self._next):
                made = part.compiler.prepared(part.feed, part.key, part.sizes)
                copies = {name: np.array(value) for name, value in made.leaves.items()}
                turn = Runner(meter, unrolled).run(part.title, part.of, made.graph, copies)
                turns.append(turn)
                undo.append((made.store, {name: copies[name] for name in made.graph.updates}))
                assign_updates(made.graph, made.store, turn.values)
        finally:
            for home, before in reversed(undo):
                for name, value in before.items():
                    np.copyto(home.array(name), value)
        return tuple(turns)

    def _current(self, name: str, batch: Batch, so_far: Mapping[str, Array], meter: Meter) -> Array:
        """What stands where an edit writes, when those before it are made."""
        store = self.stepping.store
        if name in store:
            return store.array(name)
        node = known_name(self.model.graph, name, store.names())
        if name in batch:
            return as_edited(self.model.graph[node].tensor, batch[name])
        for turn in self._recorded(batch, so_far, Meter(meter.limits), ()):
            value = turn.values.get(node)
            if isinstance(value, np.ndarray):
                return value
        fail("GF020", f"no step computes '{name}'", help="write over something else")
