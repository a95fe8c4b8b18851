"""First values of parameters and states: the initial graph, run for the leaves that need it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from graphflow.diagnostics import fail
from graphflow.ir.dims import bind
from graphflow.ir.graph import Graph
from graphflow.ir.types import DType, TensorType, type_symbols
from graphflow.ops.evaluate import evaluate
from graphflow.ops.op import Array
from graphflow.passes.specialise import specialise


class Initialiser:
    """Computes first values on demand.

    What a leaf starts with depends on the seed and its own name alone, not on which other leaves
    are computed with it. ``sizes`` and ``feed`` are what is known of symbols and inputs so far.
    """

    def __init__(self, graph: Graph, types: Mapping[str, TensorType], seed: int = 0) -> None:
        self.graph, self.types, self.seed = graph, types, seed
        self.sizes: dict[str, int] = {}
        self.feed: dict[str, Array] = {}
        self.float_type = DType.FLOAT32

    def __call__(self, name: str) -> Array:
        """The first value of the leaf ``name``, drawn in float64 and rounded once."""
        node = self.graph[name]
        needed = self.graph.needed_for([node.name])
        part = self.graph.restricted_to(needed)
        part = Graph(part.nodes, (node.name,), origins=part.origins)
        self._check_known(name, part)
        concrete = specialise(part, self.sizes, DType.FLOAT64, training=False)
        leaves = {leaf.name: self.feed[leaf.name] for leaf in concrete.leaves("input")}
        leaves["rng"] = np.array([self.seed, 0], dtype=np.int64)
        value = evaluate(concrete, leaves)[concrete.outputs[0]]
        declared = self.types[name].dtype
        dtype = self.float_type if declared is DType.FLOAT else declared
        return np.array(value, dtype=dtype.value, order="C")

    def shape(self, name: str) -> tuple[int, ...]:
        """The leaf's shape for the sizes known now."""
        return tuple(int(bind(d, self.sizes)) for d in self.types[name].shape)  # type: ignore[arg-type]

    def _check_known(self, name: str, part: Graph) -> None:
        for leaf in part.leaves("input"):
            if leaf.name not in self.feed:
                fail("GF066", f"'{name}' starts as the input '{leaf.name}', which is not fed yet",
                     help=f"feed '{leaf.name}' first, or assign '{name}'")  # fmt: skip
        open_sizes = type_symbols(self.types[name]) - self.sizes.keys()
        if open_sizes:
            shown = ", ".join(sorted(open_sizes))
            fail("GF066", f"the size of '{name}' depends on {shown}, which is not known yet",
                 help="run a program or a step first, or assign it")  # fmt: skip
