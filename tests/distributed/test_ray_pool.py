"""Workers as processes of Ray's; those that are killed; the command line."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import threading
import time
from functools import partial

import numpy as np
import psutil
import pytest

import graphflow as gf
from graphflow.distributed.cluster import join
from graphflow.distributed.data_parallel import SharedPlayer
from graphflow.distributed.key_value import KeyValueStore
from graphflow.distributed.ray_pool import RayPool
from graphflow.distributed.ray_store import store_in_cluster
from graphflow.runs import Way, resumed, started
from graphflow.training.run_settings import RunSettings
from tests.distributed.here import assert_same, trained
from tests.distributed.test_synchronised import DENSE, synchronised


@pytest.fixture(scope="module", autouse=True)
def _cluster():
    """Ray is there for the tests of this file alone, where it can be: it opens ports and memory
    that a closed machine may refuse.
    """
    import ray

    start = "import ray; ray.init(include_dashboard=False, log_to_driver=False)"
    try:
        subprocess.run([sys.executable, "-c", start], check=True, capture_output=True, timeout=120)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        pytest.skip(f"Ray cannot start here: {error}")
    yield
    ray.shutdown()


@pytest.fixture
def pool():
    with RayPool(2) as made:
        yield made


def workers() -> list[psutil.Process]:
    """The processes of this process's workers."""
    below = psutil.Process().children(recursive=True)
    return [p for p in below if any("ray::RayWorker" in word for word in _words(p))]


