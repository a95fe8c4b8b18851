"""What a step does to a gradient, by hand: sums and means, limits; and what reports say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import graphflow as gf

FIT = """
graphflow: 1
name: a line through the origin
inputs: {x: {shape: [B, 1]}, y: {shape: [B, 1]}}
params: {w: {shape: [1, 1], init: zeros}}
nodes:
  f: x @ w
  loss: LOSS
train: {minimize: loss, optimizer: sgd(lr=RATE)}
"""
X, Y = np.array([[1.0], [2.0], [3.0]]), np.array([[2.0], [2.0], [4.0]])
"""Of the squared errors (f - y)^2 the derivative by w at 0 is -2 (2, 4, 12), row by row."""


@pytest.mark.parametrize(
    ("loss", "rate", "step"),
    [
        ("mse_loss(f, y)", "0.1", 0.1 * 2 * 18 / 3),
        ("0.5 * mse_loss(f, y)", "0.1", 0.1 * 18 / 3),
        ("mse_loss(f, y, reduction='sum')", "0.1", 0.1 * 2 * 18),
        ("sum((f - y) ** 2 / 2)", "0.1 / B", 0.1 * 18 / 3),
        ("mean((f - y) ** 2 / 2)", "0.1", 0.1 * 18 / 3),
    ],
)
def test_sums_means_and_the_half_of_a_squared_error(loss, rate, step):
    model = gf.loads(FIT.replace("LOSS", loss).replace("RATE", rate))
    model.trainer(dtype="float64").step({"x": X, "y": Y})
    assert model.parameters["w"][0, 0] == pytest.approx(step)


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ("clip_norm: 2.6", [1, 2.4]),
        ("clip_norm: 20", [5, 12]),
        ("clip_value: 6", [5, 6]),
        ("clip_value: 2, clip_norm: 1", [0.5**0.5, 0.5**0.5]),
        ("clip_norm: 1, clip_value: 2, clip_first: value", [0.5**0.5, 0.5**0.5]),
        ("clip_value: 2, clip_norm: 2.6, clip_first: norm", [1, 2]),
        ("clip_value: 2, clip_norm: 'step_lr(2.6, 1)', clip_first: norm", [1, 2]),
    ],
)
def test_limits_of_a_gradient_whose_norm_is_13(limits, expected):
    model = gf.loads(f"""
graphflow: 1
name: limits
params: {{a: {{shape: scalar, init: zeros}}, b: {{shape: scalar, init: zeros}}}}
nodes: {{loss: -5 * a - 12 * b}}
train: {{minimize: loss, optimizer: sgd(1), {limits}}}
""")
    model.trainer(dtype="float64").step({})
    found = [float(model.parameters[n]) for n in "ab"]
    assert found == pytest.approx(expected, rel=1e-5)


DATA = "data: {source: synthetic_regression, n: 50, w: [2, -3.4], b: 4.2, batch: 16, DATA}"
TERMS = f"""
graphflow: 1
name: a loss of two terms
inputs: {{x: {{shape: [B, 2]}}, y: {{shape: [B, 1]}}}}
nodes:
  f: linear(x, 1)
  fit: mse_loss(f, y)
  size: 0.1 * mean(f ** 2)
  loss: fit + size
{DATA.replace("DATA", "split: {train: 0.7, test: 0.3}")}
"""


def test_each_term_of_a_loss_is_reported_as_its_mean_over_the_rows(tmp_path: Path):
    """35 rows in batches of 16, 16 and 3; with a rate of 0 the weights are the same for all."""
    train = "train: {minimize: loss, optimizer: sgd(lr=0), report: [loss, fit, size]}\n"
    model = gf.loads(TERMS + train)
    found = gf.train(model, out=tmp_path / "run").metrics
    from graphflow.training.feed import Feed

    feed = Feed(model.elaborated, None, 0)
    program = model.compile(of="loss", keep=["fit", "size"], dtype="float64")
    for part, batches in {"train": feed.training(0), "test": feed.evaluation("test")}.items():
        fed = [inputs for inputs, _ in batches]
        whole = {n: np.concatenate([one[n] for one in fed]) for n in ("x", "y")}
        assert len(whole["x"]) == (35 if part == "train" else 15)
        values = program(whole).values
        for name in ("loss", "fit", "size"):
            assert found[f"{part}/{name}"] == pytest.approx(float(values[name]), rel=1e-5)
        assert found[f"{part}/loss"] == pytest.approx(
            found[f"{part}/fit"] + found[f"{part}/size"], rel=1e-5
        )


def test_players_report_the_terms_that_they_compute():
    train = """
train:
  optimizer: sgd(lr=0.01)
  players:
    one: {minimize: fit, params: [f.weight]}
    two: {minimize: size, params: [f.bias]}
  report: [fit, size, loss]
"""
    model = gf.loads(TERMS + train)
    outcome = gf.train(model, epochs=2)
    assert outcome.metrics.keys() == {
        f"{part}/{name}" for part in ("train", "test") for name in ("fit", "size", "loss")
    }
    for part in ("train", "test"):
        assert outcome.metrics[f"{part}/fit"] > outcome.metrics[f"{part}/size"] > 0
