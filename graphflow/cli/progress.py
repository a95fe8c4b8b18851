"""What is seen while training runs: a bar on a terminal, one line an epoch elsewhere."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from graphflow.cli.output import console, say, shown_number
from graphflow.training.callbacks import Callback

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress

    from graphflow.training.progress import Progress

REFRESH = 0.1
"""Seconds between redraws of the bar."""
PATIENCE = 10.0
"""Seconds without a line after which one is printed within an epoch."""


def watcher() -> Callback:
    """A bar when stderr is a terminal, lines when it is a file or a pipe."""
    return Bar() if console(stderr=True).is_terminal else Lines()


def shown_metrics(metrics: Mapping[str, float]) -> str:
    """``train/loss 0.42  test/accuracy 0.97``."""
    return "  ".join(f"{name} {shown_number(value)}" for name, value in metrics.items())


class Lines(Callback):
    """One line an epoch on stderr, and one now and then within a long one."""

    def __init__(self) -> None:
        self.epochs: int | None = None
        self.steps: int | None = None
        self.begun = self.spoken = time.monotonic()

    def on_start(self, progress: Progress, epochs: int | None, steps: int | None) -> None:
        """Remember how far training goes."""
        self.epochs, self.steps = epochs, steps
        self.begun = self.spoken = time.monotonic()

    def on_step(self, progress: Progress, values: Mapping[str, float]) -> None:
        """Say something if nothing has been said for long."""
        if time.monotonic() - self.spoken > PATIENCE:
            self._say(progress.epoch + 1, progress, progress.means())

    def on_epoch(self, progress: Progress, metrics: Mapping[str, float]) -> None:
        """The epoch's line."""
        self._say(progress.epoch, progress, metrics)

    def epoch(self, progress: Progress, epoch: int) -> str:
        """``epoch 3/20  ``, or nothing where there is no data and thus no epochs."""
        return "" if progress.batches is None else f"epoch {of(epoch, self.epochs)}  "

    def _say(self, epoch: int, progress: Progress, metrics: Mapping[str, float]) -> None:
        self.spoken = time.monotonic()
        say(
            f"{self.epoch(progress, epoch)}step {of(progress.step, self.steps)}  "
            f"{shown_metrics(metrics)}  {self.spoken - self.begun:.1f} s"
        )


class FoldTitles(Callback):
    """A line before each training of a cross-validation."""

    def __init__(self, count: int) -> None:
        self.number, self.count = 0, count

    def on_start(self, progress: Progress, epochs: int | None, steps: int | None) -> None:
        """Say which fold begins."""
        self.number += 1
        say(f"fold {of(self.number, self.count)}")


class Bar(Callback):
    """A progress bar on stderr; every epoch leaves a line above it."""

    def __init__(self) -> None:
        self.bar = _make_bar()
        self.task = self.bar.add_task("", total=None, shown="", speed="")
        self.lines = Lines()
        self.first_step = 0
        self.drawn = 0.0

    def on_start(self, progress: Progress, epochs: int | None, steps: int | None) -> None:
        """Show the bar."""
        self.lines.on_start(progress, epochs, steps)
        self.first_step = progress.step
        self.bar.start()

    def on_step(self, progress: Progress, values: Mapping[str, float]) -> None:
        """Move on; drawn a few times a second however short the steps are."""
        now = time.monotonic()
        if now - self.drawn < REFRESH:
            return
        self.drawn = now
        speed = (progress.step - self.first_step) / max(now - self.lines.begun, 1e-9)
        self.bar.update(
            self.task,
            description=self.lines.epoch(progress, progress.epoch + 1).strip(),
            completed=progress.step,
            total=self._total(progress),
            shown=shown_metrics(progress.means()),
            speed=f"{speed:.1f} steps/s",
        )

    def on_epoch(self, progress: Progress, metrics: Mapping[str, float]) -> None:
        """Leave the epoch's line."""
        self.bar.console.print(
            f"epoch {of(progress.epoch, self.lines.epochs)}  {shown_metrics(metrics)}"
        )

    def close(self) -> None:
        """Take the bar away."""
        self.bar.stop()

    def _total(self, progress: Progress) -> int | None:
        """The step at which training ends."""
        epochs, steps = self.lines.epochs, self.lines.steps
        ends = [] if steps is None else [steps]
        if epochs is not None and progress.batches is not None:
            here = progress.batch or progress.batches
            ends.append(progress.step + progress.batches - here
                        + (epochs - progress.epoch - 1) * progress.batches)  # fmt: skip
        return min(ends, default=None)


def of(count: int, total: int | None) -> str:
    """``3/20``, or ``3`` where there is no total."""
    return f"{count}" if total is None else f"{count}/{total}"


def _make_bar() -> RichProgress:
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=30),
        TextColumn("step"),
        MofNCompleteColumn(),
        TextColumn("{task.fields[shown]}"),
        TextColumn("{task.fields[speed]}"),
        TimeRemainingColumn(compact=True),
        console=console(stderr=True),
        refresh_per_second=8,
        transient=True,
    )
