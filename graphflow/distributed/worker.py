"""What runs in a worker: forward and backward on a part of the batch."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NoReturn

import numpy as np
from threadpoolctl import threadpool_limits

from graphflow.distributed.meeting import Attendance, Meeting, Seat
from graphflow.ir.graph import Graph
from graphflow.ir.types import TensorType
from graphflow.ops.op import Array
from graphflow.runtime.compile import Compiler, Settings
from graphflow.runtime.initial import Initialiser
from graphflow.runtime.store import Store


@dataclass(frozen=True)
class Gathering:
    """The graph that adds a batch's gradients to ``sums``, leaves that start at zero here."""

    graph: Graph
    sums: tuple[str, ...]

    @property
    def leaves(self) -> dict[str, TensorType]:
        """All parameters and states that it reads or writes."""
        found = [*self.graph.leaves("parameter"), *self.graph.leaves("state")]
        return {leaf.name: leaf.tensor for leaf in found}

    @property
    def read(self) -> list[str]:
        """Those that it has to be given."""
        return [name for name in self.leaves if name not in self.sums]


@dataclass(frozen=True)
class Share:
    """A part of the work of a step: rows of the batch and of states, and what they draw from; with
    a ``seat`` the worker meets the others on the way.
    """

    batch: Mapping[str, Array]
    states: Mapping[str, Array]
    key: Array
    sizes: Mapping[str, int]
    seat: Seat | None = None


@dataclass(frozen=True)
class Gathered:
    """What came of it: outputs by node, new values by leaf."""

    outputs: Mapping[str, Array]
    leaves: Mapping[str, Array]


class Worker:
    """Runs the gathering graphs of the players on parts of batches.

    Between two steps it keeps nothing but its plans: what it needs comes with each of them, so that
    another worker can take its place at any moment.
    """

    def __init__(
        self, players: Mapping[str, Gathering], settings: Settings, threads: int | None = None
    ) -> None:
        if threads is not None:
            os.environ["NUMBA_NUM_THREADS"] = str(threads)  # read when kernels are first needed
            threadpool_limits(threads, "blas")
        self._attendance = Attendance()
        self._players = {name: _Gatherer(each, settings) for name, each in players.items()}

    def ready(self) -> bool:
        """Whether it can be given work."""
        return True

    def gather(
        self, player: str, leaves: Mapping[str, Array], share: Share, meeting: Meeting | None = None
    ) -> Gathered:
        """Forward and backward of a player on a share; ``leaves`` are parameters and states that
        every share needs whole, at ``meeting`` are the workers that have the other shares.
        """
        with self._attendance.at(meeting, share.seat):
            return self._players[player].gather(leaves, share)


class _Gatherer:
    """One player's graph, compiled here."""

    def __init__(self, gathering: Gathering, settings: Settings) -> None:
        self.gathering, self.dtype = gathering, np.dtype(settings.dtype.value)
        types = gathering.leaves
        self.store = Store(types, _never)
        self.store.settle(settings.dtype)
        self.compiler = Compiler(gathering.graph, self.store, Initialiser(Graph({}), {}), settings)

    def gather(self, leaves: Mapping[str, Array], share: Share) -> Gathered:
        """Set the leaves, run, and say what the outputs and the new values are."""
        for name, value in {**leaves, **share.states}.items():
            self.store.assign(name, value)
        for name in self.gathering.sums:
            self.store.assign(name, self._zero(self.gathering.leaves[name]))
        outputs = self.compiler.run(share.batch, share.key, share.sizes)
        updated = self.gathering.graph.updates
        return Gathered(outputs, {name: np.array(self.store.array(name)) for name in updated})

    def _zero(self, type: TensorType) -> Array:
        dtype = self.dtype if type.dtype.value == "float" else type.dtype.value
        return np.zeros([int(str(d)) for d in type.shape], dtype)


def _never(name: str) -> NoReturn:
    raise AssertionError(f"'{name}' was not sent")
