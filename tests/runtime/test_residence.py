"""Where leaves live: here, or on a device from step to step until somebody reads them."""

from __future__ import annotations

import signal
from contextlib import nullcontext
from types import MethodType

import numpy as np
import pytest

import graphflow as gf
from graphflow.backends import cupy
from tests.runtime import devices
from tests.strict.cupy_like import cupy_like

TEXT = """
graphflow: 1
name: small
inputs: {x: {shape: [B, 3]}, y: {shape: [B, 2]}}
nodes:
  hidden: tanh(linear(x, 4))
  out: linear(hidden, 2)
  loss: mean((out - y) ** 2)
train: {minimize: loss, optimizer: adam(lr=0.1)}
"""
RANDOM = np.random.default_rng(0)
BATCH = {name: RANDOM.standard_normal((5, n), np.float32) for name, n in (("x", 3), ("y", 2))}


class Travelling:
    """The strict namespace, which notes the shapes of what is brought there and back."""

    def __init__(self) -> None:
        self.there: list[tuple[int, ...]] = []
        self.back: list[tuple[int, ...]] = []

    def __getattr__(self, name: str):
        return getattr(cupy_like, name)

    def asarray(self, value, *rest, **how):
        if isinstance(value, np.ndarray):
            self.there.append(value.shape)
        return cupy_like.asarray(value, *rest, **how)

    def asnumpy(self, value):
        self.back.append(value.shape)
        return cupy_like.asnumpy(value)

    def travelled(self) -> tuple[list[tuple[int, ...]], list[tuple[int, ...]]]:
        """What went there and came back since this was asked last."""
        found = sorted(self.there), sorted(self.back)
        self.there, self.back = [], []
        return found


@pytest.fixture
def xp(monkeypatch) -> Travelling:
    found = Travelling()
    monkeypatch.setattr(cupy, "device", lambda: devices.device(xp=found))
    return found


FED, GIVEN = [(5, 2), (5, 3)], [()]


def test_leaves_go_to_the_device_once_and_come_back_when_they_are_read(xp):
    model = gf.loads(TEXT)
    trainer = model.trainer(backend="cupy")
    trainer.step(BATCH)
    there, back = xp.travelled()
    assert len(there) > len(FED) + 8 and back == GIVEN
    for _ in range(3):
        trainer.step(BATCH)
        assert xp.travelled() == (FED, GIVEN)
    (name,) = (n for n, t in model.store.types.items() if t.shape == (2, 4))
    model.parameters[name]
    assert xp.travelled() == ([], [(2, 4)])
    model.parameters[name]
    assert xp.travelled() == ([], [])
    trainer.step(BATCH)
    assert xp.travelled() == (sorted([*FED, (2, 4)]), GIVEN)


def test_copies_leave_everything_where_it_is(xp):
    trainer = gf.loads(TEXT).trainer(backend="cupy")
    trainer.step(BATCH)
    saved = trainer.state_dict()
    xp.travelled()
    trainer.step(BATCH)
    assert xp.travelled() == (FED, GIVEN)
    after = trainer.state_dict()
    trainer.load_state_dict(saved)
    for name, value in trainer.state_dict().items():
        np.testing.assert_array_equal(value, saved[name])
    trainer.step(BATCH)
    for name, value in trainer.state_dict().items():
        np.testing.assert_array_equal(value, after[name])


def test_evaluation_on_the_device_reads_the_leaves_that_live_there(xp):
    trainer = gf.loads(TEXT).trainer(backend="cupy")
    trainer.step(BATCH)
    trainer.evaluate([(BATCH, 5)])
    xp.travelled()
    trainer.step(BATCH)
    trainer.evaluate([(BATCH, 5)])
    there, _ = xp.travelled()
    assert there == sorted(FED * 2)


def test_steps_here_and_there_in_turns_are_the_steps_of_one(xp):
    text = TEXT.replace("adam", "sgd")
    turns, alone = gf.loads(text), gf.loads(text)
    both = [turns.trainer(backend=backend, dtype="float64") for backend in ("cupy", "numpy")]
    one = alone.trainer(dtype="float64")
    look, expected = (model.compile("out", dtype="float64") for model in (turns, alone))
    for step in (0, 0, 1, 1, 0, 1, 0):
        both[step].step(BATCH)
        one.step(BATCH)
        found = look(BATCH).values["out"]
        np.testing.assert_allclose(found, expected(BATCH).values["out"], rtol=1e-9)


def test_an_array_that_was_read_before_a_step_refuses_writing_until_it_is_read_again(xp):
    model = gf.loads(TEXT)
    trainer = model.trainer(backend="cupy")
    name = next(iter(model.parameters))
    held = model.parameters[name]
    held[...] = 0.5
    trainer.step(BATCH)
    with pytest.raises(ValueError, match="read-only"):
        held[...] = 0
    assert np.all(held == 0.5)
    assert model.parameters[name] is held and not np.all(held == 0.5)
    held[...] = 0
    trainer.step(BATCH)
    assert abs(model.parameters[name]).max() < 0.2


def test_what_is_assigned_or_forgotten_takes_the_place_of_what_was_there(xp):
    model = gf.loads(TEXT)
    trainer = model.trainer(backend="cupy", seed=3)
    name = next(iter(model.parameters))
    first = np.array(model.parameters[name])
    trainer.step(BATCH)
    model.store.forget(name)
    np.testing.assert_array_equal(model.parameters[name], first)
    trainer.step(BATCH)
    model.parameters[name] = np.zeros_like(first)
    assert not model.parameters[name].any()
    trainer.step(BATCH)
    model.store.settle(gf.ir.types.DType.FLOAT64)
    assert model.parameters[name].dtype == np.float64 and model.parameters[name].any()


def test_an_interrupt_among_the_updates_leaves_all_of_them_made(monkeypatch):
    found = []
    for interrupted in (False, True):
        model = gf.loads(TEXT)
        monkeypatch.setattr(
            cupy, "device", lambda fails=interrupted: devices.device(record=Interrupting(fails))
        )
        trainer = model.trainer(backend="cupy", seed=3)
        with pytest.raises(KeyboardInterrupt) if interrupted else nullcontext():
            trainer.step(BATCH)
        found.append({name: np.array(value) for name, value in model.parameters.items()})
    for name, value in found[0].items():
        np.testing.assert_array_equal(found[1][name], value)


class Interrupting:
    """Makes lines of kernels; in the middle of the one that writes leaves Ctrl-C is pressed."""

    def __init__(self, fails: bool) -> None:
        self.fails = fails

    def __call__(self, kernels):
        def run() -> None:
            inside = isinstance(signal.getsignal(signal.SIGINT), MethodType)
            for number, kernel in enumerate(kernels):
                if self.fails and inside and number == 1:
                    signal.raise_signal(signal.SIGINT)
                    self.fails = False
                kernel()

        return run
