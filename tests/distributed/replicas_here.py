"""Workers that keep what they train, as objects in threads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial

from graphflow.distributed.meeting import Table
from graphflow.distributed.replica import Replica
from graphflow.distributed.replicas import Away


class ReplicasHere:
    """So many; ``meetings`` gives each worker what it meets the others at."""

    def __init__(self, workers: int, meetings=None) -> None:
        self.workers, self.graphs, self.made, self.away = workers, {}, [], Away(self)
        self.sent, self.fetched = [], []
        self.meetings = meetings or [Table()] * workers

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
            return list(threads.map(work, self.made, shares, self.meetings))

    def _run(self, turn, leaves, replica, share, meeting):
        return replica.run(turn, leaves, share, meeting)

    def fetch(self, name):
        self.fetched.append(name)
        return self.made[0].fetch(name)
