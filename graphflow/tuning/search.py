"""The search: gives trials to workers, judges what they report, keeps what is known."""

from __future__ import annotations

import math
import queue
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from graphflow.diagnostics import fail
from graphflow.interrupts import interruptible
from graphflow.spec.elaborate import TunePlan
from graphflow.spec.overrides import written
from graphflow.spec.values import Plain
from graphflow.tuning.asked import Setting
from graphflow.tuning.cluster_pool import ClusterPool
from graphflow.tuning.folder import Event, TuneFolder
from graphflow.tuning.pool import Pool
from graphflow.tuning.results import Best, best_of
from graphflow.tuning.schedulers import Standings, scheduler_of
from graphflow.tuning.study import Study
from graphflow.tuning.trials import OVER, Trial
from graphflow.tuning.worker import Job, Message

ATTEMPTS = 2
"""How often a trial is begun whose process dies."""
TICK = 0.2
"""Seconds between looks at the clock."""


@dataclass(frozen=True)
class Tuned:
    """How a search ended. ``best`` is the configuration as overrides, None if no trial has one.

    ``value`` is its metric after ``epoch`` epochs, the best that was ever reported; the best
    trial's folder, ``run``, keeps the checkpoint of that epoch as its best one.
    """

    folder: Path
    trials: tuple[Trial, ...]
    metric: str
    maximise: bool
    best: Mapping[str, Plain] | None = None
    value: float | None = None
    epoch: int | None = None
    trial: int | None = None
    seconds: float = 0.0
    interrupted: bool = False

    @property
    def run(self) -> Path | None:
        """The best trial's run folder."""
        return None if self.trial is None else TuneFolder(self.folder).trial(self.trial)


class Listener(Protocol):
    """Told how a search goes."""

    def on_event(self, search: Search, event: Event, trial: Trial) -> None:
        """After a trial began, ended an epoch, or ended."""

    def on_tick(self, search: Search) -> None:
        """Several times a second."""


@dataclass(frozen=True)
class Silent:
    """A listener that does nothing."""

    def on_event(self, search: Search, event: Event, trial: Trial) -> None: ...

    def on_tick(self, search: Search) -> None: ...


