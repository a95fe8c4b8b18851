"""Environments against the equations of their sources, written with NumPy."""

from __future__ import annotations

import numpy as np

import graphflow as gf

CART = """
graphflow: 1
name: carts
inputs:
  state: {shape: [50, 4], dtype: float64}
  action: {shape: [50], dtype: int}
nodes:
  move: cartpole(state, action)
  next: move.next
  fallen: move.fallen
outputs: [next, fallen]
"""


def euler(state: np.ndarray, action: np.ndarray) -> np.ndarray:
    """Barto, Sutton and Anderson 1983 without friction; the numbers are Gymnasium's."""
    gravity, cart, pole, half, step = 9.8, 1.0, 0.1, 0.5, 0.02
    x, v, theta, omega = state.T
    force = np.where(action == 1, 10.0, -10.0)
    swing = force + pole * half * omega**2 * np.sin(theta)
    down = half * (4 / 3 - pole * np.cos(theta) ** 2 / (cart + pole))
    alpha = (gravity * np.sin(theta) - np.cos(theta) * swing / (cart + pole)) / down
    pull = (swing - pole * half * alpha * np.cos(theta)) / (cart + pole)
    return np.stack([x + step * v, v + step * pull, theta + step * omega, omega + step * alpha], 1)


def test_a_push_moves_cart_and_pole_by_their_equations():
    rng = np.random.default_rng(0)
    state = rng.uniform(-1, 1, (50, 4)) * [2.6, 3, 0.25, 3]
    action = rng.integers(0, 2, 50)
    program = gf.loads(CART).compile(of="next", keep=["fallen"])
    values = program({"state": state, "action": action}).values
    expected = euler(state, action)
    np.testing.assert_allclose(values["next"], expected, rtol=1e-6, atol=1e-7)
    off = (np.abs(expected[:, 0]) > 2.4) | (np.abs(expected[:, 2]) > np.radians(12))
    np.testing.assert_array_equal(values["fallen"], off)
    assert off.any() and not off.all()
