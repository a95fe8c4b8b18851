"""What the machine can do at best, and how long a step takes there at least.

``python -m graphflow.bench.roofline THREADS`` prints one line of JSON: ``flops``, the floating
point operations of a product of matrices in a second, and ``bytes``, what a copy reads and writes
in a second.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from time import perf_counter

import numpy as np

from graphflow.bench import ours
from graphflow.bench.rows import Row
from graphflow.bench.timing import POOLS, answer
from graphflow.ir.graph import LEAVES, Graph
from graphflow.runtime.work import product_flops
from graphflow.schedule.updates import value_bytes

SIDE, LENGTH = 1536, 2**25
"""Rows of the matrices that are multiplied, and bytes that a thread copies."""
TIMES = 9


@dataclass(frozen=True, slots=True)
class Rates:
    """Of this machine, in a second."""

    flops: float
    bytes: float

    def least_ms(self, row: Row) -> float:
        """The milliseconds that a step takes at least: its products at the rate of one large one,
        or its leaves read, and those it updates written, at the rate of a copy.
        """
        graphs = ours.model(row).trainer().graphs(row.feed())
        seconds = sum(map(product_flops, graphs)) / self.flops
        return 1e3 * max(seconds, sum(map(_leaf_bytes, graphs)) / self.bytes)


def _leaf_bytes(graph: Graph) -> int:
    read = sum(value_bytes(node.type) for node in graph if node.op in LEAVES)
    return read + sum(value_bytes(graph[name].type) for name in graph.updates)


def rates(threads: int) -> Rates:
    """Measured in a process of its own, on so many threads."""
    environment = os.environ | dict.fromkeys(POOLS, str(threads))
    command = [sys.executable, "-m", "graphflow.bench.roofline", str(threads)]
    return Rates(**json.loads(answer(command, environment, "the rates of this machine")))


def measured(threads: int) -> Rates:
    """The rates of this process, the best of several times."""
    x = np.random.default_rng(0).standard_normal((SIDE, SIDE), dtype=np.float32)
    out = np.empty_like(x)
    seconds = _best(lambda: np.matmul(x, x, out=out))
    pairs = [(np.ones(LENGTH, np.uint8), np.empty(LENGTH, np.uint8)) for _ in range(threads)]
    with ThreadPoolExecutor(threads) as pool:
        copying = _best(lambda: list(pool.map(lambda pair: np.copyto(pair[1], pair[0]), pairs)))
    return Rates(2 * SIDE**3 / seconds, 2 * threads * LENGTH / copying)


def _best(work: Callable[[], object]) -> float:
    """The shortest of several times, in seconds."""
    times = []
    for _ in range(TIMES):
        start = perf_counter()
        work()
        times.append(perf_counter() - start)
    return min(times)


if __name__ == "__main__":
    found = measured(int(sys.argv[1]))
    print(json.dumps({"flops": found.flops, "bytes": found.bytes}))
