"""Runs that are killed: in a process of their own, after a checkpoint and some further steps."""

from __future__ import annotations

import os
from multiprocessing import get_all_start_methods, get_context
from pathlib import Path

import pytest

import graphflow as gf
from graphflow.runs import Way, started
from graphflow.training.loop import Loop
from graphflow.training.run_settings import RunSettings

needs_fork = pytest.mark.skipif(
    "fork" not in get_all_start_methods(), reason="processes cannot be forked"
)


class _Killer(gf.Callback):
    """A callback that saves after one step and ends the process in another, as a kill would."""

    def __init__(self, saves: int, dies: int) -> None:
        self.saves, self.dies = saves, dies
        self.loop: Loop | None = None

    def on_step(self, progress, values):
        assert self.loop is not None
        if progress.step == self.saves:
            self.loop.save()
        if progress.step == self.dies:
            self.loop.recorder.flush()
            os._exit(1)


def killed(model: gf.Model, folder: Path, saves: int, dies: int) -> None:
    """Begin a run in ``folder`` that is killed after step ``dies``, its checkpoint at ``saves``."""

    def child() -> None:
        killer = _Killer(saves, dies)
        settings = RunSettings(dtype="float64", backend="numpy")
        killer.loop = started(model, settings, folder, Way(callbacks=[killer]))
        killer.loop.run()

    process = get_context("fork").Process(target=child)
    process.start()
    process.join()
    assert process.exitcode == 1
