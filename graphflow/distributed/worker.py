"""What runs in a worker: forward and backward on a part of the batch."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from queue import SimpleQueue
from typing import NoReturn

import numpy as np
from threadpoolctl import threadpool_limits

from graphflow.distributed.all_reduce import Collective, Participant, Rank
from graphflow.distributed.gradient_graph import BUCKET, GradientGraph
from graphflow.distributed.parameter_server import Served
from graphflow.ir.graph import Graph
from graphflow.ops.op import Array
from graphflow.runtime.compile import Compiler, Settings
from graphflow.runtime.early import Early
from graphflow.runtime.initial import Initialiser
from graphflow.runtime.store import Store


@dataclass(frozen=True)
class Share:
    """A part of the work of a step: rows of the batch and of states, and what they draw from; with
    a ``rank`` the worker meets the others on the way. Parameters that are ``served`` it pulls, and
    it pushes their gradients.
    """

    batch: Mapping[str, Array]
    states: Mapping[str, Array]
    key: Array
    sizes: Mapping[str, int]
    rank: Rank | None = None
    served: Served | None = None


@dataclass(frozen=True)
class Gathered:
    """What came of it, or a piece of that: outputs by node, new values by leaf; of a leaf that
    gradients are added to, what is to be added.
    """

    outputs: Mapping[str, Array]
    leaves: Mapping[str, Array]


class Worker:
    """Runs the gradient graphs of the players on parts of batches.

    Between two steps it keeps nothing but its plans: what it needs comes with each of them, so that
    another worker can take its place at any moment. ``bucket`` is how many bytes of gradients it
    gives at one time.
    """

    def __init__(
        self, players: Mapping[str, GradientGraph], settings: Settings, threads: int | None = None,
        bucket: int = BUCKET,
    ) -> None:  # fmt: skip
        if threads is not None:
            os.environ["NUMBA_NUM_THREADS"] = str(threads)  # read when kernels are first needed
            threadpool_limits(threads, "blas")
        self._participant, self._thread = Participant(), ThreadPoolExecutor(1)
        self._players = {n: _Gatherer(each, settings, bucket) for n, each in players.items()}

    def ready(self) -> bool:
        """Whether it can be given work."""
        return True

    def gather(
        self, player: str, leaves: Mapping[str, Array], share: Share,
        collective: Collective | None = None,
    ) -> Iterator[Gathered]:  # fmt: skip
        """Forward and backward of a player on a share; ``leaves`` are parameters and states that
        every share needs whole, ``collective`` is what all workers of the step have means from.

        Gradients come in buckets while the rest is computed, in an order that is the same on all
        workers; last come the outputs and the states. What servers add up goes to them instead.
        """
        served = share.served
        known = leaves if served is None else {**leaves, **served.pull()}
        given: SimpleQueue[Gathered | None] = SimpleQueue()

        def work() -> None:
            try:
                with self._participant.at(collective, share.rank):
                    self._players[player].gather(known, share, given.put)
            finally:
                given.put(None)

        done = self._thread.submit(work)
        while (piece := given.get()) is not None:
            yield piece if served is None else replace(piece, leaves=served.push(piece.leaves))
        done.result()


class _Gatherer:
    """One player's graph, compiled here."""

    def __init__(self, gradient_graph: GradientGraph, settings: Settings, bucket: int) -> None:
        self.gradient_graph = gradient_graph
        self.buckets = gradient_graph.buckets(bucket, np.dtype(settings.dtype.value).itemsize)
        self.store = Store(gradient_graph.leaves, _never)
        self.store.settle(settings.dtype)
        nodes = gradient_graph.gradients
        early = [
            Early(tuple(dict.fromkeys(nodes[leaf] for leaf in bucket)), partial(self._told, number))
            for number, bucket in enumerate(self.buckets)
        ]
        start = Initialiser(Graph({}), {})
        self.compiler = Compiler(gradient_graph.graph, self.store, start, settings, early=early)
        self._give: Callable[[Gathered], None] = _never_given
        self._ready: dict[int, Gathered] = {}
        self._given = 0

    def gather(
        self, leaves: Mapping[str, Array], share: Share, give: Callable[[Gathered], None]
    ) -> None:
        """Set the leaves, run, and give what comes of it."""
        for name, value in {**leaves, **share.states}.items():
            self.store.assign(name, value)
        self._give, self._ready, self._given = give, {}, 0
        outputs = self.compiler.run(share.batch, share.key, share.sizes)
        states = {n: np.array(self.store.array(n)) for n in self.gradient_graph.graph.updates}
        give(Gathered(outputs, states))

    def _told(self, number: int, values: Mapping[str, Array]) -> None:
        """Give a bucket, and those that waited for it: plans may end them in another order."""
        nodes = self.gradient_graph.gradients
        self._ready[number] = Gathered(
            {}, {leaf: np.array(values[nodes[leaf]]) for leaf in self.buckets[number]}
        )
        while self._given in self._ready:
            self._give(self._ready.pop(self._given))
            self._given += 1


def _never(name: str) -> NoReturn:
    raise AssertionError(f"'{name}' was not sent")


def _never_given(piece: Gathered) -> NoReturn:
    raise AssertionError("nobody has asked")
