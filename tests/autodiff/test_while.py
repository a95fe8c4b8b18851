"""Derivatives of a loop whose number of turns depends on data."""

from __future__ import annotations

import numpy as np
import pytest

import graphflow as gf

LOOPS = """
graphflow: 1
name: t
inputs: {a: scalar, k: {shape: [3]}}
nodes:
  heron:
    while: abs(x * x - a) > 1e-5
    carry: {x: a, n: 0}
    next: {x: (x + a / x) / 2, n: n + 1}
    max_steps: 30
  grown:
    while: sum(v) < 100
    carry: {v: k}
    next: {v: v * k + sin(v)}
    max_steps: 20
  y: heron.x * sum(grown.v ** 2)
  by_a: gradient(y, a)
  along_a: jvp(y, a, 1.0)
  along_k: jvp(y, k, [1.0, 0.0, 0.0])
  twice: gradient(by_a, a)
  mixed: jvp(by_a, a, 1.0)
outputs: [y, heron.n, by_a, along_a, along_k, twice, mixed]
"""
K = np.array([1.5, 2.0, 2.5])


@pytest.fixture(scope="module")
def model():
    return gf.loads(LOOPS)


def y_at(model, a: float, k: np.ndarray) -> float:
    return float(model.compile(of="y", dtype="float64")({"a": a, "k": k}).values["y"])


@pytest.mark.parametrize("a", [2.0, 50.0])
def test_gradients_are_those_of_the_turns_that_are_made(model, a):
    program = model.compile(of="y", wrt=["a", "k"], dtype="float64")
    found = program({"a": a, "k": K}).gradients
    assert found["a"] == pytest.approx(y_at(model, a, K) / (2 * a), rel=1e-4)
    step = 1e-6 * np.eye(3)
    differences = [(y_at(model, a, K + s) - y_at(model, a, K - s)) / 2e-6 for s in step]
    np.testing.assert_allclose(found["k"], differences, rtol=1e-6)


def test_forward_mode_agrees_and_both_can_be_differentiated_again(model):
    found = model.compile(dtype="float64")({"a": 2.0, "k": K}).values
    backward = model.compile(of="y", wrt="k", dtype="float64")({"a": 2.0, "k": K}).gradients["k"]
    assert int(found["heron.n"]) == 3  # 1.5, 1.41667, 1.414216
    assert found["along_a"] == pytest.approx(float(found["by_a"]))
    assert found["along_k"] == pytest.approx(backward[0])
    assert found["mixed"] == pytest.approx(float(found["twice"]))
    assert found["twice"] == pytest.approx(-float(found["y"]) / 16, rel=1e-3)


def test_compiled_kernels_and_float32_give_the_same(model):
    feed = {"a": 2.0, "k": K}
    plain = model.compile(of="y", wrt=["a", "k"], dtype="float64")(feed).gradients
    fast = model.compile(of="y", wrt=["a", "k"], kernels="numba")(feed).gradients
    np.testing.assert_allclose(fast["k"], plain["k"], rtol=1e-4)


def test_a_loop_that_makes_no_turn_hands_its_gradient_on(model):
    text = "graphflow: 1\nname: t\ninputs: {a: scalar}\nnodes:\n" + (
        "  r: {while: x < 1, carry: {x: 3 * a}, next: {x: 2 * x}, max_steps: 5}\n"
        "  y: r.x\noutputs: [y]\n"
    )
    program = gf.loads(text).compile(of="y", wrt="a")
    assert float(program({"a": 7}).gradients["a"]) == 3
    assert float(program({"a": 0.1}).gradients["a"]) == 12  # 0.3, 0.6, 1.2
    with pytest.raises(gf.GraphflowError, match="did not end"):
        program({"a": 0.001})
