"""Training on workers that keep parameters and states: what the process that trains has of it.

It deals out rows, and takes in what a step reports. Parameters and states live with the workers, as
they live on a device in one process: who asks the store for one brings it back, as an evaluation
does, a checkpoint takes copies, and what was changed here is sent out with the next step.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from types import ModuleType
from typing import Protocol

import numpy as np

from graphflow.diagnostics import GraphflowError
from graphflow.distributed.all_reduce import Rank
from graphflow.distributed.data_parallel import STEPS
from graphflow.distributed.parts import Cut, rows_axis
from graphflow.distributed.replica import Turn, leaf_types
from graphflow.distributed.worker import Gathered, Share
from graphflow.ir.graph import Graph
from graphflow.ops.op import Array
from graphflow.passes.replicate import replicated
from graphflow.passes.synchronise import all_rows
from graphflow.runtime.compile import Compiler, Settings
from graphflow.runtime.initial import Initialiser
from graphflow.runtime.store import Store
from graphflow.training.player import Player
from graphflow.training.step_graph import StepGraph
from graphflow.training.stepping import Batch, Part


class Replicas(Protocol):
    """Workers that keep what they train."""

    @property
    def workers(self) -> int:
        """How many there are."""

    @property
    def away(self) -> Away:
        """Where leaves live that are with them."""

    def learn(self, graphs: Mapping[Turn, Graph], settings: Settings) -> None:
        """Get to know a player's graphs, before the first step."""

    def run(
        self, turn: Turn, leaves: Mapping[str, Array], shares: Sequence[Share]
    ) -> Sequence[Gathered]:
        """What came of the shares, one for each worker."""

    def fetch(self, name: str) -> Array:
        """A leaf, of the first worker."""

    def close(self) -> None:
        """End the workers, and what they keep."""


class Kept(np.ndarray):
    """Stands for a leaf that lives with the workers; it has its name, and no numbers."""

    leaf: str

    @classmethod
    def of(cls, leaf: str) -> Kept:
        """The one of that leaf."""
        found = np.empty(0).view(cls)
        found.leaf = leaf
        return found


class Away(ModuleType):
    """The namespace of arrays that live with workers, as far as a store asks for it."""

    def __init__(self, replicas: Replicas) -> None:
        super().__init__("away")
        self._replicas = replicas

    def asarray(self, value: Array, dtype: object = None) -> Array:
        """What is to be sent out, or what is there, as it is."""
        return value

    def asnumpy(self, value: Array) -> Array:
        """What is kept there; what was not sent yet is here."""
        return self._replicas.fetch(value.leaf) if isinstance(value, Kept) else value


@dataclass(slots=True, eq=False)
class ReplicatedPart(Part):
    """A run of a graph on all workers."""

    player: ReplicatedPlayer = field(kw_only=True)
    turn: Turn = field(kw_only=True)

    def run(self) -> dict[str, Array]:
        """The outputs by node; updates are made."""
        return self.player.make(self)


