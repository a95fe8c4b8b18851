"""A training process: one run, which its studio can pause, step, and stop at any moment.

Started by :mod:`graphflow.studio.jobs`, it reads its limits, an :class:`Order`, and then commands
from stdin, and tells on stdout where it stands. What it learns lies in the run's folder. When stdin
ends it stops after the step under way, as it does when it is told to, and a checkpoint is written.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from graphflow.diagnostics import Diagnostic, GraphflowError
from graphflow.runs import Way, resumed, started
from graphflow.studio.frames import Answer
from graphflow.studio.live import LiveRecords
from graphflow.studio.worker import Line, begin, told
from graphflow.training.callbacks import Callback
from graphflow.training.loop import Loop
from graphflow.training.progress import Outcome, Progress
from graphflow.training.run_settings import RunSettings
from graphflow.view.opening import open_model
from graphflow.view.workspace import Workspace

Command = Literal["pause", "go", "step", "stop", "snapshot"]
State = Literal["starting", "running", "paused", "stopping", "stopped", "complete", "failed",
                "killed"]  # fmt: skip
Pace = Literal["as fast as possible", "10 updates a second", "2 updates a second"]
PACES: dict[Pace, float] = {
    "as fast as possible": 0.0, "10 updates a second": 0.1, "2 updates a second": 0.5,
}  # fmt: skip
"""Seconds that each update waits after the one before it, so that a training can be followed."""
WINK = 0.02
"""Seconds between looks for a command while an update waits."""
TELL = 0.2
"""Seconds between reports."""
GUARD = "Stop at the first NaN"
"""What the page calls the guarded plan."""
GRACE = 20.0
"""Seconds for the step under way, once nobody is there any more."""


@dataclass(frozen=True)
class Order:
    """What to train, and where: what a workspace opens, from its first values or those of its run;
    or the run in ``folder``, with ``resume``. ``epochs`` and ``steps`` count in all. What was
    written over in the workspace to be looked at is not trained. With ``guard`` the first value
    that is not finite ends it, and its node is named. ``pace`` is that of the first updates.
    """

    folder: str
    workspace: Workspace = field(default_factory=Workspace)
    seed: int | None = None
    epochs: int | None = None
    steps: int | None = None
    dtype: str = "float32"
    resume: bool = False
    guard: bool = False
    pace: Pace = "as fast as possible"


@dataclass(frozen=True)
class Report:
    """Where a training stands. ``values`` are those of the last update."""

    state: State
    step: int = 0
    epoch: int = 0
    epochs: int | None = None
    steps: int | None = None
    values: Mapping[str, float] = field(default_factory=dict)
    note: str = ""
    diagnostics: tuple[Diagnostic, ...] = ()


class Control(Callback):
    """Obeys commands between steps, and tells where training stands."""

    def __init__(self, line: Line, gone: threading.Event, pace: Pace) -> None:
        self.line, self.gone, self.pace = line, gone, pace
        self.loop: Loop | None = None
        self.recording: LiveRecords | None = None
        self.state: State = "running"
        self.steps_left: int | None = None
        self.values: Mapping[str, float] = {}
        self._told = self._made = 0.0

    def on_start(self, progress: Progress, epochs: int | None, steps: int | None) -> None:
        """Training begins."""
        self.tell()

    def on_update(self, progress: Progress, values: Mapping[str, float]) -> None:
        """An update was made."""
        self.values, self._made = values, time.monotonic()
        if self.steps_left is not None:
            self.steps_left -= 1
        if time.monotonic() - self._told > TELL:
            self.tell()

    def on_step(self, progress: Progress, values: Mapping[str, float]) -> None:
        """Obey; a training that is paused waits here, its checkpoint written."""
        self.obey(wait=False)
        if self.steps_left is not None and self.steps_left <= 0 and self.state == "running":
            self.pause()
        while (paused := self.state == "paused") or self._early():
            self.obey(wait=paused)
            if not paused:
                time.sleep(WINK)

    def _early(self) -> bool:
        """Whether the next update would come before its time; one that was asked for does not."""
        late = time.monotonic() - self._made
        return self.state == "running" and self.steps_left is None and late < PACES[self.pace]

    def pause(self) -> None:
        """Stand still. What is known is on the disk: a training that is paused can be killed."""
        assert self.loop is not None and self.recording is not None
        self.state = "paused"
        self.loop.save()
        self.recording.flush()
        self.tell()

    def obey(self, wait: bool) -> None:
        """The commands that have come; with ``wait`` at least one."""
        while (command := self.line.receive(wait)) is not None:
            self._obey(str(command))
            wait = False
        if self.gone.is_set():
            self._obey("stop")

    def _obey(self, command: str) -> None:
        assert self.loop is not None and self.recording is not None
        if command == "snapshot":
            self.loop.snapshot()
            return
        if command in PACES:
            self.pace = command
            return
        self.steps_left = 1 if command == "step" else None
        self.recording.each = command == "step"
        if command == "stop":
            self.state = "stopping"
            self.loop.stop()
        elif command == "pause":
            self.pause()
        else:
            self.state = "running"
        self.tell()

    def tell(self, state: State | None = None, diagnostics: tuple[Diagnostic, ...] = ()) -> None:
        """Tell where training stands."""
        self._told = time.monotonic()
        loop = self.loop
        report = Report(state or self.state, diagnostics=diagnostics)
        if loop is not None:
            done = loop.progress
            report = Report(state or self.state, done.step, done.epoch, loop.epochs, loop.steps,
                            dict(self.values), loop.note or "", diagnostics)  # fmt: skip
        self.line.send(Answer(0, report))

    def on_end(self, outcome: Outcome) -> None:
        """The last step is made; what comes after is said by the exit."""
        self.state = "stopped" if outcome.interrupted else "complete"


def train(order: Order, control: Control) -> None:
    """Do as ordered, and say how it ended."""
    try:
        with told():
            loop = control.loop = _loop(order, control)
            loop.guard = f"'{GUARD}'"
            control.recording = LiveRecords(loop, Path(order.folder))
            loop.callbacks = (control.recording, control)
            loop.run()
    except GraphflowError as error:
        control.tell("failed", error.diagnostics)
    else:
        control.tell()


def _loop(order: Order, control: Control) -> Loop:
    """The run, begun or opened again."""
    folder, way = Path(order.folder), Way(guard=order.guard)
    settings = RunSettings(epochs=order.epochs, steps=order.steps)
    if order.resume:
        return resumed(folder, settings, way)
    model = open_model(order.workspace)
    home = str(model.folder.resolve()) if model.folder else ""
    # A training writes nothing but its folder, so compiled kernels could not be kept for the next.
    settings = RunSettings(order.workspace.graph, home, model.overrides, order.seed, order.dtype,
                           "numpy", order.epochs, order.steps, kernels="numpy")  # fmt: skip
    return started(model, settings, folder, way)


def main() -> None:
    """Carry out one order."""
    gone = threading.Event()

    def leave() -> None:
        gone.set()
        late = threading.Timer(GRACE, os._exit, (0,))
        late.daemon = True
        late.start()

    line = Line(leave)
    begin(line, training=True)
    order = line.receive()
    assert isinstance(order, Order)
    train(order, Control(line, gone, order.pace))
    os._exit(0)  # all is written; the thread that reads stdin would hinder an orderly end
