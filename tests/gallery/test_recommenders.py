"""Recommenders beat what knows no taste: the mean of all ratings, the most popular films."""

from __future__ import annotations

import numpy as np
import pytest

from tests.gallery.training import losses, trained, value_of


def test_factors_know_more_of_a_rating_than_the_mean():
    """0.62 against 0.84 stars."""
    metrics = trained("matrix_factorization")
    assert metrics["test/rmse"] < 0.66 < 0.8 < metrics["test/rmse_of_own_mean"]


@pytest.mark.slow
def test_a_net_completes_rows_of_ratings():
    """0.57 against 0.86 stars, of films that were held back."""
    metrics = trained("autorec")
    assert metrics["train/rmse"] < 0.62 < 0.8 < metrics["train/rmse_of_known_mean"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "least"),
    [("neumf", 0.4), ("factorization_machine", 0.48), ("deepfm", 0.47), ("caser", 0.43)],
)
def test_the_last_film_is_found_more_often_than_by_popularity(name, least):
    """0.45, 0.53, 0.52 and 0.48 against 0.22."""
    metrics = trained(name)
    assert metrics["test/hit_rate"] > least
    assert metrics["test/hit_rate_of_popular"] < 0.25
    assert metrics["test/auc"] > metrics["test/auc_of_popular"] + 0.1


def test_all_pairs_are_half_the_square_of_the_sum_minus_the_squares():
    feed = {
        "user": [0, 5], "film": [3, 4], "before": [9, 8],
        "unseen": np.tile(np.arange(40), (2, 1)),
    }  # fmt: skip
    assert value_of("factorization_machine", "off", **feed) < 1e-6


def test_the_loss_falls_from_that_of_chance():
    found = [step["loss"] for step in losses("deepfm", 25)]
    assert np.mean(found[-5:]) < 0.85 * found[0]
