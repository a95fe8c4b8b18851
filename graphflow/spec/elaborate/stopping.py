"""``best:`` and ``early_stopping:`` as meaning. Names of metrics are checked when a run starts:
the parts of the data are known only then.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from graphflow.diagnostics import Mark, did_you_mean, fail
from graphflow.spec.document import TrainDecl
from graphflow.spec.elaborate.bound import describe
from graphflow.spec.elaborate.elaborator import Elaborator
from graphflow.spec.elaborate.scope import Scope
from graphflow.spec.elaborate.settings import whole
from graphflow.spec.stopping import BestDecl, EarlyStoppingDecl
from graphflow.spec.syntax import Expr

PATIENCE = 3


@dataclass(frozen=True)
class Goal:
    """A metric that is to fall (``rising`` false) or to rise."""

    metric: str
    rising: bool
    mark: Mark

    def better(self, value: float, than: float, by: float = 0.0) -> bool:
        """Whether ``value`` is an improvement of more than ``by``; NaN never is one.

        >>> goal = Goal("test/loss", False, Mark("file", 1, 1))
        >>> goal.better(0.5, 0.6), goal.better(0.5, 0.6, by=0.2), goal.better(0.5, 0.5)
        (True, False, False)
        """
        return value - than > by if self.rising else than - value > by


@dataclass(frozen=True)
class EarlyStopping:
    """Training ends after ``patience`` epochs in a row without an improvement of ``min_delta``."""

    goal: Goal
    patience: int
    min_delta: float
    restore_best: bool


def falls(metric: str) -> bool:
    """Whether a metric is known to get better as it falls: a loss.

    >>> falls("test/loss"), falls("validation/mse_loss"), falls("test/accuracy")
    (True, True, False)
    """
    return "loss" in re.split(r"[/._]", metric)


def best_goal(decl: BestDecl | EarlyStoppingDecl, train: TrainDecl) -> Goal:
    """The metric to judge epochs by: something that a part of the data is measured by.
    GF020 for any other, GF012 where its direction is neither said nor known.
    """
    part, slash, name = decl.metric.partition("/")
    measured = train.measured(part)
    if slash and name not in measured:
        there = [f"{part}/{known}" for known in measured]
        fail("GF020", f"no metric is called '{decl.metric}'", decl.mark,
             help=did_you_mean(decl.metric, there) or f"of the loss, and of what is named under "
             f"'report:', there are {', '.join(there)}")  # fmt: skip
    if decl.mode is None and not falls(decl.metric):
        fail("GF012", f"'{decl.metric}' needs the key 'mode'", decl.mark,
             help="mode: max where more is better, mode: min where less is")  # fmt: skip
    return Goal(decl.metric, decl.mode == "max", decl.mark)


def early_stopping(
    elaborator: Elaborator, decl: EarlyStoppingDecl, train: TrainDecl, scope: Scope
) -> EarlyStopping:
    """The settings of early stopping, resolved."""
    patience = whole(elaborator, decl.patience, scope, PATIENCE, "'patience'")
    if not patience:
        fail("GF033", "'patience' is at least 1 epoch", decl.mark)
    delta = _delta(elaborator, decl.min_delta, scope)
    return EarlyStopping(best_goal(decl, train), patience, delta, decl.restore_best)


def _delta(elaborator: Elaborator, expr: Expr | None, scope: Scope) -> float:
    if expr is None:
        return 0.0
    value = elaborator.static(expr, scope, "'min_delta'")
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        fail("GF033", f"'min_delta' is a number from 0 on, not {describe(value)}", expr.mark)
    return float(value)
