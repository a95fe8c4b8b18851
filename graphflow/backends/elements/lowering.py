"""From the body of a fused node to scalars: what is computed at one point of its space."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from graphflow.backends.elements.tracing import (
    DEAR,
    PLAIN,
    Language,
    Scalar,
    Tape,
    computing,
    constant,
    recorded,
)
from graphflow.ir.graph import Graph, Node
from graphflow.ir.types import TensorType
from graphflow.ops.fused import GATHERS, REDUCTIONS, body_of, is_free, reduced_axes, squeezed

Axes = tuple[int | None, ...]
"""For each axis of an array the axis of the space that it runs along; None for one of size 1."""
STARTS = {"sum": 0, "mean": 0, "max": -np.inf, "min": np.inf}
JOINS = {"sum": "add", "mean": "add", "max": "maximum", "min": "minimum"}
"""What each reduction begins with, and what takes one more element in."""


@dataclass(frozen=True)
class Use:
    """An operand as it is read: ``along`` says for each axis of the space which of the operand's
    axes that is, None where the operand is the same at all points of it.
    """

    operand: int
    along: Axes


@dataclass(frozen=True)
class Total:
    """A reduction: ``axes`` of the space are taken away; ``whole``: it has an operand for each
    point of the space, not for each row.
    """

    kind: str
    axes: frozenset[int]
    whole: bool


@dataclass(frozen=True)
class Result:
    """A result of the node: its number, its scalar, and how it lies in the space.

    ``whole``: it has an element for each point of the space; otherwise for each row, or, if the
    scalar is a reduction over more than rows, for what is left.
    """

    part: int
    scalar: Scalar
    along: Axes
    whole: bool


@dataclass(frozen=True)
class Lowered:
    """A fused node as scalars. ``space`` are the sizes, the last ``tail`` of them are a row."""

    space: tuple[int, ...]
    tail: int
    results: tuple[Result, ...]


def lowered(node: Node, language: Language = PLAIN) -> Lowered:
    """A fused node's results as scalars. Raises :class:`tracing.Untraceable`."""
    return _Lowering(node, language).done()


class _Lowering:
    def __init__(self, node: Node, language: Language) -> None:
        self.body: Graph = body_of(node)
        space, tail = node.attr("space"), node.attr("tail")
        assert isinstance(space, tuple) and isinstance(tail, int)
        self.space: tuple[int, ...] = tuple(int(n) for n in space)  # type: ignore[arg-type]
        self.tail = tail
        self.tape = Tape(language)
        self.known: dict[str, Scalar] = {}
        self.totals: dict[str, Scalar] = {}
        """Reductions before they are rounded to their own number type."""
        self.number = {leaf.name: i for i, leaf in enumerate(self.body.leaves("input"))}

    def done(self) -> Lowered:
        for node in self.body:
            if node.op in REDUCTIONS:
                self.known[node.name] = self.total(node)
            elif node.op in GATHERS:
                self.known[node.name] = self.gathered(node)
            elif node.op != "input" and not is_free(self.body, node):
                self.known[node.name] = self.mapped(node)
        return Lowered(self.space, self.tail, tuple(self.results()))

    def tensor(self, name: str) -> TensorType:
        return self.body.nodes[name].tensor

    def own(self, shape: tuple[object, ...]) -> Axes:
        """The axes of a value that has an element for each point, or for each row."""
        counted = iter(range(len(self.space)))
        return tuple(None if d == 1 else next(counted) for d in shape)

    def is_whole(self, name: str) -> bool:
        return squeezed(self.tensor(name).shape) == self.space

    def read(self, name: str, axes: Axes) -> Scalar:
        """The element of a value; ``axes`` says where its axes run if it comes from outside."""
        node = self.body.nodes[name]
        if node.op == "input":
            places = [None if a not in axes else axes.index(a) for a in range(len(self.space))]
            use = Use(self.number[name], tuple(places))
            return self.tape.read(node.tensor.dtype.value, use)
        if node.op == "constant":
            return constant(node.attr("value"), node.tensor.dtype.value, self.tape)
        if not is_free(self.body, node):
            return self.known[name]
        operand = node.inputs[0]
        shape = self.tensor(operand).shape
        if node.op == "broadcast_to":
            return self.read(operand, _aligned(shape, axes))
        wide = iter(a for a, d in zip(axes, node.tensor.shape, strict=True) if d != 1)
        return self.read(operand, tuple(None if d == 1 else next(wide) for d in shape))

    def mapped(self, node: Node) -> Scalar:
        """An elementwise operator."""
        if node.op == "constant":
            return self.read(node.name, ())
        axes = self.own(node.tensor.shape)
        operands = [self.read(n, _aligned(self.tensor(n).shape, axes)) for n in node.inputs]
        dtype = node.tensor.dtype.value
        return recorded(node.op, node.attributes(), operands, self.tape).astype(dtype)

    def total(self, node: Node) -> Scalar:
        """A reduction, of rows or of more."""
        (name,) = node.inputs
        operand = self.read(name, self.own(self.tensor(name).shape))
        dtype = computing(node.tensor.dtype.value)
        axes = frozenset(reduced_axes(node, self.tensor(name)))
        total = Total(node.op, axes, self.is_whole(name))
        found = self.tape.record("total", dtype, operand.astype(dtype), extra=total)
        self.totals[node.name] = found
        return found.astype(node.tensor.dtype.value)

    def gathered(self, node: Node) -> Scalar:
        """One element of a row, or a row that is 0 but for one element."""
        value, place = (self.read(n, self.own(self.tensor(n).shape)) for n in node.inputs)
        negative = bool(node.attr("negative"))
        if node.op == "take_along_axis":
            return self.tape.record("take", value.dtype, value, place, extra=negative)
        here = self.tape.record("here", np.dtype(np.bool_), place, extra=negative)
        zero = self.tape.record("number", value.dtype, extra=value.dtype.type(0).item())
        return self.tape.where(here, value, zero)

    def results(self) -> Iterator[Result]:
        """The outputs of the body."""
        for part, name in enumerate(self.body.outputs):
            node, scalar = self.body.nodes[name], self.known[name]
            axes = self.own(node.tensor.shape)
            if node.op in REDUCTIONS:
                axes = self.left(node)
                if not _over_rows(self.totals[name], self.space, self.tail):
                    scalar = self.totals[name]  # rounded where it is written
            places = [None if a not in axes else axes.index(a) for a in range(len(self.space))]
            whole = node.op not in REDUCTIONS and self.is_whole(name)
            yield Result(part, scalar, tuple(places), whole)

    def left(self, node: Node) -> Axes:
        """Where the axes of a reduction's result run."""
        before = self.own(self.tensor(node.inputs[0]).shape)
        axis = node.attr("axis")
        assert isinstance(axis, tuple)
        kept = [None if i in axis else a for i, a in enumerate(before)]
        if not node.attr("keepdims"):
            kept = [a for i, a in enumerate(kept) if i not in axis]
        return tuple(kept)


