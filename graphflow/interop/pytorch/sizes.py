"""Sizes that are symbols, as expressions over the shapes of what a function is given."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from graphflow.interop.source import Code, infix, number
from graphflow.ir.dims import Dim, FloorDiv, Shape
from graphflow.passes import Shown, shown_by


@dataclass(frozen=True)
class Source:
    """A variable whose shape is known."""

    name: str
    shape: Shape


Ask = Callable[[str], str] | None


def size_code(dim: Dim, sources: Sequence[Source], ask: Ask) -> Code | None:
    """``dim`` as an expression; symbols that no shape shows are left to ``ask``, or None."""
    if isinstance(dim, int):
        return number(dim, "torch")
    direct = _read(dim, sources)
    if direct is not None:
        return direct
    total: Code | None = None
    for atoms, coefficient in dim.terms:
        factors = [_atom(atom, sources, ask) for atom in atoms]
        if None in factors:
            return None
        product: Code | None = None if coefficient == 1 and factors else Code(repr(coefficient))
        for factor in factors:
            assert factor is not None
            product = factor if product is None else infix("*", product, factor)
        assert product is not None
        total = product if total is None else infix("+", total, product)
    return total


def _read(dim: Dim, sources: Sequence[Source]) -> Code | None:
    """The axis of a variable that has just this size."""
    for source in sources:
        for axis, size in enumerate(source.shape):
            if size == dim:
                return Code(f"{source.name}.shape[{axis}]")
    return None


def _atom(atom: str | FloorDiv, sources: Sequence[Source], ask: Ask) -> Code | None:
    if isinstance(atom, FloorDiv):
        parts = [size_code(d, sources, ask) for d in (atom.numerator, atom.denominator)]
        return None if None in parts else infix("//", parts[0], parts[1])  # type: ignore[arg-type]
    shown = shown_by((source.name, source.shape) for source in sources).get(atom)
    if shown is not None:
        return _solved(shown, sources)
    return None if ask is None else Code(ask(atom))


def _solved(shown: Shown, sources: Sequence[Source]) -> Code:
    """``S`` from an axis of size ``factor * S + offset``."""
    code = Code(f"{shown.name}.shape[{shown.axis}]")
    added = isinstance(shown.offset, int) and shown.offset < 0
    factor = size_code(shown.factor, sources, None)
    offset = size_code(-shown.offset if added else shown.offset, sources, None)
    assert factor is not None and offset is not None
    if shown.offset != 0:
        code = infix("+" if added else "-", code, offset)
    return code if shown.factor == 1 else infix("//", code, factor)
