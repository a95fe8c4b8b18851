"""How long a run waits for its first step: kernels compiled, read from the cache, or NumPy's.

    python benchmarks/cold_start.py [ROW...]

Goals: a plan of ResNet-18 in under 3 s with nothing compiled yet, in under 0.5 s from the cache,
and `graphflow run graphs/mlp.yaml` at its first step within 2 s on an empty cache. Each measurement
is a process of its own: the time of the first step less that of a later one, so that what is
imported and read, and weights, which are drawn before, do not count. For `graphflow run` all of it
does: until the first step has been made, and until the run has ended with its report.

Python's own speed stands beside it (a loop of a million sums), since much of a start is Python.
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
    """Seconds before the first step, its weights being there."""
    from graphflow.backends.sets import kernel_set, kernels_named
    from graphflow.bench import ours

    row = find(name)
    kernel_set(kernels_named(kernels))
    trainer, feed = ours.model(row).trainer(kernels=kernels_named(kernels)), row.feed()
    trainer.state_dict()
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


def command_line() -> tuple[float, float]:
    """Seconds from Enter to the checkpoint after one step of the multilayer perceptron, and to the
    end.
    """
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {VARIABLE: folder}
        command = [sys.executable, "-m", "graphflow", "run", ROOT / "graphs/mlp.yaml",
                   "--steps", "1", "--out", f"{folder}/run"]  # fmt: skip
        start = time.time()
        subprocess.run(command, capture_output=True, check=True, env=environment)
        (saved,) = Path(folder, "run", "checkpoints").iterdir()
        return saved.stat().st_mtime - start, time.time() - start


def python() -> float:
    """Seconds that this Python takes to add up a million numbers."""
    start, total = time.perf_counter(), 0
    for i in range(1_000_000):
        total += i
    return time.perf_counter() - start


def main(names: list[str]) -> None:
    command_line()  # what is imported is compiled
    step, end = min(command_line() for _ in range(3))
    print(f"graphflow run graphs/mlp.yaml --steps 1: {step:.2f} s to the step, {end:.2f} s in all")
    print(f"a million sums in Python: {min(python() for _ in range(5)):.3f} s")
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
