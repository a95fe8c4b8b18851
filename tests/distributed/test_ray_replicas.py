"""Workers that keep what they train as processes of Ray's; a reducer stands for NCCL."""

from __future__ import annotations

import os
import signal
from functools import partial

import numpy as np
import psutil
import pytest

import graphflow as gf
from graphflow.distributed.ray_pool import _RayReducer
from graphflow.distributed.ray_replicas import RayReplicas
from graphflow.distributed.replicas import ReplicatedPlayer
from graphflow.runs import Way, started
from graphflow.training.run_settings import RunSettings
from tests.distributed.here import assert_same, trained
from tests.distributed.test_data_parallel import SMALL
from tests.distributed.test_ray_pool import _cluster, _words  # noqa: F401
from tests.distributed.test_replicas import by_replicas

pytestmark = pytest.mark.slow

class WithoutGpus(RayReplicas):
    """Workers whose means are made by a reducer of Ray's."""

    gpus = 0

    def _meetings(self):
        reducer = _RayReducer(self.workers)
        return [lambda: reducer] * self.workers


@pytest.fixture
def replicas():
    with WithoutGpus(2) as made:
        yield made


def test_processes_that_keep_their_parameters_train_as_one_does(replicas):
    text = SMALL.replace("OPTIONS", "")
    one, _ = trained(gf.loads(text))
    several, _ = by_replicas(gf.loads(text), replicas)
    assert_same(one, several)


def test_a_worker_that_dies_ends_the_run_and_says_how_it_goes_on(replicas):
    trainer, _ = by_replicas(gf.loads(SMALL.replace("OPTIONS", "")), replicas, steps=2)
    below = psutil.Process().children(recursive=True)
    os.kill(next(p.pid for p in below if any("ray::Member" in w for w in _words(p))),
            signal.SIGKILL)  # fmt: skip
    batch = {"x": np.zeros((4, 64)), "y": np.zeros(4, int)}
    with pytest.raises(gf.GraphflowError, match=r"GF044.*died"):
        trainer.step(batch)
    with pytest.raises(gf.GraphflowError, match=r"GF044.*lost"):
        trainer.state_dict()


def test_what_a_worker_cannot_do_is_told_as_in_one_process(replicas):
    trainer, _ = by_replicas(gf.loads(SMALL.replace("OPTIONS", "")), replicas, steps=1)
    with pytest.raises(gf.GraphflowError, match=r"GF080.*out of range"):
        trainer.step({"x": np.zeros((4, 64)), "y": np.array([0, 1, 2, 99])})


def test_fewer_gpus_than_workers_are_told():
    model = gf.loads(SMALL.replace("OPTIONS", ""))
    with RayReplicas(2) as replicas:
        trainer = model.trainer(shared=partial(ReplicatedPlayer, replicas))
        with pytest.raises(gf.GraphflowError, match=r"GF044.*2 workers need a GPU each"):
            trainer.step({"x": np.zeros((4, 64)), "y": np.zeros(4, int)})


def test_a_run_on_gpus_has_such_workers():
    model = gf.loads(SMALL.replace("OPTIONS", ""))
    with pytest.raises(gf.GraphflowError, match=r"GF0(44|69|76)"):
        started(model, RunSettings(workers=2, backend="cupy"), None, Way()).run()
