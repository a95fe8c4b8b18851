"""What every update block is given: the step and the epoch, and how one is called."""

from __future__ import annotations

from collections.abc import Sequence

from graphflow.diagnostics import Mark
from graphflow.spec.elaborate.binding import Arguments
from graphflow.spec.elaborate.bound import Bound, Function
from graphflow.spec.elaborate.elaborator import Elaborator
from graphflow.spec.elaborate.places import Place
from graphflow.spec.elaborate.scope import Scope


def append_block(
    elaborator: Elaborator,
    function: Function,
    given: Sequence[Bound],
    arguments: Arguments,
    path: str,
) -> None:
    """One block of updates, called with what training gives and the file's arguments."""
    marks: dict[str | int, Mark] = {k: m for k, m in arguments.marks.items() if isinstance(k, str)}
    positional = [*given, *arguments.positional]
    with elaborator.at(path):
        call = Arguments(positional, arguments.keywords, marks, arguments.mark)
        elaborator.instantiate(function, call, Place(path))


def seeing_step(elaborator: Elaborator) -> Scope:
    """The file's names, and the step and the epoch."""
    scope = Scope(elaborator.scope)
    scope.names.update(elaborator.context)
    return scope
