"""Names in sight: where an expression looks a name up."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from graphflow.diagnostics import Mark, Note, did_you_mean, fail
from graphflow.spec.elaborate.bound import Bound, Parts, Poison, Poisoned
from graphflow.spec.syntax import Call

if TYPE_CHECKING:
    from graphflow.spec.elaborate.session import Module


class Scope:
    """Names of one place of a file, with an enclosing scope behind.

    Single assignment: :meth:`declare` refuses a name that this scope has already.
    """

    def __init__(self, parent: Scope | None = None, module: Module | None = None) -> None:
        self.parent = parent
        self.module: Module | None = module if parent is None else parent.module
        self.names: dict[str, Bound] = {}
        self.marks: dict[str, Mark] = {}
        self.piped: tuple[Call, Bound] | None = None
        """The item of a pipeline read here, and the value that flows into it."""

    def declare(self, name: str, value: Bound, mark: Mark | None) -> None:
        """Bind ``name`` here, once."""
        if name in self.names:
            first = Note(f"'{name}' was declared here", self.marks.get(name))
            fail("GF024", f"'{name}' is declared twice", mark, notes=[first])
        self.names[name] = value
        if mark is not None:
            self.marks[name] = mark

    def poison(self, name: str, mark: Mark | None) -> None:
        """Bind a name whose line could not be read, so that its uses stay quiet."""
        if name not in self.names:
            self.names[name] = Poison()
            if mark is not None:
                self.marks[name] = mark

    def get(self, name: str) -> tuple[bool, Bound]:
        """Whether ``name`` (possibly dotted) is known, and what it stands for."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.names:
                return True, scope.names[name]
            scope = scope.parent
        head, dot, part = name.rpartition(".")
        if not dot:
            return False, None
        known, owner = self.get(head)
        if known and isinstance(owner, Poison):
            return True, owner
        if known and isinstance(owner, Parts) and part in owner.parts:
            return True, owner.parts[part]
        return False, None

    def lookup(self, name: str, mark: Mark | None) -> Bound:
        """What ``name`` stands for; an error naming what is close when it is unknown."""
        known, value = self.get(name)
        if not known:
            self._unknown(name, mark)
        if isinstance(value, Poison):
            raise Poisoned(name)
        return value

    def mark_of(self, name: str) -> Mark | None:
        """Where ``name`` was declared."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.marks:
                return scope.marks[name]
            scope = scope.parent
        return None

    def visible(self) -> Iterator[str]:
        """Every name in sight, parts included."""
        scope: Scope | None = self
        while scope is not None:
            for name, value in scope.names.items():
                yield name
                if isinstance(value, Parts):
                    yield from (f"{name}.{part}" for part in value.parts)
            scope = scope.parent

    def _unknown(self, name: str, mark: Mark | None) -> None:
        head, dot, part = name.rpartition(".")
        known, owner = self.get(head) if dot else (False, None)
        if known and isinstance(owner, Parts):
            fail(
                "GF020",
                f"'{head}' has no part '{part}'",
                mark,
                notes=[Note(f"its parts are {', '.join(owner.parts)}", self.mark_of(head))],
                help=did_you_mean(part, owner.parts),
            )
        fail("GF020", f"unknown name '{name}'", mark, help=did_you_mean(name, set(self.visible())))
