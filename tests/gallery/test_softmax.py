"""What the book's chapter on classification and lesson 9 claim, in the canned graphs."""

from __future__ import annotations

import numpy as np
import pytest

import graphflow as gf
from tests.gallery.training import losses, needs_data, values_of

MNIST = {"paper": True}
LESSON = [2.2105, 1.3095, 1.0297, 0.8842, 0.6643, 0.5526, 0.4330, 0.4388, 0.3987, 0.4849]


def test_belief_becomes_truth_and_costs_no_more_than_the_entropy():
    model = gf.load("cross_entropy")
    wasted = gf.train(model).history["wasted"].values
    assert wasted[0] == pytest.approx(np.log(3) - 0.8018186, abs=1e-5)
    assert np.all(wasted > -1e-6) and wasted[-1] < 1e-3


def test_only_the_lowered_scores_survive_large_ones():
    naive, half_way, stable, library = values_of(
        "log_softmax", "naive", "half_way", "stable", "library"
    )
    assert np.isnan(naive[0]) and half_way[2] == -np.inf
    np.testing.assert_array_equal(stable, [0, -100, -200])
    np.testing.assert_array_equal(library, stable)
    small = values_of(gf.load("log_softmax", {"largest": 10.0}), "naive", "stable")
    np.testing.assert_allclose(*small, rtol=1e-5, atol=1e-5)


def test_a_cold_softmax_is_a_verdict_and_a_hot_one_a_shrug():
    history = gf.run(gf.load("softmax_temperature")).history
    chances, smooth = history["chances"].values, history["smooth_max"].values
    assert np.ptp(chances[0]) < 0.1 and chances[-1][2] > 0.999
    assert np.all(np.diff(smooth) < 0) and np.all(smooth >= 3)


def test_the_measured_rate_of_2500_cases_scatters_by_a_hundredth():
    assert gf.run(gf.load("test_set_size")).metrics["spread"] == pytest.approx(0.01, rel=0.1)


def test_weighing_old_points_by_the_ratio_fits_the_line_to_the_new_ones():
    model = gf.load("covariate_shift_correction")
    metrics = gf.train(model).metrics
    assert metrics["train/fitted_error"] < 0.1 * metrics["train/plain_error"]
    np.testing.assert_allclose(model.parameters["detector"], [1.011, -2, -3.556], atol=0.15)
    np.testing.assert_allclose(model.parameters["fitted"], [0, -0.73], atol=0.05)


def test_new_shares_are_found_without_labels_and_help():
    history = gf.run(gf.load("label_shift_correction")).history
    found = np.mean(history["p"].values, axis=0)
    np.testing.assert_allclose(found, [0.1, 0.3, 0.6], atol=0.02)
    better = history["corrected"].values - history["accuracy"].values
    assert np.all(better > 0.08)


@pytest.mark.parametrize("name", ["softmax_regression", "softmax_regression_scratch"])
def test_the_loss_falls(name):
    found = [step["loss"] for step in losses(name, 20)]
    assert found[-1] < 0.8 * found[0]


def test_rewritings_read_the_same_digits():
    """Adam comes to 94 in 100 and so does plain descent; a broadcast product changes nothing."""
    library, own = (gf.train(gf.load(f"logreg_{n}")).metrics for n in ("sequential", "scratch"))
    update = gf.run(gf.load("logreg_own_update")).metrics
    assert min(m["test/accuracy"] for m in (library, own, update)) > 0.92
    assert own["test/difference"] < 1e-4


def test_gradients_that_are_not_set_to_zero_pile_up():
    cleared = gf.run(gf.load("manual_training_loop")).history["loss"].values
    piled = gf.run(gf.load("manual_training_loop", {"zero_grad": False})).history["loss"].values
    assert np.max(cleared[-3:]) < 0.4 and np.min(piled[-3:]) > 1.5 * np.max(cleared[-3:])


@needs_data
def test_the_loop_by_hand_prints_the_lessons_log():
    """Another draw and other images, so to a sixth of the first loss."""
    found = gf.run(gf.load("manual_training_loop", MNIST)).history["loss"].values
    np.testing.assert_allclose(found, LESSON, atol=0.35)
    assert found[0] == pytest.approx(LESSON[0], abs=0.15)


def test_without_a_kink_two_layers_are_one():
    straight = gf.train(gf.load("mlp_1hidden", {"rectify": False})).metrics
    bent = gf.train(gf.load("mlp_1hidden")).metrics
    assert straight["test/difference"] < 1e-4 < bent["test/difference"]
    assert bent["test/accuracy"] > straight["test/accuracy"]


@needs_data
@pytest.mark.slow
def test_mnist_is_read_as_well_as_the_lesson_says_of_all_its_images():
    """8,000 images for training, 2,000 to be tested on; the lesson has 60,000: 91-92 and 96."""
    line = gf.train(gf.load("logreg_sequential", MNIST)).metrics["test/accuracy"]
    bent = gf.train(gf.load("mlp_1hidden", MNIST)).metrics["test/accuracy"]
    straight = gf.train(gf.load("mlp_1hidden", {**MNIST, "rectify": False})).metrics
    assert 0.89 < line < 0.93 and bent > 0.94
    assert straight["test/accuracy"] < line + 0.01
