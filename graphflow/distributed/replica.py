"""A worker that keeps parameters and states: it makes whole steps, on its own rows of batches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NoReturn

from graphflow.distributed.all_reduce import Collective, Participant
from graphflow.distributed.worker import Gathered, Share
from graphflow.ir.graph import Graph
from graphflow.ir.types import TensorType
from graphflow.ops.op import Array
from graphflow.runtime.compile import Compiler, Settings
from graphflow.runtime.initial import Initialiser
from graphflow.runtime.store import Store


@dataclass(frozen=True)
class Turn:
    """Which graph is run: a player's step, its update, or the end of its epoch."""

    player: str
    graph: str


class Replica:
    """One of several workers with the same parameters and states, each on a device of its own.

    They differ in their rows alone, and agree on means within a step (``all_reduce_mean``); so what
    they keep stays the same. It is sent to them once, and comes back when somebody asks for it.
    """

    def __init__(self, graphs: Mapping[Turn, Graph], settings: Settings) -> None:
        types = dict[str, TensorType]()
        for graph in graphs.values():
            types |= leaf_types(graph)
        self._graphs, self._participant = dict(graphs), Participant()
        self._store = Store(types, _never)
        self._store.settle(settings.dtype)
        start = Initialiser(Graph({}), {})
        self._compilers = {
            turn: Compiler(graph, self._store, start, settings) for turn, graph in graphs.items()
        }

    def run(
        self, turn: Turn, leaves: Mapping[str, Array], share: Share, collective: Collective
    ) -> Gathered:
        """A turn on a share: its outputs, and the new values of the states that came with it.
        ``leaves`` are new values of what is kept here.
        """
        for name, value in {**leaves, **share.states}.items():
            self._store.assign(name, value)
        with self._participant.at(collective, share.rank):
            outputs = self._compilers[turn].run(share.batch, share.key, share.sizes)
        updated = self._graphs[turn].updates
        states = {n: self._store.copied(n) for n in share.states if n in updated}
        return Gathered(outputs, states)

    def fetch(self, name: str) -> Array:
        """What is kept under a name."""
        return self._store.copied(name)


def leaf_types(graph: Graph) -> dict[str, TensorType]:
    """All parameters and states of a graph."""
    leaves = [*graph.leaves("parameter"), *graph.leaves("state")]
    return {leaf.name: leaf.tensor for leaf in leaves}


def _never(name: str) -> NoReturn:
    raise AssertionError(f"'{name}' was not sent")
