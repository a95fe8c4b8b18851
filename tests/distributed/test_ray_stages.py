"""Stages as processes of Ray's."""

from __future__ import annotations

import signal
from functools import partial

import numpy as np
import psutil
import pytest

import graphflow as gf
from graphflow.distributed.pipelined import Pipeline, PipelinedPlayer
from graphflow.distributed.ray_stages import RayStages
from graphflow.runs import Way, resumed, started
from graphflow.training.callbacks import Callback
from graphflow.training.run_settings import RunSettings
from tests.distributed.here import assert_same, trained
from tests.distributed.test_data_parallel import SMALL
from tests.distributed.test_ray_pool import _cluster  # noqa: F401

pytestmark = pytest.mark.slow
TEXT = SMALL.replace("OPTIONS", "")


def stages() -> list[psutil.Process]:
    """The processes of this process's stages."""
    found = []
    for process in psutil.Process().children(recursive=True):
        try:
            if any("ray::RayStage" in word for word in process.cmdline()):
                found.append(process)
        except psutil.Error:
            continue
    return found


def test_processes_train_as_one_does():
    one, _ = trained(gf.loads(TEXT))
    shared = partial(PipelinedPlayer, Pipeline(2, RayStages, 3))
    several, _ = trained(gf.loads(TEXT), shared=shared)
    assert len(stages()) == 2
    assert_same(one, several)
    next(iter(several.players.values())).release()


class Kill(Callback):
    """Kills a stage within the second epoch."""

    def on_step(self, progress, values) -> None:
        if progress.step == 50:
            stages()[0].send_signal(signal.SIGKILL)


def test_a_killed_stage_ends_the_run_which_goes_on_from_its_checkpoint(tmp_path):
    whole = gf.loads(TEXT)
    gf.train(whole, dtype="float64", epochs=3)
    settings = RunSettings(pipeline=2, dtype="float64", epochs=3)
    loop = started(gf.loads(TEXT), settings, tmp_path / "r", Way(callbacks=(Kill(),)))
    with pytest.raises(gf.GraphflowError, match="a worker died, and with it what it kept"):
        loop.run()
    resumed(tmp_path / "r", RunSettings(), Way()).run()
    found = gf.load_run(tmp_path / "r").parameters
    for name, value in whole.parameters.items():
        np.testing.assert_allclose(found[name], value, rtol=0, atol=1e-6, err_msg=name)


def test_what_a_stage_refuses_is_told_as_if_it_had_happened_here():
    shared = partial(PipelinedPlayer, Pipeline(2, RayStages))
    trainer = gf.loads(TEXT).trainer(shared=shared)
    with pytest.raises(gf.GraphflowError, match="99"):
        trainer.step({"x": np.zeros((4, 64)), "y": np.array([0, 1, 2, 99])})
