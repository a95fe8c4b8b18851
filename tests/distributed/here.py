"""Workers of this very process, and training with and without workers."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np

import graphflow as gf
from graphflow.distributed.all_reduce import Reducer
from graphflow.distributed.data_parallel import SharedPlayer
from graphflow.distributed.gradient_graph import BUCKET
from graphflow.distributed.parameter_server import ParameterServer
from graphflow.distributed.served import ServedPlayer, Servers
from graphflow.distributed.worker import Worker
from graphflow.training.feed import open_feed

STEPS = 20


class Killed(BaseException):
    """A worker is gone, and tells nobody."""


class Here:
    """A pool whose workers are objects in threads; one that is killed is replaced."""

    def __init__(self, workers: int, reducer: Reducer | None = None, bucket: int = BUCKET) -> None:
        self.workers, self.players, self.made = workers, {}, []
        self.reducer, self.bucket, self.killed = reducer or Reducer(), bucket, 0

    def learn(self, player, gradient_graph, settings):
        self.players[player], self.settings = gradient_graph, settings

    def gather(self, player, leaves, shares):
        self.made = self.made or [self._worker() for _ in range(self.workers)]
        with ThreadPoolExecutor(len(shares)) as threads:
            work = partial(self._work, player, leaves)
            return zip(*threads.map(work, range(len(shares)), shares), strict=True)

    def close(self):
        self.made = []

    def _worker(self):
        return Worker(self.players, self.settings, bucket=self.bucket)

    def _work(self, player, leaves, number, share):
        while True:
            try:
                return list(self.made[number].gather(player, leaves, share, self.reducer))
            except Killed:
                self.made[number] = self._worker()
                self.killed += 1


def started_here(updates, read, settings):
    """Servers of this very process."""
    return [ParameterServer(own, names, settings) for own, names in zip(updates, read, strict=True)]


def served(pool, servers: int = 1, staleness: int = 0):
    """What shares batches out to a pool's workers, servers having the parameters."""
    return partial(ServedPlayer, Servers(servers, started_here, staleness), pool)


def trained(model: gf.Model, pool=None, steps: int = STEPS, shared=None):
    """Steps on the model's data in float64; the trainer, and what the last step gave."""
    if pool is not None:
        shared = partial(SharedPlayer, pool)
    trainer = model.trainer(dtype="float64", shared=shared)
    feed = open_feed(model.elaborated, model.folder, trainer.seed, model.learned)
    done = epoch = 0
    while done < steps:
        trainer.start_epoch(epoch)
        for batch, _ in trainer.ahead(iter(feed.training(epoch))):
            if done < steps:
                last = trainer.step(batch)
                done += 1
        trainer.finish_epoch()
        epoch += 1
    return trainer, last


def assert_same(one, several, tolerance: float = 1e-6) -> None:
    """Both trainers hold the same state, up to rounding."""
    first, second = one.state_dict(), several.state_dict()
    assert first.keys() == second.keys()
    for name, value in first.items():
        np.testing.assert_allclose(second[name], value, rtol=0, atol=tolerance, err_msg=name)
