"""Rankings against counts by hand, products of pairs against loops over pairs."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

import graphflow as gf
from tests.library.calling import evaluated

FILMS = """
graphflow: 1
name: films
inputs:
  film: {shape: [3], dtype: int}
  unseen: {shape: [3, 2], dtype: int}
  drawn: {shape: [1], dtype: int}
params:
  nothing: {shape: scalar, init: zeros}
nodes:
  loss: nothing ** 2
  offered, films: against_unseen(film, unseen, drawn)
  times: popularity(film, films, 4)
  hit_rate, auc: first_ranked(times, k=1)
outputs: [offered, films, times, hit_rate, auc]
train: {minimize: loss, optimizer: sgd(0), steps: 1}
"""
RANKED = """
graphflow: 1
name: ranks
inputs: {scores: {shape: [B, 4]}}
nodes: {"hit_rate, auc": "first_ranked(scores, k=%d)"}
outputs: [hit_rate, auc]
"""
FEED = {
    "film": np.array([3, 3, 1]),
    "unseen": np.array([[0, 1], [2, 1], [2, 3]]),
    "drawn": np.array([1]),
}

SCORES = np.array([[3.0, 4.0, 2.0, 1.0], [0.0, 1.0, 2.0, 3.0]])


def test_what_was_seen_stands_before_the_drawn_and_before_all_unseen():
    values = gf.loads(FILMS).compile()(FEED).values
    np.testing.assert_array_equal(values["offered"], [[3, 1], [3, 1], [1, 3]])
    np.testing.assert_array_equal(values["films"], [[3, 0, 1], [3, 2, 1], [1, 2, 3]])


@pytest.mark.parametrize(("k", "share"), [(1, 0), (2, 0.5), (3, 0.5), (4, 1)])
def test_the_share_of_rows_whose_first_is_among_the_k_best(k, share):
    values = gf.loads(RANKED % k).compile()({"scores": SCORES}).values
    assert values["hit_rate"] == share and values["auc"] == pytest.approx(2 / 6)


def test_popularity_counts_what_was_seen_in_training_before_this_step():
    model = gf.loads(FILMS)
    ask = model.compile()
    assert ask(FEED).values["times"].max() == 0
    model.trainer().step(FEED)
    values = ask(FEED).values
    np.testing.assert_array_equal(values["times"], [[2, 0, 1], [2, 0, 1], [1, 0, 2]])
    assert values["hit_rate"] == pytest.approx(2 / 3) and values["auc"] == pytest.approx(5 / 6)
    np.testing.assert_array_equal(ask(FEED).values["times"], values["times"])


def test_products_of_all_pairs_are_those_of_a_loop():
    v = np.random.default_rng(0).standard_normal((2, 5, 4, 3))
    one_by_one = sum((v[:, :, i] * v[:, :, j]).sum(-1) for i, j in combinations(range(4), 2))
    np.testing.assert_allclose(evaluated("pairwise_products(v)", v=v), one_by_one, rtol=1e-12)
