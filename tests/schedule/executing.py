"""Running a graph by a plan, and by the reference interpreter, from the same leaves."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from graphflow.ir.graph import Graph
from graphflow.ops.evaluate import evaluate
from graphflow.runtime.executor import Executor
from graphflow.schedule.plan import make_plan
from tests.schedule.graphs import leaf_values

FED = ("input", "rng")


class Held:
    """A store that holds given arrays."""

    def __init__(self, arrays: Mapping[str, np.ndarray]) -> None:
        self.arrays = {name: np.array(value) for name, value in arrays.items()}
        self.version = 0

    def array(self, name: str) -> np.ndarray:
        return self.arrays[name]


def executor(
    graph: Graph, leaves: Mapping[str, np.ndarray], reuse: bool = True
) -> tuple[Executor, Held, dict[str, np.ndarray]]:
    """The executor of a graph, its store, and what it is fed."""
    fed = [node.name for node in graph if node.op in FED]
    held = Held({name: value for name, value in leaves.items() if name not in fed})
    return Executor(make_plan(graph, reuse), held, fed), held, {name: leaves[name] for name in fed}


def check(graph: Graph, seed: int = 0, runs: int = 2, tolerance: float = 1e-10) -> None:
    """Outputs and updated leaves equal the interpreter's, run after run, with and without reuse."""
    for reuse in (True, False):
        leaves = leaf_values(graph, seed)
        runner, held, feed = executor(graph, leaves, reuse)
        for _ in range(runs):
            with np.errstate(all="ignore"):
                expected = evaluate(graph, leaves)
            got = runner.run(feed)
            for name in graph.outputs:
                same(got[name], expected[name], tolerance)
            for leaf, value in graph.updates.items():
                same(held.array(leaf), expected[value], tolerance)
                leaves[leaf] = np.array(expected[value])


def same(got: np.ndarray, expected: object, tolerance: float = 1e-10) -> None:
    assert isinstance(expected, np.ndarray)
    assert got.shape == expected.shape and got.dtype == expected.dtype
    np.testing.assert_allclose(got, expected, rtol=tolerance, atol=tolerance)
