"""Pipeline-parallel training: each worker has some layers, and micro-batches go through all.

The trainer is the one that a single process has, and keeps order of the data, metrics and
checkpoints. It cuts every batch into micro-batches. These go forward through the stages one after
the other, then backward (GPipe, Huang et al. 2019); each stage adds up its gradients, and makes its
update when all have come back. So the step is that of one process.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

import numpy as np

from graphflow.diagnostics import GraphflowError, fail
from graphflow.distributed.parameter_server import Update
from graphflow.distributed.parts import Cut, rows_axis
from graphflow.distributed.stage import MicroBatch, Values
from graphflow.distributed.stages import Stages, in_training
from graphflow.ops.op import Array
from graphflow.runtime.compile import Compiler, Settings
from graphflow.runtime.initial import Initialiser
from graphflow.runtime.store import Store
from graphflow.training.player import Player
from graphflow.training.step_graph import StepGraph
from graphflow.training.stepping import Batch, Part

T = TypeVar("T")
MICRO_BATCHES = 4
"""For each stage, where nobody says how many: GPipe found the bubble small from there on."""


class StageWorkers(Protocol):
    """Workers in a row, one for each stage."""

    def make(self, batches: Sequence[Sequence[MicroBatch]]) -> Sequence[Values]:
        """Forward and backward of micro-batches, each as every stage sees it; what the step gives
        of each.
        """

    def update(self, update: Update) -> None:
        """Every stage makes its update."""

    def take(self, stage: int, values: Values) -> None:
        """Leaves of a stage have these values from now on."""

    def value(self, stage: int, name: str) -> Array:
        """What a leaf of a stage is now."""

    def close(self) -> None:
        """End the workers, and what they keep."""


class Starting(Protocol):
    """Starts the workers of stages."""

    def __call__(self, stages: Stages, settings: Settings) -> StageWorkers: ...


class Pipeline:
    """So many stages, whose workers ``start`` starts with the first step. Leaves live there from
    then on, until somebody reads them here. Raises GF033 for numbers below 1.
    """

    def __init__(self, count: int, start: Starting, micro_batches: int | None = None) -> None:
        self.count = count
        self.micro_batches = micro_batches_of(count, micro_batches)
        for what, number in (("pipeline", count), ("micro_batches", self.micro_batches)):
            if isinstance(number, bool) or not isinstance(number, int) or number < 1:
                fail("GF033", f"{what} is a whole number from 1 on, not {number!r}")
        self._start = start
        self._stages: Stages | None = None
        self._workers: StageWorkers | None = None

    def settle(self, stages: Stages, settings: Settings, store: Store) -> StageWorkers:
        """The workers; all leaves of these stages live there."""
        if self._workers is None or stages is not self._stages:
            self.close(store)
            self._stages, self._workers = stages, self._start(stages, settings)
        for stage in range(stages.count):
            mine = [name for name, number in stages.owners.items() if number == stage]
            here = [name for name in mine if not store.lives(name, self)]
            if here:
                self._workers.take(stage, {name: store.array(name) for name in here})
            for name in here:
                store.leave(name, self)
        return self._workers

    def fetched(self, name: str) -> Array:
        """What a leaf is now."""
        assert self._stages is not None and self._workers is not None
        return self._workers.value(self._stages.owners[name], name)

    def close(self, store: Store) -> None:
        """The workers end; leaves that live there come back, if somebody is there to ask."""
        if self._workers is None or self._stages is None:
            return
        for name in self._stages.owners:
            if store.lives(name, self):
                with suppress(GraphflowError):
                    store.array(name)
        self._workers.close()
        self._workers = None


@dataclass(slots=True, eq=False)
class _Here(Part):
    """A run of a graph by all stages."""

    made: Callable[[Part], dict[str, Array]] = field(kw_only=True)

    def run(self) -> dict[str, Array]:
        """The outputs by node; updates are made."""
        return self.made(self)


class PipelinedPlayer(Player):
    """A player whose step is cut into stages, when its first batch shows the sizes."""

    def __init__(
        self, pipeline: Pipeline, step: StepGraph, store: Store, initialiser: Initialiser,
        settings: Settings,
    ) -> None:  # fmt: skip
        super().__init__(step, store, initialiser, settings)
        refuse_what_needs_all(step)
        self.pipeline = pipeline
        self._stages: Stages | None = None

    def on_batch(self, title: str, batch: Batch, key: Array, sizes: Mapping[str, int]) -> Part:
        """The gradients of a batch, micro-batch by micro-batch."""
        part = super().on_batch(title, batch, key, sizes)
        return _Here(title, part.compiler, part.feed, key, sizes, part.of, part.report,
                     part.history, made=self.make)  # fmt: skip

    def make(self, part: Part) -> dict[str, Array]:
        """Forward and backward of a batch; the stages add up its gradients."""
        cut = Cut.of(self.step.graph, part.feed, part.sizes, self.pipeline.micro_batches)
        stages = self._cut_for(cut, part.sizes)
        workers = self.pipeline.settle(stages, self.compiler.settings, self.store)
        found = workers.make([
            [self._micro_batch(stages, part, cut, number, stage) for stage in range(stages.count)]
            for number in range(cut.parts)
        ])  # fmt: skip
        count = self.step.gathered
        self.store.assign(count, self.store.array(count) + 1)
        return cut.joined([
            {name: each[own] for name, own in stages.outputs.items()} for each in found
        ])  # fmt: skip

    def update(self, title: str, key: Array, enough: int) -> Part | None:
        """The update that ``enough`` batches wait for."""
        part = super().update(title, key, enough)
        if part is None:
            return None
        return _Here(part.title, part.compiler, {}, key, part.sizes, made=self.make_update)

    def make_update(self, part: Part) -> dict[str, Array]:
        """The update: each stage's, then what follows from no parameter."""
        assert self._stages is not None
        stages = self._stages
        workers = self.pipeline.settle(stages, self.compiler.settings, self.store)
        read = {node.name for graph in stages.updates for node in graph.leaves("state")}
        common = {n: self.store.copied(n) for n in sorted(read - stages.owners.keys())}
        workers.update(Update(self.step.objective.name, 0, 0, common, part.key, part.sizes))
        return self._common.run({}, part.key, part.sizes)

    def release(self) -> None:
        """The workers end."""
        self.pipeline.close(self.store)

    def _cut_for(self, cut: Cut, sizes: Mapping[str, int]) -> Stages:
        """The stages, cut once, for micro-batches as large as the first."""
        if self._stages is None:
            self._refuse_rows(cut.symbol)
            start, end = cut.bounds[0]
            known = {**sizes, cut.symbol: end - start}
            settings = self.compiler.settings
            self._stages = Stages.of(self.step, known, self.pipeline.count, settings.dtype)
            self._common = Compiler(self._stages.common, self.store, self.initialiser, settings)
        return self._stages

    def _refuse_rows(self, rows: str) -> None:
        """GF044 for a state that goes on from row to row: a stage has those of one micro-batch."""
        graph = in_training(self.step.graph)
        for leaf in graph.leaves("state"):
            if leaf.name in graph.updates and rows_axis(leaf.tensor, rows) is not None:
                fail("GF044", f"the state '{leaf.name}' has a row for each of a batch, and stages "
                     "go on from one micro-batch to the next", graph.origin(leaf.name).mark,
                     help="leave out --pipeline")  # fmt: skip

    def _micro_batch(
        self, stages: Stages, part: Part, cut: Cut, number: int, stage: int
    ) -> MicroBatch:
        """What a stage is fed of a micro-batch."""
        pieces = (stages.pieces[stage], stages.pieces[2 * stages.count - 1 - stage])
        fed = {n: v for n, v in part.feed.items() if any(n in p.fed for p in pieces)}
        common = {n for p in pieces for n in p.leaves if n not in stages.owners}
        states = {name: self.store.copied(name) for name in sorted(common)}
        start, end = cut.bounds[number]
        seed, run = part.key
        key = np.array([seed, run * self.pipeline.micro_batches + number], dtype=np.int64)
        return MicroBatch(
            number, cut.part(fed, number), cut.part(states, number), key,
            {**part.sizes, cut.symbol: end - start},
            cut.weights[number],
        )  # fmt: skip


