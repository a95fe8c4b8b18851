"""What runs in a worker of a pipeline: forward, backward and update of one stage."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NoReturn

import numpy as np
from threadpoolctl import threadpool_limits

from graphflow.distributed.parameter_server import Update
from graphflow.distributed.replica import leaf_types
from graphflow.distributed.stages import WEIGHT, Piece
from graphflow.ir.graph import Graph
from graphflow.ir.types import TensorType
from graphflow.ops.op import Array
from graphflow.runtime.compile import Compiler, Settings
from graphflow.runtime.initial import Initialiser
from graphflow.runtime.store import Store

Values = Mapping[str, Array]


@dataclass(frozen=True)
class MicroBatch:
    """What a stage is fed of a micro-batch: its ``number`` in the batch, the rows of the file's
    inputs that the stage reads, states that all stages may read, and ``weight``, the part of the
    batch's rows that it has.
    """

    number: int
    batch: Values
    states: Values
    key: Array
    sizes: Mapping[str, int]
    weight: float


class Stage:
    """A worker that has the parameters of its stage, the sums of their gradients and what the
    optimizer keeps of them, and, from forward to backward, values of the micro-batches.
    """

    def __init__(
        self, forward: Piece, backward: Piece, update: Graph, settings: Settings,
        threads: int | None = None,
    ) -> None:  # fmt: skip
        if threads is not None:
            os.environ["NUMBA_NUM_THREADS"] = str(threads)  # read when kernels are first needed
            threadpool_limits(threads, "blas")
        graphs = (forward.graph, backward.graph, update)
        types = dict[str, TensorType]()
        for graph in graphs:
            types |= leaf_types(graph)
        self._store = Store(types, _never)
        self._store.settle(settings.dtype)
        start = Initialiser(Graph({}), {})
        self._forward, self._backward, self._update = (
            Compiler(graph, self._store, start, settings) for graph in graphs
        )
        self._pieces = {False: forward, True: backward}
        self._values: dict[int, dict[str, Array]] = {}

    def ready(self) -> bool:
        """Whether it can be given work."""
        return True

    def forward(self, fed: MicroBatch, *received: Values) -> tuple[Values, ...]:
        """Forward of a micro-batch: what the step gives, then what is passed on, by piece."""
        self._values[fed.number] = {n: v for values in received for n, v in values.items()}
        return self._made(self._forward, self._pieces[False], fed)

    def backward(self, fed: MicroBatch, *received: Values) -> tuple[Values, ...]:
        """Backward of a micro-batch that went forward here; its gradients are added up. Nothing of
        it is kept.
        """
        for values in received:
            self._values[fed.number] |= values
        made = self._made(self._backward, self._pieces[True], fed)
        del self._values[fed.number]
        return made

    def update(self, update: Update) -> None:
        """The new values of what is kept here."""
        known = {node.name for node in self._update.graph}
        for name in known & update.common.keys():
            self._store.assign(name, update.common[name])
        self._update.run({}, update.key, update.sizes)

    def take(self, values: Values) -> None:
        """Leaves have these values from now on; no micro-batch is under way."""
        self._values.clear()
        for name, value in values.items():
            self._store.assign(name, value)

    def value(self, name: str) -> Array:
        """What a leaf is now."""
        return self._store.copied(name)

    def _made(self, compiler: Compiler, piece: Piece, fed: MicroBatch) -> tuple[Values, ...]:
        """Run a piece on what it is fed and given."""
        kept = self._values[fed.number]
        for name in piece.leaves.keys() & fed.states.keys():
            self._store.assign(name, fed.states[name])
        known = {n: v for n, v in fed.batch.items() if n in piece.fed}
        known |= {name: kept[name] for name in piece.given}
        if WEIGHT in compiler.inputs:
            known[WEIGHT] = np.array(fed.weight)
        found = compiler.run(known, fed.key, fed.sizes)
        kept |= found
        passed = ({n: found[n] for n in names} for names in piece.passes.values())
        return {n: found[n] for n in piece.outputs}, *passed


def _never(name: str) -> NoReturn:
    raise AssertionError(f"'{name}' was not sent")
