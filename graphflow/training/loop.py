"""The training loop: epochs, steps, reports, checkpoints, and a way to stop at any moment.

Ctrl-C ends after the step under way and saves; a resumed run goes on bit for bit, because the
order of the data depends on (seed, epoch) alone and random numbers on (seed, step).
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from graphflow.diagnostics import fail
from graphflow.ops.op import Array
from graphflow.runtime.threads import blas_threads_for
from graphflow.training.feed import Fed, Served
from graphflow.training.run_folder import Checkpoint, Json, RunFolder
from graphflow.training.trainer import Trainer

SAVE_EVERY = 60.0
"""Seconds between checkpoints within an epoch; every epoch ends with one."""


class Watcher(Protocol):
    """Told how training goes: a progress bar, the studio, a callback from Python."""

    def on_start(self, progress: Progress, epochs: int | None, steps: int | None) -> None:
        """Before the first step."""

    def on_step(self, progress: Progress, values: Mapping[str, float]) -> None:
        """After each step, with its reported values."""

    def on_epoch(self, progress: Progress, metrics: Mapping[str, float]) -> None:
        """After each epoch, with ``train/...`` and ``test/...`` means."""


class Silent:
    """A watcher that does nothing."""

    def on_start(self, progress: Progress, epochs: int | None, steps: int | None) -> None: ...

    def on_step(self, progress: Progress, values: Mapping[str, float]) -> None: ...

    def on_epoch(self, progress: Progress, metrics: Mapping[str, float]) -> None: ...


@dataclass
class Progress:
    """Where training stands. ``sums`` and ``rows`` make up the running means of the epoch."""

    step: int = 0
    epoch: int = 0
    batch: int = 0
    batches: int = 0
    sums: dict[str, float] = field(default_factory=dict)
    rows: int = 0
    metrics: dict[str, float] = field(default_factory=dict)

    def add(self, values: Mapping[str, float], rows: int, averaged: bool) -> None:
        """Count one step's values into the means of the epoch, or let them stand alone."""
        if not averaged:
            self.sums, self.rows = {}, 0
        for name, value in values.items():
            self.sums[name] = self.sums.get(name, 0.0) + value * rows
        self.rows += rows

    def means(self) -> dict[str, float]:
        """The epoch's means so far."""
        return {f"train/{n}": total / self.rows for n, total in self.sums.items()}

    def to_json(self) -> dict[str, Json]:
        """As a checkpoint keeps it."""
        return {
            "step": self.step, "epoch": self.epoch, "batch": self.batch,
            "sums": dict(self.sums), "rows": self.rows, "metrics": dict(self.metrics),
        }  # fmt: skip

    @classmethod
    def from_json(cls, saved: Mapping[str, Json]) -> Progress:
        """What ``to_json`` gave."""
        names = ("step", "epoch", "batch", "sums", "rows", "metrics")
        return cls(**{name: saved[name] for name in names})  # type: ignore[arg-type]


