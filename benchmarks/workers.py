"""Weak scaling: workers that each have the same rows, beside what a model of costs says.

    python benchmarks/workers.py [ROW]... [--workers 1 2 4] [--rows 256] [--buckets 1MB 4MB 1GB]

Rows are those of `graphflow bench`. A step of k workers is told as the median of the time of one
process with as many rows as each of them has, and so is what the model of costs says: compute,
the parameters and the rows out, k gradients back. What it needs is measured first: the time of a
call, and the bytes a second to a worker and back. Gradients come in buckets of each of the sizes;
one that holds all of them comes after backward.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial

import numpy as np
import ray

from graphflow.bench.ours import model
from graphflow.bench.rows import ROWS, Row
from graphflow.cli.source import parse_bytes
from graphflow.distributed.data_parallel import SharedPlayer
from graphflow.distributed.gradient_graph import BUCKET
from graphflow.distributed.ray_pool import RayPool

SECONDS = 3.0
"""How long each figure is measured."""
MEBIBYTES = (1, 32)


class Echo:
    """A worker that does nothing."""

    def empty(self) -> None:
        """What a call costs."""

    def take(self, array: np.ndarray) -> float:
        """What it costs to be given an array, and to copy it."""
        return float(np.array(array)[0])

    def give(self, array: np.ndarray) -> np.ndarray:
        """What it costs to give one back, besides."""
        return np.array(array)


def median(run: Callable[[], object]) -> float:
    """Seconds that a call takes, in the middle of as many as fit."""
    for _ in range(3):
        run()
    times, end = [], time.perf_counter() + SECONDS
    while time.perf_counter() < end:
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return float(np.median(times))


class Link:
    """What it takes to send arrays to a worker and to get them back: so long for an empty one, and
    so many bytes a second.
    """

    def __init__(self) -> None:
        actor = ray.remote(num_cpus=0)(Echo).remote()
        few, many = (np.ones(size << 18, np.float32) for size in MEBIBYTES)
        self.call, self.out = _line(
            few.nbytes, median(lambda: ray.get(actor.take.remote(ray.put(few)))),
            many.nbytes, median(lambda: ray.get(actor.take.remote(ray.put(many)))),
        )  # fmt: skip
        kept = [ray.put(few), ray.put(many)]
        there, self.back = _line(
            few.nbytes, median(lambda: np.array(ray.get(actor.give.remote(kept[0])))),
            many.nbytes, median(lambda: np.array(ray.get(actor.give.remote(kept[1])))),
        )  # fmt: skip
        empty = median(lambda: ray.get(actor.empty.remote()))
        self.call += max(0.0, there - empty)
        ray.kill(actor)

    def seconds(self, parameters: int, rows: int, workers: int) -> float:
        """Parameters out once, a part of the rows to each, gradients back from each."""
        out = (parameters + rows) / self.out
        return self.call + out + workers * parameters / self.back


def _line(few: int, first: float, many: int, second: float) -> tuple[float, float]:
    """The time of no bytes and the bytes a second, of two measurements."""
    rate = (many - few) / max(second - first, 1e-9)
    return max(0.0, first - few / rate), rate


def step_seconds(
    row: Row, rows: int, workers: int | None, bucket: int = BUCKET
) -> tuple[float, int]:
    """The time of a step on so many rows, and the bytes of the parameters."""
    with ExitStack() as open_:
        shared = None
        if workers is not None:
            shared = partial(SharedPlayer, open_.enter_context(RayPool(workers, bucket=bucket)))
        net = model(row, rows)
        trainer, feed = net.trainer(kernels="numba", shared=shared), row.feed(rows)
        seconds = median(lambda: trainer.step(feed))
        return seconds, sum(value.nbytes for value in net.parameters.values())


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", default=["mlp-256", "lenet-relu"])
    parser.add_argument("--workers", nargs="*", type=int, default=[1, 2])
    parser.add_argument("--rows", type=int, default=256, help="of each worker")
    parser.add_argument("--buckets", nargs="*", default=["4MB", "1GB"])
    given = parser.parse_args()
    ray.init(include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    link, cores = Link(), os.cpu_count() or 1
    print(f"a call {link.call * 1e3:.2f} ms, {link.out / 1e9:.2f} GB/s out, "
          f"{link.back / 1e9:.2f} GB/s back")  # fmt: skip
    print(f"{'row':<14}{'workers':>8}{'rows':>7}{'ms':>9}{'model':>9}{'of one':>8}{'bucket':>8}")
    for row in (row for row in ROWS if row.name in given.names):
        alone, size = step_seconds(row, given.rows, None)
        print(f"{row.name:<14}{'-':>8}{given.rows:>7}{alone * 1e3:>9.2f}")
        for workers in given.workers:
            rows = given.rows * workers
            compute = alone * max(1, workers / cores) * min(workers, cores)  # they share the cores
            told = compute + link.seconds(size, sum(a.nbytes for a in row.feed(rows).values()),
                                          workers)  # fmt: skip
            for bucket in given.buckets:
                seconds, _ = step_seconds(row, rows, workers, parse_bytes(bucket))
                print(f"{row.name:<14}{workers:>8}{rows:>7}{seconds * 1e3:>9.2f}{told * 1e3:>9.2f}"
                      f"{seconds / alone:>8.2f}{bucket:>8}")  # fmt: skip


if __name__ == "__main__":
    main()