def _words(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def test_processes_train_as_one_does(pool):
    one, _ = trained(gf.load("lenet"))
    several, _ = trained(gf.load("lenet"), pool)
    assert_same(one, several)
    assert len(workers()) == 2


def test_killed_workers_change_nothing(pool):
    """At ten random moments a worker is killed; the parameters are those of an undisturbed run."""
    steps, stop, killed = 60, threading.Event(), []

    def kill() -> None:
        chance = random.Random(0)
        while len(killed) < 10 and not stop.is_set():
            time.sleep(chance.uniform(0.05, 0.8))
            found = workers()
            if len(found) == 2:
                victim = chance.choice(found)
                victim.send_signal(signal.SIGKILL)
                killed.append(victim.pid)

    model = gf.load("mlp", {"p_drop": 0})
    one, _ = trained(model, steps=steps)
    trained(gf.load("mlp", {"p_drop": 0}), pool, steps=1)  # they are there
    killer = threading.Thread(target=kill)
    killer.start()
    made = 0
    while len(killed) < 10 and made < 60:  # until there were ten, each training whole
        several, _ = trained(gf.load("mlp", {"p_drop": 0}), pool, steps=steps)
        made += 1
        assert_same(one, several, 1e-12)
    stop.set()
    killer.join()
    assert len(set(killed)) == 10


@pytest.mark.slow
def test_a_worker_of_a_large_graph_is_made_again():
    """Its graph is more than what Ray sends along with a call."""
    trainers = [gf.load("googlenet").trainer(dtype="float64")]
    with RayPool(1) as pool:
        shared = partial(SharedPlayer, pool)
        trainers += [gf.load("googlenet").trainer(dtype="float64", shared=shared)]
        batch = {"image": np.random.default_rng(0).random((2, 1, 32, 32)), "label": [0, 1]}
        for _ in range(2):
            for trainer in trainers:
                trainer.step(batch)
            for worker in workers():
                worker.send_signal(signal.SIGKILL)
        assert_same(*trainers)


def test_workers_with_common_statistics_meet_and_a_killed_one_is_replaced(pool):
    """A net with batch norms, whose workers meet 8 times a step; at five moments one is killed."""
    one, _ = trained(synchronised(DENSE), steps=60)
    several, _ = trained(synchronised(DENSE), pool)
    assert_same(trained(synchronised(DENSE))[0], several)
    assert len(workers()) == 2
    stop, killed = threading.Event(), []

    def kill() -> None:
        chance = random.Random(1)
        while len(killed) < 5 and not stop.wait(chance.uniform(0.1, 0.6)):
            found = workers()
            if len(found) == 2:
                victim = chance.choice(found)
                victim.send_signal(signal.SIGKILL)
                killed.append(victim.pid)

    killer = threading.Thread(target=kill)
    killer.start()
    disturbed, _ = trained(synchronised(DENSE), pool, steps=60)
    stop.set()
    killer.join()
    assert killed
    assert_same(one, disturbed)


def test_a_run_with_workers_is_resumed_by_one_process(tmp_path):
    model = gf.load("softmax_regression")
    alone = gf.train(model, epochs=2, dtype="float64")
    settings = RunSettings(dtype="float64", backend="numpy", workers=2, epochs=1)
    started(gf.load("softmax_regression"), settings, tmp_path / "run", Way()).run()
    loop = resumed(tmp_path / "run", RunSettings(epochs=2, workers=1), Way())
    outcome = loop.run()
    for name, value in alone.metrics.items():
        assert outcome.metrics[name] == pytest.approx(value, abs=1e-9)


def test_what_a_worker_refuses_is_told_as_if_it_had_happened_here(pool):
    text = """
graphflow: 1
name: positions
inputs: {x: {shape: [B], dtype: int}}
params: {w: {shape: [3], init: zeros}}
nodes:
  loss: mean(take(w, x))
train: {minimize: loss, optimizer: sgd(lr=0.1)}
"""
    trainer = gf.loads(text).trainer(shared=partial(SharedPlayer, pool))
    with pytest.raises(gf.GraphflowError, match="take"):
        trainer.step({"x": np.array([0, 9])})
    trainer.step({"x": np.array([0, 1])})


@pytest.mark.parametrize("address", ["auto", "127.0.0.1:1", "nowhere", "ray://127.0.0.1:1"])
def test_a_cluster_that_does_not_answer_is_said(address):
    import ray

    ray.shutdown()
    if address == "auto" and "gcs_server" in {each.name() for each in psutil.process_iter()}:
        pytest.skip("somebody else has a cluster on this machine")
    with pytest.raises(gf.GraphflowError, match=r"GF044.*no Ray cluster answers"):
        trained(gf.load("softmax_regression"), RayPool(2, address), steps=1)


def test_another_cluster_than_the_one_this_process_is_in_is_refused():
    import ray

    ray.init(include_dashboard=False, log_to_driver=False, ignore_reinit_error=True)
    address = ray.get_runtime_context().gcs_address
    join(address)
    join("auto")
    port = address.rpartition(":")[2]
    join(f"localhost:{port}")
    for other in (f"192.0.2.77:{port}", f"ray://{address}"):
        with pytest.raises(gf.GraphflowError, match=r"GF044.*is in a Ray cluster already"):
            join(other)


@pytest.mark.parametrize("count", [0, -1, True, 1.5])
def test_a_number_of_workers_is_a_whole_one(count):
    with pytest.raises(gf.GraphflowError, match="GF033"):
        RayPool(count)


def test_processes_push_to_a_store_and_pull_the_sum():
    import ray

    store = store_in_cluster(servers=2)
    push = ray.remote(num_cpus=0)(lambda store, n: store.push("w", np.full(3, 10.0**-n)))
    ray.get([push.remote(store, number) for number in range(4)])
    here = KeyValueStore.here()
    for number in range(4):
        here.push("w", np.full(3, 10.0**-number))
    np.testing.assert_array_equal(store.pull("w", pushes=4), here.pull("w"))
    with pytest.raises(gf.GraphflowError, match="GF061"):
        store.push("w", np.ones(2))
    ray.kill(store.servers[store.server_of("w")].actor)
    with pytest.raises(gf.GraphflowError, match=r"GF044.*a server of the store died"):
        store.pull("w")
