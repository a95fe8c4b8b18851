"""The GPU that training steps are timed on, and what is missing there for it.

``python -m graphflow.bench.gpus [PEER]...`` prints one line of JSON. It is a process of its own,
since who has seen a GPU keeps some of its memory.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from graphflow.backends.cupy import device
from graphflow.backends.cupy.about import About, about
from graphflow.backends.described import Refused
from graphflow.bench.peers import PEERS, installed, sees_gpu
from graphflow.bench.timing import answer
from graphflow.diagnostics import Diagnostic, GraphflowError


@dataclass(frozen=True)
class Gpu(About):
    """A GPU, and in words what computes in the place of libraries that are not there."""

    without: tuple[str, ...] = ()


def gpu(peers: Sequence[str]) -> Gpu:
    """The GPU that is there, for us and these peers. Raises all that is missing at once: GF076
    without CuPy, GF069 without a GPU, GF140 for each peer that sees none.
    """
    command = [sys.executable, "-m", "graphflow.bench.gpus", *peers]
    found = json.loads(answer(command, dict(os.environ), "the look for a GPU"))
    if found["missing"]:
        raise GraphflowError(*(Diagnostic(**each) for each in found["missing"]))
    return Gpu(**{**found["gpu"], "without": tuple(found["gpu"]["without"])})


def missing(peers: Sequence[str]) -> list[Diagnostic]:
    """What stands in the way of us, and of these peers."""
    found: list[Diagnostic] = []
    try:
        device()
    except GraphflowError as error:
        found += error.diagnostics
    for name in peers:
        package, remedy = PEERS[name].package, "or leave it out of --against"
        if not installed(name):
            found.append(Diagnostic(
                "GF140", f"{name} cannot be compared with: the package '{package}' is missing",
                help=f"pip install {package}, {remedy}",
            ))  # fmt: skip
        elif not sees_gpu(name):
            found.append(Diagnostic(
                "GF140", f"{name} cannot be compared with: '{package}' sees no GPU",
                help=f"install a build of '{package}' for CUDA, {remedy}",
            ))  # fmt: skip
    return found


def seen() -> Gpu:
    """The GPU of this process."""
    there = device()
    without = tuple(
        f"without {name}, which {library.why}: its part is computed by CuPy and generated kernels"
        for name, library in (("cuDNN", there.cudnn), ("cuBLASLt", there.cublas))
        if isinstance(library, Refused)
    )
    return Gpu(**asdict(about()), without=without)


if __name__ == "__main__":
    lacking = missing(sys.argv[1:])
    told = [{"code": d.code, "message": d.message, "help": d.help} for d in lacking]
    print(json.dumps({"missing": told, "gpu": None if lacking else asdict(seen())}))
