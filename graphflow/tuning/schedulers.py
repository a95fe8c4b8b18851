"""Which trial trains next, and how far: decisions as functions of what is known of all trials.

A scheduler keeps no state of its own. What it decides depends on the trials alone, so that a
search that was interrupted goes on as if nothing had been. Errors are compared, smaller is
better: :class:`Standings` turns the metric round where it is maximised.

Halving works on rungs: epochs r, r * eta, r * eta^2, ... up to the longest training.
Jamieson and Talwalkar 2016 (successive halving), Li et al. 2018 (asynchronous), in the words of
Dive into Deep Learning 19.4 and 19.5.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from graphflow.spec.elaborate import SchedulerPlan
from graphflow.tuning.trials import Trial


@dataclass(frozen=True)
class Assignment:
    """What a worker is to do: train a trial (None: a new one) until an epoch."""

    trial: int | None
    until: int


@dataclass(frozen=True)
class Standings:
    """All trials so far, in the order in which they began, and how many there may be."""

    trials: Sequence[Trial]
    limit: int | None
    maximise: bool = False

    @property
    def open(self) -> bool:
        """Whether a further configuration may be tried."""
        return self.limit is None or len(self.trials) < self.limit

    def error(self, trial: Trial, epoch: int) -> float:
        """What is compared: infinite where a trial failed before, or its metric is no number."""
        value = trial.values.get(epoch, math.nan)
        if math.isnan(value):
            return math.inf
        return -value if self.maximise else value

    def ranked(self, trials: Sequence[Trial], epoch: int) -> list[Trial]:
        """The best first; equal ones in the order in which they began."""
        return sorted(trials, key=lambda t: (self.error(t, epoch), t.number))


class Scheduler(Protocol):
    """Decides which trials train on."""

    def following(self, standings: Standings) -> Assignment | None:
        """What a free worker does; None where it must wait for others, or all is done."""

    def hopeless(self, standings: Standings) -> list[Trial]:
        """The paused trials that will not go on."""


def rungs(least: int, longest: int, factor: int) -> list[int]:
    """The epochs after which trials are compared; the last is the longest training.

    >>> rungs(2, 10, 2)
    [2, 4, 8, 10]
    >>> rungs(1, 1000, 10)
    [1, 10, 100, 1000]
    """
    levels = [least]
    while levels[-1] * factor <= longest:
        levels.append(levels[-1] * factor)
    return levels if levels[-1] == longest else [*levels, longest]


@dataclass(frozen=True)
class Basic:
    """Every trial trains to the end, unless it is stopped on the way by a pruner."""

    longest: int

    def following(self, standings: Standings) -> Assignment | None:
        """A new trial."""
        return Assignment(None, self.longest) if standings.open else None

    def hopeless(self, standings: Standings) -> list[Trial]:
        """None pauses."""
        return []


class SuccessiveHalving:
    """Rounds of eta^K trials; a rung is compared when all its trials have reached it.

    The best 1 / eta of a rung, at least one, go on to the next. While a rung waits for its last
    trials, free workers begin the next round; older rounds come first. A last round of fewer
    trials, where their number is limited, is halved in the same way. A trial that goes on is
    resumed, not trained again from the start.
    """

    def __init__(self, least: int, longest: int, factor: int) -> None:
        self.levels = rungs(least, longest, factor)
        self.factor = factor
        self.size = factor ** (len(self.levels) - 1)

    def following(self, standings: Standings) -> Assignment | None:
        """The best trial that was promoted and has not gone on, else a new one."""
        for start in range(0, len(standings.trials), self.size):
            for level, survivors in zip(self.levels, self._round(standings, start), strict=False):
                for trial in survivors:
                    if trial.state == "paused" and trial.until < level:
                        return Assignment(trial.number, level)
        return Assignment(None, self.levels[0]) if standings.open else None

    def hopeless(self, standings: Standings) -> list[Trial]:
        """Those that were compared and not promoted."""
        found = []
        for start in range(0, len(standings.trials), self.size):
            kept = self._round(standings, start)
            for rung, survivors in enumerate(kept[:-1]):
                promoted = {trial.number for trial in kept[rung + 1]}
                found += [t for t in survivors if t.state == "paused" and t.number not in promoted]
        return found

    def _round(self, standings: Standings, start: int) -> list[list[Trial]]:
        """The trials that take part in each rung of the round from trial ``start`` on."""
        planned = self.size
        if standings.limit is not None:
            planned = min(planned, standings.limit - start)
        members = list(standings.trials[start : start + self.size])
        kept = [members]
        if len(members) < planned:
            return kept
        for rung, level in enumerate(self.levels[:-1]):
            if any(t.state != "failed" and level not in t.values for t in kept[rung]):
                break
            ranked = standings.ranked(kept[rung], level)
            size = max(1, planned // self.factor ** (rung + 1))
            kept.append([t for t in ranked[:size] if standings.error(t, level) < math.inf])
        return kept


class Promotion:
    """Asynchronous halving by promotion: nothing waits.

    A free worker looks from the highest rung down for a trial among the best 1 / eta of those
    that have reached the rung, and sends it on; where there is none it begins a new trial.
    """

    def __init__(self, least: int, longest: int, factor: int) -> None:
        self.levels = rungs(least, longest, factor)
        self.factor = factor

    def following(self, standings: Standings) -> Assignment | None:
        """A promotion, else a new trial."""
        for rung in reversed(range(len(self.levels) - 1)):
            level = self.levels[rung]
            reached = [t for t in standings.trials if standings.error(t, level) < math.inf]
            for trial in standings.ranked(reached, level)[: len(reached) // self.factor]:
                if trial.state == "paused" and trial.until == level:
                    return Assignment(trial.number, self.levels[rung + 1])
        return Assignment(None, self.levels[0]) if standings.open else None

    def hopeless(self, standings: Standings) -> list[Trial]:
        """Once every trial has begun and none runs, those that are left."""
        if standings.open or any(t.state in ("running", "waiting") for t in standings.trials):
            return []
        if self.following(standings) is not None:
            return []
        return [t for t in standings.trials if t.state == "paused"]


def scheduler_of(plan: SchedulerPlan) -> Scheduler:
    """The scheduler that a file names. Those that only stop trials on the way are basic here:
    Optuna's pruners decide when (:meth:`graphflow.tuning.study.Study.stops`).
    """
    least, longest, factor = plan.min_epochs, plan.max_epochs, plan.reduction_factor
    if plan.name == "successive_halving":
        return SuccessiveHalving(least, longest, factor)
    if plan.name == "asha" and plan.type == "promotion":
        return Promotion(least, longest, factor)
    return Basic(longest)
