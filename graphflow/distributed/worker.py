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

from graphflow.distributed.gathering import BUCKET, Gathering
from graphflow.distributed.meeting import Attendance, Meeting, Seat
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
    a ``seat`` the worker meets the others on the way. Parameters that are ``served`` it pulls, and
    it pushes their gradients.
    """

    batch: Mapping[str, Array]
    states: Mapping[str, Array]
    key: Array
    sizes: Mapping[str, int]
    seat: Seat | None = None
    served: Served | None = None


@dataclass(frozen=True)
class Gathered:
    """What came of it, or a piece of that: outputs by node, new values by leaf; of a leaf that
    gradients are added to, what is to be added.
    """

    outputs: Mapping[str, Array]
    leaves: Mapping[str, Array]


class Worker:
    """Runs the gathering graphs of the players on parts of batches.

    Between two steps it keeps nothing but its plans: what it needs comes with each of them, so that
    another worker can take its place at any moment. ``bucket`` is how many bytes of gradients it
    gives at one time.
    """

    def __init__(
        self, players: Mapping[str, Gathering], settings: Settings, threads: int | None = None,
        bucket: int = BUCKET,
    ) -> None:  # fmt: skip
        if threads is not None:
            os.environ["NUMBA_NUM_THREADS"] = str(threads)  # read when kernels are first needed
            threadpool_limits(threads, "blas")
        self._attendance, self._thread = Attendance(), ThreadPoolExecutor(1)
        self._players = {n: _Gatherer(each, settings, bucket) for n, each in players.items()}

    def ready(self) -> bool:
        """Whether it can be given work."""
        return True

    def gather(
        self, player: str, leaves: Mapping[str, Array], share: Share, meeting: Meeting | None = None
    ) -> Iterator[Gathered]:
        """Forward and backward of a player on a share; ``leaves`` are parameters and states that
        every share needs whole, at ``meeting`` are the workers that have the other shares.

        Gradients come in buckets while the rest is computed, in an order that is the same on all
        workers; last come the outputs and the states. What servers add up goes to them instead.
        """
        served = share.served
        known = leaves if served is None else {**leaves, **served.pull()}
        given: SimpleQueue[Gathered | None] = SimpleQueue()

        def work() -> None:
            try:
                with self._attendance.at(meeting, share.seat):
                    self._players[player].gather(known, share, given.put)
            finally:
                given.put(None)

        done = self._thread.submit(work)
        while (piece := given.get()) is not None:
            yield piece if served is None else replace(piece, leaves=served.push(piece.leaves))
        done.result()


class _Gatherer:
    """One player's graph, compiled here."""

    def __init__(self, gathering: Gathering, settings: Settings, bucket: int) -> None:
        self.gathering = gathering
        self.buckets = gathering.buckets(bucket, np.dtype(settings.dtype.value).itemsize)
        self.store = Store(gathering.leaves, _never)
        self.store.settle(settings.dtype)
        nodes = gathering.gradients
        early = [
            Early(tuple(dict.fromkeys(nodes[leaf] for leaf in bucket)), partial(self._told, number))
            for number, bucket in enumerate(self.buckets)
        ]
        start = Initialiser(Graph({}), {})
        self.compiler = Compiler(gathering.graph, self.store, start, settings, early=early)
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
        states = {n: np.array(self.store.array(n)) for n in self.gathering.graph.updates}
        give(Gathered(outputs, states))

    def _told(self, number: int, values: Mapping[str, Array]) -> None:
        """Give a bucket, and those that waited for it: plans may end them in another order."""
        nodes = self.gathering.gradients
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
