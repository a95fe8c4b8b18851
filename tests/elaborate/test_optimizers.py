"""Optimizers of a ``train:`` section: groups, one vector for a group, schedules everywhere."""

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


# -- schedules ------------------------------------------------------------------------------------
def quadratic(optimizer: str, steps: int = 5) -> np.ndarray:
    """w after each step of lowering w^2 / 2 + w from 1; its gradient is w + 1."""
    return path("w ** 2 / 2 + w", optimizer, steps, {"w": 1.0})["w"][1:]


def test_any_number_of_an_optimizer_may_be_a_schedule():
    w, v = 1.0, 0.0
    for t, found in enumerate(
        quadratic("sgd(0.1, momentum=linear_lr(0.8, 0.5, 1, 4), weight_decay=step_lr(0.4, 2))")
    ):
        v = 0.8 * (0.5 + 0.5 * min(t / 4, 1)) * v + w + 1 + 0.4 * 0.1 ** (t // 2) * w
        w -= 0.1 * v
        assert found == pytest.approx(w, rel=1e-12)
    w = m = s = 0.0
    w = 1.0
    for t, found in enumerate(quadratic("adam(0.1, betas=[linear_lr(0.9, 0.5, 1, 4), 0.99])")):
        beta = 0.9 * (0.5 + 0.5 * min(t / 4, 1))
        m, s = beta * m + (1 - beta) * (w + 1), 0.99 * s + 0.01 * (w + 1) ** 2
        w -= 0.1 * m / (1 - beta ** (t + 1)) / (np.sqrt(s / (1 - 0.99 ** (t + 1))) + 1e-8)
        assert found == pytest.approx(w, rel=1e-12)


def test_the_damping_of_newton_may_be_a_schedule():
    w = 1.0
    for t, found in enumerate(quadratic("newton(damping=step_lr(4, 1, gamma=0.5))", 3)):
        w -= (w + 1) / (1 + 4 * 0.5**t)
        assert found == pytest.approx(w, rel=1e-12)


def test_the_bound_on_the_gradient_may_be_a_schedule():
    start = {"w": [3.0, 4.0]}
    for clip in ("clip_norm", "clip_value"):
        text = file("sum(w ** 2) / 2", "sgd(1)", start, more=f"  {clip}: step_lr(1, 1)\n")
        w = np.array(start["w"])
        for t, found in enumerate(walk(text, 3, start)["w"][1:]):
            bound = 0.1**t
            size = np.linalg.norm(w) + 1e-6
            w = w - (w / size * bound if clip == "clip_norm" else np.minimum(w, bound))
            np.testing.assert_allclose(found, w, rtol=1e-12)


def test_a_bound_on_the_gradient_is_one_positive_number():
    for bound in ("0", "-1", "'a'", "[1, 2]", "none", "true"):
        refused("sgd(1)", "'clip_norm' is a positive number", f'clip_norm: "{bound}"')


NODES = """graphflow: 1
name: schedules in nodes
params: {w: {shape: scalar, init: zeros}}
nodes:
  weight: step_lr(1, 2, gamma=0.5)
  slow: 'exponential_lr(1, 0.5, per="epoch")'
  now: step * 1
  loss: weight * slow * w
outputs: [weight, slow, now]
train: {minimize: loss, optimizer: sgd(1), report: [weight, slow, now]}
"""


def test_a_schedule_drives_what_the_nodes_compute():
    model = gf.loads(NODES)
    trainer = model.trainer()
    seen = []
    for step in range(4):
        trainer.start_epoch(step // 2)
        values = trainer.step({}).values
        seen.append([float(values[n]) for n in ("now", "weight", "slow")])
    assert seen == [[1, 1, 1], [2, 1, 1], [3, 0.5, 0.5], [4, 0.5, 0.5]]
    assert float(model.parameters["w"]) == -(1 + 1 + 0.25 + 0.25)


def test_outside_of_training_a_schedule_stands_where_it_was_last():
    model = gf.loads(NODES)
    program = model.compile()
    assert [float(v) for v in program({}).values.values()] == [1, 1, 1]
    trainer = model.trainer()
    for _ in range(3):
        trainer.step({})
    for _ in range(2):
        assert [float(v) for v in program({}).values.values()] == [0.5, 1, 3]


def test_a_resumed_schedule_goes_on():
    trainer = gf.loads(NODES).trainer()
    for _ in range(3):
        trainer.step({})
    resumed = gf.loads(NODES).trainer()
    resumed.load_state_dict(trainer.state_dict())
    assert float(resumed.step({}).values["now"]) == 4


def test_the_long_form_counts_alike():
    model = gf.loads(NODES)
    again = gf.loads(model.expanded())
    assert again.graph.nodes.keys() == model.graph.nodes.keys()
    trainer = again.trainer()
    found = [float(trainer.step({}).values["now"]) for _ in range(3)]
    assert found == [1, 2, 3]


def test_a_file_may_use_the_words_for_something_else():
    text = NODES.replace("now: step * 1", "step: 7 * exp(w)\n  now: step * 1")
    trainer = gf.loads(text).trainer()
    assert [float(trainer.step({}).values[n]) for n in ("now", "weight")] == [7, 1]


def test_first_values_know_no_step():
    with pytest.raises(GraphflowError, match="unknown name 'step'"):
        gf.loads(NODES.replace("init: zeros", "init: 0.1 * step"))


LAYERS = """graphflow: 1
name: rates of layers
inputs: {x: {shape: [200, 50]}, y: {shape: [200], dtype: int}}
params: {w: {shape: [50, 4], init: zeros}}
nodes:
  p: piecewise_linear([[0, 0], [2, 0.8]])
  h: dropout(x, p)
  gone: mean(h == 0)
  smooth: cross_entropy(h @ w, y, label_smoothing=0.5 * p)
  temperature: exponential_lr(1, 0.5, min_lr=0.3)
  sharp: softmax(x[0, :4] / temperature)
  loss: smooth + 0 * sum(sharp)
train: {minimize: loss, optimizer: sgd(0), report: [gone, temperature]}
"""


def test_dropout_smoothing_and_temperature_follow_a_schedule():
    rng = np.random.default_rng(0)
    feed = {"x": rng.uniform(1, 2, (200, 50)), "y": rng.integers(0, 4, 200)}
    trainer = gf.loads(LAYERS).trainer()
    values = [trainer.step(feed).values for _ in range(3)]
    assert [float(v["gone"]) for v in values] == pytest.approx([0, 0.4, 0.8], abs=0.02)
    assert [float(v["temperature"]) for v in values] == pytest.approx([1, 0.5, 0.3])
    assert float(values[2]["loss"]) == pytest.approx(np.log(4))


SMOOTH = """graphflow: 1
name: labels that get sharper
params: {w: {shape: [1, 2], init: zeros}}
nodes:
  loss: cross_entropy(w + [0, 1], [0], label_smoothing=step_lr(0.4, 1, gamma=0.5))
train: {minimize: loss, optimizer: sgd(0)}
"""


def test_the_smoothing_of_labels_is_the_one_of_the_step():
    """-log p of the target mixed with the mean over classes, at logits (0, 1)."""
    trainer = gf.loads(SMOOTH).trainer(dtype="float64")
    log_p = np.array([0.0, 1.0]) - np.log(1 + np.e)
    for share in (0.4, 0.2, 0.1):
        expected = -(1 - share) * log_p[0] - share * log_p.mean()
        assert float(trainer.step({}).values["loss"]) == pytest.approx(expected, rel=1e-12)


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
