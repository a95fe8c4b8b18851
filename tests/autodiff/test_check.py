"""What a comparison of a gradient with differences can tell."""

from __future__ import annotations

import pytest

from graphflow.api import loads
from graphflow.autodiff import GradientCheck
from graphflow.cli.gradients import check_model


@pytest.mark.parametrize(
    ("analytic", "numeric", "passes"),
    [(1.0, 1.000001, True), (1.0, 1.001, False), (0.0, 3e-9, True), (0.0, 3e-8, False)],
)
def test_what_rounding_makes_of_a_difference_is_no_disagreement(analytic, numeric, passes):
    check = GradientCheck("w", analytic, numeric, 1e-6, numeric, numeric, noise=1e-8)
    assert check.passes() is passes


def test_what_is_no_number_never_agrees():
    nan = float("nan")
    assert not GradientCheck("w", nan, 0.0, 1e-6, 0.0, 0.0, noise=1.0).passes()
    assert not GradientCheck("w", 0.0, nan, 1e-6, 0.0, 0.0, noise=1.0).passes()


BEFORE_A_NORM = """
graphflow: 1
name: a bias that batch norm takes away again
inputs: {x: [B, 1, 8, 8]}
nodes:
  y: batch_norm(conv2d(x, 4, 3))
  f: sum(tanh(y) * y)
data: {source: digits, feed: {x: image / 16}}
"""


def test_a_bias_without_effect_has_no_gradient_within_rounding():
    (found,) = check_model(loads(BEFORE_A_NORM))
    assert found.failures == ()
    assert any(check.name.endswith("conv2d.bias") for check in found.checks)


def test_a_gradient_at_the_end_of_a_domain_is_checked_above_it():
    """sqrt(n + eps) at n = 0, where differences meet a square root of less than nothing."""
    text = "{graphflow: 1, name: r, state: {n: {shape: [3], init: zeros, dtype: float64}}, "
    text += "nodes: {f: 'sum(1 / sqrt(n + 1e-8))'}}"
    (found,) = check_model(loads(text))
    assert found.kinks == ("n",)
    assert found.failures == ()
