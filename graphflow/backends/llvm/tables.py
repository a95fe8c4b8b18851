"""Walks through tables of launches, by one thread or by all, in the language of :mod:`native`.

A table is an address (:mod:`atomic`); its rows are those of :meth:`launch.Launch.row`.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable, Sequence
from functools import cache, partial
from types import FunctionType

import numpy as np

from graphflow.backends.llvm.atomic import (
    call,
    count_up,
    give_way,
    number,
    pause,
    seen,
    share_out,
    tell,
)
from graphflow.backends.llvm.compiled import Code
from graphflow.backends.llvm.parts import threads
from graphflow.backends.llvm.pool import loop, start
from graphflow.backends.llvm.translate import module, written
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
HANDED = 5
"""Numbers that each thread is given: those of :func:`_together`."""
WHOLE = np.dtype(np.int64)
ENTRY = ctypes.PYFUNCTYPE(None, ctypes.c_void_p)
"""A compiled function that is given its table alone; Python waits for it."""

start()  # before anything else asks Numba how many threads there are: it would start them its way


def _misses(table: int, row: int) -> int:
    """Make what a row does at its end; whether a part of it has missed something."""
    place = row * WIDTH
    if number(table, place + 4):
        call(number(table, place), number(table, place + 1), number(table, place + 2), -1)
    missed = number(table, place + 5)
    if missed:
        for part in range(number(table, place + 3)):
            if number(missed, part):
                return 1
    return 0


def _in_order(table: int, first: int, end: int) -> int:
    """Make launches from ``first`` on; the one that missed something, which ends it, or ``end``."""
    for row in range(first, end):
        place = row * WIDTH
        for part in range(number(table, place + 3)):
            call(number(table, place), number(table, place + 1), number(table, place + 2), part)
        if _misses(table, row):
            return row
    return end


def _alone(part: int, table: int, count: int, found: int) -> None:
    """Make so many launches; ``found`` is told where that ended."""
    tell(found, 0, _in_order(table, 0, count))


def _together(part: int, table: int, units: int, count: int, state: int, yields: int) -> None:
    """What one of the threads does: ``units`` are the first rows of each, and where the last ends.
    ``state`` begins with the row behind the one that ended the walk, if one did.
    """
    for unit in range(count):
        first, end = number(units, unit), number(units, unit + 1)
        own, place = state + 8 * APART * (unit + 1), first * WIDTH
        parts = number(table, place + 3)
        taken = count_up(own, TAKEN)
        while taken < parts:
            last = end
            if parts == 1:
                last = _in_order(table, first, end)
            else:
                at, n = number(table, place + 1), number(table, place + 2)
                call(number(table, place), at, n, taken)
            if count_up(own, FINISHED) == parts - 1:
                if parts > 1:
                    last = first if _misses(table, first) else end
                if last < end:
                    tell(state, 0, last + 1)
                tell(own, DONE, 1)
            taken = count_up(own, TAKEN)
        turns = 0
        while not seen(own, DONE):
            pause()
            turns += 1
            if turns % WAITS == 0:
                give_way(yields)
        if seen(state, 0):
            return


def _shared(part: int, handed: int, loop: int, together: int, workers: int, found: int) -> None:
    """The same as :func:`_alone` on all threads; ``handed`` is what each of them is given."""
    units, count, state = number(handed, 1), number(handed, 2), number(handed, 3)
    for place in range((count + 1) * APART):
        tell(state, place, 0)
    share_out(loop, together, handed, HANDED, workers, workers)
    stopped = seen(state, 0)
    tell(found, 0, stopped - 1 if stopped else number(units, count))


@cache
def _address(function: FunctionType) -> int:
    """Where a function's machine code lies."""
    return Code(written(function, WHOLE), partial(module, function, WHOLE)).address


def _bound(function: Callable[..., None], *given: Array | int) -> Callable[[], int]:
    """A function and all that it is given: what calls it, and tells at which row it ended."""
    assert isinstance(function, FunctionType)
    found = ctypes.c_int64()
    numbers = [x if isinstance(x, int) else x.ctypes.data for x in given]
    table = np.array([*numbers, ctypes.addressof(found)], np.int64)
    run = partial(ENTRY(_address(function)), table.ctypes.data)

    def walk(kept: Sequence[object] = (table, given)) -> int:
        run()
        return found.value

    return walk


def alone(table: Array) -> Callable[[], int]:
    """A walk on this thread: it makes all launches of a table, and gives the row of one that missed
    something, which ends it, else the number of rows. Who keeps the walk keeps the arrays.
    """
    return _bound(_alone, table, len(table))


def together(table: Array, units: Array, state: Array) -> Callable[[], int]:
    """The same on all threads; ``units`` are the first rows of each, and where the last one ends,
    ``state`` is room for (units, APART) numbers.
    """
    arrays = (each.ctypes.data for each in (table, units))
    handed = np.array([*arrays, len(units) - 1, state.ctypes.data, _yields()], np.int64)
    return _bound(_shared, handed, loop(), _address(_together), threads())


@cache
def _yields() -> int:
    """Where the system's ``sched_yield`` lies."""
    library, name = ("kernel32", "SwitchToThread") if os.name == "nt" else (None, "sched_yield")
    return ctypes.cast(getattr(ctypes.CDLL(library), name), ctypes.c_void_p).value or 0
