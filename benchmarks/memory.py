"""How much memory a training step takes, beside PyTorch's: ResNet-18 and a Transformer block.

    python benchmarks/memory.py [ROW...]

Each measurement is a process of its own. Shown is by how much the memory of the process at its
height, in the first few steps, exceeds what it had once packages were imported. Our kernels are
compiled by a process before it, and then read from their cache.
"""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack

import psutil

from graphflow.bench.child import OURS
from graphflow.bench.rows import find
from graphflow.bench.timing import answer

ROWS = ("resnet18", "resnet18-wide", "transformer")
STEPS = 3


def height(implementation: str, name: str) -> float:
    """MiB at the height of some steps above what was there before the model was made."""
    import resource

    row = find(name)
    with ExitStack() as opened:
        if implementation == OURS:
            import graphflow.backends.numba_kernels  # noqa: F401
            from graphflow.bench import ours

            before = psutil.Process().memory_info().rss
            step = ours.prepared(row, opened)
        else:
            import torch  # noqa: F401

            from graphflow.bench.peers import prepared

            before = psutil.Process().memory_info().rss
            step = prepared(implementation, row, psutil.cpu_count(logical=False) or 1)
        for _ in range(STEPS):
            step()
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return (most - before) / 2**20


def in_a_process(implementation: str, name: str) -> float:
    command = [sys.executable, __file__, "--child", implementation, name]
    return float(answer(command, dict(os.environ), f"{implementation} on {name}"))


def main(names: list[str]) -> None:
    print(f"{'row':15} {'ours MiB':>10} {'PyTorch MiB':>12} {'ratio':>7}")
    for name in names:
        in_a_process(OURS, name)  # compiles
        ours, theirs = in_a_process(OURS, name), in_a_process("torch", name)
        print(f"{name:15} {ours:10.0f} {theirs:12.0f} {ours / theirs:7.2f}", flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        print(height(*sys.argv[2:]))
    else:
        main(sys.argv[1:] or list(ROWS))