class Search:
    """One search in its folder, new or resumed. Trials train in processes of this machine, or in
    the Ray cluster at ``address``.
    """

    def __init__(
        self, folder: TuneFolder, plan: TunePlan, setting: Setting,
        listener: Listener | None = None, address: str | None = None,
    ) -> None:  # fmt: skip
        self.folder, self.plan, self.setting = folder, plan, setting
        self.listener: Listener = listener or Silent()
        self.study = Study(folder.path, plan)
        self.trials = self.study.trials()
        self.scheduler = scheduler_of(plan.scheduler)
        self.pool: Pool | ClusterPool = (
            Pool(plan.workers, folder) if address is None else ClusterPool(address, folder)
        )
        self.running: dict[int, Trial] = {}
        self.stopping = False
        self._told_to_stop = False
        self._earlier = max((event.time for event in folder.events()), default=0.0)
        self._begun = time.monotonic()

    @property
    def seconds(self) -> float:
        """How long the search has gone on, earlier times included."""
        return self._earlier + time.monotonic() - self._begun

    @property
    def best(self) -> Best | None:
        """The best trial so far."""
        return best_of(self.trials, self.plan.maximise)

    def stop(self) -> None:
        """End once the workers have ended the step under way."""
        self.stopping = True

    def run(self) -> Tuned:
        """Search until trials or time are used up, or until Ctrl-C; then say what was best."""
        with self.folder.held(), interruptible(self.stop, lambda: self.stopping):
            try:
                self._search()
                self.pool.close()
            finally:
                self.pool.close(patience=0.0)
        best = self.best
        if best is None:
            return self._tuned()
        trial, value, epoch = best
        overrides = self.setting.full(trial)
        self.folder.write_best(overrides)
        return self._tuned(best=overrides, value=value, epoch=epoch, trial=trial.number)

    def _tuned(
        self, best: Mapping[str, Plain] | None = None, value: float | None = None,
        epoch: int | None = None, trial: int | None = None,
    ) -> Tuned:  # fmt: skip
        return Tuned(
            self.folder.path, tuple(self.trials), self.plan.metric, self.plan.maximise,
            best, value, epoch, trial, self.seconds, self.stopping,
        )  # fmt: skip

    # -- giving out --------------------------------------------------------------------------
    def _search(self) -> None:
        while True:
            if not (self.stopping or self._late()):
                self._give()
            elif not self._told_to_stop:
                self._told_to_stop = True
                for worker in self.running:
                    self.pool.send(worker, {"stop": True})
            if not self.running:
                return
            try:
                worker, message = self.pool.inbox.get(timeout=TICK)
            except queue.Empty:
                self.listener.on_tick(self)
                continue
            self._hear(worker, message)
            self.listener.on_tick(self)

    def _late(self) -> bool:
        return self.plan.time is not None and self.seconds >= self.plan.time

    def _give(self) -> None:
        """Give every free worker something to do, as long as there is something."""
        for worker in range(self.plan.workers):
            if worker in self.running:
                continue
            trial = self._following()
            if trial is None:
                return
            trial.state, trial.worker = "running", worker
            trial.attempts += 1
            self.study.note(trial)
            self.running[worker] = trial
            self.pool.give(worker, self._job(trial))
            self._tell("start", trial, worker)

    def _following(self) -> Trial | None:
        """The trial that a free worker takes up: one that was cut off, else what is scheduled."""
        waiting = [trial for trial in self.trials if trial.state == "waiting"]
        if waiting:
            return waiting[0]
        job = self.scheduler.following(self._standings())
        if job is None:
            return None
        if job.trial is None:
            trial = self.study.new(job.until)
            self.trials.append(trial)
            return trial
        trial = self.trials[job.trial]
        trial.until, trial.attempts = job.until, 0
        return trial

    def _standings(self) -> Standings:
        return Standings(self.trials, self.plan.trials, self.plan.maximise)

    def _job(self, trial: Trial) -> Job:
        overrides = {n: written(v) for n, v in self.setting.full(trial).items()}
        if self.plan.keep_best:
            mode = "max" if self.plan.maximise else "min"
            overrides["train.best"] = f"{{metric: {self.plan.metric}, mode: {mode}}}"
        folder = str(self.folder.trial(trial.number).absolute())
        source = str(self.folder.file.absolute())
        return Job(trial.number, folder, source, self.setting.file, overrides, self.setting.dtype,
                   trial.until, trial.epoch, self.plan.scheduler.whole)  # fmt: skip

    # -- listening ---------------------------------------------------------------------------
    def _hear(self, worker: int, message: Message | None) -> None:
        if message is None:
            self._died(worker)
        elif "ended" in message:
            self._ended(worker, str(message["ended"]), str(message["message"]))
        else:
            epoch, metrics = message["epoch"], message["metrics"]
            assert isinstance(epoch, int) and isinstance(metrics, dict)
            go = self._epoch(worker, epoch, metrics)
            self.pool.send(worker, {"go": go})

    def _epoch(self, worker: int, epoch: int, metrics: Message) -> bool:
        """Keep an epoch's metric; whether the trial goes on."""
        trial, value = self.running[worker], metrics.get(self.plan.metric)
        if not isinstance(value, int | float):
            fail("GF020", f"a trial does not report '{self.plan.metric}'", self.plan.mark,
                 help=f"it reports {', '.join(metrics)}")  # fmt: skip
        if epoch not in trial.values:
            self.study.report(trial, epoch, float(value))
            self._tell("epoch", trial, worker, epoch, float(value))
        return epoch >= trial.until or not self.study.stops(trial)

    def _ended(self, worker: int, how: str, message: str) -> None:
        """A worker is done with a trial."""
        trial = self.running.pop(worker)
        trial.worker, trial.message = None, message
        if how == "reached":
            done = trial.until >= self.plan.scheduler.max_epochs
            trial.state = "complete" if done else "paused"
        else:
            trial.state = {"dropped": "stopped", "stopped": "waiting", "failed": "failed"}[how]  # type: ignore[assignment]
        self._settle(trial, worker)

    def _died(self, worker: int) -> None:
        """A worker's process has ended by itself: its trial is begun once more, then given up."""
        how = self.pool.bury(worker)
        trial = self.running.pop(worker, None)
        if trial is None:
            return
        trial.worker = None
        if self._told_to_stop:  # before it had begun
            trial.state = "waiting"
        else:
            trial.message = how
            trial.state = "failed" if trial.attempts >= ATTEMPTS else "waiting"
        self._settle(trial, worker)

    def _settle(self, trial: Trial, worker: int) -> None:
        """Keep where a trial stands, and let go those that it has beaten."""
        self._keep(trial)
        self._tell("end", trial, worker, trial.epoch, trial.values.get(trial.epoch))
        for beaten in self.scheduler.hopeless(self._standings()):
            beaten.state = "stopped"
            self._keep(beaten)
            self._tell("end", beaten, -1, beaten.epoch, beaten.values.get(beaten.epoch))

    def _keep(self, trial: Trial) -> None:
        if trial.state in OVER:
            self.study.end(trial)
        else:
            self.study.note(trial)

    def _tell(
        self, kind: str, trial: Trial, worker: int, epoch: int = 0, value: float | None = None
    ) -> None:
        known = value if value is not None and math.isfinite(value) else None
        moment = round(self.seconds, 3)
        event = Event(moment, kind, trial.number, worker, epoch, known, trial.state)
        self.folder.log(event)
        self.listener.on_event(self, event, trial)
