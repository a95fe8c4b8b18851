"""What the book's chapters on linear regression claim, in the canned graphs."""

from __future__ import annotations

import numpy as np
import pytest

import graphflow as gf
from tests.gallery.training import trained


def test_one_rate_goes_twice_as_far_with_the_whole_squared_error():
    whole = trained("linear_regression")["test/distance"]
    half = trained("linear_regression", half=True)["test/distance"]
    assert whole < 0.04 and 0.3 < half < 0.6
    assert half == pytest.approx(trained("linear_regression_scratch")["test/distance"], abs=0.05)


def test_three_epochs_leave_what_the_book_prints():
    """0.1408, -0.1493 and 0.2130; a hundred seeds give 0.11, -0.19 and 0.23, give or take 0.04."""
    model = gf.load("linear_regression_scratch")
    gf.train(model)
    w, b = model.parameters["w"][:, 0], model.parameters["b"][0]
    assert [2 - w[0], -3.4 - w[1], 4.2 - b] == pytest.approx([0.11, -0.19, 0.226], abs=0.08)


def test_the_solution_in_one_step_is_where_the_slope_ends():
    assert gf.run(gf.load("linear_regression_analytic")).metrics["train/distance"] < 2e-3


def test_gradients_by_hand_are_the_automatic_ones():
    model = gf.load("minibatch_sgd")
    outcome = gf.run(model)
    assert outcome.metrics["train/difference"] < 1e-6
    assert abs(model.state["b"][0] - 4.2) < 0.4


def test_the_noise_is_learned_with_the_line():
    assert trained("gaussian_nll")["test/s"] == pytest.approx(0.5, abs=0.03)


def test_wild_points_move_the_line_of_squares_most():
    wild, tame = trained("huber"), trained("huber", wild=0)
    assert wild["train/off_square"] > 2
    assert wild["train/off_absolute"] < 0.02 and wild["train/off_huber"] < 0.2
    assert max(tame[f"train/off_{kind}"] for kind in ("square", "absolute", "huber")) < 0.02


@pytest.mark.parametrize("start", [2, 4.5, 12])
def test_the_temperature_of_the_sun_is_found(start):
    model = gf.load("planck_law", {"start": start})
    assert gf.run(model).finished
    assert model.state["t"] == pytest.approx(5.8, abs=0.01)


def test_training_error_falls_with_the_degree_and_the_error_on_new_points_does_not():
    history = gf.run(gf.load("polynomial_regression")).history
    train, validation, new = (history[name][1] for name in ("train", "validation", "new"))
    assert np.all(np.diff(train) < 0) and train[11] < 1e-15
    assert np.argmin(validation) == 3 and 3 <= np.argmin(new) <= 5
    assert new[0] > 20 * new[3] and new[11] > 1000 * new[3]


def test_weight_decay_cures_learning_by_heart():
    """The book prints 0.009949 and 0.001727; fifty seeds differ by a tenth."""
    free, held = trained("weight_decay_scratch", lambd=0), trained("weight_decay_scratch")
    assert free["train/error"] < 1e-3 * free["val/error"]
    assert held["train/error"] > 10 * free["train/error"]
    assert held["val/error"] < 0.8 * free["val/error"]
    assert free["val/half_square"] == pytest.approx(0.00995, rel=0.25)
    assert held["val/half_square"] == pytest.approx(0.00173, rel=0.4)


def test_decay_by_the_optimizer_ends_with_the_weights_it_began_with():
    """The book prints 0.01378, which is the start of a linear layer and not that of the book."""
    assert trained("weight_decay")["val/half_square"] == pytest.approx(0.0138, rel=0.2)
    small = trained("weight_decay", bound=0.01 * 3**0.5)
    assert small["val/half_square"] == pytest.approx(0.0017, rel=0.4)


def test_expected_apples_add_up_and_never_fall_below_none():
    model = gf.load("poisson_regression")
    assert abs(gf.train(model).metrics["train/too_many"]) < 1e-3
    shown = model.compile(keep=["rate", "line"])({})
    assert np.all(shown["rate"] > 0) and shown["line"][-1] < 0
