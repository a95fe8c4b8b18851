"""Optimizers of a ``train:`` section: groups, one vector for a group, the loss as a function."""

from __future__ import annotations

import numpy as np
import pytest

import graphflow as gf
from graphflow.diagnostics import GraphflowError
from graphflow.ir.types import DType
from graphflow.ops.evaluate import evaluate
from graphflow.passes import specialise
from tests.library.small_training import file, path, walk

FILE = """
graphflow: 1
name: groups
params:
  a: {shape: scalar, init: ones}
  b: {shape: scalar, init: ones}
nodes:
  loss: a + b
outputs: [loss]
train:
  minimize: loss
  optimizer: OPTIMIZER
  groups: [{params: [b], lr: 0.25}]
"""


@pytest.mark.parametrize("optimizer", ["sgd(0.5)", "sgd(lr=0.5)", "sgd(0.5, 0.9)"])
def test_the_rate_of_a_group_replaces_the_one_of_the_call(optimizer):
    trainer = gf.loads(FILE.replace("OPTIMIZER", optimizer)).trainer()
    trainer.step({})
    found = [float(np.asarray(trainer.store.array(name))) for name in "ab"]
    assert found == [0.5, 0.75]  # the gradient of both is 1


# -- all parameters as one vector -----------------------------------------------------------------
COUPLED = "a ** 2 + b ** 2 + a * b - a"
BOTH = {"a": 3.0, "b": -1.0}


def test_newton_sees_the_parameters_of_a_group_together():
    found = path(COUPLED, "newton()", 1, BOTH)
    solution = np.linalg.solve([[2, 1], [1, 2]], [1, 0])
    np.testing.assert_allclose([found["a"][-1], found["b"][-1]], solution, rtol=1e-12)


def test_each_group_is_a_vector_of_its_own():
    """Where a group ends the Hessian does: its inverse is of the diagonal blocks."""
    groups = "  groups: [{params: [b], optimizer: newton(0.5)}]\n"
    found = walk(file(COUPLED, "newton()", BOTH, more=groups), 1, BOTH)
    assert found["a"][-1] == pytest.approx((1 - BOTH["b"]) / 2)
    assert found["b"][-1] == pytest.approx(BOTH["b"] - 0.5 * (2 * BOTH["b"] + BOTH["a"]) / 2)


def test_shapes_are_taken_apart_again():
    """A quadratic of a scalar, a row, and a matrix: Newton ends in its minimum at once."""
    start = {"s": 2.0, "r": [1.0, -1.0, 4.0], "m": [[1.0, 2.0], [3.0, 4.0]]}
    loss = "(s - 1) ** 2 + sum((r - [0, 1, 2]) ** 2) + sum((m - [[9, 8], [7, 6]]) ** 2) * 3"
    found = path(loss, "newton()", 1, start)
    np.testing.assert_allclose(found["r"][-1], [0, 1, 2], atol=1e-12)
    np.testing.assert_allclose(found["m"][-1], [[9, 8], [7, 6]], rtol=1e-12)
    assert found["s"][-1] == pytest.approx(1)


@pytest.mark.parametrize("optimizer", ["lbfgs(line_search_fn='strong_wolfe')", "nesterov(1)"])
def test_a_group_that_the_loss_does_not_need_stays_as_it_is(optimizer):
    groups = f'  groups: [{{params: [b], optimizer: "{optimizer}"}}]\n'
    found = walk(file("a ** 2", "sgd(0.25)", BOTH, more=groups), 2, BOTH)
    assert found["a"].tolist() == [3, 1.5, 0.75] and found["b"].tolist() == [-1, -1, -1]


