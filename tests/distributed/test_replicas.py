"""Workers that keep what they train make the steps that one process makes."""

from __future__ import annotations

from functools import partial
from threading import Barrier, BrokenBarrierError
from types import SimpleNamespace

import numpy as np
import pytest

import graphflow as gf
from graphflow import runs
from graphflow.backends import cupy
from graphflow.distributed.between_devices import BetweenDevices
from graphflow.distributed.replicas import ReplicatedPlayer
from graphflow.runs import Way, resumed, started
from graphflow.training.feed import open_feed
from graphflow.training.run_settings import RunSettings
from tests.distributed.here import assert_same, trained
from tests.distributed.replicas_here import ReplicasHere
from tests.distributed.test_data_parallel import SMALL
from tests.runtime import devices
from tests.strict.cupy_like import DeviceArray, cupy_like


def by_replicas(model: gf.Model, replicas: ReplicasHere, steps: int = 20, backend: str = "numpy"):
    """Steps on the model's data in float64; the trainer, and what the last step gave."""
    trainer = model.trainer(
        dtype="float64", backend=backend, shared=partial(ReplicatedPlayer, replicas)
    )
    feed = open_feed(model.elaborated, model.folder, trainer.seed, model.learned)
    done = epoch = 0
    while done < steps:
        trainer.start_epoch(epoch)
        for batch, _ in feed.training(epoch):
            if done < steps:
                last = trainer.step(batch)
                done += 1
        trainer.finish_epoch()
        epoch += 1
    return trainer, last


@pytest.mark.parametrize(
    ("name", "overrides", "counts"),
    [("mlp", {"p_drop": 0}, (1, 2, 4)), ("lstm", {}, (3,)),
     pytest.param("lenet", {}, (1, 2, 4), marks=pytest.mark.slow),
     pytest.param("transformer_mt", {}, (1, 2, 4), marks=pytest.mark.slow)],
)  # fmt: skip
def test_replicas_train_as_one_process_does(name, overrides, counts):
    one, last = trained(gf.load(name, overrides))
    for workers in counts:
        several, shared = by_replicas(gf.load(name, overrides), ReplicasHere(workers))
        assert_same(one, several)
        assert float(shared["loss"]) == pytest.approx(float(last["loss"]), abs=1e-9)


@pytest.mark.parametrize("options", ["accumulate: 3", "average: ema(decay=0.9)", "clip_norm: 0.1",
                                     "average: {is: swa(start=1), every: epoch}"])  # fmt: skip
def test_what_else_a_step_does_is_done_by_all(options):
    text = SMALL.replace("OPTIONS", options)
    one, _ = trained(gf.loads(text), steps=40)
    several, _ = by_replicas(gf.loads(text), ReplicasHere(3), steps=40)
    assert_same(one, several, 1e-9)


def test_all_replicas_hold_the_same():
    replicas = ReplicasHere(3)
    trainer, _ = by_replicas(gf.loads(SMALL.replace("OPTIONS", "")), replicas, steps=12)
    for name in trainer.store.names():
        first, *others = (each.fetch(name) for each in replicas.made)
        assert all(np.array_equal(first, other) for other in others), name


def test_leaves_go_out_once_and_come_back_for_whoever_asks():
    replicas = ReplicasHere(2)
    trainer, _ = by_replicas(gf.loads(SMALL.replace("OPTIONS", "")), replicas, steps=5)
    name = next(iter(trainer.elaborated.parameters))
    steps = replicas.sent[::2]
    assert name in steps[0] and not any(steps[1:])
    before = trainer.store.copied(name)
    trainer.store.array(name)[...] += 1
    trainer.step({"x": np.zeros((4, 64)), "y": np.zeros(4, int)})
    assert replicas.sent[-2] == [name]
    moved = trainer.store.copied(name) - before
    np.testing.assert_allclose(moved, 1, atol=0.1)


def test_fewer_rows_than_workers_are_everybodys():
    text = SMALL.replace("OPTIONS", "")
    one, several = gf.loads(text), gf.loads(text)
    trainers = [
        one.trainer(dtype="float64"),
        several.trainer(dtype="float64", shared=partial(ReplicatedPlayer, ReplicasHere(4))),
    ]
    random = np.random.default_rng(0)
    batch = {"x": random.standard_normal((3, 64)), "y": np.array([1, 2, 3])}
    losses = [[float(t.step(batch)["loss"]) for _ in range(3)] for t in trainers]
    np.testing.assert_allclose(losses[1], losses[0], rtol=1e-12)
    assert_same(*trainers, 1e-12)


