"""Sizes that stay open: formulas in symbols as nodes that read the shapes of inputs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np

from graphflow.diagnostics import fail
from graphflow.ir.dims import Dim, FloorDiv, Symbolic
from graphflow.ir.graph import Node
from graphflow.passes import Shown, shown_by

if TYPE_CHECKING:
    from graphflow.interop.onnx.writer.emitter import Emitter


class Sizes:
    """Open sizes as values of the outermost graph, each an int64 list of length one."""

    def __init__(self, root: Emitter) -> None:
        self.root = root
        self._shown: dict[str, Shown] = {}
        self.read: set[str] = set()
        """The arrays whose sizes were asked for."""
        self._found: dict[str | Symbolic | FloorDiv, str] = {}

    def learn(self, leaves: Iterable[Node]) -> None:
        """Symbols can be read off the shapes of these fed arrays."""
        self._shown = shown_by((leaf.name, leaf.tensor.shape) for leaf in leaves)

    def listed(self, dims: Sequence[Dim]) -> str:
        """Several sizes as one list."""
        parts: list[str] = []
        for fixed, group in groupby(dims, key=lambda d: isinstance(d, int)):
            if fixed:
                parts.append(self.root.constant(np.array(list(group), np.int64)))
            else:
                parts += [self._value(d) for d in group]
        if not parts:
            return self.root.constant(np.zeros(0, np.int64))
        return parts[0] if len(parts) == 1 else self.root.op("Concat", *parts, axis=0)

    def _value(self, dim: Dim) -> str:
        if isinstance(dim, int):
            return self._int(dim)
        if dim not in self._found:
            terms = [self._term(atoms, factor) for atoms, factor in dim.terms]
            self._found[dim] = self._folded("Add", terms)
        return self._found[dim]

    def _term(self, atoms: Sequence[str | FloorDiv], factor: int) -> str:
        values = [self._atom(atom) for atom in atoms]
        if factor != 1 or not values:
            values.append(self._int(factor))
        return self._folded("Mul", values)

    def _atom(self, atom: str | FloorDiv) -> str:
        if atom not in self._found:
            self._found[atom] = self._symbol(atom) if isinstance(atom, str) else self._floor(atom)
        return self._found[atom]

    def _symbol(self, symbol: str) -> str:
        if symbol not in self._shown:
            fail("GF026", f"no input has the size {symbol}", help=f"give it: --sizes {symbol}=4")
        shown = self._shown[symbol]
        self.read.add(shown.name)
        size = self.root.op("Shape", shown.name, start=shown.axis, end=shown.axis + 1)
        if shown.offset != 0:
            size = self.root.op("Sub", size, self._value(shown.offset))
        return size if shown.factor == 1 else self.root.op("Div", size, self._value(shown.factor))

    def _floor(self, division: FloorDiv) -> str:
        top, bottom = self._value(division.numerator), self._value(division.denominator)
        rest = self.root.op("Mod", top, bottom)  # takes the sign of the divisor: rounds down
        return self.root.op("Div", self.root.op("Sub", top, rest), bottom)

    def _folded(self, kind: str, values: Sequence[str]) -> str:
        total = values[0]
        for value in values[1:]:
            total = self.root.op(kind, total, value)
        return total

    def _int(self, value: int) -> str:
        return self.root.constant(np.array([value], np.int64))
