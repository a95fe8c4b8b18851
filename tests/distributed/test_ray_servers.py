"""Parameter servers as processes of Ray's; workers and servers that are killed."""

from __future__ import annotations

import random
import signal
import threading
import time
from functools import partial

import numpy as np
import psutil
import pytest

import graphflow as gf
from graphflow.distributed.ray_pool import RayPool
from graphflow.distributed.ray_servers import servers_in_cluster
from graphflow.distributed.served import ServedPlayer, Servers
from graphflow.runs import Way, resumed, started
from graphflow.training.callbacks import Callback
from graphflow.training.run_settings import RunSettings
from tests.distributed.here import Here, assert_same, served, trained
from tests.distributed.test_ray_pool import _cluster, _words, workers

__all__ = ["_cluster"]
pytestmark = pytest.mark.slow


def processes(kind: str) -> list[psutil.Process]:
    """The processes of this process's actors of a class."""
    below = psutil.Process().children(recursive=True)
    return [p for p in below if any(f"ray::{kind}" in word for word in _words(p))]


def ended() -> bool:
    """Whether no process of a run is left, or will be in a moment: it takes Ray one to end them."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        if not [*workers(), *processes("ParameterServer")]:
            return True
        time.sleep(0.1)
    return False


@pytest.fixture
def pool():
    with RayPool(2) as made:
        yield made


def of_processes(pool, servers: int, staleness: int = 0):
    return partial(ServedPlayer, Servers(servers, servers_in_cluster, staleness), pool)


@pytest.mark.parametrize("staleness", [0, 2])
def test_processes_train_as_threads_of_one_process_do(pool, staleness):
    model = partial(gf.load, "mlp", {"p_drop": 0})
    here, _ = trained(model(), shared=served(Here(2), 2, staleness))
    there, _ = trained(model(), shared=of_processes(pool, 2, staleness))
    assert_same(here, there)


@pytest.mark.parametrize("staleness", [0, 2])
def test_killed_workers_change_nothing(pool, staleness):
    """At five random moments a worker is killed."""
    model = partial(gf.load, "mlp", {"p_drop": 0})
    undisturbed, _ = trained(model(), pool=None, shared=of_processes(pool, 1, staleness), steps=60)
    stop, killed = threading.Event(), []

    def kill() -> None:
        chance = random.Random(staleness)
        while len(killed) < 5 and not stop.wait(chance.uniform(0.05, 0.6)):
            found = workers()
            if len(found) == 2:
                victim = chance.choice(found)
                victim.send_signal(signal.SIGKILL)
                killed.append(victim.pid)

    killer = threading.Thread(target=kill)
    killer.start()
    made = 0
    while len(killed) < 5 and made < 30:
        several, _ = trained(model(), shared=of_processes(pool, 1, staleness), steps=60)
        made += 1
        assert_same(undisturbed, several, 1e-12)
    stop.set()
    killer.join()
    assert len(set(killed)) == 5


def test_a_run_that_is_interrupted_leaves_no_process_and_has_its_parameters_here(tmp_path):
    model = gf.load("softmax_regression")
    settings = RunSettings(backend="numpy", workers=2, servers=1, steps=50)
    loop = started(model, settings, tmp_path / "run", Way())
    loop.callbacks = (*loop.callbacks, Interrupt())
    with pytest.raises(KeyboardInterrupt):
        loop.run()
    assert ended()
    name = next(iter(model.parameters))
    assert np.isfinite(model.parameters[name]).all() and model.parameters[name].any()


class Interrupt(Callback):
    """After the third step somebody has had enough."""

    def on_step(self, progress, values):
        if progress.step == 3:
            raise KeyboardInterrupt


class KillAServer(Callback):
    """After some steps one of the servers is killed."""

    def __init__(self, after: int) -> None:
        self.after = after

    def on_step(self, progress, values):
        if progress.step == self.after:
            processes("ParameterServer")[0].send_signal(signal.SIGKILL)


def test_a_run_whose_server_dies_says_so_and_goes_on_from_its_checkpoint(tmp_path):
    alone = gf.train(gf.load("softmax_regression"), epochs=2, dtype="float64")
    settings = RunSettings(dtype="float64", backend="numpy", workers=2, servers=2, epochs=2)
    model = gf.load("softmax_regression")
    loop = started(model, settings, tmp_path / "run", Way())
    loop.callbacks = (*loop.callbacks, KillAServer(loop.feed.batches(0) + 3))
    with pytest.raises(gf.GraphflowError, match=r"GF044.*a parameter server died.*") as told:
        loop.run()
    assert ended()
    assert "--resume" in str(told.value)
    outcome = resumed(tmp_path / "run", RunSettings(), Way()).run()
    for name, value in alone.metrics.items():
        assert outcome.metrics[name] == pytest.approx(value, abs=1e-9)


def test_a_run_keeps_its_servers_and_staleness_and_one_process_goes_on(tmp_path):
    settings = RunSettings(
        dtype="float64", backend="numpy", workers=2, servers=1, staleness=1, steps=4
    )
    model = gf.load("softmax_regression")
    outcome = started(model, settings, tmp_path / "run", Way()).run()
    assert ended()
    assert np.isfinite(outcome.metrics["train/loss"])
    kept = resumed(tmp_path / "run", RunSettings(steps=6), Way())
    assert kept.run_folder.settings().staleness == 1
    assert kept.run().progress.step == 6
