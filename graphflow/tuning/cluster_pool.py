"""The workers of a search in a cluster of Ray: started when needed, replaced when they die."""

from __future__ import annotations

import queue
import socket
from dataclasses import asdict
from functools import partial

from graphflow.distributed.talk import Talk
from graphflow.tuning.folder import PATIENCE, TuneFolder
from graphflow.tuning.worker import Job, Line, Message


class ClusterPool:
    """Workers by number, each with one processor of the cluster at ``address``. What they say
    stands in :attr:`inbox`; None says that one has ended.
    """

    def __init__(self, address: str, folder: TuneFolder) -> None:
        self.address, self.folder = address, folder
        self.inbox: queue.Queue[tuple[int, Message | None]] = queue.Queue()
        self._talks: dict[int, Talk] = {}
        self._ends: dict[int, str] = {}

    def give(self, worker: int, job: Job) -> None:
        """Send a job to a worker, which is started if it does not run. GF044 where the cluster has
        no room for it.
        """
        if worker not in self._talks:
            self._talks[worker] = self._start(worker)
        self.send(worker, asdict(job))

    def send(self, worker: int, message: Message) -> None:
        """Send a message; a worker that has died is noticed by its silence."""
        self._talks[worker].say(message)

    def process_id(self, worker: int) -> int:
        """The process that works under this number, on its machine."""
        return self._talks[worker].process()[1]

    def bury(self, worker: int) -> str:
        """Forget a worker that has ended; how it did, in words."""
        self._talks.pop(worker).ended(PATIENCE)
        return f"its worker in the cluster ended: {self._ends.pop(worker)}"

    def close(self, patience: float = PATIENCE) -> None:
        """Let all workers end after the step under way; end those that do not."""
        for talk in self._talks.values():
            talk.say(None)
        for talk in self._talks.values():
            talk.ended(patience)
        self._talks.clear()

    def _start(self, worker: int) -> Talk:
        """A worker. Who goes on with a search that was killed waits for those of this machine."""
        talk = Talk(Line, partial(self._hear, worker), self.address)
        host, number = talk.process()
        if host == socket.gethostname():
            self.folder.note_process("worker", number)
        return talk

    def _hear(self, worker: int, message: Message | None, why: str) -> None:
        if message is None:
            self._ends[worker] = why
        self.inbox.put((worker, message))
