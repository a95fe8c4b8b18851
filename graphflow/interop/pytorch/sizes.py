"""Sizes that are symbols, as expressions over the shapes of what a function is given."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from graphflow.interop.source import Code, infix
from graphflow.ir.dims import Dim, FloorDiv, Shape, Symbolic, symbol

ONE = Code("1")


@dataclass(frozen=True)
class Source:
    """A variable whose shape is known."""

    name: str
    shape: Shape


Ask = Callable[[str], str] | None


def size_code(dim: Dim, sources: Sequence[Source], ask: Ask) -> Code | None:
    """``dim`` as an expression; symbols that no shape shows are left to ``ask``, or None."""
    if isinstance(dim, int):
        return Code(repr(dim))
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
    found = _read(symbol(atom), sources) or _solved(atom, sources)
    if found is None and ask is not None:
        return Code(ask(atom))
    return found


def _solved(name: str, sources: Sequence[Source]) -> Code | None:
    """``S`` from an axis of size ``a S + b``."""
    for source in sources:
        for axis, size in enumerate(source.shape):
            if not isinstance(size, Symbolic):
                continue
            terms = dict(size.terms)
            offset, factor = terms.pop((), 0), terms.pop((name,), None)
            if factor is None or terms or factor < 1:
                continue
            code = Code(f"{source.name}.shape[{axis}]")
            if offset:
                code = infix("+" if offset < 0 else "-", code, Code(repr(abs(offset))))
            return code if factor == 1 else infix("//", code, Code(repr(factor)))
    return None
