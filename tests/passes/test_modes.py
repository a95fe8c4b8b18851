from __future__ import annotations

import numpy as np
import pytest

from graphflow.autodiff import reverse
from graphflow.ir import DType, Graph, TensorType
from graphflow.ops import Builder, F
from graphflow.ops.evaluate import evaluate
from graphflow.passes import specialise
from graphflow.passes.modes import has_modes, resolve_modes

FLOAT = DType.FLOAT
VECTOR = TensorType(FLOAT, (3,))


def dropped(training: bool) -> Graph:
    """sum(exp(x * w if training else x)) with its gradients."""
    b = Builder()
    x, w = b.input("x", VECTOR), b.leaf("parameter", "w", VECTOR)
    h = b.add("by_mode", x * w, x, name="h")
    loss = b.add("sum", F.exp(h), name="loss")
    graph = reverse(b.graph([loss.name]), "loss", ["x", "w"])
    b = Builder(graph)
    built = b.graph(["loss", *graph.gradients.values()])
    return specialise(built, {}, DType.FLOAT64, training)


@pytest.mark.parametrize("training", [True, False])
def test_gradients_of_the_chosen_operand(training):
    graph = dropped(training)
    x, w = np.array([0.5, -1.0, 2.0]), np.array([2.0, 0.0, 1.0])
    values = evaluate(graph, {"x": x, "w": w})
    slope = np.exp(x * w if training else x)
    by_x, by_w = (values[name] for name in graph.outputs[1:])
    np.testing.assert_allclose(by_x, slope * (w if training else 1))
    np.testing.assert_allclose(by_w, slope * x if training else np.zeros(3))


def test_what_the_mode_does_not_choose_costs_nothing():
    training, evaluation = dropped(True), dropped(False)
    assert sum(n.op == "mul" for n in training) == 4  # forward, by exp, and the two factors
    assert not any(n.op == "add" for n in training)
    assert sum(n.op == "full" for n in training) == sum(n.op == "full" for n in evaluation) - 1
    assert sum(n.op == "mul" for n in evaluation) == 1  # by exp
    assert [n.op for n in evaluation if n.name == evaluation.outputs[2]] == ["full"]


def test_a_users_own_zero_stays():
    """Only differentiation knows that a zero means "not chosen": nan * 0 is nan."""
    b = Builder()
    x = b.input("x", VECTOR)
    choice = b.add("by_mode", b.add("full", shape=(3,), value=0, dtype=FLOAT), x)
    y = b.add("mul", choice, x, name="y")
    graph = resolve_modes(b.graph([y.name]), training=True)
    assert graph["y"].op == "mul" and graph["y"].inputs == ("full", "x")


def test_zeros_that_something_else_reads_are_written_out():
    b = Builder()
    x, w = b.input("x", VECTOR), b.leaf("parameter", "w", VECTOR)
    h = b.add("by_mode", x * w, x, name="h")
    loss = b.add("sum", h, name="loss")
    graph = reverse(b.graph([loss.name]), "loss", ["w"])
    b = Builder(graph)
    y = b.value(graph.gradients["loss", "w"]) * b.value("x")  # a forward node reads the gradient
    concrete = specialise(b.graph([y.name]), {}, DType.FLOAT64, training=False)
    assert [n.op for n in concrete] == ["input", "full", "mul"]
    with np.errstate(invalid="ignore"):
        value = evaluate(concrete, {"x": np.array([1.0, np.nan, np.inf])})[y.name]
    np.testing.assert_array_equal(value, [0.0, np.nan, np.nan])


def test_second_derivatives():
    b = Builder()
    x = b.input("x", TensorType(FLOAT))
    h = b.add("by_mode", x * x * x, F.exp(x), name="h")
    y = b.add("identity", h, name="y")
    first = reverse(b.graph([y.name]), "y", ["x"])
    dx = first.gradients["y", "x"]
    second = reverse(first, dx, ["x"])
    ddx = second.gradients[dx, "x"]
    b = Builder(second)
    graph = b.graph([ddx])
    for training, expected in ((True, 12.0), (False, np.exp(2.0))):
        concrete = specialise(graph, {}, DType.FLOAT64, training)
        value = evaluate(concrete, {"x": np.array(2.0)})[concrete.outputs[0]]
        np.testing.assert_allclose(value, expected)


def test_inside_a_scan():
    inside = Builder()
    h, w = inside.input("h", TensorType(FLOAT)), inside.input("w", TensorType(FLOAT))
    after = inside.add("by_mode", h * w, h, name="after")
    body = inside.graph([after.name])
    b = Builder()
    x, k = b.input("x", TensorType(FLOAT)), b.leaf("parameter", "k", TensorType(FLOAT))
    out = b.add("scan", x, k, body=body, carries=1, sequences=0, length=3).item(0, "last")
    graph = reverse(b.graph([out.name]), "last", ["x", "k"])
    b = Builder(graph)
    built = b.graph(list(graph.gradients.values()))
    given = {"x": np.array(2.0), "k": np.array(3.0)}
    for training, expected in ((True, [27.0, 54.0]), (False, [1.0, 0.0])):
        concrete = specialise(built, {}, DType.FLOAT64, training)
        assert not has_modes(concrete)
        values = evaluate(concrete, given)
        np.testing.assert_allclose([values[n] for n in concrete.outputs], expected)


def test_a_graph_without_modes_is_left_alone():
    b = Builder()
    graph = b.graph([F.exp(b.input("x", VECTOR)).name])
    assert resolve_modes(graph, training=True) is graph
