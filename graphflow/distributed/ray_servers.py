"""Parameter servers as actors of Ray: processes of this machine, or of a cluster."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from graphflow.distributed.cluster import join, wait_for
from graphflow.distributed.parameter_server import ParameterServer, Server, Update
from graphflow.distributed.ray_store import CALLS, answered
from graphflow.ir.graph import Graph
from graphflow.ops.op import Array
from graphflow.runtime.compile import Settings

if TYPE_CHECKING:
    from ray import ObjectRef
    from ray.actor import ActorHandle

Result = TypeVar("Result")


def servers_in_cluster(
    updates: Sequence[Mapping[str, Graph]],
    read: Sequence[Sequence[str]],
    settings: Settings,
    address: str | None = None,
) -> list[Server]:
    """Servers in the Ray cluster at ``address``, on as many of its machines as can be, or on this
    machine; a process ends when its server is closed. GF044 where no cluster answers, or has no
    processors left.
    """
    join(address)
    import ray

    make = ray.remote(num_cpus=1 if address else 0)(ParameterServer).options(
        max_concurrency=CALLS, scheduling_strategy="SPREAD"
    )
    threads = None if address else 1  # here workers need the processors
    started: list[ActorHandle[ParameterServer]] = [
        make.remote(own, names, settings, threads)  # type: ignore[misc]
        for own, names in zip(updates, read, strict=True)
    ]
    wait_for([each.ready.remote() for each in started])
    return [_Remote(actor) for actor in started]


@dataclass(frozen=True)
class _Remote:
    """A server seen from elsewhere. What it refuses is raised as it was there; GF044 where it has
    died.
    """

    actor: ActorHandle[ParameterServer]

    def pull(self, version: int, names: Sequence[str]) -> dict[str, Array]:
        """Parameters as they were in a version."""
        return _answer(self.actor.pull.remote(version, names))

    def push(self, step: int, worker: int, gradients: Mapping[str, Array]) -> None:
        """A worker's gradients of a step."""
        _answer(self.actor.push.remote(step, worker, gradients))

    def add(self, step: int, weights: Sequence[float]) -> None:
        """Add the mean of what all workers have pushed in a step."""
        _answer(self.actor.add.remote(step, weights))

    def update(self, update: Update) -> None:
        """Make an update."""
        _answer(self.actor.update.remote(update))

    def take(self, version: int, values: Mapping[str, Array]) -> None:
        """Leaves have these values from now on."""
        _answer(self.actor.take.remote(version, values))

    def value(self, name: str) -> Array:
        """What a leaf is now."""
        return np.asarray(_answer(self.actor.value.remote(name)))

    def close(self) -> None:
        """End its process."""
        import ray

        ray.kill(self.actor)


def _answer(reference: ObjectRef[Result]) -> Result:
    return answered(
        reference, "a parameter server died", "what came after the last checkpoint is lost: a run "
        "with a folder goes on from there, graphflow run --resume DIR",
    )  # fmt: skip
