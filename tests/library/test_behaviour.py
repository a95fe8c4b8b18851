"""What no comparison of one call shows: state, chance, positions, update rules."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

import graphflow as gf
from tests.library.calling import evaluated
from tests.library.our_run import rates, trained
from tests.library.training_cases import start

# -- batch norm ----------------------------------------------------------------------------------
NORM = """graphflow: 1
name: running statistics
inputs: {x: {shape: [B, 3, 4]}}
nodes:
  n: batch_norm(x, momentum=0.2)
  loss: sum(sin(n))
outputs: [n]
train: {minimize: loss, optimizer: sgd(0), steps: 1}
"""


def test_running_statistics_follow_the_batches_and_serve_evaluation():
    model = gf.loads(NORM)
    trainer = model.trainer(dtype="float64")
    rng = np.random.default_rng(0)
    mean, var = np.zeros(3), np.ones(3)
    for rows in (5, 2, 7):
        x = rng.standard_normal((rows, 3, 4)) * 3 + 1
        trainer.step({"x": x})
        mean = 0.8 * mean + 0.2 * x.mean(axis=(0, 2))
        var = 0.8 * var + 0.2 * x.var(axis=(0, 2), ddof=1)
    np.testing.assert_allclose(model.state["n.running_mean"], mean, rtol=1e-12)
    np.testing.assert_allclose(model.state["n.running_var"], var, rtol=1e-12)
    shown = model.compile(dtype="float64")({"x": x}).values["n"]
    expected = (x - mean[:, None]) / np.sqrt(var[:, None] + 1e-5)
    np.testing.assert_allclose(shown, expected, rtol=1e-12)
    np.testing.assert_allclose(model.state["n.running_mean"], mean, rtol=1e-12)


# -- dropout -------------------------------------------------------------------------------------
DROP = """graphflow: 1
name: chance
inputs: {x: {shape: [64, 5, 8, 8]}}
nodes:
  out: CALL
  total: sum(out)
outputs: [out, total]
"""


def dropped(call: str, step: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """The result of dropout on ones, and the derivative of its sum."""
    program = gf.loads(DROP.replace("CALL", call)).compile(
        of="total", wrt="x", keep=["out"], mode="train"
    )
    result = program({"x": np.ones((64, 5, 8, 8))}, step=step)
    return result.values["out"], result.gradients["x"]


def test_dropout_keeps_the_mean_and_lets_the_gradient_through_what_it_kept():
    out, gradient = dropped("dropout(x, 0.2)")
    assert set(np.unique(out)) == {np.float32(0), np.float32(1.25)}
    assert (out == 0).mean() == pytest.approx(0.2, abs=0.02)
    np.testing.assert_array_equal(gradient, out)
    assert (dropped("dropout(x, 0.2)", step=1)[0] != out).any()


def test_dropout2d_takes_whole_channels():
    out, _ = dropped("dropout2d(x, 0.5)")
    channels = out.reshape(64 * 5, 64)
    assert (channels == channels[:, :1]).all()
    assert (channels[:, 0] == 0).mean() == pytest.approx(0.5, abs=0.1)


# -- positions -----------------------------------------------------------------------------------
def test_sinusoid_counts_in_waves():
    table = evaluated("sinusoid(6, 8) + 0 * x", x=np.zeros(()))
    i, j = np.arange(6)[:, None], np.arange(4)
    angle = i / 10000 ** (2 * j / 8)
    np.testing.assert_allclose(table[:, 0::2], np.sin(angle), atol=1e-12)
    np.testing.assert_allclose(table[:, 1::2], np.cos(angle), atol=1e-12)


# -- rates and rules without a twin in PyTorch ---------------------------------------------------
def test_noam_rises_and_falls():
    expected = [512**-0.5 * min(s**-0.5, s * 4**-1.5) for s in range(1, 9)]
    assert rates("noam(512, warmup=4)", 8) == pytest.approx(expected)


def test_cosine_with_warmup_has_the_values_of_the_book():
    """Dive into Deep Learning 12.11: five steps of warm-up, then a wave that ends at 20."""
    found = rates("cosine_lr(0.3, 20, min_lr=0.01, warmup=5)", 23)
    assert found[:7] == pytest.approx([0, 0.06, 0.12, 0.18, 0.24, 0.3, 0.29683], rel=1e-4)
    assert found[10] == pytest.approx(0.2275, rel=1e-4)
    assert found[20:] == pytest.approx([0.01] * 3)


def test_schedules_that_count_epochs():
    found = rates("step_lr(0.8, 2, gamma=0.5, per='epoch')", 9, steps_per_epoch=2)
    assert found == pytest.approx([0.8] * 4 + [0.4] * 4 + [0.2])
    found = rates("multi_step_lr(0.8, [1], gamma=0.5, per='epoch')", 4, steps_per_epoch=3)
    assert found == pytest.approx([0.8] * 3 + [0.4])


def test_further_schedules():
    assert rates("inverse_sqrt_lr(0.1)", 4) == pytest.approx([0.1 / n**0.5 for n in (1, 2, 3, 4)])
    assert rates("exponential_lr(2, 0.5, min_lr=0.3)", 4) == pytest.approx([2, 1, 0.5, 0.3])
    assert rates("warmup(step_lr(0.8, 2), 4)", 4) == pytest.approx([0, 0.2, 0.04, 0.06])


def test_momentum_falls_while_the_rate_rises():
    """v <- m v + 1 for a derivative of 1: each step shows the momentum it was made with."""
    steps = rates("1, momentum=one_cycle_momentum(11, pct_start=0.5, anneal_strategy=linear)", 9)
    momenta = [(after - 1) / before for before, after in pairwise(steps)]
    rise = np.linspace(0.95, 0.85, 46)[10::10]  # 4.5 steps down
    assert momenta[:4] == pytest.approx(rise, rel=1e-6)
    assert momenta[4] < momenta[5] < momenta[6] < momenta[7]


def slope(w: np.ndarray, x: np.ndarray) -> np.ndarray:
    return x * np.cos(w * x) + 0.3 * w**2


def test_yogi_moves_its_mean_square_by_a_bounded_amount():
    w, x = start()
    m, v = np.zeros_like(w), np.zeros_like(w)
    for t, ours in enumerate(trained("yogi(0.1)"), 1):
        g = slope(w, x)
        m = 0.9 * m + 0.1 * g
        v = v + 0.001 * np.sign(g**2 - v) * g**2
        w = w - 0.1 * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-3)
        np.testing.assert_allclose(ours, w, rtol=1e-9)


def test_lion_moves_every_entry_by_the_rate():
    w, x = start()
    m = np.zeros_like(w)
    for ours in trained("lion(0.1, weight_decay=0.2)"):
        g = slope(w, x)
        w = w * (1 - 0.02) - 0.1 * np.sign(0.9 * m + 0.1 * g)
        m = 0.99 * m + 0.01 * g
        np.testing.assert_allclose(ours, w, rtol=1e-9)
