"""One measurement: ``python -m graphflow.bench.child IMPLEMENTATION ROW THREADS [BY]`` prints
one line of JSON, the median time of a step in milliseconds and how busy others kept the machine
meanwhile. BY says what computes our side; with cupy the others compute on the GPU, too.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Callable
from contextlib import ExitStack
from statistics import median
from time import perf_counter, sleep

import psutil

from graphflow.bench.by import By, by_named
from graphflow.bench.peers import prepared
from graphflow.bench.rows import find

OURS = "graphflow"
WARM, SECONDS = 0.5, 2.0
"""How long steps run before they are timed, and while they are."""
LEAST, MOST = 5, 20_000
"""Times that are taken."""
SHORTEST = 1e-4
"""Seconds; of steps that take less, several are timed at once."""


def end_with_the_parent() -> None:
    """End this process when the one that started it is gone: killed, it cannot end us itself."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def main(implementation: str, name: str, threads: int, by: By = "numba") -> None:
    """Measure one row and print what was seen."""
    end_with_the_parent()
    row = find(name)
    with ExitStack() as opened:
        if implementation == OURS:
            from graphflow.bench import ours

            step = ours.prepared(row, opened, by)
        else:
            step = prepared(implementation, row, threads, on_gpu=by == "cupy")
        print(json.dumps(measured(step)), flush=True)


def measured(
    step: Callable[[], object], seconds: float = SECONDS, warm: float = WARM
) -> dict[str, float]:
    """``ms`` of a step (median), the number of ``times`` taken, the foreign ``load`` meanwhile."""
    at_once = _warmed(step, warm)
    busy, own, start = _busy(), _own(), perf_counter()
    times: list[float] = []
    while len(times) < MOST and (len(times) < LEAST or perf_counter() < start + seconds):
        before = perf_counter()
        for _ in range(at_once):
            step()
        times.append((perf_counter() - before) / at_once)
    wall = perf_counter() - start
    foreign = max(0.0, (_busy() - busy) - (_own() - own)) / wall
    return {"ms": 1e3 * median(times), "times": len(times), "load": foreign}


def _warmed(step: Callable[[], object], warm: float) -> int:
    """Run steps until compilers and caches are done; how many are worth one look at the clock."""
    for _ in range(2):
        step()
    start, count = perf_counter(), 0
    while count < 1 or perf_counter() < start + warm:
        step()
        count += 1
    return max(1, round(SHORTEST * count / (perf_counter() - start)))


def _busy() -> float:
    """Seconds that processors of this machine have worked, for anybody (other guests included)."""
    times = psutil.cpu_times()
    return float(sum(getattr(times, n, 0.0) for n in ("user", "system", "nice", "irq", "softirq",
                                                      "steal")))  # fmt: skip


def _own() -> float:
    """Those that worked for this process."""
    times = psutil.Process().cpu_times()
    return float(times.user + times.system)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), *map(by_named, sys.argv[4:]))
