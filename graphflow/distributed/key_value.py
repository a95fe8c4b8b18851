"""A store of values by key, dealt to servers: workers push values, and pull what these make."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from threading import Condition
from types import MappingProxyType
from typing import Protocol
from zlib import crc32

import numpy as np

from graphflow.diagnostics import fail
from graphflow.ops.op import Array

PATIENCE = 60.0
"""Seconds in which those whose values are waited for have to push them."""


class Aggregate(Protocol):
    """What is made of all values of a key, which lie along the first axis in ascending order."""

    def __call__(self, values: Array, /) -> Array: ...


AGGREGATES: Mapping[str, Aggregate] = MappingProxyType({
    "sum": partial(np.sum, axis=0), "mean": partial(np.mean, axis=0),
    "max": partial(np.max, axis=0), "min": partial(np.min, axis=0),
})  # fmt: skip


class Server(Protocol):
    """What has some of the keys."""

    def push(self, key: str, value: Array, worker: int | None) -> None:
        """Add a value to those of a key, in the place of what this worker pushed before."""

    def pull(self, key: str, pushes: int, patience: float) -> Array:
        """What the values of a key make, once there are so many."""

    def drop(self, key: str) -> None:
        """Forget a key."""


@dataclass(frozen=True)
class KeyValueStore:
    """Values by key, on servers; :meth:`here` makes one within this process, and
    :func:`~graphflow.distributed.ray_store.store_in_cluster` one whose servers are processes.

    Of the values ``v_1, ..., v_m`` pushed to a key, ``pull`` gives ``v_1 + ... + v_m``, or what
    else ``aggregate`` says. Values of a key have one shape. They are added up in ascending order
    at each place, so that the order in which they came changes no bit. No key waits for another; a
    server keeps what was pushed until the key is dropped.

    >>> store = KeyValueStore.here(servers=2)
    >>> store.push("w", np.array([1.0, 2.0]))
    >>> store.push("w", np.array([3.0, 4.0]))
    >>> store.pull("w", pushes=2)
    array([4., 6.])
    """

    servers: tuple[Server, ...]

    @classmethod
    def here(cls, servers: int = 1, aggregate: str = "sum") -> KeyValueStore:
        """A store within this process, for its threads. Raises GF033 for a number of servers below
        1, and for what is none of sum, mean, max and min.
        """
        check_servers(servers, aggregate)
        return cls(tuple(Shelf(aggregate) for _ in range(servers)))

    def server_of(self, key: str) -> int:
        """The number of the server that has a key: a hash of it, the same in every process.

        >>> store = KeyValueStore.here(servers=4)
        >>> [store.server_of(key) for key in ("w1", "b1", "w2", "b2")]
        [0, 0, 2, 2]
        """
        return crc32(key.encode()) % len(self.servers)

    def push(self, key: str, value: Array, worker: int | None = None) -> None:
        """Add a value to those of a key; that of a ``worker``, in the place of what this one has
        pushed before, so that who died and begins anew is not counted twice. Raises GF061 if it has
        another shape than they have.

        >>> store = KeyValueStore.here()
        >>> for gradient in (1.0, 1.0):
        ...     store.push("w 0", np.array(gradient), worker=0)
        >>> store.pull("w 0")
        array(1.)
        """
        self.servers[self.server_of(key)].push(key, np.array(value), worker)

    def pull(self, key: str, pushes: int = 1, patience: float = PATIENCE) -> Array:
        """What the values of a key make, once at least so many ``pushes`` have come. Raises GF044
        if they have not within ``patience`` seconds.
        """
        return self.servers[self.server_of(key)].pull(key, pushes, patience)

    def drop(self, key: str) -> None:
        """Forget a key and what was pushed to it, as after a step; one that is not there, too."""
        self.servers[self.server_of(key)].drop(key)


class Shelf:
    """A server within one process: threads push, and wait for one another."""

    def __init__(self, aggregate: str = "sum") -> None:
        self._changed, self._aggregate = Condition(), AGGREGATES[aggregate]
        self._values: dict[str, dict[object, Array]] = {}

    def push(self, key: str, value: Array, worker: int | None) -> None:
        """Add a value to those of a key, in the place of what this worker pushed before."""
        with self._changed:
            values = self._values.setdefault(key, {})
            shape = next((each.shape for each in values.values()), value.shape)
            if shape != value.shape:
                fail("GF061", f"values of '{key}' have the shape {shape}, not {value.shape}",
                     help="values that are added up have one shape")  # fmt: skip
            values[object() if worker is None else worker] = value
            self._changed.notify_all()

    def pull(self, key: str, pushes: int, patience: float) -> Array:
        """What the values of a key make, once there are so many."""
        with self._changed:
            least = max(1, pushes)
            if not self._changed.wait_for(lambda: self._count(key) >= least, patience):
                came = f"of {least} values of '{key}' {self._count(key)} came"
                fail("GF044", f"{came} within {patience:g} seconds",
                     help="do all workers push, and to this key?")  # fmt: skip
            values = list(self._values[key].values())
        return np.asarray(self._aggregate(np.sort(np.stack(values), axis=0)))

    def drop(self, key: str) -> None:
        """Forget a key."""
        with self._changed:
            self._values.pop(key, None)

    def _count(self, key: str) -> int:
        return len(self._values.get(key, ()))


def check_servers(servers: int, aggregate: str) -> None:
    """Raises GF033 for a number of servers below 1, and for what is no aggregate."""
    if isinstance(servers, bool) or not isinstance(servers, int) or servers < 1:
        fail("GF033", f"servers is a whole number from 1 on, not {servers!r}")
    if aggregate not in AGGREGATES:
        fail("GF033", f"aggregate is one of {', '.join(AGGREGATES)}, not {aggregate!r}")
