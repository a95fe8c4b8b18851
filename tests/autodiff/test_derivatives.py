"""Derivatives as graph: the chain rule, regions, forward mode, and the check of gradients."""

from __future__ import annotations

import numpy as np
import pytest

import graphflow as gf
from graphflow.autodiff import check_gradients, reverse
from graphflow.ir.graph import Graph
from graphflow.ir.types import DType, TensorType
from graphflow.ops import Builder, F, register
from graphflow.ops.elementwise import Float
from graphflow.ops.evaluate import evaluate
from graphflow.ops.op import OPS

F64 = DType.FLOAT64
HEAD = "graphflow: 1\nname: t\n"


def scalar(builder: Builder, name: str) -> object:
    return builder.input(name, TensorType(F64))


def values(graph: Graph, **leaves: float) -> dict[str, np.ndarray]:
    return evaluate(graph, {n: np.asarray(v, dtype=np.float64) for n, v in leaves.items()})


def test_a_fan_out_is_summed_by_an_add_node():
    b = Builder()
    x = b.input("x", TensorType(F64))
    left = b.add("sin", x, name="left")
    right = b.add("exp", x, name="right")
    b.add("mul", left, right, name="y")
    graph = reverse(b.graph(), "y", ["x"])
    total = graph["x.grad"]
    assert total.op == "add" and set(total.inputs) == {"x.grad.left", "x.grad.right"}
    for name, twin in (("x.grad.left", "left"), ("x.grad.right", "right")):
        origin = graph.origin(name)
        assert (origin.twin, origin.wrt, origin.phase) == (twin, "x", "backward")
    found = values(graph, x=0.7)
    expected = np.cos(0.7) * np.exp(0.7) + np.sin(0.7) * np.exp(0.7)
    np.testing.assert_allclose(found["x.grad"], expected, rtol=1e-14)


def test_stop_gradient_cuts_the_path():
    b = Builder()
    x = b.input("x", TensorType(F64))
    b.add("mul", x, F.stop_gradient(x * x), name="y")
    graph = reverse(b.graph(), "y", ["x"])
    np.testing.assert_allclose(values(graph, x=3.0)["x.grad"], 9.0)


def test_what_does_not_matter_has_a_gradient_of_zeros():
    b = Builder()
    x, z = b.input("x", TensorType(F64)), b.input("z", TensorType(F64, (2,)))
    b.add("exp", x, name="y")
    graph = reverse(b.graph(), "y", ["z"])
    assert z.name == "z"
    np.testing.assert_array_equal(values(graph, x=1.0, z=[1.0, 2.0])[graph.gradients["y", "z"]], 0)


def test_only_what_is_asked_for_is_computed():
    b = Builder()
    x, w = b.input("x", TensorType(F64, (4, 3))), b.input("w", TensorType(F64, (3, 2)))
    b.add("sum", x @ w, name="y")
    graph = reverse(b.graph(), "y", ["w"])
    backward = [n for n in graph if graph.origin(n.name).phase == "backward"]
    assert sum(n.op == "matmul" for n in backward) == 1
    assert not [n.name for n in backward if n.name.startswith("x.")]


def test_gradients_of_gradients():
    model = gf.loads(
        HEAD
        + """
inputs: {x: scalar}
nodes: {y: x ** 4, d1: "gradient(y, x)", d2: "gradient(d1, x)", d3: "gradient(d2, x)"}
"""
    )
    found = model.compile(of="d3", wrt="x", dtype="float64", keep=["d1", "d2"])({"x": 2.0})
    assert float(found["d1"]) == pytest.approx(32)
    assert float(found["d2"]) == pytest.approx(48)
    assert float(found["d3"]) == pytest.approx(48)
    assert float(found.gradients["x"]) == pytest.approx(24)


def test_a_vector_needs_a_cotangent():
    model = gf.loads(HEAD + "inputs: {x: {shape: [3]}}\nnodes: {y: x ** 2}\n")
    program = model.compile(of="y", wrt="x", dtype="float64")
    with pytest.raises(gf.GraphflowError, match="cotangent"):
        program({"x": [1, 2, 3]})
    found = program({"x": [1, 2, 3]}, cotangent=np.array([1.0, 0.0, -1.0]))
    np.testing.assert_allclose(found.gradients["x"], [2, 0, -6])


