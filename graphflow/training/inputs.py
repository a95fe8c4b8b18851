"""From columns of a batch to inputs of the graph: the expressions of ``feed:``, compiled."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping

import numpy as np

from graphflow.diagnostics import fail
from graphflow.ir.graph import Graph
from graphflow.ir.types import DType, TensorType
from graphflow.ops.op import Array
from graphflow.runtime.compile import Compiler, Settings
from graphflow.runtime.initial import Initialiser
from graphflow.runtime.program import random_key
from graphflow.runtime.store import Store
from graphflow.spec.elaborate import Elaborated

KEPT = 16
"""Compiled feeds for other shapes of batches that are kept, the latest ones."""
_BATCHES = 2**32

Compiled = tuple[Compiler, tuple[str, ...]]


class InputGraphs:
    """Computes ``feed:``, once compiled for each shape of a batch.

    What a feed draws depends on (``seed``, epoch, batch) alone. It may be called from several
    threads.
    """

    def __init__(self, elaborated: Elaborated, seed: int) -> None:
        self.elaborated, self.seed = elaborated, seed
        self._compiled: OrderedDict[tuple[object, ...], Compiled] = OrderedDict()
        self._lock = threading.Lock()

    def inputs(
        self, columns: Mapping[str, Array], training: bool, epoch: int = 0, batch: int = 0
    ) -> dict[str, Array]:
        """The inputs of the graph for one batch of columns."""
        compiler, names = self._for(columns, training)
        fed = {n: c for n, c in columns.items() if n in compiler.inputs}
        found = compiler.run(fed, random_key(self.seed, epoch * _BATCHES + batch))
        return {n: found[out] for n, out in zip(names, compiler.graph.outputs, strict=True)}

    def _for(self, columns: Mapping[str, Array], training: bool) -> Compiled:
        """The program for columns of these shapes."""
        key = (training, *((n, c.shape, c.dtype.str) for n, c in columns.items()))
        with self._lock:  # several threads share the programs that are kept
            known = self._compiled.get(key) or self._compile(columns, training)
            self._compiled[key] = known
            self._compiled.move_to_end(key)
            if len(self._compiled) > KEPT:
                self._compiled.popitem(last=False)
        return known

    def _compile(self, columns: Mapping[str, Array], training: bool) -> Compiled:
        types = {n: TensorType(number_type(c.dtype), c.shape) for n, c in columns.items()}
        graph, names = self.elaborated.column_graph(types)
        settings = Settings("train" if training else "eval")
        return Compiler(graph, *_nothing(), settings), names


def _nothing() -> tuple[Store, Initialiser]:
    """A feed has no parameters: a store and first values of none."""
    initialiser = Initialiser(Graph({}, ()), {})
    return Store({}, initialiser), initialiser


def number_type(dtype: np.dtype[np.generic]) -> DType:
    """The number type of a column; its floats are the program's."""
    if dtype.kind == "f":
        return DType.FLOAT
    if dtype.kind == "b":
        return DType.BOOL
    if dtype.kind not in "iu":
        fail("GF031", f"a column of {dtype} holds no numbers")
    return DType.UINT8 if dtype == np.uint8 else DType.INT64
