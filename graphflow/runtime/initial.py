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
from graphflow.passes import specialise


class Initialiser:
    """Computes first values on demand.

    What a leaf starts with depends on the seed and its own name alone, not on which other leaves
    are computed with it. ``sizes`` and ``feed`` are what is known of symbols and inputs so far.
    """

    def __init__(self, graph: Graph, types: Mapping[str, TensorType], seed: int = 0) -> None:
        self.graph, self.types, self.seed = graph, types, seed
        self.sizes: dict[str, int] = {}
        self.feed: dict[str, Array] = {}

    def __call__(self, name: str) -> Array:
        """The first value of the leaf ``name``."""
        return self.first(name, self.sizes)

    def first(self, name: str, sizes: Mapping[str, int]) -> Array:
        """The first value of a leaf for given sizes, computed in float64.

        What is drawn is rounded to float32: programs of every float type start from the same draw.
        """
        node = self.graph[name]
        part = self.graph.restricted_to(self.graph.needed_for([node.name]))
        part = Graph(part.nodes, (node.name,), origins=part.origins)
        self._check_known(name, part, sizes)
        concrete = specialise(part, sizes, DType.FLOAT64, training=False)
        leaves = {leaf.name: self.feed[leaf.name] for leaf in concrete.leaves("input")}
        key = np.array([self.seed, 0], dtype=np.int64)
        leaves |= {leaf.name: key for leaf in concrete.leaves("rng")}
        value = evaluate(concrete, leaves)[concrete.outputs[0]]
        declared = self.types[name].dtype
        if declared is not DType.FLOAT:
            return np.array(value, dtype=declared.value, order="C")
        drawn = np.float32 if concrete.leaves("rng") else np.float64
        return np.array(value, dtype=drawn, order="C")

    def learn(self, feed: Mapping[str, Array], sizes: Mapping[str, int]) -> None:
        """Take note of fed inputs that first values copy, and of the sizes of symbols."""
        self.feed |= {n: np.array(v) for n, v in feed.items() if n in self.graph}
        self.sizes |= sizes

    def shape(self, name: str, sizes: Mapping[str, int]) -> tuple[int, ...] | None:
        """The leaf's shape for given sizes; None while one of its symbols is open."""
        found = [bind(d, sizes) for d in self.types[name].shape]
        known = tuple(d for d in found if isinstance(d, int))
        return known if len(known) == len(found) else None

    def known(self, name: str) -> bool:
        """Whether the first value can be computed by now."""
        needed = self.graph.restricted_to(self.graph.needed_for([self.graph.resolve(name)]))
        fed = all(leaf.name in self.feed for leaf in needed.leaves("input"))
        return fed and type_symbols(self.types[name]) <= self.sizes.keys()

    def _check_known(self, name: str, part: Graph, sizes: Mapping[str, int]) -> None:
        for leaf in part.leaves("input"):
            if leaf.name not in self.feed:
                fail("GF066", f"'{name}' starts as the input '{leaf.name}', which is not fed yet",
                     help=f"feed '{leaf.name}' first, or assign '{name}'")  # fmt: skip
        open_sizes = type_symbols(self.types[name]) - sizes.keys()
        if open_sizes:
            shown = ", ".join(sorted(open_sizes))
            fail("GF066", f"the size of '{name}' depends on {shown}, which is not known yet",
                 help=f"write a number in place of {shown} under 'inputs', give sizes when "
                 "compiling, run a step first, or assign it")  # fmt: skip

