"""Sizes of axes: integers, or polynomials in named symbols such as ``B`` or ``2*T + 1``.

A :data:`Dim` is an ``int`` whenever it can be. Otherwise it is a :class:`Symbolic`, a polynomial
with integer coefficients over *atoms*: a symbol, or a floor division that does not come out even.
Two equal polynomials are equal objects, so shape rules can compare sizes with ``==``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import reduce
from operator import mul
from typing import TypeAlias, Union

Dim: TypeAlias = Union[int, "Symbolic"]
Shape: TypeAlias = tuple[Dim, ...]


@dataclass(frozen=True, slots=True)
class FloorDiv:
    """``numerator // denominator`` where neither the sign nor the remainder is known."""

    numerator: Symbolic
    denominator: int | Symbolic

    def __str__(self) -> str:
        return f"({self.numerator}) // ({self.denominator})"


@dataclass(frozen=True, slots=True)
class Symbolic:
    """A polynomial: a sorted tuple of (atoms of the monomial, coefficient), none of them zero.

    >>> B = symbol("B")
    >>> B + B == 2 * B, B - B, str(2 * B + 1), (4 * B) // 2 == 2 * B
    (True, 0, '2*B + 1', True)
    >>> (2 * B + 3) // 2 == B + 1, str((3 * B + 2) // 2)
    (True, 'B + ((B) // (2)) + 1')
    """

    terms: tuple[tuple[tuple[str | FloorDiv, ...], int], ...]

    def __add__(self, other: int | Symbolic) -> int | Symbolic:
        return _polynomial((*self.terms, *_terms(other)))

    __radd__ = __add__

    def __neg__(self) -> int | Symbolic:
        return self * -1

    def __sub__(self, other: int | Symbolic) -> int | Symbolic:
        return self + -1 * other

    def __rsub__(self, other: int | Symbolic) -> int | Symbolic:
        return -1 * self + other

    def __mul__(self, other: int | Symbolic) -> int | Symbolic:
        return _polynomial(
            (tuple(sorted(a + b, key=str)), m * n) for a, m in self.terms for b, n in _terms(other)
        )

    __rmul__ = __mul__

    def __floordiv__(self, other: int | Symbolic) -> int | Symbolic:
        if other == 0:
            raise ZeroDivisionError("a size divided by zero")
        exact = _exact_quotient(self, other)
        if exact is not None:
            return exact
        if isinstance(other, int) and other > 0:  # (2 T + 3) // 2 is T + 1, (T + 2) // 2 T // 2 + 1
            whole = _polynomial((atoms, n // other) for atoms, n in self.terms)
            rest = _polynomial((atoms, n % other) for atoms, n in self.terms)
            if isinstance(rest, int):
                return whole + rest // other
            return whole + Symbolic((((FloorDiv(rest, other),), 1),))
        return Symbolic((((FloorDiv(self, other),), 1),))

    def __rfloordiv__(self, other: int) -> int | Symbolic:
        return 0 if other == 0 else Symbolic((((FloorDiv(_lift(other), self),), 1),))

    def __mod__(self, other: int | Symbolic) -> int | Symbolic:
        return self - (self // other) * other

    def __str__(self) -> str:
        parts = []
        for atoms, coefficient in sorted(self.terms, key=lambda t: (-len(t[0]), str(t[0]))):
            factors = [str(a) if isinstance(a, str) else f"({a})" for a in atoms]
            if coefficient != 1 or not atoms:
                factors.insert(0, str(coefficient))
            parts.append("*".join(factors))
        return " + ".join(parts).replace("+ -1*", "- ").replace("+ -", "- ")

    __repr__ = __str__


def symbol(name: str) -> Symbolic:
    """The size called ``name``."""
    return Symbolic((((name,), 1),))


def symbols(dim: int | Symbolic) -> frozenset[str]:
    """The names a size depends on."""
    if isinstance(dim, int):
        return frozenset()
    found: set[str] = set()
    for atoms, _ in dim.terms:
        for atom in atoms:
            if isinstance(atom, str):
                found.add(atom)
            else:
                found |= symbols(atom.numerator) | symbols(atom.denominator)
    return frozenset(found)


def bind(dim: int | Symbolic, sizes: Mapping[str, int | Symbolic]) -> int | Symbolic:
    """``dim`` with each symbol replaced by its size; symbols without one stay."""
    if isinstance(dim, int):
        return dim
    total: int | Symbolic = 0
    for atoms, coefficient in dim.terms:
        total = total + reduce(mul, (_bind_atom(a, sizes) for a in atoms), coefficient)
    return total


@dataclass(frozen=True, slots=True)
class Linear:
    """``factor * symbol + offset``."""

    symbol: str
    factor: Dim
    offset: Dim


def linear(dim: Dim, known: Collection[str] = ()) -> Linear | None:
    """``dim`` as ``factor * S + offset`` in its one symbol that is not ``known``, if it is that.

    Factor and offset depend on known symbols alone: without any they are numbers.

    >>> B, T = symbol("B"), symbol("T")
    >>> linear(2 * B + 1), linear(B * T), linear(B * T, {"B"})
    (Linear(symbol='B', factor=2, offset=1), None, Linear(symbol='T', factor=B, offset=0))
    """
    unknown = symbols(dim) - set(known)
    if isinstance(dim, int) or len(unknown) != 1:
        return None
    (name,) = unknown
    parts: list[Dim] = [0, 0]
    for atoms, coefficient in dim.terms:
        rest = tuple(atom for atom in atoms if atom != name)
        term, degree = _polynomial([(rest, coefficient)]), len(atoms) - len(rest)
        if degree > 1 or name in symbols(term):
            return None
        parts[degree] = parts[degree] + term
    offset, factor = parts
    return Linear(name, factor, offset)


def solve(dim: Dim, size: int) -> tuple[str, int] | None:
    """The value of the one symbol in ``a * S + b`` that makes ``dim`` equal ``size``, if any.

    >>> solve(2 * symbol("B") + 1, 9)
    ('B', 4)
    """
    found = linear(dim)
    if found is None:
        return None
    assert isinstance(found.factor, int) and isinstance(found.offset, int)
    quotient, rest = divmod(size - found.offset, found.factor)
    return None if rest else (found.symbol, quotient)


def product(dims: Iterable[int | Symbolic]) -> int | Symbolic:
    """The number of elements of a tensor with these sizes."""
    return reduce(mul, dims, 1)


def _lift(value: int) -> Symbolic:
    return Symbolic((((), value),))


def _terms(
    value: int | Symbolic,
) -> tuple[tuple[tuple[str | FloorDiv, ...], int], ...]:
    return value.terms if isinstance(value, Symbolic) else (((), value),)


def _polynomial(
    terms: Iterable[tuple[tuple[str | FloorDiv, ...], int]],
) -> int | Symbolic:
    """Like terms collected; a plain integer when no symbol is left."""
    total: dict[tuple[str | FloorDiv, ...], int] = {}
    for atoms, coefficient in terms:
        total[atoms] = total.get(atoms, 0) + coefficient
    kept = tuple(sorted(((a, n) for a, n in total.items() if n), key=lambda t: str(t[0])))
    if not kept:
        return 0
    if len(kept) == 1 and not kept[0][0]:
        return kept[0][1]
    return Symbolic(kept)


def _exact_quotient(dim: Symbolic, divisor: int | Symbolic) -> int | Symbolic | None:
    """``dim / divisor`` when every term divides evenly by a single-term divisor."""
    divisor_terms = _terms(divisor)
    if dim == divisor:
        return 1
    if len(divisor_terms) != 1:
        return None
    ((d_atoms, d_coefficient),) = divisor_terms
    quotient = []
    for atoms, coefficient in dim.terms:
        rest = list(atoms)
        for atom in d_atoms:
            if atom not in rest:
                return None
            rest.remove(atom)
        if coefficient % d_coefficient:
            return None
        quotient.append((tuple(rest), coefficient // d_coefficient))
    return _polynomial(quotient)


def _bind_atom(atom: str | FloorDiv, sizes: Mapping[str, int | Symbolic]) -> int | Symbolic:
    if isinstance(atom, str):
        return sizes.get(atom, symbol(atom))
    return bind(atom.numerator, sizes) // bind(atom.denominator, sizes)