def _aligned(shape: tuple[object, ...], axes: Axes) -> Axes:
    """Where the axes of an operand run that is broadcast to a result whose axes run so."""
    last = axes[len(axes) - len(shape) :]
    return tuple(None if d == 1 else a for d, a in zip(shape, last, strict=True))


def scalars(found: Lowered) -> list[Scalar]:
    """Every scalar that the results need."""
    seen: dict[Scalar, None] = {}
    stack = [result.scalar for result in found.results]
    while stack:
        scalar = stack.pop()
        if scalar not in seen:
            seen[scalar] = None
            stack.extend(scalar.args)
    return list(seen)


def is_row_total(scalar: Scalar, lowered: Lowered) -> bool:
    """Whether a scalar is a reduction over just a row."""
    return _over_rows(scalar, lowered.space, lowered.tail)


def _over_rows(scalar: Scalar, space: Sequence[int], tail: int) -> bool:
    total, row = scalar.extra, range(len(space) - tail, len(space))
    return isinstance(total, Total) and total.whole and bool(row) and total.axes == set(row)


def turns_of(roots: list[Scalar]) -> dict[Scalar, int]:
    """At which turn over a row each scalar is known: a reduction is, one after its operand."""
    turns: dict[Scalar, int] = {}

    def visit(scalar: Scalar) -> int:
        if scalar not in turns:
            latest = max(map(visit, scalar.args), default=0)
            turns[scalar] = latest + (scalar.op == "total")
        return turns[scalar]

    for root in roots:
        visit(root)
    return turns


def kept_between(lowered: Lowered, turns: Mapping[Scalar, int]) -> list[Scalar]:
    """Dear scalars that a later turn reads again: to be stored, unless they are results."""
    stored = {r.scalar for r in lowered.results if r.whole}
    found: dict[Scalar, None] = {}

    def visit(scalar: Scalar, turn: int) -> None:
        if scalar.op == "total" or scalar.op == "take":
            return
        if turns[scalar] < turn and scalar.op in DEAR and scalar not in stored:
            found[scalar] = None
        elif scalar not in stored or turns[scalar] == turn:
            for operand in scalar.args:
                visit(operand, turn)

    for root in list(turns):
        if root.op == "total":
            visit(root.args[0], turns[root.args[0]])
    for result in lowered.results:
        if result.scalar.op != "total":
            visit(result.scalar, turns[result.scalar])
    return list(found)


def joined(
    order: Sequence[int], space: Sequence[int], columns: Sequence[Sequence[int]]
) -> list[tuple[int, ...]]:
    """Axes in an order, those that follow each other without a gap in all arrays as one."""
    joined: list[tuple[int, ...]] = []
    for axis in order:
        if joined and all(s[joined[-1][-1]] == s[axis] * space[axis] for s in columns):
            joined[-1] = (*joined[-1], axis)
        else:
            joined.append((axis,))
    return joined
