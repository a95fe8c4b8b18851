"""Training, one round at a time: each player's step is one compiled plan."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice

import numpy as np

from graphflow.diagnostics import did_you_mean, fail
from graphflow.ir.graph import Graph
from graphflow.ir.types import DType, TensorType
from graphflow.ops.op import Array
from graphflow.runtime.compile import Settings
from graphflow.runtime.initial import Initialiser
from graphflow.runtime.planning import Budgeted
from graphflow.runtime.program import random_key
from graphflow.runtime.store import Store
from graphflow.spec.elaborate import METRICS, Elaborated
from graphflow.training.evaluation import Evaluator
from graphflow.training.feed import Fed
from graphflow.training.player import Player, Sharing
from graphflow.training.step_graph import StepGraph, step_graph
from graphflow.training.stepping import (
    Batch,
    NewBatch,
    Part,
    Stepped,
    batch_sizes,
    begin_epoch,
    check_batch,
    copies,
    everything,
    learn_first,
    recorded,
    take_over,
)

Values = dict[str, Array]


class Trainer:
    """Trains a model. ``step(batch)`` runs forward, backward and update as one compiled plan.

    With several players, a step is a round: every turn in order, on one batch unless the turn asks
    for fresh ones. Values reported by the players are merged; ``loss`` is the last player's.
    With ``accumulate``, a step adds the gradients of its batch to those before it, and ``updated``
    says whether they have become an update. The optimizer's state belongs to the trainer, the
    parameters to the model. ``seed`` decides the order of data and all random draws of training;
    first values come from the model's own seed. With ``shared``, gradients are another's
    to compute, and the update is a graph of its own.
    """

    part = "train/"
    must_be_finite: tuple[str, ...] = ("loss",)

    def __init__(
        self,
        elaborated: Elaborated,
        store: Store,
        initialiser: Initialiser,
        settings: Settings | None = None,
        seed: int | None = None,
        shared: Sharing | None = None,
    ) -> None:
        if elaborated.training is None:
            iterated = bool(elaborated.graph.updates)
            fail("GF067", "there is nothing to train: the file has no 'train:' section",
                 help="add train: {minimize: loss, optimizer: adam(lr=1e-3)}; " + (
                     "run: {steps: 100} iterates what updates: says" if iterated else
                     "graphflow step computes it as it is"))  # fmt: skip
        self.plan, self.elaborated = elaborated.training, elaborated
        given = settings or Settings()
        precision = given.precision or self.plan.precision
        memory = given.memory or self.plan.memory
        self.settings = replace(given, mode="train", memory=memory, precision=precision)
        self.seed = self.plan.seed if seed is None else seed
        steps = [
            step_graph(elaborated, each, bool(shared), precision) for each in self.plan.objectives
        ]
        make = shared or Player
        self.initialiser = initialiser
        self.store = _optimizer_store(steps, store, initialiser)
        self.store.settle(self.settings.dtype)
        self.players = {
            step.objective.name: make(step, self.store, initialiser, self.settings)
            for step in steps
        }
        self.turns = [
            (self.players[turn.player], f"{turn.player or 'step'}{number}", turn.fresh and time > 0)
            for turn in self.plan.turns
            for time, number in enumerate(_numbered(turn.times))
        ]
        """A round: whose turn, what it is called, and whether it asks for a fresh batch."""
        self._check_ahead()
        self.leaves, _ = recorded(elaborated, self.plan.history)
        self.runs = 0
        self.updated = False
        """Whether the last step ended with an update of the player whose turn was last."""
        self.watcher: Callable[[Part], None] | None = None
        """Shown each part of a step before it is run; it changes nothing."""
        self._evaluator: Evaluator | None = None
        self._shapes: dict[str, tuple[int, ...]] | None = None
        self._sizes: dict[str, int] = {}

    def _check_ahead(self) -> None:
        """GF044 where workers would run ahead of a step of several turns."""
        several = len(self.turns) > 1
        if several and any(player.computes_ahead for player in self.players.values()):
            fail("GF044", "several turns make a step, and workers that run ahead know only one",
                 self.plan.mark, help="leave out --staleness")  # fmt: skip

    @staticmethod
    def advice(guard: str) -> str:
        """What to do about a value that is not finite; ``guard`` names the guarded plan."""
        return f"run again with {guard}: it stops at the first value that is not finite"

    @property
    def dtype(self) -> DType:
        """The program's float type."""
        return self.settings.dtype

    def step(self, batch: Batch, new_batch: NewBatch | None = None) -> Stepped:
        """One round of turns; the values of ``report`` and of each loss.

        ``new_batch`` supplies batches for turns that ask for fresh ones.
        """
        sizes = self._learned(batch)
        before = self.recorded_leaves()
        values, nodes = Values(), Values()
        for part in self._parts(batch, sizes, new_batch):
            if self.watcher is not None:
                self.watcher(part)
            found = part.run()
            values |= {name: found[node] for name, node in part.report.items()}
            nodes |= {name: found[node] for name, node in part.history.items()}
        return Stepped(values, leaves=before, nodes=nodes)

    def parts(self, batch: Batch, new_batch: NewBatch | None = None) -> Iterator[Part]:
        """What a step on a batch runs: every turn in order, and the updates that follow. Each part
        is to be run, its updates made, before the next one is asked for.
        """
        yield from self._parts(batch, self._learned(batch), new_batch)

    def _learned(self, batch: Batch) -> dict[str, int]:
        """The sizes of a batch, which first values learn of; worked out anew for new shapes."""
        check_batch(self.elaborated.graph, batch)
        shapes = {n: v.shape for n, v in batch.items() if isinstance(v, np.ndarray)}
        if len(shapes) == len(batch) and shapes == self._shapes:
            self.initialiser.sizes |= self._sizes
            return self._sizes
        sizes = learn_first(self.initialiser, self.elaborated.graph, batch)
        copied = any(name in self.initialiser.graph for name in batch)
        self._shapes, self._sizes = (None if copied else shapes), sizes
        return sizes

    def _parts(
        self, batch: Batch, sizes: Mapping[str, int], new_batch: NewBatch | None
    ) -> Iterator[Part]:
        for player, title, fresh in self.turns:
            fed = new_batch() if fresh and new_batch is not None else batch
            key = random_key(self.seed, self.runs)
            known = sizes if fed is batch else batch_sizes(self.elaborated.graph, fed)
            yield player.on_batch(title, fed, key, known)
            update = player.update(f"{title}: update", key, player.step.objective.accumulate)
            if update is not None:
                yield update
            self.updated = player.waiting == 0
            self.runs += 1

    def ahead(self, batches: Iterator[Fed]) -> Iterator[Fed]:
        """An epoch's batches, each to be stepped on before the next one is asked for. A device and
        workers that run ahead are given as many of those that follow.
        """
        player, title, _ = self.turns[0]
        waiting = deque[Fed]()
        while True:
            for batch, rows in islice(batches, player.ahead + 1 - len(waiting)):
                if player.ahead:
                    key = random_key(self.seed, self.runs + len(waiting))
                    sizes = self._learned(batch) if player.computes_ahead else {}
                    player.begin(title, batch, key, sizes)
                waiting.append((batch, rows))
            if not waiting:
                return
            yield waiting.popleft()

    @property
    def reported(self) -> list[str]:
        """The names of the values that a step reports, each once."""
        names = [name for player in self.players.values() for name in player.step.report]
        return list(dict.fromkeys(names))

    @property
    def measured(self) -> list[str]:
        """What the parts that are not trained on are measured by."""
        return list(dict.fromkeys((*self.reported, *self.plan.evaluated)))

    def recorded_leaves(self) -> dict[str, Array]:
        """Copies of the parameters and states whose history is kept, as they are now."""
        return copies(self.store, self.leaves)

    def finish_epoch(self) -> bool:
        """Make the updates that batches still wait for: an epoch's last batches may be fewer than
        ``accumulate``; then the averages of epochs. Whether the player whose turn is last made an
        update. Evaluation comes after.
        """
        key = random_key(self.seed, self.runs)
        before = {name: player.waiting for name, player in self.players.items()}
        for name, player in self.players.items():
            update = player.update(name, key, max(1, before[name]))
            if update is not None:
                update.run()
            player.close_epoch(key)
        return before[self.plan.turns[-1].player] > 0

    def end_epoch(self, metrics: Mapping[str, float]) -> None:
        """Tell schedules what the epoch that ends measured, as ``test/loss``: before a checkpoint
        is taken, so that it holds what they have seen.
        """
        self.check_metrics(metrics)
        for state in self._metrics:
            value = metrics[state.removeprefix(METRICS)]
            self.store.assign(state, np.array(value, dtype=self.dtype.value))

    def check_metrics(self, names: Collection[str]) -> None:
        """GF042 where a schedule reads a metric that is not among ``names``."""
        for state in self._metrics:
            name = state.removeprefix(METRICS)
            if name not in names:
                there = f"there are {', '.join(names)}" if names else "there are no epochs"
                fail("GF042", f"no epoch has a metric '{name}', which a schedule reads",
                     self.plan.mark, help=did_you_mean(name, names) or there)  # fmt: skip

    @property
    def _metrics(self) -> list[str]:
        """The states that hold what the last epoch measured."""
        return [name for name in self.store.types if name.startswith(METRICS)]

    def graphs(self, batch: Batch) -> list[Graph]:
        """What a step on such a batch computes, for each player."""
        sizes = batch_sizes(self.elaborated.graph, batch)
        return [player.concrete(sizes) for player in self.players.values()]

    @property
    def budgeted(self) -> dict[str, Budgeted]:
        """For each player the latest plan of its step that was made within a budget of memory."""
        found = {name: player.compiler.budgeted for name, player in self.players.items()}
        return {name: plan for name, plan in found.items() if plan is not None}

    def start_epoch(self, epoch: int) -> None:
        """Tell the optimizer which epoch begins (from 0); states that reset start afresh."""
        for state in self._metrics if epoch else ():
            if np.isnan(self.store.copied(state)):
                name = state.removeprefix(METRICS)
                fail("GF042", f"a schedule reads the metric '{name}', which is not a number",
                     self.plan.mark,
                     help="after each epoch, trainer.end_epoch(metrics) takes it")  # fmt: skip
        counters = (player.step.epoch for player in self.players.values())
        begin_epoch(self.elaborated, self.store, epoch, counters)

    # -- evaluation --------------------------------------------------------------------------
    def evaluate(self, batches: Iterable[tuple[Batch, int]]) -> dict[str, float]:
        """Means of the reported values over batches (fed values, rows), in evaluation mode, with
        the averages of weights where there are any.

        A state that is carried within an epoch is carried through these batches, from its first
        value on; training's own is left alone.
        """
        self._forget_unmade()
        if self._evaluator is None:
            names = {n: node for p in self.players.values() for n, node in p.step.report.items()}
            names |= self.plan.evaluated
            self._evaluator = Evaluator(
                self.elaborated, names, self.store, self.initialiser, self.settings, self.seed,
                self.averages,
            )
        return self._evaluator(batches)

    # -- averages ----------------------------------------------------------------------------
    @property
    def averages(self) -> dict[str, str]:
        """Leaves of the model to the states that hold their averages."""
        return {n: s for p in self.players.values() for n, s in p.step.averages.items()}

    def _forget_unmade(self) -> None:
        """An average that was never made is what its leaf is now."""
        for player in self.players.values():
            if player.step.averages and not self.store.copied(player.step.averaged):
                for state in player.step.averages.values():
                    self.store.forget(state)

    def finish(self) -> None:
        """Training has come to its end: the model takes over the averages of its weights."""
        self._forget_unmade()
        for leaf, state in self.averages.items():
            self.store.assign(leaf, self.store.copied(state))

    def release(self) -> None:
        """Training has ended, in whatever way: nothing of it goes on elsewhere."""
        for player in self.players.values():
            player.release()

    # -- state -------------------------------------------------------------------------------
    def state_dict(self) -> dict[str, Array]:
        """Copies of everything that training changes: enough to go on bit for bit.

        Absent are states whose first value is not known yet (its size depends on the first batch),
        and sums of gradients where no batch waits for an update.
        """
        self._forget_unmade()
        empty = {n for p in self.players.values() if not p.waiting for n in p.step.sums}
        found = everything(self.store, self.initialiser, self.runs)
        return {name: value for name, value in found.items() if name not in empty}

    def load_state_dict(self, arrays: Mapping[str, Array]) -> None:
        """Take over a state that ``state_dict`` gave."""
        self.runs = take_over(self.store, arrays)


def _numbered(times: int) -> list[str]:
    """What is added to a title for each of so many times: nothing for the only one."""
    return [f" {n}" for n in range(1, times + 1)] if times > 1 else [""] * times


def _optimizer_store(steps: Sequence[StepGraph], base: Store, model: Initialiser) -> Store:
    """A store for the optimizers' state, on top of the model's."""
    types: dict[str, TensorType] = {}
    initial: dict[str, Initialiser] = {}
    for step in steps:
        types |= step.states
        initial |= dict.fromkeys(step.states, Initialiser(step.initial, step.states, model.seed))

    averaged = {state: leaf for step in steps for leaf, state in step.averages.items()}

    def first(name: str) -> Array:
        if name in averaged:
            return np.array(base.array(averaged[name]))
        return initial[name].first(name, model.sizes)

    return Store(types, first, base)