MEASURE = """graphflow: 1
name: what the objective is
inputs: {x: {shape: [B, 6]}, y: {shape: [B, 2]}}
blocks:
  descent:
    inputs: [parameters, gradients, loss, objective]
    args: [lr]
    state:
      gap: {shape: scalar, init: ones}
      slope_gap: {shape: scalar, init: ones}
    nodes:
      value, slope: objective(parameters)
    updates:
      parameters: parameters - lr * slope
      gap: abs(value - loss)
      slope_gap: max(abs(slope - gradients))
nodes:
  h: dropout(batch_norm(linear(x, 8)), 0.5)
  deep:
    scan: {steps: 3}
    carry: {h: h}
    nodes: {z: 'tanh(linear(h, 8))'}
    next: {h: z}
  p: linear(deep.final.h, 2)
  slope: gradient(sum(p ** 2), x)
  loss: mean((p - y) ** 2) + 0.01 * sum(slope ** 2)
train: {minimize: loss, steps: 5, optimizer: descent(0.1)}
"""


def test_the_objective_is_the_loss_of_this_step_at_another_point():
    """The same batch and draws; running means move once a step; derivatives in it work."""
    rng = np.random.default_rng(0)
    feed = {"x": rng.standard_normal((4, 6)), "y": rng.standard_normal((4, 2))}
    measured = gf.loads(MEASURE).trainer(dtype="float64")
    plain = gf.loads(MEASURE.replace("descent(0.1)", "sgd(0.1)")).trainer(dtype="float64")
    for _ in range(3):
        assert measured.step(feed).values["loss"] == pytest.approx(plain.step(feed).values["loss"])
        for gap in ("gap", "slope_gap"):
            assert measured.store.array(f"optimizer.descent.{gap}") < 1e-14
    mean = "h.batch_norm.running_mean"
    np.testing.assert_allclose(measured.store.array(mean), plain.store.array(mean), rtol=1e-12)


IMAGE = """graphflow: 1
name: an image that is trained
inputs: {content: {shape: [1, 3, H, W]}, target: {shape: [1, 4, H, W]}}
params: {image: {shape: [1, 3, H, W], init: content}}
layers: {net: {is: 'conv2d(4, 3, padding=1)', trainable: false}}
nodes:
  features: tanh(net(image))
  loss: mean((features - target) ** 2) + 1e-5 * mean((image - content) ** 2)
train:
  minimize: loss
  params: [image]
  optimizer: lbfgs(history_size=5, line_search_fn='strong_wolfe')
"""


def test_an_input_is_optimised_whose_size_is_not_known_beforehand():
    rng = np.random.default_rng(0)
    for height in (4, 5):
        feed = {"content": rng.standard_normal((1, 3, height, 6))}
        feed["target"] = rng.uniform(-0.5, 0.5, (1, 4, height, 6))
        model = gf.loads(IMAGE)
        trainer = model.trainer(dtype="float64")
        weight = np.array(model.parameters["net.weight"])
        losses = [float(trainer.step(feed).values["loss"]) for _ in range(8)]
        assert losses == sorted(losses, reverse=True) and losses[-1] < losses[0] / 3
        np.testing.assert_array_equal(model.parameters["net.weight"], weight)


def test_an_image_may_start_from_what_only_its_first_value_needs():
    text = IMAGE.replace(" + 1e-5 * mean((image - content) ** 2)", "")
    rng = np.random.default_rng(0)
    feed = {"content": rng.standard_normal((1, 3, 4, 6)), "target": np.zeros((1, 4, 4, 6))}
    model = gf.loads(text.replace("lbfgs(history_size=5, line_search_fn='strong_wolfe')", "sgd(0)"))
    model.trainer(dtype="float64").step(feed)
    np.testing.assert_allclose(model.parameters["image"], feed["content"], rtol=1e-6)


def test_a_line_search_stands_still_where_it_has_arrived():
    for optimizer in ("lbfgs(line_search_fn='strong_wolfe')", "lbfgs()", "conjugate_gradient()"):
        found = path("sum((w - 1) ** 2)", optimizer, 3, {"w": [1.0, 1.0]})["w"]
        np.testing.assert_array_equal(found, np.ones((4, 2)))


@pytest.mark.parametrize("clip", ["clip_norm: 1", "clip_value: 1"])
def test_what_measures_the_loss_takes_no_clipped_gradient(clip):
    refused("lbfgs()", "'lbfgs' measures the loss itself and takes no clipped gradient", clip)


