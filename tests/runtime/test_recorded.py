"""Steps that are recorded and repeated: bit for bit those that run one by one."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest

import graphflow as gf
from graphflow.backends import cupy
from graphflow.ops.fused import Fused
from graphflow.training.feed import open_feed
from tests.runtime import devices

STEPS = 20
SLOW = ("lstm", "gpt", "transformer", "dcgan")
RECORDED = ["mlp", "lenet_sigmoid", *(pytest.param(n, marks=pytest.mark.slow) for n in SLOW)]
TEXT = """
graphflow: 1
name: deep
inputs: {x: {shape: [B, 40]}}
nodes:
  a: tanh(linear(x, 60))
  b: tanh(linear(a, 60))
  c: tanh(linear(b, 60))
  d: tanh(linear(c, 60))
  loss: mean(linear(d, 1) ** 2)
train: {minimize: loss, optimizer: sgd(lr=0.1)}
"""
BUDGET = 1_250_000
REPEATABLE = ("mlp", "lenet_sigmoid")
"""Whose batches are fed as they are, and change the size of no state."""


class Lines:
    """Makes what is recorded, or with ``plain`` runs one by one, and keeps count."""

    def __init__(self, plain: bool = False) -> None:
        self.plain, self.made = plain, []

    def __call__(self, kernels):
        if self.plain:
            return devices.Recording(kernels)._run
        self.made.append(devices.Recording(kernels))
        return self.made[-1]


def steps(name: str, lines: Lines, monkeypatch, count: int = STEPS):
    """What some steps report, and the state after them; and how many batches were there ahead."""
    inboxes = []

    class Traffic(devices.Traffic):
        def inbox(self, shape, dtype):
            inboxes.append(super().inbox(shape, dtype))
            return inboxes[-1]

    made = devices.device(record=lines)
    there = cupy.Device(made.xp, made.working, made.load, Traffic(), lines, made.help, made.free)
    monkeypatch.setattr(cupy, "device", lambda: there)
    model = gf.load(name)
    trainer = model.trainer(backend="cupy", seed=5)
    feed = open_feed(model.elaborated, model.folder, trainer.seed, model.learned)
    trainer.start_epoch(0)
    batches = trainer.ahead(feed.training(0))
    found = [trainer.step(batch).values for batch, _ in islice(batches, count)]
    return found, trainer.state_dict(), sum(box.met for box in inboxes)


@pytest.mark.filterwarnings("ignore:computed by cupy")
@pytest.mark.parametrize("name", RECORDED)
def test_repeated_steps_are_those_that_run_one_by_one(name, monkeypatch):
    lines = Lines()
    found, state, met = steps(name, lines, monkeypatch)
    expected, after, _ = steps(name, Lines(plain=True), monkeypatch)
    for one, other in zip(found, expected, strict=True):
        for key, value in one.items():
            np.testing.assert_array_equal(value, other[key], err_msg=key)
    for key, value in after.items():
        np.testing.assert_array_equal(state[key], value, err_msg=key)
    repeated = [line.repeated for line in lines.made]
    assert max(repeated) >= STEPS - 2
    assert met >= STEPS - 3 or name not in REPEATABLE


@pytest.mark.filterwarnings("ignore:computed by cupy")
def test_no_line_of_python_runs_in_what_is_repeated(monkeypatch):
    lines = Lines()
    steps("mlp", lines, monkeypatch, 3)
    monkeypatch.setattr(Fused, "forward", None)
    called = sum(line.ran for line in lines.made)
    assert all(line.launches is not None for line in lines.made)
    assert called == 2 * len(lines.made)




def test_a_budget_of_memory_is_kept_on_a_device(monkeypatch):
    monkeypatch.setattr(cupy, "device", devices.device)
    batch = {"x": np.random.default_rng(0).standard_normal((1024, 40), np.float32)}
    kept, bounded = (gf.loads(TEXT).trainer(backend="cupy", memory=m) for m in (None, BUDGET))
    for _ in range(4):
        one, other = (float(t.step(batch).values["loss"]) for t in (kept, bounded))
        assert one == pytest.approx(other, rel=1e-5)
    (found,) = bounded.budgeted.values()
    assert found.again and found.plan.peak_bytes <= BUDGET < found.kept_bytes


def test_what_does_not_fit_into_the_memory_of_a_device_is_refused(monkeypatch):
    monkeypatch.setattr(cupy, "device", lambda: devices.device(free=100_000))
    batch = {"x": np.zeros((64, 40), np.float32)}
    with pytest.raises(gf.GraphflowError, match=r"GF060.*100\.0 kB are free"):
        gf.loads(TEXT).trainer(backend="cupy").step(batch)
