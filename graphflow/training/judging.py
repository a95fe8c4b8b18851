"""Which epoch was the best, and when to stop waiting for a better one."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from graphflow.diagnostics import Diagnostic, GraphflowError, did_you_mean
from graphflow.spec.elaborate import Goal
from graphflow.training.progress import Best, Progress
from graphflow.training.stepping import StepPlan


class Judge:
    """Judges epochs by the metrics that a file's ``best:`` and ``early_stopping:`` name.

    Where only early stopping is asked for, its metric decides which epoch is the best, too.
    Raises GF020 for a metric that a run does not have.
    """

    def __init__(self, plan: StepPlan, metrics: Sequence[str]) -> None:
        self.early = plan.early_stopping
        self.goal = plan.best or (self.early.goal if self.early else None)
        goals = [goal for goal in (plan.best, self.early and self.early.goal) if goal]
        found = [_unknown(goal, metrics) for goal in goals if goal.metric not in metrics]
        if found:
            raise GraphflowError(*found)

    @property
    def restores(self) -> bool:
        """Whether the best epoch's values are the result."""
        return self.early is not None and self.early.restore_best

    def judge(self, progress: Progress, metrics: Mapping[str, float]) -> bool:
        """Take note of a finished epoch; whether it is the best so far."""
        if self.early is not None:
            goal, value = self.early.goal, metrics[self.early.goal.metric]
            before = progress.reached
            if _improves(goal, value, before, self.early.min_delta):
                progress.reached, progress.waited = value, 0
            else:
                progress.waited += 1
        if self.goal is None:
            return False
        value, best = metrics[self.goal.metric], progress.best
        if not _improves(self.goal, value, best.value if best else None):
            return False
        progress.best = Best(self.goal.metric, progress.epoch, progress.step, dict(metrics))
        return True

    def gives_up(self, progress: Progress) -> bool:
        """Whether early stopping has waited long enough."""
        return self.early is not None and progress.waited >= self.early.patience


def _improves(goal: Goal, value: float, before: float | None, by: float = 0.0) -> bool:
    return not math.isnan(value) if before is None else goal.better(value, before, by)


def _unknown(goal: Goal, metrics: Sequence[str]) -> Diagnostic:
    known = f"this run has {', '.join(metrics)}" if metrics else "a run without data has no epochs"
    return Diagnostic("GF020", f"no metric is called '{goal.metric}'", goal.mark,
                      help=did_you_mean(goal.metric, metrics) or known)  # fmt: skip
