"""Workers that keep what they train, as objects in threads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial

from graphflow.distributed.all_reduce import Reducer
from graphflow.distributed.replica import Replica
from graphflow.distributed.replicas import Away


class ReplicasHere:
    """So many; ``collectives`` gives each worker what it has means from."""

    def __init__(self, workers: int, collectives=None) -> None:
        self.workers, self.graphs, self.made, self.away = workers, {}, [], Away(self)
        self.sent, self.fetched = [], []
        self.collectives = collectives or [Reducer()] * workers

    def learn(self, graphs, settings):
        self.graphs |= graphs
        self.settings = settings

    def run(self, turn, leaves, shares):
        self.made = self.made or [
            Replica(self.graphs, self.settings) for _ in range(self.workers)
        ]
        self.sent.append(sorted(leaves))
        with ThreadPoolExecutor(self.workers) as threads:
            work = partial(self._run, turn, leaves)
            return list(threads.map(work, self.made, shares, self.collectives))

    def close(self):
        self.made = []

    def _run(self, turn, leaves, replica, share, collective):
        return replica.run(turn, leaves, share, collective)

    def fetch(self, name):
        self.fetched.append(name)
        return self.made[0].fetch(name)
