"""The training loop: epochs, steps, reports, checkpoints, and a way to stop at any moment.

Ctrl-C ends after the step under way and saves; a resumed run goes on bit for bit, because the
order of the data depends on (seed, epoch) alone and random numbers on (seed, step).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path

import numpy as np

from graphflow.diagnostics import fail
from graphflow.interrupts import interruptible
from graphflow.ops.op import Array
from graphflow.runtime.threads import blas_threads_for
from graphflow.training.budget import keep_memory
from graphflow.training.callbacks import Callback, told
from graphflow.training.feed import Fed, Served
from graphflow.training.history import Recorder
from graphflow.training.judging import Judge
from graphflow.training.logs import Log
from graphflow.training.progress import Outcome, Progress
from graphflow.training.rows import Row
from graphflow.training.run_folder import Checkpoint, RunFolder
from graphflow.training.stepping import Stepping

SAVE_EVERY = 60.0
"""Seconds between checkpoints within an epoch; every epoch ends with one."""


class _Fresh:
    """Further batches of the epoch, for turns that ask for new ones; counts those it gave."""

    def __init__(self, batches: Iterator[Fed], last: dict[str, Array]) -> None:
        self.batches, self.last, self.taken = batches, last, 0

    def __call__(self) -> dict[str, Array]:
        """The next batch; at the end of the epoch the last one again."""
        following = next(self.batches, None)
        if following is not None:
            self.last, _ = following
            self.taken += 1
        return self.last


class Loop:
    """Trains until the file's epochs or steps are done, until early stopping, or until stopped.

    ``epochs`` and ``steps`` are counted in all, whatever was done before a resume; the first that
    is reached ends training. Without data there is one epoch without end: a step is all there is.
    """

    def __init__(
        self,
        trainer: Stepping,
        feed: Served,
        *,
        epochs: int | None = None,
        steps: int | None = None,
        callbacks: Sequence[Callback] = (),
        save_every: float = SAVE_EVERY,
    ) -> None:
        self.trainer, self.feed = trainer, feed
        self.run_folder: RunFolder | None = None
        self.callbacks, self.save_every = told(callbacks), save_every
        self.logs: tuple[Log, ...] = ()
        self.note: str | None = None
        """Why a run does not go on from where it stood."""
        self.guard = "--guard"
        """What whoever trains calls the guarded plan."""
        self.progress = Progress(part=trainer.part)
        self.epochs, self.steps = _limits(trainer, feed, epochs, steps)
        self.judge = Judge(trainer.plan, self.metric_names())
        trainer.check_metrics(self.metric_names())
        self.recorder = Recorder(
            trainer.plan.history, trainer.elaborated.graph, trainer.dtype, self.total_steps
        )
        self._best: Checkpoint | None = None
        self._kept: int | None = None
        """The first step whose history a checkpoint does not hold."""
        self._saved = time.monotonic()

    @property
    def total_steps(self) -> int | None:
        """How many there are in all, at most; None where nobody knows."""
        found = [] if self.steps is None else [self.steps]
        batches = self.feed.batches(0)
        if self.epochs is not None and batches is not None:
            found.append(self.epochs * batches)
        return min(found, default=None)

    def metric_names(self) -> list[str]:
        """What an epoch reports: ``train/loss``, ``test/accuracy``, ..."""
        if not self.feed.averaged:
            return []
        trained = [f"{self.trainer.part}{name}" for name in self.trainer.reported]
        parts = self.feed.evaluation_parts
        return [*trained, *(f"{part}/{name}" for part in parts for name in self.trainer.measured)]

    def stop(self) -> None:
        """End after the step under way."""
        self.progress.stop()

    def begin(self, folder: RunFolder, logs: Sequence[Log] = ()) -> None:
        """Keep checkpoints and metrics in a folder, and tell its logs. It is held until the end of
        the run.
        """
        folder.hold()
        self.run_folder, self.logs = folder, tuple(logs)

    def resume(self, folder: RunFolder, logs: Sequence[Log] = ()) -> None:
        """Go on with the run in a folder, where its newest checkpoint was taken; without one, from
        the start.
        """
        self.begin(folder, logs)
        if not any(folder.checkpoints()):
            folder.cut_metrics(0)
            self.note = f"'{folder.path}' has no checkpoint: the run begins anew"
            return
        checkpoint = folder.latest()
        self.feed.learned.check(checkpoint.progress.get("learned"), folder.path)
        self.trainer.load_state_dict(checkpoint.arrays)
        self.progress = Progress.from_json(checkpoint.progress)
        kept = checkpoint.progress.get("history")
        self._kept = kept if isinstance(kept, int) else None
        newest, file = next(folder.checkpoints())
        if newest != self.progress.step:
            self.note = f"'{file}' is damaged: the run goes on from step {self.progress.step}"
        length = checkpoint.progress.get("log")
        if isinstance(length, int):
            folder.cut_metrics(length)

    def run(self) -> Outcome:
        """Train; the outcome holds the last metrics, or the best ones where they are restored.

        A new run that does not get past its first step leaves no folder behind.
        """
        begun, safe = time.monotonic(), False
        if self.run_folder is not None:
            self.run_folder.hold()
        try:
            self._train()
            safe = True
            outcome = self._outcome(time.monotonic() - begun)
            if not outcome.interrupted:
                self.trainer.finish()
            for callback in self._told:
                callback.on_end(outcome)
            return outcome
        finally:
            for callback in self._told:
                callback.close()
            self.trainer.release()
            if self.run_folder is not None:
                if not safe and not self._begun():
                    self.run_folder.discard()
                self.run_folder.release()

    def _train(self) -> None:
        start = self.progress
        kept = start.step if self._kept is None else self._kept
        self.recorder.begin(kept, self.run_folder.path if self.run_folder else None)
        if self.run_folder is not None:
            self.run_folder.keep_learned(self.feed.learned)
            self.feed.identity.keep(self.run_folder.path)
        self._tell(lambda callback: callback.on_start(start, self.epochs, self.steps))
        with interruptible(self.stop, lambda: self.progress.stopped):
            while not self._done():
                self._epoch()
        self.recorder.end(self.progress.step, self.trainer.recorded_leaves())
        if self.progress.stopped or self.progress.batch or not self._begun():
            self.save()

    def _begun(self) -> bool:
        """Whether there is anything to lose."""
        return self.progress.step > 0 or self.progress.batch > 0

    def _outcome(self, seconds: float) -> Outcome:
        """How it ended; where the file asks for it, the best epoch's values are put back."""
        done = self.progress
        restored = self.judge.restores and not done.stopped and done.best is not None
        metrics = done.metrics if restored else self._last_metrics()
        if restored and done.best is not None:
            self.trainer.load_state_dict(self._best_checkpoint().arrays)
            metrics = dict(done.best.metrics)
        early = self.judge.gives_up(done)
        return Outcome(
            done, metrics, seconds, done.stopped, early, restored, self.recorder.history
        )

    def _last_metrics(self) -> dict[str, float]:
        """The last epoch's, evaluated now where it ended early. Somebody who stopped the run does
        not wait for that: the metrics are those of the last epoch that is complete, or the first
        one's means so far.
        """
        done = self.progress
        if not done.rows or (done.stopped and done.metrics):
            return done.metrics
        return done.means() if done.stopped else self._evaluated() | done.means()

    def _done(self) -> bool:
        return self.progress.stopped or self._complete()

    def _complete(self) -> bool:
        """Whether training has come to its own end."""
        done = self.progress
        return (
            self.judge.gives_up(done)
            or done.finished
            or (self.epochs is not None and done.epoch >= self.epochs)
            or (self.steps is not None and done.step >= self.steps)
        )

    def _epoch(self) -> None:
        """One epoch, or the rest of one."""
        done = self.progress
        if done.batch == 0:
            self.trainer.start_epoch(done.epoch)
            done.sums, done.rows = {}, 0
        done.batches = self.feed.batches(done.epoch)
        batches = iter(self.feed.training(done.epoch, done.batch))
        # A resumed epoch may begin with its smaller last batch: the threads must not depend on it.
        first = next(iter(self.feed.training(done.epoch)) if done.batch else batches)
        batches = self.trainer.ahead(batches if done.batch else chain([first], batches))
        with blas_threads_for(self.trainer.graphs(first[0])):
            while not self._done() and not self._epoch_over():
                inputs, rows = next(batches)
                self._step(inputs, rows, _Fresh(batches, inputs))
            if self._epoch_over():
                self._finish_epoch()

    def _epoch_over(self) -> bool:
        return self.progress.batches is not None and self.progress.batch >= self.progress.batches

    def _step(self, inputs: dict[str, Array], rows: int, fresh: _Fresh) -> None:
        """One round, counted and reported."""
        done = self.progress
        result = self.trainer.step(inputs, fresh)
        values = {name: float(np.mean(value)) for name, value in result.values.items()}
        broken = [n for n in self.trainer.must_be_finite if not np.isfinite(values[n])]
        if broken or result.undecided:
            what = f"{broken[0]} is {values[broken[0]]}" if broken else "'until' compares a nan"
            epoch = f", epoch {done.epoch + 1}" if self.feed.averaged else ""
            fail("GF062", f"{what} in step {done.step + 1}{epoch}", self.trainer.plan.mark,
                 help=_fed(inputs) or self.trainer.advice(self.guard))  # fmt: skip
        self.recorder.add(done.step, result.leaves, result.nodes)
        done.finished = result.finished
        done.step += self.trainer.updated
        done.batch += 1 + fresh.taken
        done.add(values, rows, self.feed.averaged)
        done.gather(values)
        if self.trainer.updated:
            self._updated()
        self._tell(lambda callback: callback.on_step(done, values))
        if time.monotonic() - self._saved > self.save_every:
            self.save()

    def _updated(self) -> None:
        """Tell of an update that was made; where no epoch ends, it is a row of metrics."""
        done = self.progress
        values = done.gathered()
        if self.run_folder is not None and not self.feed.averaged:
            self._log({f"{done.part}{name}": value for name, value in values.items()})
        self._tell(lambda callback: callback.on_update(done, values))

    def _finish_epoch(self) -> None:
        """Evaluate the other parts, log, save."""
        done = self.progress
        if self.trainer.finish_epoch():
            done.step += 1
            self._updated()
        metrics = done.means() | self._evaluated()
        self.trainer.end_epoch(metrics)
        done.epoch, done.batch = done.epoch + 1, 0
        done.metrics, done.sums, done.rows = metrics, {}, 0
        if self.run_folder is not None and self.feed.averaged:
            self._log(metrics)
        if self.judge.judge(done, metrics):
            self._keep_best()
        self._tell(lambda log: log.on_epoch(done, metrics), self.logs)
        self.save()
        self._tell(lambda callback: callback.on_epoch(done, metrics), self.callbacks)

    def _log(self, metrics: Mapping[str, float]) -> None:
        assert self.run_folder is not None
        self.run_folder.log(Row(self.progress.epoch, self.progress.step, metrics))

    def _evaluated(self) -> dict[str, float]:
        """The metrics of the parts that are not trained on."""
        metrics: dict[str, float] = {}
        for part in self.feed.evaluation_parts:
            found = self.trainer.evaluate(self.feed.evaluation(part))
            metrics |= {f"{part}/{name}": value for name, value in found.items()}
        return metrics

    @property
    def _told(self) -> tuple[Callback, ...]:
        """Whoever is told how training goes; logs first: a callback's mistake keeps them whole."""
        return (*self.logs, *self.callbacks)

    def _tell(
        self, tell: Callable[[Callback], None], told_of: Sequence[Callback] | None = None
    ) -> None:
        """Tell every callback. What one raises loses nothing: a checkpoint is written first."""
        told = False
        try:
            for callback in self._told if told_of is None else told_of:
                tell(callback)
            told = True
        finally:
            if not told and self._begun():
                self.save()

    # -- checkpoints -------------------------------------------------------------------------
    def save(self) -> None:
        """Write a checkpoint into the run's folder, if there is one; logs are as far as it."""
        self._saved = time.monotonic()
        self.recorder.flush()
        try:
            for log in self.logs:
                log.flush()
        finally:
            if self.run_folder is not None:
                keep_memory(self.run_folder.path, self.trainer.budgeted)
                self.run_folder.save(self.progress.step, self._checkpoint())

    def snapshot(self) -> Path | None:
        """Keep a checkpoint for good, whatever comes after; None where there is no folder."""
        self.recorder.flush()
        if self.run_folder is None:
            return None
        return self.run_folder.save_snapshot(self.progress.step, self._checkpoint())

    def _checkpoint(self) -> Checkpoint:
        """All that training changes and where it stands.

        ``ended`` says whether training came to its own end, ``stopped`` whether somebody stopped it
        here, ``result`` which checkpoint holds what it was for.
        """
        progress = self.progress.to_json()
        ended = self._complete()
        best = ended and self.judge.restores and self.progress.best is not None
        progress |= {"ended": ended, "stopped": self.progress.stopped}
        progress |= {"learned": self.feed.learned.digest}
        progress |= {"result": "best" if best else "latest", "history": self.recorder.next}
        if self.run_folder is not None:
            progress["log"] = self.run_folder.metrics_bytes()
        return Checkpoint(self.trainer.state_dict(), progress)

    def _keep_best(self) -> None:
        """Keep the epoch that has just ended: in the folder, else in memory if it is needed."""
        if self.run_folder is not None:
            self.run_folder.save_best(self._checkpoint())
        elif self.judge.restores:
            self._best = self._checkpoint()

    def _best_checkpoint(self) -> Checkpoint:
        if self.run_folder is not None:
            return self.run_folder.checkpoint("best")
        assert self._best is not None
        return self._best


def _fed(inputs: Mapping[str, Array]) -> str | None:
    """What to do about a batch that is not finite; None for one that is."""
    for name, value in inputs.items():
        if value.dtype.kind == "f" and np.isinf(value).any():
            return f"what is fed to '{name}' holds infinite numbers: correct or leave out such rows"
        if value.dtype.kind == "f" and np.isnan(value).any():
            return (
                f"what is fed to '{name}' is not finite: values are missing in the data; fill them "
                "with transforms: [fill_missing(...)], or leave them out with drop_missing"
            )
    return None


def _limits(
    trainer: Stepping, feed: Served, epochs: int | None, steps: int | None
) -> tuple[int | None, int | None]:
    """How many epochs and steps there are in all: as given, else as the file says, else one epoch.

    Without data an epoch is one step.
    """
    if epochs is None and steps is None:
        epochs, steps = trainer.plan.epochs, trainer.plan.steps
    if not feed.averaged:
        return None, min((n for n in (epochs, steps) if n is not None), default=1)
    return (1, None) if epochs is None and steps is None else (epochs, steps)
