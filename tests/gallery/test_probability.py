"""What the graphs of probability claim: laws, estimates, counts, bits."""

from __future__ import annotations

import numpy as np
import pytest

import graphflow as gf
from tests.gallery.training import needs_data, values_of


def reported(name: str, **overrides: object) -> dict[str, float]:
    """What the last step of a run reports."""
    return dict(gf.run(gf.load(name, overrides)).metrics)


def last_share(**overrides: object) -> float:
    """The share of two thousand intervals that hold the true mean."""
    outcome = gf.run(gf.load("confidence_interval", overrides))
    return float(outcome.history["share"].values[-1])


def test_half_of_the_mean_has_half_of_its_error():
    whole, half = (
        values_of(gf.load("bias_variance", {"shrink": by}), "error", "sum_of_both")
        for by in (1.0, 0.5)
    )
    assert whole[0] == pytest.approx(1, rel=0.05) and half[0] == pytest.approx(0.5, rel=0.05)
    for error, both in (whole, half):
        assert error == pytest.approx(both, rel=1e-5)
    (one_draw,) = values_of(gf.load("bias_variance", {"n": 1}), "error")
    assert one_draw == pytest.approx(16, rel=0.05)


def test_an_interval_holds_the_mean_in_95_of_100_cases_and_a_short_one_in_half():
    assert last_share(**{"run.seed": 1}) == pytest.approx(0.95, abs=0.015)
    assert last_share(N=2, t_star=1) == pytest.approx(0.5, abs=0.04)


def test_heads_near_a_bell_and_those_of_a_straight_coin_sooner():
    (bent,) = values_of("central_limit", "apart", dtype="float64")
    (straight,) = values_of(gf.load("central_limit", {"p": 0.5}), "apart", dtype="float64")
    np.testing.assert_allclose(bent[1:-1] / bent[2:], np.sqrt(10), rtol=0.1)
    assert np.all(straight < bent)


def test_chebyshev_is_sharp_and_never_broken():
    out, bound = values_of("chebyshev", "out", "bound", dtype="float64")
    assert out.max() < bound[0] < out.max() + 0.005


def test_clouds_of_many_points_have_their_covariance_and_correlation():
    many = gf.load("covariance_scatter", {"n": 50000})
    covariances, correlations = values_of(many, "covariances", "correlations")
    np.testing.assert_allclose(covariances, [-0.9, 0, 1.2], atol=0.03)
    np.testing.assert_allclose(correlations, [-0.9, 0, 1], atol=0.02)


def test_a_hundred_draws_follow_the_binomial_law():
    (drawn,) = values_of(gf.load("discrete_distributions", {"draws": 20000}), "chosen")
    law = values_of("discrete_distributions", "binomial_law")[0]
    np.testing.assert_allclose(np.bincount(drawn, minlength=20) / 20000, law, atol=0.012)


@pytest.mark.parity
def test_the_divergences_of_the_book_come_from_sorted_samples():
    torch = pytest.importorskip("torch")
    torch.manual_seed(1)
    p, left, right = (torch.normal(mean, 1.0, (10000,)).sort()[0].numpy() for mean in (0, -1, 1))
    printed = {8582.03: (p, left), 8828.31: (p, right), 14130.13: (right, p)}
    for value, (of, to) in printed.items():
        (found,) = values_of("kl_divergence", "by_samples", samples_p=of, samples_q=to)
        assert found == pytest.approx(value, abs=0.02)
    assert np.mean(p / left < 0) == pytest.approx(1 / 3, abs=0.02)


def test_the_power_of_eight_samples_and_what_the_test_finds():
    values = values_of("test_power", "power", "false_alarms", "found")
    np.testing.assert_allclose(values, [0.8074, 0.05, 0.8074], atol=0.02)


def test_counting_reads_digits():
    outcome = reported("naive_bayes")
    assert 0.87 < outcome["test/accuracy"] < 0.9


@needs_data
@pytest.mark.slow
def test_counting_reads_mnist():
    assert 0.81 < reported("naive_bayes", paper=True)["test/accuracy"] < 0.85


def test_two_means_tell_threes_from_eights():
    assert reported("mean_difference_classifier")["test/accuracy"] > 0.97


def test_a_hundred_steps_find_the_share_of_heads():
    model = gf.load("coin_mle")
    gf.train(model)
    assert float(model.parameters["theta"]) == pytest.approx(0.97131, abs=1e-5)


def test_the_density_of_samples_is_rough_or_blurred():
    apart = {
        width: float(values_of(gf.load("kernel_density", {"width": width}), "apart")[0])
        for width in (0.02, 0.3, 1.0)
    }
    assert apart[0.3] < min(apart[0.02], apart[1.0]) / 2