class ReplicatedPlayer(Player):
    """A player whose steps workers make, that keep what it trains."""

    def __init__(
        self, replicas: Replicas, step: StepGraph, store: Store, initialiser: Initialiser,
        settings: Settings,
    ) -> None:  # fmt: skip
        super().__init__(step, store, initialiser, settings)
        name = step.objective.name
        graphs = {"step": replicated(step.graph, step.sums), "update": step.update,
                  "closing": step.closing}  # fmt: skip
        self.replicas = replicas
        self.graphs = {Turn(name, which): g for which, g in graphs.items() if g is not None}
        replicas.learn(self.graphs, settings)

    def on_batch(self, title: str, batch: Batch, key: Array, sizes: Mapping[str, int]) -> Part:
        """The gradients of a batch, on all workers."""
        return self._there(super().on_batch(title, batch, key, sizes), "step")

    def concrete(self, sizes: Mapping[str, int]) -> Graph:
        """What its step computes for batches of these sizes, as if one worker had all rows."""
        rows = self.step.rows
        return super().concrete({**sizes, all_rows(rows): sizes[rows]} if rows else sizes)

    def make(self, part: ReplicatedPart) -> dict[str, Array]:
        """Run a graph on all workers, each on its rows, and take in what they report. States that
        have rows, and the count of batches that wait, live here and travel with the shares.
        """
        graph = self.graphs[part.turn]
        cut = self._cut(graph, part) if part.feed else None
        types, rows = leaf_types(graph), "" if cut is None else cut.symbol
        here = {n for n, type in types.items() if rows and rows_axis(type, rows) is not None}
        here |= types.keys() & {self.step.gathered}
        kept = types.keys() - here
        states = {name: self.store.array(name) for name in here}
        shares = self._shares(part, cut, states)
        found = self.replicas.run(part.turn, self._sent(kept), shares)
        for name in kept:
            self.store.keep(name, Kept.of(name), self.replicas.away)
        parts = found[: 1 if cut is None else cut.parts]
        leaves, outputs = (
            dict(each[0]) if cut is None else cut.joined(each)
            for each in ([p.leaves for p in parts], [p.outputs for p in parts])
        )
        for name, value in leaves.items():
            self.store.assign(name, np.asarray(value, self.store.array(name).dtype))
        return outputs

    def release(self) -> None:
        """What workers keep comes back, if they are there to ask, and they end."""
        for name in {n for graph in self.graphs.values() for n in leaf_types(graph)}:
            if self.store.filled(name):
                with suppress(GraphflowError):
                    self.store.array(name)
        self.replicas.close()

    def _alone(self, title: str, compiler: Compiler, key: Array) -> Part:
        """A graph that no batch is fed to, on all workers."""
        which = "update" if compiler is self.updating else "closing"
        return self._there(super()._alone(title, compiler, key), which)

    def _there(self, part: Part, which: str) -> Part:
        turn = Turn(self.step.objective.name, which)
        return ReplicatedPart(part.title, part.compiler, part.feed, part.key, part.sizes, part.of,
                              part.report, part.history, player=self, turn=turn)  # fmt: skip

    def _cut(self, graph: Graph, part: Part) -> Cut:
        """A part for each worker; where there are fewer rows, one that is the whole for all."""
        workers = self.replicas.workers
        cut = Cut.of(graph, part.feed, part.sizes, workers, self.step.rows)
        return cut if cut.parts == workers else replace(cut, parts=1)

    def _shares(self, part: Part, cut: Cut | None, states: Mapping[str, Array]) -> list[Share]:
        """What each worker has to do; with the whole for all, all draw the same."""
        workers, step = self.replicas.workers, next(STEPS)
        if cut is None or cut.parts < workers:
            ranks = [Rank(step, number, (1 / workers,) * workers) for number in range(workers)]
            return [self._share(part, cut, states, 0, part.key, rank) for rank in ranks]
        weights = tuple(cut.weights)
        return [
            self._share(part, cut, states, k, self._key(part.key, k), Rank(step, k, weights))
            for k in range(workers)
        ]

    def _share(
        self, part: Part, cut: Cut | None, states: Mapping[str, Array], number: int, key: Array,
        rank: Rank,
    ) -> Share:  # fmt: skip
        """A part of the batch, of so many rows; the whole of what has none."""
        if cut is None:
            return Share({}, states, key, part.sizes, rank)
        start, end = cut.bounds[number]
        rows = self.step.rows
        counted = {all_rows(rows): cut.rows} if rows else {}
        return Share(cut.part(part.feed, number), cut.part(states, number), key,
                     {**part.sizes, cut.symbol: end - start, **counted}, rank)  # fmt: skip

    def _sent(self, names: Collection[str]) -> dict[str, Array]:
        """What workers do not have yet, or what was changed here."""
        away = self.replicas.away
        values = {name: self.store.there(name, away) for name in sorted(names)}
        return {name: np.array(x) for name, x in values.items() if not isinstance(x, Kept)}

    def _key(self, key: Array, number: int) -> Array:
        """What a part draws from: no two parts of a run, and no two runs, draw the same."""
        seed, run = key
        return np.array([seed, run * self.replicas.workers + number], dtype=np.int64)
