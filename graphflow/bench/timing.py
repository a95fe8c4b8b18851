"""Measurements in turns: ours, theirs, ours, theirs, each in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from statistics import median

from graphflow.bench.by import By
from graphflow.bench.child import OURS
from graphflow.bench.rows import Row
from graphflow.diagnostics import fail

FOREIGN = 0.15
"""Seconds that others may compute in a second of a measurement; above it, the run is dropped."""
LIMIT = 600
"""Seconds after which a measurement is given up."""
POOLS = (
    "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Run:
    """One process: the median time of its steps, and how busy others were (1: one processor)."""

    milliseconds: float
    load: float

    @property
    def disturbed(self) -> bool:
        """Whether the time says more about others than about us."""
        return self.load > FOREIGN


@dataclass(frozen=True, slots=True)
class Taken:
    """The runs of one implementation on one row."""

    runs: tuple[Run, ...]

    @property
    def kept(self) -> list[float]:
        """Milliseconds of the runs that nothing disturbed."""
        return [run.milliseconds for run in self.runs if not run.disturbed]

    @property
    def dropped(self) -> int:
        """How many others there are."""
        return sum(run.disturbed for run in self.runs)

    @property
    def middle(self) -> float | None:
        """The median of the kept runs, if there are any."""
        return median(self.kept) if self.kept else None

    @property
    def spread(self) -> tuple[float, float] | None:
        """The shortest and the longest of the kept runs."""
        return (min(self.kept), max(self.kept)) if self.kept else None


Measure = Callable[[str, Row], Run]
"""Measures an implementation on a row."""


@dataclass(slots=True)
class Bench:
    """Runs that were taken so far; whoever is interrupted keeps them."""

    rows: Sequence[Row]
    peers: Sequence[str]
    rounds: int
    measure: Measure
    found: dict[tuple[str, str], list[Run]] = field(default_factory=dict)

    def run(self, row: Row) -> Iterator[tuple[str, Run]]:
        """Take the runs of a row that are not in ``found``, in turns; each is given once it is."""
        for taken in range(self.rounds):
            for implementation in (OURS, *self.peers):
                runs = self.found.setdefault((row.name, implementation), [])
                if len(runs) <= taken:
                    runs.append(self.measure(implementation, row))
                    yield implementation, runs[-1]

    def taken(self, row: Row, implementation: str) -> Taken:
        """What there is of one implementation on one row."""
        return Taken(tuple(self.found.get((row.name, implementation), ())))


def in_a_process(threads: int, by: By = "numba") -> Measure:
    """Measurements by ``graphflow.bench.child`` on so many threads; ``by`` computes ours."""
    environment = os.environ | dict.fromkeys(POOLS, str(threads))

    def measure(implementation: str, row: Row) -> Run:
        command = [
            sys.executable, "-m", "graphflow.bench.child", implementation, row.name, str(threads),
            by,
        ]  # fmt: skip
        found = json.loads(answer(command, environment, f"{implementation} on {row.name}"))
        return Run(found["ms"], found["load"])

    return measure


def answer(command: Sequence[str], environment: dict[str, str], what: str) -> str:
    """The last line that a process prints. It does not hear of Ctrl-C: we do, and end it.

    GF141 where it fails or takes too long.
    """
    with subprocess.Popen(
        command, env=environment, text=True, start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        try:
            out, err = process.communicate(timeout=LIMIT)
        except subprocess.TimeoutExpired:
            fail("GF141", f"{what} was given up after {LIMIT} s")
        finally:
            process.kill()
            process.wait()
    if process.returncode:
        last = (err.strip().splitlines() or ["it said nothing"])[-1]
        fail("GF141", f"{what} ended with {process.returncode}: {last}")
    return out.splitlines()[-1]
