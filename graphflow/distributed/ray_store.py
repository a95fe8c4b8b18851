"""A key-value store whose servers are actors of Ray: processes of this machine, or of a cluster."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from graphflow.diagnostics import GraphflowError, fail
from graphflow.distributed.cluster import join
from graphflow.distributed.key_value import KeyValueStore, Shelf, check_servers
from graphflow.ops.op import Array

if TYPE_CHECKING:
    from ray import ObjectRef
    from ray.actor import ActorHandle

Result = TypeVar("Result")
CALLS = 256
"""How many calls a server has at one time: those that wait for values are among them."""


def store_in_cluster(
    servers: int = 1, address: str | None = None, aggregate: str = "sum"
) -> KeyValueStore:
    """A store with so many servers in the Ray cluster at ``address``, or on this machine. It can be
    given to tasks and actors of the cluster; its servers end when nobody has it any more.

    A server that dies takes its values along, and who asks it raises GF044. Raises GF044 as well
    where no cluster answers, GF033 and GF076.
    """
    check_servers(servers, aggregate)
    join(address)
    import ray

    make = ray.remote(num_cpus=0)(Shelf).options(max_concurrency=CALLS)
    started: list[ActorHandle[Shelf]] = [
        make.remote(aggregate)  # type: ignore[misc]
        for _ in range(servers)
    ]
    return KeyValueStore(tuple(map(_Remote, started)))


@dataclass(frozen=True)
class _Remote:
    """A server seen from elsewhere."""

    actor: ActorHandle[Shelf]

    def push(self, key: str, value: Array, worker: int | None) -> None:
        """Add a value to those of a key, in the place of what this worker pushed before."""
        _answer(self.actor.push.remote(key, value, worker))

    def pull(self, key: str, pushes: int, patience: float) -> Array:
        """What the values of a key make, once there are so many."""
        return np.array(_answer(self.actor.pull.remote(key, pushes, patience)))

    def drop(self, key: str) -> None:
        """Forget a key."""
        _answer(self.actor.drop.remote(key))


def _answer(reference: ObjectRef[Result]) -> Result:
    return answered(reference, "a server of the store died",
                    "what was pushed to it is lost: make another store")  # fmt: skip


def answered(reference: ObjectRef[Result], died: str, help: str) -> Result:
    """What an actor answers; what it refuses is raised here as it was there. GF044 if it has died.
    """
    import ray

    try:
        return ray.get(reference)
    except ray.exceptions.RayTaskError as error:
        if isinstance(error.cause, GraphflowError):
            raise error.cause from None
        raise
    except ray.exceptions.RayActorError as error:
        fail("GF044", f"{died}: {str(error).splitlines()[0]}", help=help)
