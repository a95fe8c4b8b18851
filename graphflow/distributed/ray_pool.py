"""Workers as actors of Ray: processes of this machine, or of a cluster."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from graphflow.diagnostics import GraphflowError, fail
from graphflow.distributed.all_reduce import Collective, Rank, Reducer
from graphflow.distributed.cluster import check_ray, join, wait_for
from graphflow.distributed.gradient_graph import BUCKET, GradientGraph
from graphflow.distributed.worker import Gathered, Share, Worker
from graphflow.ops.op import Array
from graphflow.runtime.compile import Settings

if TYPE_CHECKING:
    from ray import ObjectRef, ObjectRefGenerator
    from ray.actor import ActorHandle

    Streams = Sequence[ObjectRefGenerator[Gathered]]

RETRIES = 5
"""How often a share is given out again because the worker that had it died."""


class RayPool:
    """So many workers; ``address`` is a cluster's ("auto" for the one that this machine is in),
    without it they are processes of this machine. Gradients come in buckets of so many bytes.

    They start with the first step. One that dies is started again, and is given its share again:
    a step that was under way is not lost, and its result is the same.
    """

    def __init__(
        self, workers: int, address: str | None = None, bucket: int = BUCKET
    ) -> None:
        if isinstance(workers, bool) or not isinstance(workers, int) or workers < 1:
            fail("GF033", f"workers is a whole number from 1 on, not {workers!r}")
        check_ray()
        if isinstance(bucket, bool) or not isinstance(bucket, int) or bucket < 1:
            fail("GF033", f"bucket is a number of bytes from 1 on, not {bucket!r}")
        self.workers, self.address, self.bucket = workers, address, bucket
        self._players: dict[str, GradientGraph] = {}
        self._settings: Settings | None = None
        self._actors: list[ActorHandle[RayWorker]] = []
        self._reducer: _RayReducer | None = None

    def learn(self, player: str, gradient_graph: GradientGraph, settings: Settings) -> None:
        """Get to know a player, before its first step. Workers that are there and know another one
        by this name are started anew: a pool serves one training at a time.
        """
        known = self._players.get(player) == gradient_graph and self._settings == settings
        if self._actors and not known:
            self.close()
        self._players[player], self._settings = gradient_graph, settings

    def gather(
        self, player: str, leaves: Mapping[str, Array], shares: Sequence[Share]
    ) -> Iterator[Sequence[Gathered]]:
        """What came of the shares, piece by piece, each of every share in their order; the workers
        have them from now on. Raises GF044 where workers die again and again.
        """
        import ray

        if not self._actors:
            self._start()
        common = ray.put(dict(leaves))
        pairs = list(zip(self._actors, shares, strict=False))

        def begin() -> Streams:
            if self._reducer is None and any(share.rank for share in shares):
                self._reducer = _RayReducer(self.workers)
            return [
                actor.gather.remote([self._made_of], player, common, share, self._reducer)
                for actor, share in pairs
            ]

        return self._pieces(begin, begin())

    def _pieces(
        self, begin: Callable[[], Streams], streams: Streams
    ) -> Iterator[Sequence[Gathered]]:
        """What comes of the shares; ``begin`` gives them out once more."""
        import ray

        taken, died = 0, 0
        while True:
            try:
                for number, piece in enumerate(_together(streams)):
                    if number == taken:  # those before were there already, before it was begun anew
                        taken += 1
                        yield piece
                return
            except ray.exceptions.RayTaskError as error:
                if isinstance(error.cause, GraphflowError):
                    raise error.cause from None
                if not isinstance(error.cause, ray.exceptions.RayActorError):
                    raise
                self._reducer, died, why = None, died + 1, str(error)  # where workers met is gone
            except ray.exceptions.RayActorError as error:
                died, why = RETRIES + 1, str(error)
            if died > RETRIES:
                fail("GF044", f"a worker died more than {RETRIES} times in one step: {why}",
                     help="is its memory enough? fewer workers, or a smaller batch")  # fmt: skip
            streams = begin()

    def __enter__(self) -> RayPool:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    def close(self) -> None:
        """End the workers; another step starts them again."""
        import ray

        for actor in self._actors:
            ray.kill(actor)
        self._actors = []
        if self._reducer is not None:
            ray.kill(self._reducer.actor)
            self._reducer = None

    def _start(self) -> None:
        """Connect to the cluster, or begin one here, and start the workers."""
        join(self.address)
        import ray

        threads = 1 if self.address else max(1, (os.cpu_count() or 1) // self.workers)
        make = ray.remote(
            num_cpus=1 if self.address else 0,  # here they share what there is
            max_restarts=-1,
            max_task_retries=RETRIES,
        )(RayWorker)
        self._made_of = ray.put(self._players)
        started: list[ActorHandle[RayWorker]] = [
            make.remote(self._settings, threads, self.bucket)  # type: ignore[misc]
            for _ in range(self.workers)
        ]
        wait_for([each.ready.remote() for each in started])
        self._actors = started


class RayWorker:
    """A worker that is made with its first share, of what lies in Ray's store: one that dies is
    made again as it was.
    """

    def __init__(self, settings: Settings, threads: int | None, bucket: int) -> None:
        self._settings, self._threads, self._bucket = settings, threads, bucket
        self._worker: Worker | None = None

    def ready(self) -> bool:
        """Whether it can be given work."""
        return True

    def gather(
        self, made_of: Sequence[ObjectRef[Mapping[str, GradientGraph]]], player: str,
        leaves: Mapping[str, Array], share: Share, collective: Collective | None,
    ) -> Iterator[Gathered]:  # fmt: skip
        """What comes of a share, piece by piece."""
        import ray

        if self._worker is None:
            players = ray.get(made_of[0])
            self._worker = Worker(players, self._settings, self._threads, self._bucket)
        yield from self._worker.gather(player, leaves, share, collective)


def _together(streams: Streams) -> Iterator[list[Gathered]]:
    """What workers give: one piece of each, in the order of the workers, when all are there. What
    ends one of them ends it at once, even if the others wait for that one.
    """
    import ray

    while True:
        found, waiting = dict[int, Gathered](), dict(enumerate(streams))
        while waiting:
            ready, _ = ray.wait(list(waiting.values()), num_returns=1, fetch_local=False)
            number = next(n for n, stream in waiting.items() if stream is ready[0])
            reference = next(waiting.pop(number), None)
            if reference is None:
                return  # they have equally many
            found[number] = ray.get(reference)
        yield [found[number] for number in range(len(streams))]


class _RayReducer:
    """A reducer that workers of several processes call: an actor, too."""

    takes_device_arrays = False

    def __init__(self, workers: int) -> None:
        import ray

        calls = workers * (RETRIES + 1) + 1  # all may wait; so may calls of those that died since
        make = ray.remote(num_cpus=0)(Reducer).options(max_concurrency=calls)
        self.actor: ActorHandle[Reducer] = make.remote()  # type: ignore[assignment]

    def mean(self, rank: Rank, place: str, value: Array) -> Array:
        """The weighted mean of what all workers of a step give at a place."""
        import ray

        return np.array(ray.get(self.actor.mean.remote(rank, place, value)))

    def end(self, step: int, error: Exception) -> None:
        """Nobody waits any longer in a step that one of the workers cannot finish."""
        self.actor.end.remote(step, error)