def refused(optimizer: str, message: str, more: str = "", code: str | None = None) -> None:
    with pytest.raises(GraphflowError) as caught:
        gf.loads(file("sum(w)", optimizer, {"w": [1.0, 2.0]}, more=f"  {more}\n"))
    (found,) = caught.value.diagnostics
    assert message in found.message and found.mark is not None
    assert code in (None, found.code)


def test_a_block_that_updates_nothing_is_no_optimizer():
    for name in ("effective_gradient()", "cubic_minimum(1, 2)", "relu()"):
        refused(name, "is not an optimizer", code="GF042")


OWN = """graphflow: 1
name: own
params: {w: {shape: [2], init: ones}}
blocks: {own: {inputs: INPUTS, updates: {parameters: 'VALUE'}}}
nodes: {loss: sum(w)}
train: {minimize: loss, optimizer: own()}
"""


def test_the_update_of_a_vector_is_a_vector():
    text = OWN.replace("INPUTS", "[parameters, gradients]")
    assert gf.loads(text.replace("VALUE", "parameters - gradients"))
    for value, shape in (("sum(parameters)", "float[]"), ("parameters[:1]", "float[1]")):
        with pytest.raises(GraphflowError, match=r"the parameters are float\[2\]") as caught:
            gf.loads(text.replace("VALUE", value))
        assert caught.value.diagnostics[0].message.endswith(shape)


def test_training_offers_no_more_than_it_says():
    with pytest.raises(GraphflowError, match="'own' is not an optimizer"):
        gf.loads(OWN.replace("INPUTS", "[parameters, weather]").replace("VALUE", "parameters"))


def test_the_objective_is_asked_with_one_point():
    text = OWN.replace("INPUTS", "[parameters, objective], nodes: {'f, g': 'CALL'}")
    text = text.replace("VALUE", "parameters - g")
    assert gf.loads(text.replace("CALL", "objective(parameters)"))
    for call, message in (
        ("objective()", "a tensor is needed here, not none"),
        ("objective(parameters, 1)", "objective takes 1 arguments, 2 were given"),
        ("objective(parameters[:1])", r"a point is a vector of 2 numbers, not float\[1\]"),
        ("objective(3)", "a point is a vector of 2 numbers, not float"),
    ):
        with pytest.raises(GraphflowError, match=message):
            gf.loads(text.replace("CALL", call))


def test_a_trial_beyond_all_numbers_went_too_far():
    """exp(300 w) - 30 w from -1: the first steps along the slope of -30 overflow."""
    for optimizer in ("lbfgs(100, line_search_fn='strong_wolfe')", "conjugate_gradient(100)"):
        found = path("exp(300 * w) - 30 * w", optimizer, 25, {"w": -1.0})["w"]
        assert found[-1] == pytest.approx(np.log(0.1) / 300, abs=1e-6)


@pytest.mark.parametrize(
    "optimizer", ["lbfgs(line_search_fn='strong_wolfe')", "newton()", "nesterov(0.1)"]
)
def test_the_plain_plan_of_a_step_gives_what_the_fast_one_does(optimizer):
    start = {"w": [1.0, 2.0], "b": 0.5}
    model = gf.loads(file("sum((tanh(w) - b) ** 2) + b ** 4", optimizer, start))
    for name, value in start.items():
        model.parameters[name] = np.array(value)
    trainer = model.trainer(dtype="float64")
    step = trainer.players[""].step
    graph = specialise(step.graph, {}, DType.FLOAT64, training=True)
    for _ in range(4):
        leaves = {n: np.array(trainer.store.array(n)) for n in graph.updates}
        leaves |= {n.name: np.array(trainer.store.array(n.name)) for n in graph.leaves("state")}
        values = evaluate(graph, leaves)
        trainer.step({})
        for name, following in graph.updates.items():
            np.testing.assert_allclose(trainer.store.array(name), values[following], rtol=1e-12)