class Group:
    """What stands for NCCL: sums between threads, of arrays of the strict namespace."""

    def __init__(self, count: int) -> None:
        self.barrier, self.given = Barrier(count), [None] * count

    def member(self, number: int) -> BetweenDevices:
        """A worker's all-reduce."""

        def mean(value, weight):
            assert isinstance(value, DeviceArray)
            self.given[number] = weight * cupy_like.asnumpy(value)
            self.barrier.wait()
            total = sum(self.given)
            self.barrier.wait()
            return cupy_like.asarray(total)

        return BetweenDevices(SimpleNamespace(mean=mean, abort=self.barrier.abort))


def collectives(workers: int) -> list[BetweenDevices]:
    group = Group(workers)
    return [group.member(number) for number in range(workers)]


@pytest.mark.parametrize("statistics", ["local", "synchronised"])
def test_replicas_on_devices_train_as_one_process_does(monkeypatch, statistics):
    """The strict namespace stands for each worker's GPU, and for that of the evaluation."""
    monkeypatch.setattr(cupy, "device", devices.device)
    text = SMALL.replace("OPTIONS", f"batch_statistics: {statistics}")
    if statistics == "synchronised":
        text = text.replace("relu(linear(x, 16))", "relu(batch_norm(linear(x, 16)))")
    one, _ = trained(gf.loads(text))
    replicas = ReplicasHere(2, collectives(2))
    several, _ = by_replicas(gf.loads(text), replicas, backend="cupy")
    batch = {"x": np.ones((4, 64)), "y": np.arange(4)}
    found, expected = (t.evaluate([(batch, 4)])["loss"] for t in (several, one))
    assert found == pytest.approx(expected, abs=1e-9)
    assert_same(one, several)


def test_a_worker_that_cannot_go_on_ends_the_step_for_all(monkeypatch):
    monkeypatch.setattr(cupy, "device", devices.device)
    replicas = ReplicasHere(2, collectives(2))
    trainer, _ = by_replicas(gf.loads(SMALL.replace("OPTIONS", "")), replicas, 1, "cupy")
    with pytest.raises((gf.GraphflowError, BrokenBarrierError)):
        trainer.step({"x": np.zeros((4, 64)), "y": np.array([0, 1, 2, 99])})


def test_a_state_of_replicas_goes_on_with_any_number_of_them():
    text = SMALL.replace("OPTIONS", "accumulate: 2")
    random = np.random.default_rng(0)
    batches = [{"x": random.standard_normal((5, 64)), "y": np.arange(5)} for _ in range(7)]

    def trainer(workers=None):
        shared = workers and partial(ReplicatedPlayer, ReplicasHere(workers))
        return gf.loads(text).trainer(dtype="float64", shared=shared or None)

    whole, first, second = trainer(), trainer(2), trainer(3)
    for batch in batches:
        whole.step(batch)
    for batch in batches[:3]:
        first.step(batch)
    second.load_state_dict(first.state_dict())
    for batch in batches[3:]:
        second.step(batch)
    assert_same(whole, second, 1e-12)


def test_players_share_what_replicas_keep():
    replicas = ReplicasHere(2)
    trainer, last = by_replicas(gf.load("gan"), replicas, steps=3)
    assert all(np.isfinite(last[name]).all() for name in last)
    for name in gf.load("gan").parameters:
        first, second = (each.fetch(name) for each in replicas.made)
        assert np.array_equal(first, second), name
    assert trained(gf.load("gan"), steps=1)[0].state_dict().keys() == trainer.state_dict().keys()


def test_a_run_on_several_gpus_has_checkpoints_and_goes_on_as_in_one_process(monkeypatch, tmp_path):
    monkeypatch.setattr(cupy, "device", devices.device)
    monkeypatch.setattr(runs, "RayReplicas", lambda workers, address: ReplicasHere(
        workers, collectives(workers)))  # fmt: skip
    text = SMALL.replace("OPTIONS", "")
    whole = gf.loads(text)
    gf.train(whole, dtype="float64", steps=45)
    settings = RunSettings(workers=2, backend="cupy", dtype="float64", steps=20)
    model = gf.loads(text)
    started(model, settings, tmp_path / "r", Way()).run()
    resumed(tmp_path / "r", RunSettings(steps=45), Way()).run()
    found = gf.load_run(tmp_path / "r").parameters
    for name, value in whole.parameters.items():
        np.testing.assert_allclose(found[name], value, rtol=0, atol=1e-6, err_msg=name)


def test_workers_with_a_gpu_have_no_servers(monkeypatch):
    monkeypatch.setattr(cupy, "device", devices.device)
    settings = RunSettings(workers=2, servers=1, backend="cupy")
    with pytest.raises(gf.GraphflowError, match=r"GF033.*no servers"):
        started(gf.loads(SMALL.replace("OPTIONS", "")), settings, None, Way())
