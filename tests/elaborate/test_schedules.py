"""Schedules: any number of an optimizer, bounds on gradients, and what the nodes compute."""

from __future__ import annotations

import numpy as np
import pytest

import graphflow as gf
from graphflow.diagnostics import GraphflowError
from tests.library.small_training import file, path, walk


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
    w, m, s = 1.0, 0.0, 0.0
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
        with pytest.raises(GraphflowError, match="'clip_norm' is a positive number"):
            gf.loads(file("sum(w)", "sgd(1)", {"w": [1.0]}, more=f'  clip_norm: "{bound}"\n'))


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


RATES = """graphflow: 1
name: rates
let: {rate: 0.5}
params: {w: {shape: scalar, init: zeros}}
nodes:
  falling: step_lr(rate, 1)
  loss: w * 1
train: {minimize: loss, optimizer: OPTIMIZER}
"""


@pytest.mark.parametrize(
    ("optimizer", "way"),
    [
        ("sgd(rate)", [-0.5, -1.0]),
        ("sgd(falling)", [-0.5, -0.55]),
        ("sgd(2 * falling)", [-1.0, -1.1]),
        ("sgd(rate / step)", [-0.5, -0.75]),
    ],
)
def test_a_rate_may_be_a_constant_or_a_node_of_the_file(optimizer, way):
    trainer = gf.loads(RATES.replace("OPTIMIZER", optimizer)).trainer(dtype="float64")
    found = []
    for _ in way:
        trainer.step({})
        found.append(float(np.asarray(trainer.store.array("w"))))
    assert found == pytest.approx(way)
