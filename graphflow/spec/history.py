"""``history:`` of a training or a run: whose values are kept step by step."""

from __future__ import annotations

from dataclasses import dataclass, field

from graphflow.diagnostics import Mark
from graphflow.spec.kinds import Record, key
from graphflow.spec.leaves import EXPRESSION, PATHS
from graphflow.spec.syntax import Expr


@dataclass(frozen=True, slots=True)
class HistoryDecl:
    """``[x1, x2]`` or ``{nodes: [x1, x2], every: 10}``."""

    nodes: tuple[str, ...] = field(
        metadata=key("nodes", PATHS, "nodes, parameters and states whose values are kept")
    )
    mark: Mark = field(compare=False, repr=False)
    every: Expr | None = field(
        default=None, metadata=key("every", EXPRESSION, "keep every n-th step; 1 if absent")
    )


HISTORY = Record(HistoryDecl, "a history", shorthand="nodes")
