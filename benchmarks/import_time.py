"""How long ``import graphflow`` takes, in a fresh interpreter, beside its peers.

    python benchmarks/import_time.py

Goal: under 0.3 s. `import graphflow` alone loads little; `graphflow.api` is what `graphflow.load`
needs. Every module is imported several times, in turn, each time in a new process; the
median is shown, and its ratio to ``import numpy``, which graphflow cannot do without.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
from importlib.util import find_spec

MODULES = ("numpy", "graphflow", "graphflow.api", "networkx", "sklearn", "jax", "torch")
ROUNDS = 7

TIMED = "import time; start = time.perf_counter(); import {}; print(time.perf_counter() - start)"


def seconds(module: str) -> float:
    """Time of one import in a new interpreter, without the interpreter's own start."""
    command = [sys.executable, "-c", TIMED.format(module)]
    return float(subprocess.run(command, capture_output=True, check=True, text=True).stdout)


def main() -> None:
    found = [module for module in MODULES if find_spec(module.split(".")[0])]
    for module in found:
        seconds(module)  # fill the caches of bytecode and disk
    times = {module: [] for module in found}
    for _ in range(ROUNDS):
        for module in found:
            times[module].append(seconds(module))
    base = statistics.median(times["numpy"])
    print(f"{'import':<14}{'seconds':>9}{'/ numpy':>9}")
    for module, measured in times.items():
        median = statistics.median(measured)
        print(f"{module:<14}{median:>9.3f}{median / base:>9.1f}")


if __name__ == "__main__":
    main()
