"""What the first chapters claim: arrays, slopes, gradients, and how long a product takes."""

from __future__ import annotations

import numpy as np
import pytest

import graphflow as gf
from graphflow.training.feed import Feed
from graphflow.view.study import Study
from graphflow.view.workspace import Workspace
from tests.gallery.training import GRAPHS


def history(name: str, **overrides: object) -> dict[str, np.ndarray]:
    """The values that a run keeps, by name."""
    outcome = gf.run(gf.load(name, overrides))
    return {node: outcome.history[node].values for node in outcome.history}


def seconds(study: Study) -> dict[str, float]:
    """How long each node of a walk ran."""
    found: dict[str, float] = {}
    for ran in (ran for turn in study.recording.turns for ran in turn.ran):
        found[ran.node] = found.get(ran.node, 0) + ran.seconds
    return found


def test_the_tiny_houses_are_fed_as_the_book_prints_them():
    path = GRAPHS["house_tiny"]
    fed, _ = next(iter(Feed(gf.load(path).elaborated, path.parent, seed=0).training(0)))
    assert fed["X"].tolist() == [[3, 0, 1], [2, 0, 1], [4, 1, 0], [3, 0, 1]]
    assert fed["y"].tolist() == [127500, 106000, 178100, 140000]


def test_the_quotient_nears_the_slope_and_then_loses_its_digits():
    kept = history("derivative_limit", **{"run.steps": 16})
    assert [f"{q:.5f}" for q in kept["quotient"][:5]] == [
        "2.30000", "2.03000", "2.00300", "2.00030", "2.00003"
    ]  # fmt: skip
    error = kept["error"]
    assert error.argmin() in range(6, 9) and error[13] > 100 * error.min()


def test_a_written_value_leaves_the_array_as_it_was():
    values = gf.load("tensor_basics").compile()({}).values
    assert values["with_12"][0, 0] == 12 and values["X"][0, 0] == 0


def test_three_steps_add_three_times_in_place():
    kept = history("tensor_inplace")["Z"]
    np.testing.assert_array_equal(kept, [k * np.array([[2, 1], [4, 3]]) for k in range(4)])


@pytest.mark.parametrize("a", [-3.7, -0.002, 0.01, 1.0, 512.0])
def test_the_gradient_of_the_loop_is_d_over_a(a):
    program = gf.load("autograd_control_flow").compile(of="d", wrt="a", dtype="float64")
    found = program({"a": a})
    assert found.gradients["a"] == pytest.approx(float(found.values["d"]) / a)


def test_no_gradient_flows_into_what_is_detached():
    study = Study(Workspace(graph="autograd_detach"))
    gradients = {step.text.split(" ")[0] for step in study.steps if ".grad" in step.text}
    assert "x.grad" in gradients and not gradients & {"u.grad", "y.grad"}


def test_slopes_from_backpropagation_are_the_cosine():
    assert gf.load("sine_slope").compile(dtype="float64")({}).values["difference"] < 1e-15


def test_tanh_is_a_sigmoid_twice_as_high_and_steep():
    assert gf.load("single_neuron").compile(dtype="float64")({}).values["apart"] < 1e-14


def test_two_linear_layers_are_one_and_a_bent_one_is_not():
    x = np.random.default_rng(0).normal(size=(20, 2))
    values = gf.load("linear_collapse").compile(dtype="float64")({"x": x}).values
    assert values["apart"] < 1e-12 < np.abs(values["bent"] - values["two"]).max()


def test_gradient_descent_slows_down_and_diverges_with_steps_too_long():
    steps = np.abs(np.diff(history("gd_on_curve")["x"]))
    assert steps[0] == pytest.approx(0.08) and np.all(np.diff(steps) < 0)
    far = np.abs(history("gd_on_curve", lr=1.1, **{"run.steps": 20})["x"])
    assert np.all(np.diff(far) > 0)
    assert history("gd_on_curve", lr=0.5, **{"run.steps": 1})["x"][-1] == 0


def test_the_weight_penalty_adds_to_the_gradient_of_the_loss():
    model, bare = gf.load("mlp_backprop_l2"), gf.load("mlp_backprop_l2", {"lam": 0})
    feed = {"x": [1.0, -2.0], "y": [0.5, 0.0]}
    for name in ("W1", "W2"):
        bare.parameters[name] = model.parameters[name]
    with_decay, without = (
        m.compile(of="J", wrt=["W1", "W2"], dtype="float64")(feed).gradients for m in (model, bare)
    )
    for name in ("W1", "W2"):
        penalty = 0.5 * np.asarray(model.parameters[name])
        np.testing.assert_allclose(with_decay[name], without[name] + penalty, atol=1e-12)


def test_five_products_agree_and_loops_take_a_thousand_times_as_long_as_the_sign():
    sizes = (("rows", "5"), ("inner", "784"), ("columns", "10"))
    study = Study(Workspace(graph="matmul_five_ways", of="apart", overrides=sizes))
    assert float(study.value(len(study.steps) - 1, "apart")) < 1e-10
    took = seconds(study)
    assert took["loops"] > 1000 * took["by_sign"]


@pytest.mark.parametrize("name", ["matmul_five_ways", "linear_3_5", "mlp_backprop_l2"])
def test_the_walk_of_a_lesson_ends_with_the_gradients_of_its_parameters(name):
    study = Study(Workspace(graph=name))
    seen = {step.text.split(" ")[0] for step in study.steps}
    assert {f"{p}.grad" for p in study.model.parameters} <= seen
