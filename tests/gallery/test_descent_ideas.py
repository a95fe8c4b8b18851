"""What the graphs of chapter 12 of Dive into Deep Learning say beside the trajectories."""

from __future__ import annotations

import numpy as np
import pytest

import graphflow as gf

from .training import values_of


@pytest.mark.parametrize(("start", "steps"), [(4, 378), (3, 55)])
def test_a_plateau_takes_as_many_steps_as_the_file_says(start, steps):
    outcome = gf.run(gf.load("tanh_plateau", {"start": start}))
    assert outcome.finished
    assert len(outcome.history["slope"].values) == steps


def test_the_best_step_along_a_line_zigzags_from_the_worst_start():
    f = gf.run(gf.load("line_search", {"x2": -0.25})).history["f"].values
    np.testing.assert_allclose(f[1:] / f[:-1], (19 / 21) ** 2, rtol=1e-5)


@pytest.mark.parametrize(("lr", "ends"), [(0.05, {-0.274, 1.090}), (0.2, {-0.274, 0.815, 1.263})])
def test_a_rate_may_be_too_high_for_one_valley_alone(lr, ends):
    starts = gf.run(gf.load("local_minima", {"lr": lr})).history["starts"].values
    assert set(np.round(starts[-1], 3).tolist()) == ends


def test_as_many_rows_are_drawn_as_probability_says():
    history = gf.run(gf.load("sampling_with_replacement")).history
    assert np.mean(history["seen"].values) == pytest.approx(1 - 0.999**1000, abs=0.005)
    assert np.mean(history["seen_once"].values) == pytest.approx(0.999**999, abs=0.007)


def test_a_projection_takes_no_two_points_further_apart():
    ball, diamond = values_of("clip_is_projection", "stretch", "stretch_on_diamond")
    assert max(float(ball), float(diamond)) <= 1 + 1e-5


@pytest.mark.parametrize("penalty", [9, 99])
def test_a_penalty_stays_outside_of_the_fence(penalty):
    model = gf.load("lagrangian", {"penalty": penalty, "run.steps": 300})
    excess = gf.run(model).history["penalised_excess"].values[-1]
    assert excess == pytest.approx(2 / (1 + penalty), rel=1e-6)


@pytest.mark.parametrize(("high", "wide"), [(256, 1), (32, 32), (256, 256)])
def test_every_tiling_gives_the_same_product(high, wide):
    (apart,) = values_of(gf.load("matmul_blocks", {"high": high, "wide": wide}), "apart")
    assert apart < 1e-5
