"""Workers that keep what they train as actors of Ray, each with a GPU of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from graphflow.backends.cupy.nccl import Identity, Nccl, identity
from graphflow.diagnostics import fail
from graphflow.distributed.all_reduce import Collective
from graphflow.distributed.between_devices import BetweenDevices
from graphflow.distributed.cluster import AGAIN, all_of, check_ray, join, wait_for
from graphflow.distributed.replica import Replica, Turn
from graphflow.distributed.replicas import Away
from graphflow.distributed.worker import Gathered, Share
from graphflow.ir.graph import Graph
from graphflow.ops.op import Array
from graphflow.runtime.compile import Settings

if TYPE_CHECKING:
    from ray import ObjectRef
    from ray.actor import ActorHandle

T = TypeVar("T")


class Member(Replica):
    """A replica in a process of its own, and where it meets the others."""

    def ready(self) -> bool:
        """Whether it can be given work."""
        return True

    def identity(self) -> Identity:
        """What all members of a new group of GPUs have in common."""
        return identity()

    def join(self, collective: Callable[[], Collective]) -> None:
        """Meet the others there; it waits until all have come."""
        self._collective = collective()

    def make(self, turn: Turn, leaves: Mapping[str, Array], share: Share) -> Gathered:
        """A turn on a share."""
        return self.run(turn, leaves, share, self._collective)


class RayReplicas:
    """So many workers, each with a GPU; ``address`` is a cluster's ("auto" for the one that this
    machine is in), without it they are processes of this machine.

    They start with the first step. What they keep is lost when one of them dies, so that the run
    ends (GF044), and goes on from its last checkpoint.
    """

    gpus = 1
    """That each worker has."""

    def __init__(self, workers: int, address: str | None = None) -> None:
        if isinstance(workers, bool) or not isinstance(workers, int) or workers < 1:
            fail("GF033", f"workers is a whole number from 1 on, not {workers!r}")
        check_ray()
        self.workers, self.address, self.away = workers, address, Away(self)
        self._graphs: dict[Turn, Graph] = {}
        self._settings: Settings | None = None
        self._actors: list[ActorHandle[Member]] = []

    def learn(self, graphs: Mapping[Turn, Graph], settings: Settings) -> None:
        """Get to know a player's graphs, before the first step."""
        self._graphs |= graphs
        self._settings = settings

    def run(
        self, turn: Turn, leaves: Mapping[str, Array], shares: Sequence[Share]
    ) -> Sequence[Gathered]:
        """What came of the shares, one for each worker. Raises GF044 where a worker dies."""
        import ray

        if not self._actors:
            self._start()
        sent = ray.put(dict(leaves))
        pairs = zip(self._actors, shares, strict=True)
        return self._all([actor.make.remote(turn, sent, share) for actor, share in pairs])

    def fetch(self, name: str) -> Array:
        """A leaf, of the first worker. Raises GF044 where the workers have ended."""
        if not self._actors:
            fail("GF044", f"'{name}' is lost with the workers that kept it", help=AGAIN)
        found: Sequence[Array] = self._all([a.fetch.remote(name) for a in self._actors[:1]])
        return found[0]

    def __enter__(self) -> RayReplicas:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    def close(self) -> None:
        """End the workers, and what they keep."""
        import ray

        for actor in self._actors:
            ray.kill(actor)
        self._actors = []

    def _start(self) -> None:
        """Connect to the cluster, or begin one here, and start the workers."""
        join(self.address)
        import ray

        resources: Mapping[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
        there = int(resources.get("GPU", 0))
        if there < self.gpus * self.workers:
            fail("GF044", f"{self.workers} workers need a GPU each, and Ray finds {there}",
                 help="fewer workers; nvidia-smi lists the GPUs of a machine")  # fmt: skip
        make = ray.remote(num_cpus=0, num_gpus=self.gpus)(Member)
        started: list[ActorHandle[Member]] = [
            make.remote(self._graphs, self._settings)  # type: ignore[misc]
            for _ in range(self.workers)
        ]
        wait_for([each.ready.remote() for each in started])
        self._actors = started
        pairs = zip(started, self._meetings(), strict=True)
        self._all([actor.join.remote(collective) for actor, collective in pairs])

    def _meetings(self) -> list[Callable[[], Collective]]:
        """For each worker what makes its all-reduce."""
        found: Sequence[Identity] = self._all([a.identity.remote() for a in self._actors[:1]])
        common = found[0]
        return [partial(_by_nccl, common, self.workers, k) for k in range(self.workers)]

    def _all(self, asked: Sequence[ObjectRef[T]]) -> list[T]:
        """All answers; where one fails, all workers end."""
        return all_of(asked, self.close)


def _by_nccl(common: Identity, workers: int, number: int) -> Collective:
    return BetweenDevices(Nccl(common, workers, number))
