"""What the articles on convolution, variants of SGD and learning rates say, and what comes out."""

from __future__ import annotations

import numpy as np
import pytest

import graphflow as gf
from tests.gallery.training import GRAPHS

VARIANTS = ["sgd", "momentum", "nesterov", "rmsprop", "adam"]


@pytest.mark.parametrize(
    "overrides", [{}, {"stride": 2, "padding": 1}, {"stride": 3}, {"size": 5, "k": 2, "stride": 2}]
)
def test_im2col_and_its_adjoint_are_the_convolution(overrides):
    program = gf.load(GRAPHS["conv_numpy"], overrides).compile(dtype="float64", keep=["off"])
    assert program({})["off"] < 1e-11


def test_the_windows_of_three_colours_are_25_rows_of_27():
    program = gf.load(GRAPHS["conv_numpy"]).compile(dtype="float64", keep=["vec"])
    assert program({})["vec"].shape == (2, 25, 27)


def test_written_out_and_from_the_library_the_variants_go_the_same_way():
    scratch, library = (gf.load(GRAPHS[n]) for n in ("sgd_variants", "sgd_variants_library"))
    gf.run(scratch, steps=20, dtype="float64")
    gf.train(library, steps=20, dtype="float64")
    for name in VARIANTS:
        moved = scratch.state[f"d_{name}"]
        assert np.linalg.norm(moved) > 0.01
        np.testing.assert_allclose(moved, library.parameters[f"d_{name}"], rtol=1e-6, atol=1e-9)


def test_all_variants_beat_plain_descent_and_the_adaptive_ones_fall_fastest():
    history = gf.run(gf.load(GRAPHS["sgd_variants"])).history
    plain, heavy, ahead, rmsprop, adam = (history[f"{n}_loss"].values for n in VARIANTS)
    for step in (29, 145, -1):
        assert max(rmsprop[step], adam[step]) < min(heavy[step], ahead[step])
        assert max(heavy[step], ahead[step]) < plain[step]


def test_the_learning_rates_form_a_valley_and_the_search_stops_in_its_wall():
    model = gf.load(GRAPHS["lr_finder"])
    outcome = gf.run(model)
    rate, smoothed = (outcome.history[name].values for name in ("rate", "smoothed"))
    lowest = int(np.argmin(smoothed))
    assert outcome.finished and len(rate) < 938
    assert 0.1 < rate[lowest] < 2
    assert smoothed[lowest] < 0.5 * smoothed[10]
    assert smoothed[-1] > 4 * smoothed[lowest] >= smoothed[-2]
    flat = smoothed[: np.searchsorted(rate, 1e-4)]
    assert np.ptp(flat) < 0.1
    np.testing.assert_allclose(rate[1:] / rate[:-1], 1.022363, rtol=1e-5)


def test_the_cycles_turn_where_the_article_says():
    history = gf.run(gf.load(GRAPHS["one_cycle_schedules"])).history
    long, by_hand, high, momentum = (
        history[name].values for name in ("long", "by_hand", "high", "momentum")
    )
    np.testing.assert_allclose(long, by_hand, atol=1e-6)
    np.testing.assert_allclose(long[[0, 82, 164, 190]], [0.08, 0.8, 0.08, 0.0008], rtol=1e-5)
    np.testing.assert_allclose(high[[0, 45, 90, 100]], [0.15, 3, 0.15, 0.0015], rtol=1e-5)
    np.testing.assert_allclose(momentum[[0, 45, 90, 100]], [0.95, 0.85, 0.95, 0.95], rtol=1e-5)


@pytest.mark.parametrize("seed", [0, 1])
def test_one_cycle_beats_constant_rates_at_equal_epochs(seed):
    cycle = gf.train(gf.load(GRAPHS["one_cycle"]), seed=seed).metrics["test/loss"]
    for lr in (0.03, 0.1, 0.3):
        constant = gf.load(GRAPHS["one_cycle"], {"train.optimizer": f"sgd(lr={lr}, momentum=0.9)"})
        assert cycle < 0.8 * gf.train(constant, seed=seed).metrics["test/loss"]
