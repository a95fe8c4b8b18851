"""Compiled functions called by their address, one after the other, each on one thread or on all.

A step is hundreds of short calls: started from Python one by one, each costs a microsecond and
more, and as much again to wake the threads. So what is to be called is a row of numbers in a table,
and all threads walk the table together. Whoever is free takes the next part of the row that is in
work, and goes on when that row is done; a thread that comes late finds less to do, and one alone
does everything. Which thread computes a part changes nothing in it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from graphflow.backends.base import Kernel
from graphflow.backends.llvm.compiled import Code
from graphflow.backends.llvm.tables import APART, alone, together
from graphflow.ops.op import Array

LONGEST = 64
"""Launches in a walk, during which Python hears of no interrupt."""


@dataclass(frozen=True, eq=False)
class Launch:
    """A compiled function (at, n, part) and the tables that it reads, for so many parts of its
    work; with ``joins`` it is called for part -1 at the end.

    Where a part sets its number in ``missed``, the loops have met a position outside of what they
    read, and ``fallback`` does the whole again, or tells what is wrong. ``kept`` is the memory that
    the tables name.
    """

    code: Code
    at: Array
    n: Array | None
    parts: int
    joins: bool = False
    missed: Array | None = None
    fallback: Kernel | None = None
    kept: object = None

    def row(self) -> tuple[int, ...]:
        """What stands for it in a table."""
        n, missed = (0 if a is None else a.ctypes.data for a in (self.n, self.missed))
        return self.code.address, self.at.ctypes.data, n, self.parts, int(self.joins), missed

    def again(self) -> None:
        """Do without the loops what they missed."""
        assert self.missed is not None and self.fallback is not None
        self.missed[:] = 0
        self.fallback()


class Walk:
    """Launches in running order: a kernel."""

    def __init__(self, launches: Iterable[Launch]) -> None:
        self.launches = tuple(launches)
        self._run: Callable[[], int] | None = None

    def __call__(self) -> None:
        if self._run is None:  # machine code is waited for when it first runs
            self._run = self._bound()
        done = self._run()
        if done < len(self.launches):
            self.launches[done].again()
            Walk(self.launches[done + 1 :])()

    def _bound(self) -> Callable[[], int]:
        """The walk with its tables. Rows of one part that follow each other are one unit."""
        table = self._table = np.array([launch.row() for launch in self.launches], np.int64)
        small = [launch.parts == 1 for launch in self.launches]
        if all(small):
            return alone(table)
        starts = [k for k in range(len(small)) if not (k and small[k] and small[k - 1])]
        units = self._units = np.array([*starts, len(small)])
        state = self._state = np.zeros((len(units), APART), np.int64)
        return together(table, units, state)


def walked(kernels: Sequence[Kernel]) -> list[Kernel]:
    """The kernels in their order, launches that follow each other as walks."""
    found: list[Kernel] = []
    for is_walk, group in groupby(kernels, lambda kernel: isinstance(kernel, Walk)):
        if not is_walk:
            found += group
            continue
        launches = [launch for walk in group for launch in walk.launches]  # type: ignore[attr-defined]
        found += [Walk(launches[k : k + LONGEST]) for k in range(0, len(launches), LONGEST)]
    return found
