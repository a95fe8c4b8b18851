"""Where the pieces of a function meet its derivatives are PyTorch's (torch 2.13, float64)."""

from __future__ import annotations

import numpy as np
import pytest

import graphflow as gf

TARGET = "zeros_like(x), reduction='none'"

JOINTS = [
    ("elu(x)", [0.0], [1.0]),
    ("elu(x, 0.5)", [0.0], [0.5]),
    ("celu(x, 0.5)", [0.0], [1.0]),
    ("selu(x)", [0.0], [1.7580993408473766]),
    ("hardtanh(x)", [-1.0, 1.0], [0, 0]),
    ("relu6(x)", [0.0, 6.0], [0, 0]),
    ("hardsigmoid(x)", [-3.0, 0.0, 3.0], [0, 1 / 6, 0]),
    ("hardswish(x)", [-3.0, 0.0, 3.0], [0, 0.5, 1]),
    ("relu(x)", [0.0], [0.0]),
    ("leaky_relu(x)", [0.0], [0.01]),
    ("softshrink(x)", [-0.5, 0.0, 0.5], [0, 0, 0]),
    ("hardshrink(x)", [-0.5, 0.0, 0.5], [0, 0, 0]),
    ("softsign(x)", [0.0], [1.0]),
    ("abs(x)", [0.0], [0.0]),
    ("clip(x, -1, 1)", [-1.0, 1.0], [1, 1]),
    ("maximum(x, 0 * x + 1)", [1.0], [0.5]),
    ("max(x)", [1.0, 1.0, 0.0], [0.5, 0.5, 0]),
    ("fmod(x, 2.0)", [-3.0, 0.0, 3.0], [1, 1, 1]),
    ("xlogy(x, 2.0)", [0.0], [0.6931471805599453]),
    (f"huber_loss(x, {TARGET})", [-1.0, 0.0, 1.0], [-1, 0, 1]),
    (f"smooth_l1_loss(x, {TARGET})", [-1.0, 0.0, 1.0], [-1, 0, 1]),
    ("norm(x)", [0.0, 0.0], [0, 0]),
]

CURVATURES = [
    (f"huber_loss(x, {TARGET})", [-1.0, 0.0, 0.5, 1.0], [0, 1, 1, 0]),
    (f"smooth_l1_loss(x, {TARGET})", [-1.0, 0.0, 0.5, 1.0], [0, 1, 1, 0]),
    ("hardswish(x)", [-3.0, 0.0, 3.0], [0, 1 / 3, 0]),
    ("gelu(x)", [0.0], [0.7978845608028654]),
    ("mish(x)", [0.0], [0.64]),
    ("softplus(x)", [0.0], [0.25]),
]


def derivative(line: str, x: list[float]) -> np.ndarray:
    model = gf.loads(f"graphflow: 1\nname: t\ninputs: {{x: [{len(x)}]}}\nnodes:\n  y: {line}\n")
    return model.compile(dtype="float64")({"x": x})["y"]


@pytest.mark.parametrize(("call", "x", "expected"), JOINTS)
def test_the_slope_at_a_joint(call: str, x: list[float], expected: list[float]):
    np.testing.assert_allclose(derivative(f"gradient(sum({call}), x)", x), expected, rtol=1e-12)


@pytest.mark.parametrize(("call", "x", "expected"), CURVATURES)
def test_the_curvature_at_a_joint(call: str, x: list[float], expected: list[float]):
    found = derivative(f"diag(hessian(sum({call}), x))", x)
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_fmod_has_the_sign_of_the_dividend():
    found = derivative("fmod(x, [2.0, -2.0, 3.0, -3.0, inf])", [-7.5, 7.5, 0.0, 0.0, -3.0])
    np.testing.assert_array_equal(found, np.fmod([-7.5, 7.5, 0, 0, -3.0], [2, -2, 3, -3, np.inf]))


def test_xlogy_knows_which_zero_wins():
    """As scipy.special.xlogy: 0 ln y is 0, unless y is nan."""
    found = derivative("xlogy(0 * x, x)", [0.0, 3.0, -1.0, 2.0])
    np.testing.assert_array_equal(found, [0, 0, 0, 0])
    found = derivative("xlogy(where(x == x, 0.0, 0.0), x)", [np.inf, np.nan])
    np.testing.assert_array_equal(found, [0, np.nan])
