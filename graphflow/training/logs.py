"""Logs for other programs: the same numbers as ``metrics.jsonl``, where TensorBoard or MLflow look.

Each update's values go under ``step/...`` by step, each epoch's under their own names; the settings
of the run are its parameters. A log is written out before every checkpoint, so that a run that was
killed continues it: TensorBoard drops what lies after the checkpoint, MLflow keeps it and is not
told twice.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from graphflow.diagnostics import did_you_mean, fail
from graphflow.files import write_atomically
from graphflow.training.callbacks import Callback
from graphflow.training.progress import Outcome, Progress

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Metric
    from tensorboardX import SummaryWriter

SAY_EVERY = 5.0
"""Seconds after which what was told is written out."""
TOGETHER = 500
"""Numbers that MLflow is told at once."""


class Log(Callback):
    """A log that takes numbers by name and step. ``settings`` are what the run was made with."""

    def __init__(self, folder: Path, title: str, settings: Mapping[str, str]) -> None:
        self.folder, self.title, self.settings = folder, title, settings
        self.written = time.monotonic()

    def on_start(self, progress: Progress, epochs: int | None, steps: int | None) -> None:
        """Open the log, or go on with it."""
        self.open(progress.step)

    def on_update(self, progress: Progress, values: Mapping[str, float]) -> None:
        """Each update's values."""
        self.add({f"step/{name}": value for name, value in values.items()}, progress.step)
        if time.monotonic() - self.written > SAY_EVERY:
            self.flush()

    def on_epoch(self, progress: Progress, metrics: Mapping[str, float]) -> None:
        """The epoch's means."""
        self.add(metrics, progress.step)

    def open(self, step: int) -> None:
        """Begin the log, or continue it after ``step``."""

    def add(self, values: Mapping[str, float], step: int) -> None:
        """Take numbers."""

    def flush(self) -> None:
        """Write out what was taken."""
        self.written = time.monotonic()


class TensorBoard(Log):
    """Event files in the run's ``tensorboard/``: see them with ``tensorboard --logdir runs``."""

    _writer: SummaryWriter | None = None

    def open(self, step: int) -> None:
        """Begin an event file; what an earlier one says of later steps no longer counts."""
        from tensorboardX import SummaryWriter

        folder = self.folder / "tensorboard"
        before = len(list(folder.glob("*"))) if folder.is_dir() else 0
        purge = {"purge_step": step + 1} if step else {}
        self._writer = SummaryWriter(str(folder), filename_suffix=f".{before}", **purge)
        if not step:
            lines = [f"    {name}: {value}" for name, value in self.settings.items()]
            self._writer.add_text("settings", "\n".join(lines), 0)

    def add(self, values: Mapping[str, float], step: int) -> None:
        """Write scalars."""
        assert self._writer is not None
        for name, value in values.items():
            self._writer.add_scalar(name, value, step)

    def flush(self) -> None:
        """Let TensorBoard see them."""
        super().flush()
        if self._writer is not None:
            self._writer.flush()

    def close(self) -> None:
        """End the event file."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None


class MLflow(Log):
    """A run in the store that ``MLFLOW_TRACKING_URI`` names, else in MLflow's own local one.

    The run's folder keeps its number in ``mlflow.json``.
    """

    _client: MlflowClient | None = None

    def open(self, step: int) -> None:
        """Begin a run of the experiment that is called as the file, or go on with one."""
        from mlflow import MlflowClient
        from mlflow.exceptions import MlflowException

        self._waiting: list[Metric] = []
        self._seen: dict[str, int] = {}
        self._status = "FAILED"
        kept = self.folder / "mlflow.json"
        try:
            client = MlflowClient()
            if kept.exists():
                self._run = str(json.loads(kept.read_text())["run"])
                client.update_run(self._run, status="RUNNING")
                for name in client.get_run(self._run).data.metrics:
                    history = client.get_metric_history(self._run, name)
                    self._seen[name] = max(point.step for point in history)
            else:
                self._run = self._begun(client)
                write_atomically(kept, json.dumps({"run": self._run}).encode())
        except (MlflowException, ValueError, KeyError) as error:
            fail("GF076", f"MLflow cannot keep this run: {error}",
                 help="MLFLOW_TRACKING_URI names a store, such as sqlite:///runs.db")  # fmt: skip
        self._client = client

    def _begun(self, client: MlflowClient) -> str:
        """The number of a new run, its parameters told."""
        found = client.get_experiment_by_name(self.title)
        number = client.create_experiment(self.title) if found is None else found.experiment_id
        run = client.create_run(number, run_name=self.folder.name).info.run_id
        for name, value in self.settings.items():
            client.log_param(run, name, value)
        return str(run)

    def add(self, values: Mapping[str, float], step: int) -> None:
        """Take metrics, those that the store has not."""
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        for name, value in values.items():
            if step > self._seen.get(name, -1) and math.isfinite(value):
                self._waiting.append(Metric(name, value, now, step))
        if len(self._waiting) >= TOGETHER:
            self.flush()

    def flush(self) -> None:
        """Tell the store."""
        super().flush()
        if self._client is None:
            return
        waiting, self._waiting = self._waiting, []
        for first in range(0, len(waiting), TOGETHER):
            self._client.log_batch(self._run, metrics=waiting[first : first + TOGETHER])

    def on_end(self, outcome: Outcome) -> None:
        """The run is finished, or was stopped."""
        self._status = "KILLED" if outcome.interrupted else "FINISHED"

    def close(self) -> None:
        """Tell the rest, and how it ended."""
        if self._client is not None:
            self.flush()
            self._client.set_terminated(self._run, self._status)
            self._client = None


LOGS: dict[str, tuple[Callable[[Path, str, Mapping[str, str]], Log], str]] = {
    "tensorboard": (TensorBoard, "tensorboardX"),
    "mlflow": (MLflow, "mlflow"),
}
"""Name to class, and the package it needs."""


def check_logs(names: Sequence[str]) -> None:
    """Every log is known and its package there. Raises GF033 and GF076."""
    for name in names:
        if name not in LOGS:
            fail("GF033", f"there is no log '{name}'",
                 help=did_you_mean(name, LOGS) or f"one of {', '.join(LOGS)}")  # fmt: skip
        if find_spec(LOGS[name][1]) is None:
            fail("GF076", f"the package '{LOGS[name][1]}' is not installed",
                 help="pip install 'graphflow[log]'")  # fmt: skip


def open_logs(
    names: Sequence[str], folder: Path | None, title: str, settings: Mapping[str, str]
) -> list[Log]:
    """The logs of a run in ``folder``."""
    if names and folder is None:
        fail("GF033", "a log belongs to a run's folder", help="say out=... too")
    return [LOGS[name][0](folder, title, settings) for name in names if folder is not None]