@dataclass(frozen=True)
class Outcome:
    """How training ended."""

    progress: Progress
    metrics: Mapping[str, float]
    seconds: float
    interrupted: bool


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
    """Trains until the file's epochs or steps are done, or until it is stopped."""

    def __init__(
        self,
        trainer: Trainer,
        feed: Served,
        *,
        epochs: int | None = None,
        steps: int | None = None,
        run: RunFolder | None = None,
        watcher: Watcher | None = None,
    ) -> None:
        self.trainer, self.feed, self.run_folder = trainer, feed, run
        self.watcher: Watcher = watcher or Silent()
        self.progress = Progress()
        self.steps = steps if steps is not None or epochs is not None else trainer.plan.steps
        self.epochs = epochs if epochs is not None else trainer.plan.epochs
        if self.epochs is None and self.steps is None:
            self.epochs = 1
        self.stopped = False
        self._saved = time.monotonic()

    def stop(self) -> None:
        """End after the step under way."""
        self.stopped = True

    def resume(self, checkpoint: Checkpoint) -> None:
        """Go on where a checkpoint was taken."""
        self.trainer.load_state_dict(checkpoint.arrays)
        self.progress = Progress.from_json(checkpoint.progress)
        length = checkpoint.progress.get("log")
        if self.run_folder is not None and isinstance(length, int):
            self.run_folder.cut_metrics(length)

    def run(self) -> Outcome:
        """Train; the outcome holds the last metrics."""
        begun = time.monotonic()
        self.watcher.on_start(self.progress, self.epochs, self.steps)
        with self._interruptible():
            while not self._done():
                self._epoch()
        if self.stopped or self.progress.batch:
            self.save()
        metrics = self._last_metrics()
        return Outcome(self.progress, metrics, time.monotonic() - begun, self.stopped)

    def _last_metrics(self) -> dict[str, float]:
        """The last epoch's. One that ended early has its means so far, and is evaluated now unless
        somebody waits for the stop.
        """
        done = self.progress
        if not done.rows:
            return done.metrics
        return (done.metrics if self.stopped else self._evaluated()) | done.means()

    def _done(self) -> bool:
        done = self.progress
        return (
            self.stopped
            or (self.epochs is not None and done.epoch >= self.epochs)
            or (self.steps is not None and done.step >= self.steps)
        )

    def _epoch(self) -> None:
        """One epoch, or the rest of one."""
        done = self.progress
        if done.batch == 0:
            self.trainer.start_epoch(done.epoch)
            done.sums, done.rows = {}, 0
        batches = iter(self.feed.training(done.epoch, done.batch))
        done.batches = self.feed.batches(done.epoch)
        first, rows = next(batches)
        # A resumed epoch may begin with its smaller last batch: the threads must not depend on it.
        whole = next(iter(self.feed.training(done.epoch)))[0] if done.batch else first
        with blas_threads_for(self.trainer.largest_operation(whole)):
            self._step(first, rows, _Fresh(batches, first))
            while not self._done() and done.batch < done.batches:
                inputs, rows = next(batches)
                self._step(inputs, rows, _Fresh(batches, inputs))
            if done.batch >= done.batches:
                self._finish_epoch()

    def _step(self, inputs: dict[str, Array], rows: int, fresh: _Fresh) -> None:
        """One round, counted and reported."""
        done = self.progress
        result = self.trainer.step(inputs, fresh)
        values = {name: float(np.mean(value)) for name, value in result.values.items()}
        if not np.isfinite(values["loss"]):
            fail(
                "GF062",
                f"the loss is {values['loss']} in step {done.step + 1}, epoch {done.epoch + 1}",
                self.trainer.plan.mark,
                help="run again with --guard: it stops at the first value that is not finite",
            )
        done.step += self.trainer.updated
        done.batch += 1 + fresh.taken
        done.add(values, rows, self.feed.averaged)
        if self.run_folder is not None and not self.feed.averaged:
            self._log(done.means())
        self.watcher.on_step(done, values)
        if time.monotonic() - self._saved > SAVE_EVERY:
            self.save()

    def _finish_epoch(self) -> None:
        """Evaluate the other parts, log, save."""
        done = self.progress
        done.step += self.trainer.finish_epoch()
        metrics = done.means() | self._evaluated()
        done.epoch, done.batch = done.epoch + 1, 0
        done.metrics, done.sums, done.rows = metrics, {}, 0
        if self.run_folder is not None and self.feed.averaged:
            self._log(metrics)
        self.save()
        self.watcher.on_epoch(done, metrics)

    def _log(self, metrics: Mapping[str, float]) -> None:
        assert self.run_folder is not None
        self.run_folder.log(
            {"epoch": self.progress.epoch, "step": self.progress.step, **metrics}
        )

    def _evaluated(self) -> dict[str, float]:
        """The metrics of the parts that are not trained on."""
        metrics: dict[str, float] = {}
        for part in self.feed.evaluation_parts:
            found = self.trainer.evaluate(self.feed.evaluation(part))
            metrics |= {f"{part}/{name}": value for name, value in found.items()}
        return metrics

    def save(self) -> None:
        """Write a checkpoint into the run's folder, if there is one."""
        self._saved = time.monotonic()
        if self.run_folder is None:
            return
        progress = self.progress.to_json() | {"log": self.run_folder.metrics_bytes()}
        self.run_folder.save(self.progress.step, Checkpoint(self.trainer.state_dict(), progress))

    @contextmanager
    def _interruptible(self) -> Iterator[None]:
        """The first Ctrl-C stops after this step and saves; a second one ends at once."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def handle(number: int, frame: object) -> None:
            if self.stopped:
                raise KeyboardInterrupt
            self.stop()

        before = signal.signal(signal.SIGINT, handle)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)