def test_an_operator_without_derivative_is_named():
    nodes = "nodes: {'re, im': eigvals(x), n: sum(re)}\n"
    model = gf.loads(HEAD + "inputs: {x: {shape: [3, 3]}}\n" + nodes)
    with pytest.raises(gf.GraphflowError) as caught:
        model.compile(of="n", wrt="x")
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == "GF052" and "eigvals" in diagnostic.message


RNN = (
    HEAD
    + """
inputs: {x: {shape: [T, 2]}}
params: {w: {shape: [2, 2], init: ones}, u: {shape: [2, 2], init: ones}}
nodes:
  rnn:
    scan: {v: x}
    carry: {h: "zeros([2])"}
    nodes: {n: tanh(v @ w + h @ u)}
    next: {h: n}
    collect: [n]
  y: sum(rnn.n ** 2) + sum(rnn.final.h)
"""
)


def unrolled(x: np.ndarray, w: np.ndarray, u: np.ndarray) -> float:
    h, total = np.zeros(2), 0.0
    for v in x:
        h = np.tanh(v @ w + h @ u)
        total += (h**2).sum()
    return total + h.sum()


def test_back_propagation_through_time_is_one_node_with_a_body():
    rng = np.random.default_rng(0)
    model, x = gf.loads(RNN), rng.standard_normal((5, 2))
    for name in model.parameters:
        model.parameters[name] = rng.standard_normal((2, 2))
    program = model.compile(of="y", wrt=["w", "u", "x"], dtype="float64")
    backward = [n for n in program.graph if n.op == "scan" and n.name != "rnn"]
    assert len(backward) == 1 and backward[0].attr("reverse") is True
    found = program({"x": x})
    given = {"x": x, "w": np.array(model.parameters["w"]), "u": np.array(model.parameters["u"])}
    assert float(found["y"]) == pytest.approx(unrolled(**given))
    for name, at in given.items():
        numeric = np.zeros_like(at)
        for index in np.ndindex(at.shape):
            step = np.zeros_like(at)
            step[index] = 1e-6
            ends = [unrolled(**{**given, name: at + s * step}) for s in (1, -1)]
            numeric[index] = (ends[0] - ends[1]) / 2e-6
        np.testing.assert_allclose(found.gradients[name], numeric, rtol=1e-6, atol=1e-8)


def test_second_derivatives_and_forward_mode_through_a_scan():
    model = gf.loads(
        HEAD
        + """
inputs: {x: scalar, v: scalar}
nodes:
  s: {scan: {steps: 3}, carry: {h: x}, next: {h: sin(h) * x}}
  y: s.final.h
  d: gradient(y, x)
  dd: gradient(d, x)
  f: jvp(y, x, v)
  ff: jvp(d, x, v)
"""
    )
    program = model.compile(of="y", dtype="float64", keep=["d", "dd", "f", "ff"])

    def at(x: float) -> gf.Result:
        return program({"x": x, "v": 2.0})

    x, h = 0.8, 1e-5
    found = at(x)
    assert float(found["d"]) == pytest.approx(
        (float(at(x + h)["y"]) - float(at(x - h)["y"])) / (2 * h), rel=1e-7
    )
    assert float(found["dd"]) == pytest.approx(
        (float(at(x + h)["d"]) - float(at(x - h)["d"])) / (2 * h), rel=1e-7
    )
    assert float(found["f"]) == pytest.approx(2 * float(found["d"]), rel=1e-12)
    assert float(found["ff"]) == pytest.approx(2 * float(found["dd"]), rel=1e-12)


