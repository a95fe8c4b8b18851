"""Compiled functions called by their address, one after the other, each on one thread or on all.

A step is hundreds of short calls: started from Python one by one, each costs a microsecond and
more, and as much again to wake the threads. So what is to be called is a row of numbers in a table,
and all threads walk the table together. Whoever is free takes the next part of the row that is in
work, and goes on when that row is done; a thread that comes late finds less to do, and one alone
does everything. Which thread computes a part changes nothing in it.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from itertools import groupby

import numpy as np
from numba import prange

from graphflow.backends.base import Kernel
from graphflow.backends.llvm.atomic import call, count_up, give_way, number, pause, seen, tell
from graphflow.backends.llvm.compiled import Code
from graphflow.backends.llvm.jit import njit
from graphflow.backends.llvm.parts import threads
from graphflow.backends.llvm.pool import start
from graphflow.ops.op import Array

WIDTH = 6
"""Numbers in a row: kernel, at, n, parts, joins, missed."""
APART = 16
"""Numbers from the state of one unit to the next: what threads ask for lies in other lines of the
cache than what they wait for.
"""
TAKEN, FINISHED, DONE = 0, 1, 8
"""Where a unit's state counts the parts that are begun and ended, and says that all is done."""
WAITS = 1000
"""How often a thread looks whether a unit is done before it lets others have the processor."""
LONGEST = 64
"""Launches in a walk, during which Python hears of no interrupt."""

start()  # Numba would, for the functions below, in its own way


@njit("boolean(int64, int64)")
def _misses(table, row):  # type: ignore[no-untyped-def]
    """Make what a row does at its end; whether a part of it has missed something."""
    place = row * WIDTH
    if number(table, place + 4):
        call(number(table, place), number(table, place + 1), number(table, place + 2), -1)
    missed = number(table, place + 5)
    if missed:
        for part in range(number(table, place + 3)):
            if number(missed, part):
                return True
    return False


@njit("int64(int64, int64, int64)")
def _alone(table, first, end):  # type: ignore[no-untyped-def]
    """Make launches from ``first`` on; the one that missed something, which ends it, or ``end``."""
    for row in range(first, end):
        place = row * WIDTH
        for part in range(number(table, place + 3)):
            call(number(table, place), number(table, place + 1), number(table, place + 2), part)
        if _misses(table, row):
            return row
    return end


@njit("void(int64, int64, int64, int64, int64)")
def _together(table, units, count, state, yields):  # type: ignore[no-untyped-def]
    """What one of the threads does: ``units`` are the first rows of each, and where the last ends.
    ``state`` begins with the row behind the one that ended the walk, if one did.
    """
    for unit in range(count):
        first, end = number(units, unit), number(units, unit + 1)
        own, place = state + 8 * APART * (unit + 1), first * WIDTH
        parts = number(table, place + 3)
        part = count_up(own, TAKEN)
        while part < parts:
            last = end
            if parts == 1:
                last = _alone(table, first, end)
            else:
                call(number(table, place), number(table, place + 1), number(table, place + 2), part)
            if count_up(own, FINISHED) == parts - 1:
                if parts > 1 and _misses(table, first):
                    last = first
                if last < end:
                    tell(state, 0, last + 1)
                tell(own, DONE, 1)
            part = count_up(own, TAKEN)
        turns = 0
        while not seen(own, DONE):
            pause()
            turns += 1
            if turns % WAITS == 0:
                give_way(yields)
        if seen(state, 0):
            return


@njit("int64(int64, int64, int64, int64, int64, int64)", parallel=True)
def _walk(table, units, count, state, workers, yields):  # type: ignore[no-untyped-def]
    """The same as :func:`_alone` on all threads, from the first row of a table on."""
    for place in range((count + 1) * APART):
        tell(state, place, 0)
    for _ in prange(workers):
        _together(table, units, count, state, yields)
    stopped = seen(state, 0)
    return stopped - 1 if stopped else number(units, count)


@cache
def _yields() -> int:
    """Where the system's ``sched_yield`` lies."""
    library, name = ("kernel32", "SwitchToThread") if os.name == "nt" else (None, "sched_yield")
    return ctypes.cast(getattr(ctypes.CDLL(library), name), ctypes.c_void_p).value or 0


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
            return partial(_alone, table.ctypes.data, 0, len(small))
        starts = [k for k in range(len(small)) if not (k and small[k] and small[k - 1])]
        units = self._units = np.array([*starts, len(small)])
        state = self._state = np.zeros((len(units), APART), np.int64)
        return partial(
            _walk, table.ctypes.data, units.ctypes.data, len(starts), state.ctypes.data, threads(),
            _yields(),
        )  # fmt: skip


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