def micro_batches_of(count: int, asked: int | None) -> int:
    """Into how many a batch is cut for so many stages, where so many or nothing is asked for."""
    return MICRO_BATCHES * count if asked is None else asked


def refuse_what_needs_all(step: StepGraph) -> None:
    """GF044 for a step that needs all layers, or all rows of a batch, at one place."""
    if step.objective.name:
        fail("GF044", "several players train here, and a pipeline has the layers of one",
             help="leave out --pipeline")  # fmt: skip
    if step.update is not None and step.update.leaves("input"):
        fail("GF044", "the optimizer measures the loss of a batch, and no stage has all layers",
             help="leave out --pipeline, or let gradients be enough")  # fmt: skip
    if step.rows:
        fail("GF044", "synchronised batch statistics are those of a whole batch, and micro-batches "
             "come one after the other",
             help="batch_statistics: local, or leave out --pipeline")  # fmt: skip


def filled_and_drained(
    stages: Stages,
    batches: Sequence[Sequence[MicroBatch]],
    call: Callable[[int, MicroBatch, Sequence[T]], Sequence[T]],
) -> list[list[T]]:
    """Take micro-batches through all pieces, in the order of GPipe: forward of all, then backward.
    ``call`` begins a piece on what it is given, and gives what the step gives of it and what it
    passes on; the former, by micro-batch.
    """
    outputs: list[list[T]] = [[] for _ in batches]
    waiting: dict[tuple[int, int], list[T]] = {}
    for number, piece in enumerate(stages.pieces):
        for micro_batch, each in enumerate(batches):
            given = waiting.pop((micro_batch, number), [])
            own, *passed = call(number, each[stages.stage(number)], given)
            outputs[micro_batch].append(own)
            for to, values in zip(piece.passes, passed, strict=True):
                waiting.setdefault((micro_batch, to), []).append(values)
    return outputs
