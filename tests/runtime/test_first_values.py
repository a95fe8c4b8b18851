"""First values in the program's float type."""

from __future__ import annotations

import numpy as np
import pytest

import graphflow as gf

ROSENBROCK = """
graphflow: 1
name: Rosenbrock
params: {x: {shape: [2], init: "-1.2 + 2.2 * arange(2)"}}
nodes: {f: "100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2"}
outputs: [f]
train: {minimize: f, optimizer: "OPTIMIZER"}
"""


def rosenbrock(optimizer: str = "sgd(lr=1e-4)") -> gf.Model:
    return gf.loads(ROSENBROCK.replace("OPTIMIZER", optimizer))


def test_a_float64_program_starts_from_float64():
    model = rosenbrock()
    single = model.compile()({})["f"]
    assert single.dtype == np.float32 and single == pytest.approx(24.2, rel=1e-6)
    assert model.compile(dtype="float64")({})["f"] == pytest.approx(24.2, rel=1e-15)


@pytest.mark.parametrize(
    ("ours", "theirs", "settings"),
    [("sgd(lr=1e-4)", "SGD", {"lr": 1e-4}), ("adam(lr=0.1)", "Adam", {"lr": 0.1}),
     ("adagrad(lr=0.1, initial_accumulator_value=0.1)", "Adagrad",
      {"lr": 0.1, "initial_accumulator_value": 0.1})],
)  # fmt: skip
def test_float64_training_is_pytorchs(ours, theirs, settings):
    torch = pytest.importorskip("torch")
    x = torch.tensor([-1.2, 1.0], dtype=torch.float64, requires_grad=True)
    optimizer = getattr(torch.optim, theirs)([x], **settings)
    model = rosenbrock(ours)
    trainer = model.trainer(dtype="float64")
    for _ in range(5):
        optimizer.zero_grad()
        (100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2).backward()
        optimizer.step()
        trainer.step({})
    np.testing.assert_allclose(model.parameters["x"], x.detach().numpy(), rtol=1e-13)


def test_training_in_float32_keeps_float32():
    model = rosenbrock()
    model.trainer().step({})
    assert model.parameters["x"].dtype == np.float32


def test_what_is_drawn_is_the_same_in_every_type():
    text = """
graphflow: 1
name: f
inputs: {x: {shape: [B, 2]}}
nodes: {y: "mean(linear(x, 3))"}
train: {minimize: y, optimizer: sgd(lr=0.1)}
"""
    single, double = gf.loads(text), gf.loads(text)
    single.trainer(), double.trainer(dtype="float64")
    for name, value in single.parameters.items():
        assert value.dtype == np.float32 and double.parameters[name].dtype == np.float64
        np.testing.assert_array_equal(value, double.parameters[name])
