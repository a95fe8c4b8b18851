"""``history:`` and ``report:`` as meaning: the nodes that their names stand for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from graphflow.diagnostics import GraphflowError, Mark, fail
from graphflow.spec.elaborate.bound import Function, Instance, Parts, Poison, Poisoned, describe
from graphflow.spec.elaborate.elaborator import Elaborator
from graphflow.spec.elaborate.scope import Scope
from graphflow.spec.elaborate.settings import whole
from graphflow.spec.history import HistoryDecl
from graphflow.spec.kinds import marked


@dataclass(frozen=True)
class HistoryPlan:
    """Whose values are kept: ``nodes`` maps names of the file to nodes, every ``every`` steps."""

    nodes: Mapping[str, str]
    every: int
    mark: Mark


def history_plan(
    elaborator: Elaborator, decl: HistoryDecl | None, scope: Scope
) -> HistoryPlan | None:
    """A history section, resolved; unknown names are kept as errors of the file."""
    if decl is None:
        return None
    every = whole(elaborator, decl.every, scope, 1, "'every'")
    if not every:
        assert decl.every is not None
        fail("GF033", "'every' is a whole number from 1 on, not 0", decl.every.mark)
    return HistoryPlan(named_nodes(elaborator, decl.nodes, decl.mark, scope), every, decl.mark)


def named_nodes(
    elaborator: Elaborator, names: Sequence[str], mark: Mark, scope: Scope
) -> dict[str, str]:
    """The nodes that names of the file stand for; unknown ones are kept as errors of the file."""
    found: dict[str, str] = {}
    for name, place in marked(names, mark):
        try:
            value = elaborator.name(name, scope, place)
            if isinstance(value, Parts | Function | Instance | Poison):
                fail("GF022", f"'{name}' is {describe(value)}, not one value", place)
            found[name] = elaborator.named_tensor(name, value, place).name
        except GraphflowError as error:
            elaborator.report(error)
        except Poisoned:
            continue
    return found
