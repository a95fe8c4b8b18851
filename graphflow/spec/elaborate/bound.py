"""What a name in a file can stand for while the graph is being built."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias, Union

from graphflow.diagnostics import Mark
from graphflow.ir.dims import Symbolic
from graphflow.ir.types import DType
from graphflow.ops.builder import Value
from graphflow.spec.document import BlockDecl
from graphflow.spec.syntax import Expr
from graphflow.spec.unparse import unparse

if TYPE_CHECKING:
    from graphflow.spec.elaborate.binding import Arguments
    from graphflow.spec.elaborate.places import Slot
    from graphflow.spec.elaborate.scope import Scope


class TrainingWord:
    """The word ``training``: known only when a program is compiled."""

    def __init__(self, negated: bool = False) -> None:
        self.negated = negated


class Poison:
    """Stands for a node whose line has an error that has been reported already."""


class Poisoned(Exception):
    """Raised where a poisoned name is used: the line is skipped without a second report."""


@dataclass(frozen=True, eq=False)
class Function:
    """An operator, a block or an instance, by name: something that can be called. ``compute`` is
    what training offers to optimizers: the loss as a function.
    """

    name: str
    block: BlockDecl | None = None
    home: Scope | None = None
    instance: Instance | None = None
    compute: Callable[[Arguments, Slot], Bound] | None = None

    @property
    def library(self) -> bool:
        """Whether it is a block of the library."""
        module = self.home.module if self.home else None
        return module is not None and module.library

    @property
    def forwards(self) -> bool:
        """Whether it is a block of the library that does nothing but call another."""
        return self.block is not None and self.library and self.block.forwarded is not None


@dataclass(frozen=True, eq=False)
class Instance:
    """A name declared in ``layers:``: it owns one set of parameters however often it is called."""

    name: str
    function: Function
    args: tuple[Bound, ...] = ()
    kwargs: Mapping[str, Bound] = field(default_factory=dict)
    mark: Mark | None = None


@dataclass(frozen=True, eq=False)
class Partial:
    """What an argument ``..._init`` holds, ``normal(std=0.01)``: it waits for the parameter it
    fills, whose shape and fans it may name.
    """

    expr: Expr
    scope: Scope


@dataclass(frozen=True, eq=False)
class Parts:
    """Several results under one name, read as ``name.part``."""

    name: str
    parts: Mapping[str, Bound]


Static: TypeAlias = Union[
    bool, int, float, str, Symbolic, DType, TrainingWord, "tuple[Bound, ...]", None
]
Bound: TypeAlias = Static | Value | Parts | Partial | Function | Instance | Poison


def describe(bound: Bound) -> str:
    """A few words for error messages."""
    if isinstance(bound, Value):
        return str(bound.type)
    if isinstance(bound, Parts):
        return f"several values ({', '.join(bound.parts)})"
    if isinstance(bound, Function | Instance):
        return f"the function '{bound.name}'"
    if isinstance(bound, Partial):
        return f"the initial value {unparse(bound.expr)}"
    if bound is None:
        return "none"
    if isinstance(bound, bool):
        return str(bound).lower()
    if isinstance(bound, tuple):
        return f"[{', '.join(describe(item) for item in bound)}]"
    return repr(bound) if isinstance(bound, str) else str(bound)


def one_of_parts(bound: Bound) -> str | None:
    """Help where several values stand for one: those of a line are written with its name."""
    if not isinstance(bound, Parts):
        return None
    if "." in bound.name:
        parts = " or ".join(f"h.{part}" for part in bound.parts)
        return f"give the call a line of its own, h: ..., and write {parts}"
    return f"write {' or '.join(f'{bound.name}.{part}' for part in bound.parts)}"


def is_number(bound: Bound) -> bool:
    """Whether a static value is a number (a size counts, a truth value does not)."""
    return isinstance(bound, int | float | Symbolic) and not isinstance(bound, bool)
