"""Fused nodes bound to arrays: which loops they need, compiled, and the tables that these read.

Axes are taken in the order in which the results lie in memory, whatever it is, and axes that follow
each other in all arrays become one. The last of them is the inner loop, the others are rows, which
are shared out among the threads.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

from graphflow.backends.base import Factory, Kernel, Operand
from graphflow.backends.elements.lowering import (
    Lowered,
    Result,
    Total,
    Use,
    is_row_total,
    joined,
    kept_between,
    lowered,
    scalars,
    turns_of,
)
from graphflow.backends.elements.tracing import DEAR, Scalar
from graphflow.backends.llvm.compiled import Code
from graphflow.backends.llvm.launch import Launch, Walk
from graphflow.backends.llvm.parts import threads
from graphflow.backends.numba_kernels.fused.assemble import source
from graphflow.backends.numba_kernels.fused.generate import End, Program
from graphflow.backends.numba_kernels.fused.memory import MOST, Kind, Pointer
from graphflow.backends.numpy_backend import portable
from graphflow.ir.graph import Node
from graphflow.ops.op import Array

BLOCK = 4096
"""Elements of a row where all arrays lie without gaps and there are no rows."""
FEW = 48
"""A row of fewer elements is short, which counts where functions like exp are computed."""
SHORT = 8000
"""Nanoseconds up to which one thread is as fast as several."""
READ, DEARLY = 0.1, 0.4
"""Nanoseconds for one element of one array, and for a function like exp of one element."""


def _fused(node: Node, out: tuple[Array, ...], inputs: tuple[Operand, ...]) -> Kernel | None:
    """Loops over a fused node; None where its rows do not lie evenly."""
    operands = [x for x in inputs if isinstance(x, Array)]
    found = lowered(node)
    bound = _Binding(found, out, operands)
    if bound.dims is None or not bound.is_even():
        return None
    return bound.kernel(portable(node, out, inputs))


@dataclass(frozen=True)
class _Dims:
    """Rows and the inner loop: for each the axes of the space that it runs over."""

    outer: tuple[tuple[int, ...], ...]
    inner: tuple[int, ...]


class _Binding:
    """One node's arrays, each with its strides along the axes of the space, in elements."""

    def __init__(self, found: Lowered, out: Sequence[Array], operands: Sequence[Array]) -> None:
        self.lowered, self.out, self.operands = found, out, operands
        self.arrays: dict[tuple[object, ...], Pointer] = {}
        self.strides: dict[Pointer, tuple[int, ...]] = {}
        self.kept: list[Array] = []
        self.addresses = [0]
        uses = [scalar.extra for scalar in scalars(found) if isinstance(scalar.extra, Use)]
        self.uses = {use: self.along(operands[use.operand], use.along) for use in uses}
        self.results = {r.part: self.along(out[r.part], r.along) for r in found.results}
        self.ends = [r for r in found.results if self.is_end(r)]
        self.dear = sum(scalar.op in DEAR for scalar in scalars(found))
        self.dims = self.arranged()

    def is_end(self, result: Result) -> bool:
        """Whether a result is a reduction over more than rows."""
        return result.scalar.op == "total" and not is_row_total(result.scalar, self.lowered)

    def along(self, array: Array, along: Sequence[int | None]) -> tuple[int, ...]:
        return tuple(0 if a is None else array.strides[a] // array.itemsize for a in along)

    def is_even(self) -> bool:
        """Whether loops can be written: not too many, and sums over rows without gaps."""
        count = len(self.uses) + 2 * len(self.results)
        whole = all(self.out[r.part].flags.c_contiguous for r in self.ends)
        return self.dims is not None and len(self.dims.outer) <= 3 and count < MOST and whole

    # -- axes ----------------------------------------------------------------------------------
    def arranged(self) -> _Dims | None:
        """The axes in the order of the memory of results, joined where that can be."""
        space, tail = self.lowered.space, self.lowered.tail
        end = len(space) - tail
        whole = [self.results[r.part] for r in self.lowered.results if r.whole]
        guide = (whole or sorted(self.uses.values(), key=lambda s: -sum(map(bool, s))) or [()])[0]
        order = sorted(range(end), key=lambda a: -abs(guide[a]) if a < len(guide) else 0)
        columns = [*self.uses.values(), *(self.results[r.part] for r in self.lowered.results)]
        rows = joined(order, space, columns)
        if not tail:
            return _Dims(tuple(rows[:-1]), rows[-1]) if rows else _Dims((), ())
        inner = joined(list(range(end, len(space))), space, columns)
        return _Dims(tuple(rows), inner[0]) if len(inner) == 1 else None

    def steps(self, strides: Sequence[int], axes: Sequence[int]) -> int:
        """The distance of neighbours along joined axes: that of the last of them."""
        return strides[axes[-1]] if axes and strides else 0

    # -- arrays --------------------------------------------------------------------------------
    def pointer(self, array: Array, strides: tuple[int, ...]) -> Pointer:
        """The place of an array in the table; one for all that see the same memory alike."""
        key = (array.ctypes.data, strides, array.dtype)
        if key not in self.arrays:
            assert self.dims is not None
            self.addresses.append(array.ctypes.data)
            kind: Kind = "fixed"
            inner = self.steps(strides, self.dims.inner)
            if inner:
                kind = "dense" if inner == 1 else "strided"
            elif any(strides):
                kind = "row"
            self.arrays[key] = Pointer(len(self.addresses) - 1, array.dtype, kind)
            self.strides[self.arrays[key]] = strides
            self.kept.append(array)
        return self.arrays[key]

    def kernel(self, fallback: Kernel) -> Kernel:
        """The bound loops. Where these meet a position outside a row, ``fallback`` tells."""
        program, count = self.program()
        written = source(program)
        numbers = self.numbers(program, count)
        missed = np.zeros(count, np.int64)
        at = np.array([missed.ctypes.data, *self.addresses[1:]], np.int64)
        n = np.array([numbers[name] for name in written.sizes], np.int64)
        places = any(scalar.op in ("take", "here") for scalar in scalars(self.lowered))
        return Walk([Launch(
            Code(written.text, lambda: written.text), at, n, count, bool(program.ends),
            missed if places else None, fallback, (missed, self.kept),
        )])  # fmt: skip

    def program(self) -> tuple[Program, int]:
        assert self.dims is not None
        uses = {
            use: self.pointer(self.operands[use.operand], strides)
            for use, strides in self.uses.items()
        }
        outs = {r.part: self.pointer(self.out[r.part], self.results[r.part])
                for r in self.lowered.results}  # fmt: skip
        count = self.parts()
        ends = tuple(self.end(r, outs[r.part], count) for r in self.ends)
        stores = {r.scalar: outs[r.part] for r in self.lowered.results if r.whole}
        turns = turns_of([r.args[0] if r.op == "total" and not is_row_total(r, self.lowered) else r
                          for r in (x.scalar for x in self.lowered.results)])  # fmt: skip
        for scalar in kept_between(self.lowered, turns):
            stores[scalar] = self.room(scalar, count)
        outer = max(len(self.dims.outer), 1)
        short = self.size(self.inner) < FEW and self.dear > 0
        return Program(self.lowered, outer, short, uses, outs, ends, stores), count

    def room(self, scalar: Scalar, count: int) -> Pointer:
        """Memory for one row in each part."""
        row = np.empty(count * self.size(self.inner), scalar.dtype)
        assert self.dims is not None
        strides = [0] * len(self.lowered.space)
        strides[self.dims.inner[-1]] = 1
        return self.pointer(row, tuple(strides))

    def end(self, result: Result, out: Pointer, count: int) -> End:
        """A reduction over rows, with memory for the share of each part."""
        total, array = result.scalar.extra, self.out[result.part]
        assert isinstance(total, Total) and self.dims is not None
        across = total.whole and set(self.dims.inner) <= total.axes
        wide = array.dtype == np.float32 and (across or not total.whole)
        parts = np.empty((count, array.size), np.float64 if wide else array.dtype)
        strides = self.along(np.empty(array.shape, np.bool_), result.along)
        return End(result, self.pointer(parts, strides), out, across)

    # -- sizes ---------------------------------------------------------------------------------
    def size(self, axes: Iterable[int]) -> int:
        return prod(self.lowered.space[a] for a in axes)

    @property
    def inner(self) -> tuple[int, ...]:
        assert self.dims is not None
        return self.dims.inner

    def blocks(self) -> tuple[int, int, int]:
        """Length of rows, their number, and elements in all."""
        assert self.dims is not None
        total, inner = self.size(range(len(self.lowered.space))), self.size(self.inner)
        if not self.dims.outer and not self.lowered.tail:
            return min(BLOCK, inner), -(-inner // BLOCK), total
        return inner, total // inner, total

    def parts(self) -> int:
        """How many threads share the rows; as many as there are, or one where that is as fast."""
        _, rows, total = self.blocks()
        arrays = sum(map(any, (*self.uses.values(), *self.results.values())))
        short = total * (READ * arrays + DEARLY * self.dear) <= SHORT
        return 1 if short else min(threads(), rows)

    def numbers(self, program: Program, count: int) -> Mapping[str, int]:
        """Everything that the table of sizes may hold, by name."""
        assert self.dims is not None
        inner, rows, total = self.blocks()
        found = {"inner": inner, "rows": rows, "count": count, "total": total}
        found |= {f"n{d}": self.size(axes) for d, axes in enumerate(self.dims.outer)}
        for pointer, strides in self.strides.items():
            k, step = pointer.number, self.steps(strides, self.inner)
            found[f"s{k}_j"] = step
            found[f"s{k}_0"] = step * inner  # of blocks; of rows, where there are any:
            for d, axes in enumerate(self.dims.outer):
                found[f"s{k}_{d}"] = self.steps(strides, axes)
        for end in program.ends:
            k, size = end.parts.number, self.out[end.result.part].size
            domain = (
                total if isinstance(kind := end.result.scalar.extra, Total) and kind.whole else rows
            )
            found |= {f"z{k}.size": size, f"c{k}.size": domain // size}
            found[f"b{k}"] = size * end.parts.dtype.itemsize
        for scalar, pointer in program.stores.items():
            found.setdefault(f"b{pointer.number}", inner * scalar.dtype.itemsize)
        return found


LOOPS: Mapping[str, Factory] = {"fused": _fused}
