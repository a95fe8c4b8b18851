"""``run:``: iterating a graph that is not trained (rule 10)."""

from __future__ import annotations

from dataclasses import dataclass, field

from graphflow.diagnostics import Mark
from graphflow.spec.history import HISTORY, HistoryDecl
from graphflow.spec.kinds import Record, key
from graphflow.spec.leaves import BOOLEAN, EXPRESSION, PATHS
from graphflow.spec.syntax import Expr


@dataclass(frozen=True, slots=True)
class RunDecl:
    """``{steps: 100, until: abs(x_next - x) < 1e-8}``; ``updates:`` says what a step changes."""

    mark: Mark = field(compare=False, repr=False)
    steps: Expr | None = field(
        default=None, metadata=key("steps", EXPRESSION, "steps in all, at most")
    )
    epochs: Expr | None = field(
        default=None, metadata=key("epochs", EXPRESSION, "passes over the data, at most")
    )
    until: Expr | None = field(
        default=None, metadata=key("until", EXPRESSION, "the step in which it holds is the last")
    )
    history: HistoryDecl | None = field(
        default=None, metadata=key("history", HISTORY, "nodes whose values are kept, step by step")
    )
    report: tuple[str, ...] = field(
        default=(), metadata=key("report", PATHS, "nodes whose values are shown")
    )
    check_finite: bool = field(
        default=True,
        metadata=key("check_finite", BOOLEAN, "whether a nan or an infinity ends it; true"),
    )
    seed: Expr | None = field(default=None, metadata=key("seed", EXPRESSION, "of all randomness"))

    def measured(self, part: str) -> tuple[str, ...]:
        """What any part of the data is measured by, where there are any."""
        return self.report


RUN = Record(RunDecl, "a run", one_of=("steps", "epochs"))
