"""Compiled functions called by their address, one after the other, each on one thread or on all.

A step is hundreds of short calls: started from Python one by one, each costs a microsecond and
more. So what is to be called is a row of numbers in a table, and compiled code walks the table.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from llvmlite import ir
from numba import prange, types

from graphflow.backends.base import Kernel
from graphflow.backends.llvm.compiled import Code
from graphflow.backends.llvm.jit import intrinsic, njit
from graphflow.backends.llvm.pool import start
from graphflow.ops.op import Array

WIDTH = 6
"""Numbers in a row: kernel, at, n, parts, joins, missed."""
LONGEST = 64
"""Launches in a walk, during which Python hears of no interrupt."""

start()  # Numba would, for the function below, in its own way


@intrinsic
def _call(context, kernel, at, n, part):  # type: ignore[no-untyped-def]
    """Call compiled loops by their address."""

    def build(target, builder, signature, args):  # type: ignore[no-untyped-def]
        word = ir.IntType(64)
        made = ir.FunctionType(ir.VoidType(), [word] * 3)
        builder.call(builder.inttoptr(args[0], made.as_pointer()), args[1:])
        return target.get_dummy_value()

    return types.void(*[types.int64] * 4), build


@intrinsic
def _number(context, address, place):  # type: ignore[no-untyped-def]
    """The whole number that lies ``place`` numbers behind an address."""

    def build(target, builder, signature, args):  # type: ignore[no-untyped-def]
        begin = builder.inttoptr(args[0], ir.IntType(64).as_pointer())
        return builder.load(builder.gep(begin, [args[1]]))

    return types.int64(types.int64, types.int64), build


@njit("int64(int64, int64, int64)", parallel=True)
def _walk(table, first, end):  # type: ignore[no-untyped-def]
    """Make the launches ``first`` to ``end`` of a table; the first one that missed something, which
    ends the walk, or ``end``.
    """
    for row in range(first, end):
        place = row * WIDTH
        kernel, at, n = _number(table, place), _number(table, place + 1), _number(table, place + 2)
        parts, missed = _number(table, place + 3), _number(table, place + 5)
        if parts == 1:
            _call(kernel, at, n, 0)
        else:
            for part in prange(parts):
                _call(kernel, at, n, part)
        if _number(table, place + 4):
            _call(kernel, at, n, -1)
        if missed:
            for part in range(parts):
                if _number(missed, part):
                    return row
    return end


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
        self._table: Array | None = None
        self._run = 0, len(self.launches)

    def __call__(self) -> None:
        if self._table is None:  # machine code is waited for when it first runs
            self._table = np.array([launch.row() for launch in self.launches], np.int64)
            self._run = self._table.ctypes.data, len(self.launches)
        table, end = self._run
        done = _walk(table, 0, end)
        while done < end:
            self.launches[done].again()
            done = _walk(table, done + 1, end)


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
