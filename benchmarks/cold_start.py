"""How long a run waits for its first step: kernels compiled, read from the cache, or NumPy's.

    python benchmarks/cold_start.py [ROW...]

Goals: a plan of ResNet-18 in under 3 s with nothing compiled yet, in under 0.5 s from the cache,
and `graphflow run graphs/mlp.yaml` at its first step within 2 s on an empty cache. Each measurement
is a process of its own: the time of the first step less that of a later one, so that what is
imported, read and drawn does not count; for `graphflow run` all of it does.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from graphflow.backends.llvm.compiled import VARIABLE
from graphflow.bench.rows import find
from graphflow.bench.timing import answer

ROWS = ("mlp-32", "lenet-relu", "resnet18", "lstm", "transformer")
ROOT = Path(__file__).parent.parent


def waited(name: str, kernels: str) -> float:
    """Seconds before the first step."""
    from graphflow.backends.sets import kernel_set, kernels_named
    from graphflow.bench import ours

    row = find(name)
    kernel_set(kernels_named(kernels))
    trainer, feed = ours.model(row).trainer(kernels=kernels_named(kernels)), row.feed()
    times = []
    for _ in range(3):
        start = time.perf_counter()
        trainer.step(feed)
        times.append(time.perf_counter() - start)
    return times[0] - min(times[1:])


def in_a_process(name: str, kernels: str, cache: str) -> float:
    environment = os.environ | {VARIABLE: cache}
    command = [sys.executable, __file__, "--child", name, kernels]
    return float(answer(command, environment, f"{name} with {kernels}"))


def command_line() -> float:
    """Seconds from Enter to the end of one step of the multilayer perceptron."""
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {VARIABLE: folder}
        command = [sys.executable, "-m", "graphflow", "run", ROOT / "graphs/mlp.yaml",
                   "--steps", "1", "--out", f"{folder}/run"]  # fmt: skip
        start = time.perf_counter()
        subprocess.run(command, capture_output=True, check=True, env=environment)
        return time.perf_counter() - start


def main(names: list[str]) -> None:
    print(f"graphflow run graphs/mlp.yaml --steps 1: {command_line():.2f} s, all of it")
    print(f"{'row':12} {'numpy s':>8} {'compiled s':>11} {'from cache s':>13}")
    for name in names:
        with tempfile.TemporaryDirectory() as cache:
            plain = in_a_process(name, "numpy", cache)
            cold, warm = (in_a_process(name, "numba", cache) for _ in range(2))
        print(f"{name:12} {plain:8.2f} {cold:11.2f} {warm:13.2f}", flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        print(waited(*sys.argv[2:]))
    else:
        main(sys.argv[1:] or list(ROWS))