def test_third_derivatives_through_a_jacobian_whose_captures_are_called_like_sums():
    """The captured ``s`` is summed in the backward body, where ``s.sum`` is captured, too."""
    model = gf.loads(
        HEAD
        + """
inputs: {x: [4]}
nodes:
  s: x / sum(x)
  j: jacobian(s, x)
  y: gradient(j[0, 1], x)
  p: softmax(x)
  q: "gradient(hessian(p[0], x)[1, 1], x)"
"""
    )
    x = [0.1, 0.2, -0.3, 0.5]
    for plan in ("fast", "plain", "guarded"):
        program = model.compile(of="y", keep=["q"], dtype="float64", plan=plan)
        found = program({"x": x})
        # d/dx of -x_0 / (sum x)^2 by hand; the softmax's by PyTorch
        np.testing.assert_allclose(found["y"], [-2.4, 1.6, 1.6, 1.6], rtol=1e-12)
        expected = [-0.02291023, 0.00919282, 0.00425275, 0.00946466]
        np.testing.assert_allclose(found["q"], expected, atol=1e-8)


def test_pushing_forward_twice_through_a_scan_keeps_both_directions():
    """y = x^4 by a scan: the second derivative along u and v is 12 x^2 u v."""
    model = gf.loads(
        HEAD
        + """
inputs: {x: scalar, u: scalar, v: scalar}
nodes:
  s: {scan: {steps: 4}, carry: {h: 1.0}, next: {h: h * x}}
  once: jvp(s.final.h, x, u)
  twice: jvp(once, x, v)
  third: jvp(twice, x, u)
"""
    )
    program = model.compile(of="twice", keep=["third"], dtype="float64")
    found = program({"x": 3.0, "u": 2.0, "v": 5.0})
    assert float(found["twice"]) == pytest.approx(12 * 9 * 2 * 5)
    assert float(found["third"]) == pytest.approx(24 * 3 * 2 * 5 * 2)


def test_the_taken_branch_is_differentiated():
    model = gf.loads(
        HEAD
        + """
inputs: {x: scalar, k: scalar}
nodes: {y: {cond: x > 0, then: x ** 3 * k, else: {nodes: {h: x * x}, out: h / k}}}
"""
    )
    program = model.compile(of="y", wrt=["x", "k"], dtype="float64")
    up, down = program({"x": 2.0, "k": 5.0}), program({"x": -3.0, "k": 2.0})
    assert [float(g) for g in up.gradients.values()] == pytest.approx([60.0, 8.0])
    assert [float(g) for g in down.gradients.values()] == pytest.approx([-3.0, -2.25])


def test_shared_parameters_sum_their_gradients():
    model = gf.loads(
        HEAD
        + """
inputs: {x: {shape: [2, 3]}}
layers: {f: linear(3)}
nodes: {once: f(x), y: sum(f(tanh(once)) * once)}
"""
    )
    program = model.compile(of="y", wrt="f", dtype="float64")
    x = np.random.default_rng(1).standard_normal((2, 3))
    leaves = {"x": x, **{n: np.array(p, dtype=np.float64) for n, p in model.parameters.items()}}
    gradients = program({"x": x}).gradients
    for name, gradient in gradients.items():
        direction = np.random.default_rng(2).standard_normal(gradient.shape)
        ends = []
        for sign in (1, -1):
            model.parameters[name] = leaves[name] + sign * 1e-6 * direction
            ends.append(float(program({"x": x})["y"]))
        model.parameters[name] = leaves[name]
        assert (ends[0] - ends[1]) / 2e-6 == pytest.approx((gradient * direction).sum(), rel=1e-6)


def test_the_check_of_gradients_finds_a_wrong_one():
    class Wrong(Float):
        """A cosine that claims the sine's derivative."""

        ufunc = "cos"

        def vjp(self, g, y, x):
            return (g * F.cos(x),)

    register(Wrong)
    try:
        b = Builder()
        x = b.input("x", TensorType(F64, (4,)))
        b.add("sum", b.add("wrong", x) + b.add("sin", x), name="y")
        leaves = {"x": np.linspace(0.1, 1.0, 4)}
        (check,) = check_gradients(b.graph(), "y", ["x"], leaves)
        assert not check.passes()
        b.add("sum", b.add("sin", x), name="z")
        (check,) = check_gradients(b.graph(), "z", ["x"], leaves)
        assert check.passes()
    finally:
        del OPS["wrong"]
