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
RECORDED = [
    "mlp", "lenet_sigmoid",
    *(pytest.param(name, marks=pytest.mark.slow) for name in ("lstm", "gpt", "transformer", "dcgan")),
]  # fmt: skip


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
    there = cupy.Device(made.xp, made.working, made.load, Traffic(), lines, made.help)
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
    assert met >= STEPS - 3 or name == "lstm"  # whose state's size may change with a batch's


@pytest.mark.filterwarnings("ignore:computed by cupy")
def test_no_line_of_python_runs_in_what_is_repeated(monkeypatch):
    lines = Lines()
    steps("mlp", lines, monkeypatch, 3)
    monkeypatch.setattr(Fused, "forward", None)
    called = sum(line.ran for line in lines.made)
    assert all(line.launches is not None for line in lines.made)
    assert called == 2 * len(lines.made)


