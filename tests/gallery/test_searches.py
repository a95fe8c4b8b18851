"""What the graphs of the topic tuning claim."""

from __future__ import annotations

import numpy as np
import pytest

import graphflow as gf


@pytest.mark.slow
def test_the_rate_walks_to_the_lowest_validation_loss():
    """From 0.01 to 1.355, where the slope is 0; 1 and 2 are worse."""
    model = gf.load("hypergradient")
    metrics = gf.train(model).metrics
    assert metrics["train/lr"] == pytest.approx(1.355, abs=0.01)
    assert abs(metrics["train/by_log_lr"]) < 1e-3
    beside = [
        gf.train(gf.load("hypergradient", {"start": rate, "train.epochs": 1})).metrics["train/loss"]
        for rate in (1, 2)
    ]
    assert metrics["train/loss"] < min(beside)


def test_bayesian_search_finds_the_valley_every_time_and_random_search_in_one_of_five():
    metrics = gf.run(gf.load("bayesian_optimization")).metrics
    assert metrics["bayesian_found"] == 1 and 0.1 < metrics["random_found"] < 0.4
    assert metrics["bayesian"] < -6 < metrics["random"]


def test_the_expected_improvement_has_the_slopes_of_the_formula():
    """By the mean -Phi(u), by the deviation phi(u): at u = 0.5, -0.6915 and 0.3521."""
    text = """
graphflow: 1
name: improvement
inputs: {m: {shape: [1], default: '[0.0]'}, s: {shape: [1], default: '[1.0]'}}
nodes:
  gain: expected_improvement(m, s, 0.5)
  total: sum(gain)
  by_m, by_s: gradient(total, [m, s])
outputs: [gain]
"""
    values = gf.loads(text).compile(of="total", keep=["gain", "by_m", "by_s"])({}).values
    found = [float(np.squeeze(values[name])) for name in ("gain", "by_m", "by_s")]
    assert found == pytest.approx([0.6978, -0.6915, 0.3521], abs=1e-4)
