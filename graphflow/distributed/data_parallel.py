"""Data-parallel training: each worker has a part of every batch, and the gradients are averaged.

The trainer is the one that a single process has, and keeps parameters, optimizer, order of the
data and checkpoints; but forward and backward of a step run on the workers. It sends the
parameters, adds up the gradients that come back, in the order of the parts and while the rest is
still computed, and makes the update.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from itertools import count
from typing import Protocol

import numpy as np

from graphflow.diagnostics import fail
from graphflow.distributed.all_reduce import Rank
from graphflow.distributed.gradient_graph import GradientGraph, refuse_counts
from graphflow.distributed.parameter_server import Served
from graphflow.distributed.parts import Cut, rows_axis
from graphflow.distributed.worker import Gathered, Share
from graphflow.ir.graph import Graph
from graphflow.ops.op import Array
from graphflow.passes.synchronise import all_rows
from graphflow.runtime.compile import Settings
from graphflow.runtime.initial import Initialiser
from graphflow.runtime.store import Store
from graphflow.runtime.uninterrupted import Uninterrupted
from graphflow.training.player import Player
from graphflow.training.step_graph import StepGraph
from graphflow.training.stepping import Batch, Part

STEPS = count()
"""Numbers of steps: each is higher than those before, whichever player's it is."""


class Pool(Protocol):
    """Workers that shares are given to."""

    @property
    def workers(self) -> int:
        """How many there are."""

    def learn(self, player: str, gradient_graph: GradientGraph, settings: Settings) -> None:
        """Get to know a player, before the first step."""

    def gather(
        self, player: str, leaves: Mapping[str, Array], shares: Sequence[Share]
    ) -> Iterator[Sequence[Gathered]]:
        """What came of the shares, piece by piece: each holds the same of every share, in their
        order. The workers have them from now on, whenever somebody asks for the pieces.
        """

    def close(self) -> None:
        """End the workers; another step starts them again."""


@dataclass(slots=True, eq=False)
class SharedPart(Part):
    """A run of a graph in parts."""

    player: SharedPlayer = field(kw_only=True)

    def run(self) -> dict[str, Array]:
        """The outputs by node; updates are made."""
        return self.player.gather(self)


class SharedPlayer(Player):
    """A player whose gradients workers compute."""

    def __init__(
        self, pool: Pool, step: StepGraph, store: Store, initialiser: Initialiser,
        settings: Settings,
    ) -> None:  # fmt: skip
        super().__init__(step, store, initialiser, settings)
        if step.update is not None and step.update.leaves("input"):
            fail("GF044", "the optimizer measures the loss of a batch, and no worker has all "
                 "its rows", help="leave out --workers, or let gradients be enough")  # fmt: skip
        self.pool, self.gradient_graph = pool, GradientGraph.of(step.graph, step.sums)
        self._refuse_counts = cache(partial(refuse_counts, self.gradient_graph))
        pool.learn(step.objective.name, self.gradient_graph, settings)

    def on_batch(self, title: str, batch: Batch, key: Array, sizes: Mapping[str, int]) -> Part:
        """The gradients of a batch, part by part."""
        part = super().on_batch(title, batch, key, sizes)
        return SharedPart(title, part.compiler, part.feed, key, sizes, part.of, part.report,
                          part.history, player=self)  # fmt: skip

    def concrete(self, sizes: Mapping[str, int]) -> Graph:
        """What its step computes for batches of these sizes, as if one worker had all rows."""
        rows = self.step.rows
        return super().concrete({**sizes, all_rows(rows): sizes[rows]} if rows else sizes)

    def gather(self, part: Part) -> dict[str, Array]:
        """Deal out a batch, and take in what comes back."""
        _, cut, pieces = self.deal(part)
        return self.take_in(cut, pieces)

    def deal(self, part: Part) -> tuple[int, Cut, Iterator[Sequence[Gathered]]]:
        """Deal out a batch: the number of the step, how the batch is cut, and what will come back
        of it.
        """
        rows, number_of_step = self.step.rows, next(STEPS)
        cut = Cut.of(self.step.graph, part.feed, part.sizes, self.pool.workers, rows)
        self._refuse_counts(cut.symbol)
        counted = {all_rows(rows): cut.rows} if rows else {}
        leaves = {name: self.store.array(name) for name in self.sent()}
        types = self.gradient_graph.leaves
        by_row = {n for n in leaves if rows_axis(types[n], cut.symbol) is not None}
        states = {name: leaves.pop(name) for name in by_row}
        shares = [
            Share(cut.part(part.feed, number), cut.part(states, number),
                  self._key(part.key, number),
                  {**part.sizes, cut.symbol: end - start, **counted},
                  Rank(number_of_step, number, tuple(cut.weights)) if rows else None,
                  self.served(number_of_step, number))
            for number, (start, end) in enumerate(cut.bounds)
        ]  # fmt: skip
        return number_of_step, cut, self.pool.gather(self.step.objective.name, leaves, shares)

    def take_in(self, cut: Cut, pieces: Iterable[Sequence[Gathered]]) -> dict[str, Array]:
        """Take in what comes back of a batch: what it is of the whole goes into the store, but for
        the outputs.
        """
        found, outputs = dict[str, Array](), dict[str, Array]()
        for piece in pieces:
            found |= cut.joined([each.leaves for each in piece])
            outputs |= cut.joined([each.outputs for each in piece])
        with Uninterrupted():
            for name, value in found.items():
                before = self.store.array(name) if name in self.gradient_graph.gradients else 0
                self.store.assign(name, np.asarray(before + value, value.dtype))
        return outputs

    def release(self) -> None:
        """The workers end."""
        self.pool.close()

    def sent(self) -> list[str]:
        """The leaves that are sent along with a step: all that it needs."""
        return list(self.gradient_graph.leaves)

    def served(self, step: int, worker: int) -> Served | None:
        """A worker's way to servers, where they have parameters."""
        return None

    def _key(self, key: Array, number: int) -> Array:
        """What a part draws from: no two parts of a run, and no two runs, draw the same."""
        seed, run = key
        return np.array([seed, run * self.pool.workers + number], dtype=np.int64)
