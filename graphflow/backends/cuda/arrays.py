"""The arrays of a fused node as its kernels see them, and how an index becomes a place in them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

from graphflow.backends.cuda.instructions import DType
from graphflow.backends.elements.lowering import Lowered, Use, joined, scalars
from graphflow.backends.elements.tracing import Scalar
from graphflow.ir.graph import Node
from graphflow.ir.types import TensorType, tensors
from graphflow.ops.fused import body_of
from graphflow.ops.op import Array

Strides = tuple[int, ...]
MISSED = -1
"""The number of the array in which kernels note a position outside of its row: the last of all."""


@dataclass(frozen=True)
class Buffer:
    """An array to be made: a result, or what one kernel leaves for the next."""

    shape: tuple[int, ...]
    dtype: DType


@dataclass(frozen=True)
class View:
    """An array along the axes of the space: its number among the node's arrays, its number type,
    and how many elements apart neighbours lie.
    """

    array: int
    dtype: DType
    strides: Strides


class Arrays:
    """What a fused node reads and writes: operands, results, and rooms between kernels, numbered in
    this order. ``laid`` tells the strides of operands in elements.
    """

    def __init__(self, node: Node, found: Lowered, laid: Sequence[Strides]) -> None:
        self.lowered = found
        leaves = [leaf.tensor for leaf in body_of(node).leaves("input")]
        self.buffers = [Buffer(_shape(t), np.dtype(t.dtype.value)) for t in tensors(node.type)]
        self.results = len(self.buffers)
        self.operands = len(leaves)
        self.packed: set[int] = set()
        """Arrays of which several elements are read or written at once."""
        self.uses: dict[Use, View] = {}
        for scalar in scalars(found):
            use = scalar.extra
            if isinstance(use, Use):
                dtype = np.dtype(leaves[use.operand].dtype.value)
                strides = _along(laid[use.operand], use.along)
                self.uses[use] = View(use.operand, dtype, strides)
        self.written = {r.part: self.result(r.part, r.along) for r in found.results}

    def result(self, part: int, along: Sequence[int | None]) -> View:
        """A result of the node, which lies row by row."""
        buffer = self.buffers[part]
        return View(self.operands + part, buffer.dtype, _along(row_by_row(buffer.shape), along))

    def room(self, shape: tuple[int, ...], dtype: DType, strides: Strides) -> View:
        """Memory for what a later kernel reads."""
        self.buffers.append(Buffer(shape, dtype))
        return View(self.operands + len(self.buffers) - 1, dtype, strides)

    @property
    def end(self) -> int:
        """The axis at which rows begin."""
        return len(self.lowered.space) - self.lowered.tail

    def row_numbers(self) -> Strides:
        """The strides of an array that has one number for each row."""
        return (*row_by_row(self.lowered.space[: self.end]), *[0] * self.lowered.tail)

    def within_rows(self) -> Strides:
        """The strides whose offsets are positions within a row."""
        return (*[0] * self.end, *row_by_row(self.lowered.space[self.end :]))

    def size(self, axes: Iterable[int]) -> int:
        """Points along axes."""
        return prod(self.lowered.space[a] for a in axes)

    def wide(self) -> bool:
        """Whether places in these arrays need integers of 64 bits."""
        space = self.lowered.space
        seen = [*self.uses.values(), *self.written.values()]
        reach = [sum(abs(s) * n for s, n in zip(v.strides, space, strict=True)) for v in seen]
        return max([prod(space), *reach]) >= 1 << 30

    def columns(self, roots: Iterable[Scalar], kept: Mapping[Scalar, View]) -> list[Strides]:
        """The strides of all that is read by the coordinates of a point for some scalars, where
        those ``kept`` lie in memory.
        """
        found: dict[Strides, None] = {}
        stack, seen = list(roots), set()
        while stack:
            scalar = stack.pop()
            if scalar in seen:
                continue
            seen.add(scalar)
            if scalar in kept:
                found[kept[scalar].strides] = None
                continue
            if isinstance(scalar.extra, Use):
                found[self.uses[scalar.extra].strides] = None
            elif scalar.op == "here":
                found[self.within_rows()] = None
            stack.extend(scalar.args)
        return list(found)


@dataclass(frozen=True)
class Walk:
    """Axes of the space under one index, the last of them the fastest; those that follow each other
    without a gap in all arrays are one.
    """

    groups: tuple[tuple[int, ...], ...]
    sizes: tuple[int, ...]

    @classmethod
    def over(cls, axes: Sequence[int], space: Sequence[int], columns: Sequence[Strides]) -> Walk:
        """Through these axes of a space."""
        groups = tuple(joined(axes, space, columns))
        return cls(groups, tuple(prod(space[a] for a in group) for group in groups))

    @property
    def count(self) -> int:
        """How many points there are."""
        return prod(self.sizes)

    def apart(self, index: str, letter: str, own: str) -> tuple[dict[int, str], list[str]]:
        """The coordinates at an index, by the axis whose stride is theirs, and the lines that
        compute them.
        """
        found: dict[int, str] = {}
        lines: list[str] = []
        rest, before = index, 1
        for d in range(len(self.groups) - 1, -1, -1):
            rest = index if before == 1 else f"{index} / {before}"
            if rest != index or d:
                name = f"{letter}{d}"
                cut = f"({rest}) % {self.sizes[d]}" if d else rest
                lines.append(f"const {own} {name} = {cut};")
                rest = name
            found[self.groups[d][-1]] = rest
            before *= self.sizes[d]
        return found, lines


def offset(strides: Strides, at: Mapping[int, str]) -> str:
    """The place of an array's element at coordinates.

    >>> offset((12, 1, 0), {0: "i", 1: "j", 2: "k"})
    'i * 12 + j'
    """
    terms = [
        name if strides[axis] == 1 else f"{name} * {strides[axis]}"
        for axis, name in at.items()
        if strides[axis]
    ]
    return " + ".join(terms) or "0"


def row_by_row(shape: Sequence[int]) -> Strides:
    """The strides of an array that lies row by row, in elements.

    >>> row_by_row((2, 3, 4))
    (12, 4, 1)
    """
    return tuple(prod(shape[i + 1 :]) for i in range(len(shape)))


def lying(x: Array) -> Strides:
    """The strides of an array in elements; row by row where some are negative, for such arrays are
    copied before a kernel reads them.
    """
    if min(x.strides, default=0) < 0:
        return row_by_row(x.shape)
    return tuple(stride // x.itemsize for stride in x.strides)


def _along(strides: Strides, along: Sequence[int | None]) -> Strides:
    return tuple(0 if a is None else strides[a] for a in along)


def _shape(type: TensorType) -> tuple[int, ...]:
    assert all(isinstance(d, int) for d in type.shape), f"{type} is not concrete"
    return type.shape  # type: ignore[return-value]
