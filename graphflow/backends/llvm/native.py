r"""Kernels written in a small part of Python, which LLVM compiles.

Numba would take them too, and half a second to some seconds for each: it finds out types and
layouts of arrays, and optimises everything again at every place where it is used. Here types are
written down, so that a kernel is compiled in some hundredths of a second::

    @kernel
    def scale(part: int, parts: int, x: Reals, factor: int, count: int) -> None:
        first, end = share(part, parts, count)
        for i in range(first, end):
            x[i] *= factor

``int`` is a whole number of 64 bits, ``float`` a number of the type that a call names, ``Reals``
and ``Ints`` are flat memory of these, and memory that a function writes overlaps no other that it
is given. There are assignments, ``if``, ``for`` over growing ``range``, ``while``, ``return``,
arithmetic, comparisons, ``min`` and ``max`` of whole numbers, numbers of the module, calls of
functions that are written likewise, and what stands in :mod:`words`. Both sides of ``and``, ``or``
and of a conditional expression are computed, and indices do not count from behind. A comparison of
lanes is a condition for each of them, by which a conditional expression chooses.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache, partial
from types import FunctionType

import numpy as np
from numpy.typing import DTypeLike

from graphflow.backends.llvm.compiled import Code
from graphflow.backends.llvm.expressions import signature
from graphflow.backends.llvm.instructions import DType
from graphflow.backends.llvm.launch import Launch, Walk
from graphflow.backends.llvm.translate import module, written
from graphflow.ops.op import Array

Argument = Array | tuple[int, ...] | int | None


@dataclass(frozen=True)
class Kernel:
    """A function (part, parts, ...) of which every part may run on a thread of its own."""

    function: FunctionType

    def call(self, dtype: DTypeLike, parts: int, *arguments: Argument) -> Call:
        """The kernel bound to what it works on. Arrays that are None are handed over when it runs;
        a tuple is memory that holds its numbers.
        """
        return Call(self, np.dtype(dtype), parts, arguments)

    def bound(
        self, dtype: DTypeLike, parts: int, *arguments: Array | tuple[int, ...] | int,
        missed: Array | None = None, fallback: Callable[[], object] | None = None,
        kept: object = None,
    ) -> Walk:  # fmt: skip
        """The kernel bound to all that it works on. For ``missed`` and ``fallback`` see
        :class:`Launch`; ``kept`` is memory whose addresses it is given as numbers.
        """
        launch = self.call(dtype, parts, *arguments).launch
        kept = launch.kept, kept
        return Walk([replace(launch, missed=missed, fallback=fallback, kept=kept)])


def kernel(function: Callable[..., None]) -> Kernel:
    """Decorator: a function that is compiled where it is called."""
    assert isinstance(function, FunctionType)
    return Kernel(function)


class Call:
    """A kernel and the table of its arguments."""

    def __init__(
        self, kernel: Kernel, dtype: DType, parts: int, arguments: tuple[Argument, ...]
    ) -> None:
        kinds = list(signature(kernel.function).parameters.values())[2:]
        kept: list[Array] = []
        self._later: list[int] = []
        self._table = np.zeros(len(kinds) + 1, np.int64)
        self._table[0] = parts
        for place, (kind, argument) in enumerate(zip(kinds, arguments, strict=True), 1):
            if argument is None:
                self._later.append(place)
            elif isinstance(argument, int):
                self._table[place] = argument
            else:
                own = np.dtype(np.int64) if kind == "ints" else dtype
                array = np.asarray(argument, own if isinstance(argument, tuple) else None)
                if array.dtype != own:
                    raise TypeError(f"{kernel.function.__name__}: {array.dtype} for {own}")
                kept.append(array)
                self._table[place] = array.ctypes.data
        self.launch = Launch(_code(kernel.function, dtype), self._table, None, parts, kept=kept)
        self._walk = Walk([self.launch])

    def __call__(self, *arrays: Array) -> None:
        """Run all parts on the arrays that were left out."""
        for place, array in zip(self._later, arrays, strict=True):
            self._table[place] = array.ctypes.data
        self._walk()


@cache
def _code(function: FunctionType, dtype: DType) -> Code:
    """The machine code for a number type."""
    source = written(function, dtype)
    return Code(source, partial(module, function, dtype))
