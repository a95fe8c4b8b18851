"""The expressions of the language as frozen trees (rule 2).

Two expressions are equal when they mean the same text: marks do not count.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from graphflow.diagnostics import Mark


@dataclass(frozen=True, slots=True)
class Number:
    """``3``, ``1e-3``, ``-2``, ``inf``, ``nan``: a minus sign before a number belongs to it."""

    value: int | float
    mark: Mark = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Bool:
    """``true`` or ``false``."""

    value: bool
    mark: Mark = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class NoneLiteral:
    """``none``: nothing given; in a subscript, a new axis."""

    mark: Mark = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class String:
    """``'reflect'``."""

    value: str
    mark: Mark = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Name:
    """``x``, ``lstm.final.h``, ``decoder.0.a.weight``: one name, with all its parts."""

    id: str
    mark: Mark = field(compare=False, repr=False)

    @property
    def parts(self) -> tuple[str, ...]:
        """``("lstm", "final", "h")``."""
        return tuple(self.id.split("."))


@dataclass(frozen=True, slots=True)
class Placeholder:
    """``_``: where the value that flows through a pipeline goes."""

    mark: Mark = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Unary:
    """``-x`` or ``not x``; ``op`` is ``"-"`` or ``"not"``."""

    op: str
    operand: Expr
    mark: Mark = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Binary:
    """``left op right`` with ``op`` one of ``+ - * / // % ** @``."""

    op: str
    left: Expr
    right: Expr
    mark: Mark = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Compare:
    """``left op right`` with ``op`` one of ``== != < <= > >=``. ``a < b < c`` is read as
    ``a < b and b < c``.
    """

    op: str
    left: Expr
    right: Expr
    mark: Mark = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class BoolOp:
    """Two or more operands joined by ``op``, ``"and"`` or ``"or"``."""

    op: str
    operands: tuple[Expr, ...]
    mark: Mark = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class IfElse:
    """``then if condition else otherwise``."""

    condition: Expr
    then: Expr
    otherwise: Expr
    mark: Mark = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Keyword:
    """``name=value`` in a call; the mark is at the name."""

    name: str
    value: Expr
    mark: Mark = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Call:
    """``function(args, kwargs)``. ``function`` may be dotted (``resnet.basic``)."""

    function: str
    args: tuple[Expr, ...]
    kwargs: tuple[Keyword, ...]
    mark: Mark = field(compare=False, repr=False)

    def keyword(self, name: str) -> Expr | None:
        """The value given as ``name=``, or None."""
        return next((k.value for k in self.kwargs if k.name == name), None)


@dataclass(frozen=True, slots=True)
class LibraryCall(Call):
    """A call that no file writes: of the library's function, whatever the file calls so."""


@dataclass(frozen=True, slots=True)
class Slice:
    """``start:stop:step`` in a subscript."""

    start: Expr | None
    stop: Expr | None
    step: Expr | None
    mark: Mark = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class EllipsisLiteral:
    """``...`` in a subscript: all axes that the other items leave."""

    mark: Mark = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Subscript:
    """``value[items]``; a :class:`NoneLiteral` among the items is a new axis."""

    value: Expr
    items: tuple[Expr | Slice | EllipsisLiteral, ...]
    mark: Mark = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class ListExpr:
    """``[a, b, c]``."""

    items: tuple[Expr, ...]
    mark: Mark = field(compare=False, repr=False)


Expr = (
    Number
    | Bool
    | NoneLiteral
    | String
    | Name
    | Placeholder
    | Unary
    | Binary
    | Compare
    | BoolOp
    | IfElse
    | Call
    | Subscript
    | ListExpr
)
