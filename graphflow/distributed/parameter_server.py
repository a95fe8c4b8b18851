"""A parameter server: it has some of the parameters and the states of their optimizer, takes the
gradients that workers push, and makes the update.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Lock
from typing import NoReturn, Protocol, TypeVar

import numpy as np
from threadpoolctl import threadpool_limits

from graphflow.distributed.parts import mean
from graphflow.ir.graph import Graph
from graphflow.ops.op import Array
from graphflow.runtime.compile import Compiler, Settings
from graphflow.runtime.initial import Initialiser
from graphflow.runtime.store import Store

Result = TypeVar("Result")


@dataclass(frozen=True)
class Update:
    """An update of a player's parameters, which makes ``version``; what the graph reads besides
    what lies on servers is ``common``. Versions before ``oldest`` are pulled no more.
    """

    player: str
    version: int
    oldest: int
    common: Mapping[str, Array]
    key: Array
    sizes: Mapping[str, int]


class Server(Protocol):
    """What has some of the keys: workers pull and push, all else is the trainer's to ask."""

    def pull(self, version: int, names: Sequence[str]) -> dict[str, Array]:
        """Parameters as they were in a version."""

    def push(self, step: int, worker: int, gradients: Mapping[str, Array]) -> None:
        """A worker's gradients of a step, by the leaves that they are added to."""

    def add(self, step: int, weights: Sequence[float]) -> None:
        """Add the mean of what all workers have pushed in a step to what waits for an update."""

    def update(self, update: Update) -> None:
        """Make an update."""

    def take(self, version: int, values: Mapping[str, Array]) -> None:
        """Leaves have these values from now on, which is a version."""

    def value(self, name: str) -> Array:
        """What a leaf is now."""

    def close(self) -> None:
        """Nobody asks it any more."""


class ParameterServer:
    """A server: ``updates`` are the players' updates of what it has, and ``read`` is what workers
    pull of that.

    Workers call it from threads of their own while the trainer does. A worker that takes the place
    of one that died pulls the same version and pushes the same gradients once more, which changes
    nothing.
    """

    def __init__(
        self, updates: Mapping[str, Graph], read: Sequence[str], settings: Settings,
        threads: int | None = None,
    ) -> None:  # fmt: skip
        if threads is not None:
            os.environ["NUMBA_NUM_THREADS"] = str(threads)  # read when kernels are first needed
            threadpool_limits(threads, "blas")
        graphs = updates.values()
        leaves = [n for g in graphs for op in ("parameter", "state") for n in g.leaves(op)]
        self.store = Store({leaf.name: leaf.tensor for leaf in leaves}, _never)
        self.store.settle(settings.dtype)
        start = Initialiser(Graph({}), {})
        self._updates = {
            name: Compiler(graph, self.store, start, settings) for name, graph in updates.items()
        }
        self._read = tuple(read)
        self._lock = Lock()
        self._versions: dict[int, dict[str, Array]] = {}
        self._pushed: dict[int, dict[tuple[int, str], Array]] = {}

    def ready(self) -> bool:
        """Whether it can be asked."""
        return True

    def pull(self, version: int, names: Sequence[str]) -> dict[str, Array]:
        """Parameters as they were in a version."""
        with self._lock:
            found = self._versions[version]
        return {name: found[name] for name in names}

    def push(self, step: int, worker: int, gradients: Mapping[str, Array]) -> None:
        """A worker's gradients of a step, by the leaves that they are added to."""
        with self._lock:
            pushed = self._pushed.setdefault(step, {})
            pushed |= {(worker, leaf): value for leaf, value in gradients.items()}

    def add(self, step: int, weights: Sequence[float]) -> None:
        """Add the mean of what all workers have pushed in a step to what waits for an update. Of
        steps before it nothing is kept.
        """
        with self._lock:
            pushed = self._pushed.pop(step, {})
            for earlier in [n for n in self._pushed if n < step]:
                del self._pushed[earlier]
        for leaf in dict.fromkeys(leaf for _, leaf in pushed):
            value = mean([pushed[worker, leaf] for worker in range(len(weights))], weights)
            self.store.assign(leaf, np.asarray(self.store.array(leaf) + value, value.dtype))

    def update(self, update: Update) -> None:
        """Make an update."""
        compiler = self._updates[update.player]
        known = {node.name for node in compiler.graph}
        for name in known & update.common.keys():
            self.store.assign(name, update.common[name])
        compiler.run({}, update.key, update.sizes)
        self._keep(update.version)
        with self._lock:
            for version in [n for n in self._versions if n < update.oldest]:
                del self._versions[version]

    def take(self, version: int, values: Mapping[str, Array]) -> None:
        """Leaves have these values from now on, which is a version."""
        for name, value in values.items():
            self.store.assign(name, value)
        self._keep(version)

    def value(self, name: str) -> Array:
        """What a leaf is now."""
        return self.store.copied(name)

    def close(self) -> None:
        """Nobody asks it any more: it goes with its process."""

    def _keep(self, version: int) -> None:
        """What is there now is a version that can be pulled."""
        found = {name: self.store.copied(name) for name in self._read}
        with self._lock:
            self._versions[version] = found


@dataclass(frozen=True)
class Served:
    """A worker's way to the servers in a step: ``version`` is what it pulls, of ``names``; each
    leaf is at one of the ``places``.
    """

    servers: tuple[Server, ...]
    places: Mapping[str, int]
    names: tuple[str, ...]
    version: int
    step: int
    worker: int

    def pull(self) -> dict[str, Array]:
        """The parameters."""
        asked = [[n for n in self.names if self.places[n] == k] for k in range(len(self.servers))]

        def pulled(server: int) -> dict[str, Array]:
            return self.servers[server].pull(self.version, asked[server])

        found = of_each(pulled, [k for k, names in enumerate(asked) if names])
        return {name: value for part in found for name, value in part.items()}

    def push(self, values: Mapping[str, Array]) -> dict[str, Array]:
        """Push gradients; what no server adds up is given back."""
        mine = [
            {n: v for n, v in values.items() if self.places.get(n) == k}
            for k in range(len(self.servers))
        ]

        def pushed(server: int) -> None:
            self.servers[server].push(self.step, self.worker, mine[server])

        of_each(pushed, [k for k, found in enumerate(mine) if found])
        return {name: value for name, value in values.items() if name not in self.places}


def of_each(call: Callable[[int], Result], servers: Sequence[int]) -> list[Result]:
    """What a call gives for each of the servers, all at once."""
    if len(servers) < 2:
        return [call(server) for server in servers]
    with ThreadPoolExecutor(len(servers)) as threads:
        return list(threads.map(call, servers))


def _never(name: str) -> NoReturn:
    raise AssertionError(f"'{name}' was not sent")
