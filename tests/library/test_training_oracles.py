"""Optimizers and schedules against numbers that a book prints: Dive into Deep Learning, 12."""

from __future__ import annotations

import numpy as np
import pytest

from tests.library.our_run import rates
from tests.library.small_training import path

BOWL = "w[0] ** 2 + 2 * w[1] ** 2"
VALLEY = "0.1 * w[0] ** 2 + 2 * w[1] ** 2"
WAVES = "x * cos(0.15 * pi * x)"


@pytest.mark.parametrize(
    ("loss", "optimizer", "printed"),
    [
        ("x * x", "sgd(0.2)", 0.060466),
        ("x * x", "sgd(0.05)", 3.486784),
        ("x * x", "sgd(1.1)", 61.917364),
        (WAVES, "sgd(2)", -1.528166),
        ("exp(0.5 * x) / 2 + exp(-0.5 * x) / 2", "newton()", 0.0),
        (WAVES, "newton()", 26.834133),
        (WAVES, "newton(lr=0.5)", 7.269860),
    ],
)
def test_one_number_from_10_in_10_steps(loss, optimizer, printed):
    """12.3: printed are six digits, of the damped Newton steps 26.8341 and 7.2699."""
    found = path(loss, optimizer, 10, {"x": 10.0})["x"][-1]
    assert found == pytest.approx(printed, abs=1e-6 if abs(printed) < 7 or printed > 60 else 5e-5)


@pytest.mark.parametrize(
    ("loss", "optimizer", "printed"),
    [
        (BOWL, "sgd(0.1)", (-0.057646, -0.000073)),
        (VALLEY, "sgd(0.4)", (-0.943467, -0.000073)),
        (VALLEY, "sgd(0.6)", (-0.387814, -1673.365109)),
        (VALLEY, "sgd(0.6, momentum=0.5)", (0.007188, 0.002553)),
        (VALLEY, "sgd(0.6, momentum=0.25)", (-0.126340, -0.186632)),
        (VALLEY, "sgd(0.6, momentum=0.5, lr_in_velocity=true)", (0.007188, 0.002553)),
        (VALLEY, "adagrad(0.4, eps=1e-6, eps_inside_root=true)", (-2.382563, -0.158591)),
        (VALLEY, "adagrad(2, eps=1e-6, eps_inside_root=true)", (-0.002295, -0.000000)),
        (VALLEY, "rmsprop(0.4, alpha=0.9, eps=1e-6, eps_inside_root=true)", (-0.010599, 0.000000)),
    ],
)
def test_two_numbers_from_minus_5_and_minus_2_in_20_steps(loss, optimizer, printed):
    found = path(loss, optimizer, 20, {"w": [-5.0, -2.0]})["w"][-1]
    np.testing.assert_allclose(found, printed, rtol=1e-9, atol=6e-7)


def test_newton_is_done_with_a_quadratic_after_one_step():
    found = path("sum((w - [3, -1]) ** 2) + w[0] * w[1]", "newton()", 1, {"w": [7.0, 5.0]})["w"]
    np.testing.assert_allclose(found[-1], np.linalg.solve([[2, 1], [1, 2]], [6, -2]), rtol=1e-12)


def test_newton_with_absolute_curvature_goes_downhill_where_newton_climbs():
    """At 2 the waves fall to the right, and are curved downwards."""
    climbing = path(WAVES, "newton()", 1, {"x": 2.0})["x"][-1]
    falling = path(WAVES, "newton(absolute=true)", 1, {"x": 2.0})["x"][-1]
    assert 2 - climbing == pytest.approx(falling - 2)
    assert climbing < 2 < falling


def test_damping_and_the_diagonal():
    """H = [[2, 1], [1, 4]], g = H w - (1, 1)."""
    loss, w = "w[0] ** 2 + w[0] * w[1] + 2 * w[1] ** 2 - sum(w)", np.array([1.0, 2.0])
    h = np.array([[2.0, 1.0], [1.0, 4.0]])
    g = h @ w - 1
    found = path(loss, "newton(0.5, damping=3)", 1, {"w": w})["w"][-1]
    np.testing.assert_allclose(found, w - 0.5 * np.linalg.solve(h + 3 * np.eye(2), g), rtol=1e-12)
    found = path(loss, "newton(damping=1, diagonal=true)", 1, {"w": w})["w"][-1]
    np.testing.assert_allclose(found, w - g / (np.diag(h) + 1), rtol=1e-12)


def test_lookahead_takes_the_gradient_where_the_velocity_leads():
    w, v = np.array([-5.0, -2.0]), np.zeros(2)
    found = path(VALLEY, "nesterov(0.1, momentum=0.7)", 8, {"w": w})["w"]
    for ours in found[1:]:
        ahead = w - 0.7 * v
        v = 0.7 * v + 0.1 * np.array([0.2, 4.0]) * ahead
        w = w - v
        np.testing.assert_allclose(ours, w, rtol=1e-12)


# -- schedules ------------------------------------------------------------------------------------
def test_rates_that_fall_with_a_power_of_time():
    """12.4: lr (beta t + 1)^(-alpha) and lr e^(-lambda t)."""
    assert rates("inverse_power_lr(0.1, 0.1, 0.5)", 3) == pytest.approx(
        [0.1, 0.1 / 1.1**0.5, 0.1 / 1.2**0.5]
    )
    assert rates("exponential_lr(0.1, exp(-0.1))", 3) == pytest.approx(
        [0.1, 0.1 * np.exp(-0.1), 0.1 * np.exp(-0.2)]
    )


def test_the_two_ramps_and_the_tail_of_one_cycle_by_points():
    """Epochs 0, 41, 82, 95 at 0.08, 0.8, 0.08, 0.008."""
    found = rates("piecewise_linear([[0, 0.08], [41, 0.8], [82, 0.08], [95, 0.008]])", 100)
    expected = np.interp(np.arange(100), [0, 41, 82, 95], [0.08, 0.8, 0.08, 0.008])
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_the_ramp_of_a_learning_rate_finder():
    """From 1e-8 to 10 in 938 batches each rate is 1.022363 times the one before."""
    found = rates("lr_range(1e-8, 10, 938)", 6)
    np.testing.assert_allclose(found, 1e-8 * 1.022363 ** np.arange(6), rtol=1e-5)
    assert rates("lr_range(1e-3, 10, 5)", 6)[3:] == pytest.approx([1, 10, 10])


def test_restarts_keep_time_over_many_cycles():
    found = rates("cosine_restarts_lr(1, 1, t_mult=2)", 1024)
    starts = [n for n, rate in enumerate(found) if rate > 1 - 1e-9]
    assert starts == [2**k - 1 for k in range(11)]
