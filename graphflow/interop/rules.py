"""What exporters to source share: how rules are registered, and what a rule sees of its place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NoReturn, Protocol, TypeVar

from graphflow.interop.source import Code
from graphflow.interop.watched import Watched
from graphflow.ir.types import TensorType
from graphflow.spec.expand import INFIX

T = TypeVar("T")

OPERATORS = {
    **INFIX, "bitwise_and": "&", "bitwise_or": "|", "bitwise_xor": "^", "left_shift": "<<",
    "right_shift": ">>",
}  # fmt: skip
"""Primitives that Python writes between their operands: those of files, and those of bits."""


class Site(Protocol):
    """What a rule sees of the place where its primitive stands."""

    @property
    def node(self) -> Watched:
        """The primitive."""

    @property
    def args(self) -> Sequence[Code]:
        """Its operands."""

    @property
    def types(self) -> Sequence[TensorType]:
        """The types of its operands."""

    def helper(self, name: str) -> str:
        """A function of the file's own, by name."""

    def refuse(self, message: str) -> NoReturn:
        """Stop: this cannot be written."""


def registering(table: dict[str, T]) -> Callable[..., Callable[[T], T]]:
    """A decorator ``rule("add", "sub")`` that enters a function into ``table`` under these names.

    >>> table = {}
    >>> rule = registering(table)
    >>> rule("one", "two")(len) is len, sorted(table)
    (True, ['one', 'two'])

    A name has one entry: a second one is a ValueError.
    """

    def rule(*names: str) -> Callable[[T], T]:
        def enter(function: T) -> T:
            for name in names:
                if name in table:
                    raise ValueError(f"'{name}' has two entries")
                table[name] = function
            return function

        return enter

    return rule
