"""The search for a learning rate: against the exact course of gradient descent on a parabola."""

from __future__ import annotations

import numpy as np
import pytest

import graphflow as gf
from graphflow.learning_rates import LearningRates

PARABOLA = """
graphflow: 1
name: parabola
let: {curvature: 4.0}
params: {w: {shape: scalar, init: '3.0'}}
state: {seen: {shape: scalar, init: zeros}}
nodes: {f: curvature * w ** 2 / 2}
updates: {seen: seen + 1}
train: {minimize: f, optimizer: sgd(lr=123), steps: 5}
"""

STEP = """
blocks:
  step:
    inputs: [parameter, gradient]
    updates: {parameter: parameter - gradient}
"""


@pytest.mark.parametrize("curvature", [0.5, 4.0, 30.0])
def test_on_a_parabola_the_loss_falls_until_twice_one_over_the_curvature(curvature: float):
    """Gradient descent: w <- w (1 - lr c), so that each loss is the last one times its square."""
    model = gf.loads(PARABOLA, {"curvature": curvature})
    found = gf.find_learning_rate(model, first=1e-4, last=100.0, steps=200, dtype="float64")
    factors = (1 - found.rates[:-1] * curvature) ** 2
    np.testing.assert_allclose(found.losses[1:] / found.losses[:-1], factors, rtol=1e-6)
    falls = found.losses[1:] < found.losses[:-1]
    assert (falls == (found.rates[:-1] < 2 / curvature)).all() and not falls.all()
    assert found.diverged and found.rates[-1] > 2 / curvature
    assert found.minimum < found.suggestion * 1.1 and found.steepest < 2 / curvature


def test_losses_are_smoothed_as_the_blog_says():
    found = gf.find_learning_rate(gf.loads(PARABOLA), first=1e-8, last=10, steps=938)
    assert found.rates[1] / found.rates[0] == pytest.approx(1.022363, abs=1e-6)
    mean = 0.0
    for number, (loss, smoothed) in enumerate(
        zip(found.losses, found.smoothed, strict=True), start=1
    ):
        mean = 0.98 * mean + 0.02 * loss
        assert smoothed == pytest.approx(mean / (1 - 0.98**number))
    assert (found.smoothed[1:] <= 4 * np.minimum.accumulate(found.smoothed)[:-1]).all()


def test_suggestions_are_read_off_the_curve():
    """A loss that falls steepest at 1e-3 and is least at 1e-1."""
    rates = np.logspace(-6, 0, 61)
    losses = 2 - np.tanh(2 * (np.log10(rates) + 3)) + np.maximum(0, np.log10(rates) + 1) ** 2
    found = LearningRates(rates, losses, losses, True)
    assert found.steepest == pytest.approx(1e-3, rel=0.3)
    assert found.minimum == pytest.approx(1e-2, rel=0.5)
    assert found.suggestion == pytest.approx(found.minimum, rel=0.05)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_everything_is_put_back(dtype: str):
    model = gf.load("mlp")
    before = {name: np.array(value) for name, value in model.parameters.items()}
    gf.find_learning_rate(model, steps=30, dtype=dtype)
    for name, value in model.parameters.items():
        assert value.tobytes() == before[name].tobytes() and value.dtype == np.float32
    fresh = gf.load("mlp")
    outcomes = [gf.train(each, steps=5).metrics for each in (model, fresh)]
    assert outcomes[0] == outcomes[1]
    counted = gf.loads(PARABOLA)
    gf.find_learning_rate(counted)
    assert counted.state["seen"] == 0 and counted.parameters["w"] == 3


@pytest.mark.parametrize("optimizer", ["sgd(lr={})", "adam(lr={})", "sgd({}, momentum=0.9)"])
def test_the_suggestion_trains_the_digits_well(optimizer: str):
    found = gf.find_learning_rate(gf.load("mlp", {"train.optimizer": optimizer.format(7)}))
    model = gf.load("mlp", {"train.optimizer": optimizer.format(found.suggestion)})
    assert gf.train(model, epochs=5).metrics["test/accuracy"] > 0.85


def test_groups_keep_their_factor():
    text = """
graphflow: 1
name: two
params: {a: {shape: scalar, init: '1.0'}, b: {shape: scalar, init: '1.0'}}
nodes: {loss: a + b, moved: 0 + a, other: 0 + b}
train:
  minimize: loss
  optimizer: sgd(lr=5)
  groups: [{params: [b], lr_scale: 10}]
"""
    found = gf.find_learning_rate(gf.loads(text), first=0.01, last=0.02, steps=3, dtype="float64")
    assert found.losses[0] - found.losses[1] == pytest.approx(0.01 * 11)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"first": 0.0}, "from above 0"),
        ({"first": 1.0, "last": 0.1}, "larger one"),
        ({"last": float("inf")}, "larger one"),
        ({"steps": 1}, "at least 2"),
        ({"first": 1e9, "last": 1e12}, "smaller rate"),
    ],
)
def test_searches_that_cannot_be_are_refused(settings: dict[str, float], words: str):
    with pytest.raises(gf.GraphflowError) as caught:
        gf.find_learning_rate(gf.loads(PARABOLA), **settings)  # type: ignore[arg-type]
    assert words in str(caught.value)


def test_files_without_one_rate_are_refused():
    for text, words in (
        (PARABOLA.replace("sgd(lr=123)", "step()") + STEP, "no learning rate"),
        (PARABOLA[: PARABOLA.index("train:")], "train:"),
    ):
        with pytest.raises(gf.GraphflowError, match=words):
            gf.find_learning_rate(gf.loads(text))
    gan = gf.load("gan")
    with pytest.raises(gf.GraphflowError, match="several players"):
        gf.find_learning_rate(gan)
