"""A search's memory: Optuna's study in a journal file of the tune folder.

Every configuration, every metric by epoch and every ending is written there when it is known, so
that a search that was killed goes on from it. Each trial is drawn by a sampler of its own, seeded
by (seed, number): configurations do not depend on how often the search was interrupted.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import numpy as np

from graphflow.diagnostics import fail
from graphflow.spec.elaborate import Dimension, TunePlan
from graphflow.spec.values import Plain
from graphflow.tuning.trials import State, Trial

if TYPE_CHECKING:
    from optuna import Study as OptunaStudy
    from optuna import Trial as OptunaTrial
    from optuna.distributions import BaseDistribution
    from optuna.pruners import BasePruner
    from optuna.samplers import BaseSampler
    from optuna.trial import FrozenTrial

NAME = "tune"
JOURNAL = "journal.log"


@contextmanager
def quiet_optuna() -> Iterator[None]:
    """A clear error where Optuna is not installed; none of its own chatter."""
    try:
        import optuna
    except ModuleNotFoundError:
        fail("GF076", "searching hyperparameters needs the package optuna",
             help="pip install 'graphflow[tune]'")  # fmt: skip
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        yield


def check_installed(plan: TunePlan) -> None:
    """Raises GF076 where a package that the search needs is missing."""
    with quiet_optuna():
        missing = [package for package in ("scipy", "torch") if find_spec(package) is None]
    if plan.sampler == "gp" and missing:
        fail("GF076", f"sampler: gp of Optuna needs the package {missing[0]}", plan.mark,
             help=f"pip install {' '.join(missing)}, or take sampler: tpe")  # fmt: skip


class Study:
    """The trials of one search, kept in its folder."""

    def __init__(self, folder: Path, plan: TunePlan) -> None:
        with quiet_optuna():
            from optuna import create_study
            from optuna.storages import JournalStorage
            from optuna.storages.journal import JournalFileBackend

            journal = folder / JOURNAL
            fresh = not journal.exists()
            self.plan = plan
            self.space = {d.name: _distribution(d) for d in plan.space}
            self.study = create_study(
                storage=JournalStorage(JournalFileBackend(str(journal))), study_name=NAME,
                direction="maximize" if plan.maximise else "minimize",
                sampler=_sampler(plan, 0), pruner=_pruner(plan), load_if_exists=True,
            )  # fmt: skip
            for given in plan.start if fresh else ():
                self.study.enqueue_trial(dict(given))
        self._open: dict[int, OptunaTrial] = {}

    def new(self, until: int) -> Trial:
        """A further trial, its configuration drawn by the sampler or given by ``start``."""
        number = sum(t.state.name != "WAITING" for t in self.study.get_trials(deepcopy=False))
        with quiet_optuna():
            self.study.sampler = _sampler(self.plan, number)
            asked = self.study.ask(self.space)
        self._open[asked.number] = asked
        trial = Trial(asked.number, dict(asked.params), until)
        self.note(trial)
        return trial

    def trials(self) -> list[Trial]:
        """All trials so far. One that was under way waits for a worker to take it up again."""
        return _trials(self.study)

    def report(self, trial: Trial, epoch: int, value: float) -> None:
        """Keep the metric after an epoch; one that was reported before stands."""
        trial.values.setdefault(epoch, value)
        self._trial(trial).report(value, epoch)

    def stops(self, trial: Trial) -> bool:
        """Whether the pruner ends a trial after the epoch that was reported last."""
        with quiet_optuna():
            return self._trial(trial).should_prune()

    def note(self, trial: Trial) -> None:
        """Keep where a trial stands."""
        open_ = self._trial(trial)
        for name in ("until", "state", "message"):
            open_.set_user_attr(name, getattr(trial, name))

    def end(self, trial: Trial) -> None:
        """Keep how a trial ended: complete, stopped, or failed."""
        from optuna.trial import TrialState

        self.note(trial)
        best = trial.best(self.plan.maximise)
        open_ = self._trial(trial)
        if best is None:
            self.study.tell(open_, state=TrialState.FAIL)
        elif trial.state == "stopped":
            self.study.tell(open_, state=TrialState.PRUNED)
        else:
            self.study.tell(open_, best[0])

    def _trial(self, trial: Trial) -> OptunaTrial:
        """Optuna's handle of a trial, also of one that an earlier process began."""
        if trial.number not in self._open:
            from optuna import Trial as OptunaTrial

            frozen = self.study.get_trials(deepcopy=False)[trial.number]
            self._open[trial.number] = OptunaTrial(self.study, frozen._trial_id)
        return self._open[trial.number]


def trials_of(folder: Path) -> list[Trial]:
    """The trials that the journal of a folder holds, with nothing changed."""
    journal = folder / JOURNAL
    if not journal.is_file():
        return []
    with quiet_optuna():
        from optuna import load_study
        from optuna.storages import JournalStorage
        from optuna.storages.journal import JournalFileBackend

        storage = JournalStorage(JournalFileBackend(str(journal)))
        return _trials(load_study(study_name=NAME, storage=storage))


def _trials(study: OptunaStudy) -> list[Trial]:
    return [_trial(t) for t in study.get_trials(deepcopy=False) if t.state.name != "WAITING"]


def _trial(frozen: FrozenTrial) -> Trial:
    """A trial as the journal holds it."""
    noted = frozen.user_attrs
    state: State = noted.get("state", "waiting")
    assert state in get_args(State)
    if frozen.state.name == "RUNNING" and state != "paused":
        state = "waiting"
    values = {epoch: float(v) for epoch, v in frozen.intermediate_values.items()}
    return Trial(
        frozen.number, dict(frozen.params), noted.get("until", 1), values, state,
        noted.get("message", ""),
    )  # fmt: skip


def _distribution(dimension: Dimension) -> BaseDistribution:
    from optuna.distributions import (
        CategoricalDistribution,
        FloatDistribution,
        IntDistribution,
    )

    if dimension.choices:
        return CategoricalDistribution(_hashable(dimension.choices))
    if dimension.whole:
        return IntDistribution(int(dimension.low), int(dimension.high), log=dimension.log)
    return FloatDistribution(dimension.low, dimension.high, log=dimension.log)


def _hashable(choices: tuple[Plain, ...]) -> tuple[bool | int | float | str | None, ...]:
    return tuple(c for c in choices if not isinstance(c, list | dict))


def _sampler(plan: TunePlan, number: int) -> BaseSampler:
    """The sampler that draws one trial."""
    from optuna.samplers import GPSampler, RandomSampler, TPESampler

    seed = int(np.random.SeedSequence([plan.seed, number]).generate_state(1)[0])
    if plan.sampler == "random":
        return RandomSampler(seed=seed)
    if plan.sampler == "tpe":
        return TPESampler(seed=seed)
    return GPSampler(seed=seed)


def _pruner(plan: TunePlan) -> BasePruner:
    """What stops trials on the way."""
    from optuna.pruners import HyperbandPruner, NopPruner, SuccessiveHalvingPruner

    chosen = plan.scheduler
    if chosen.name == "hyperband":
        return HyperbandPruner(chosen.min_epochs, chosen.max_epochs, chosen.reduction_factor)
    if chosen.name == "asha" and chosen.type == "stopping":
        return SuccessiveHalvingPruner(chosen.min_epochs, chosen.reduction_factor)
    return NopPruner()
