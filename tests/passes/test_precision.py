"""Casts to bfloat16: where they stand, and what is computed with them."""

from __future__ import annotations

import numpy as np
import pytest

from graphflow.autodiff import reverse
from graphflow.diagnostics import GraphflowError
from graphflow.ir import DType, Graph, TensorType
from graphflow.ir.precision import precision_named
from graphflow.ops import Builder, F, Value
from graphflow.ops.evaluate import evaluate
from graphflow.ops.narrow import BFLOAT16
from graphflow.passes import optimise
from graphflow.passes.precision import mixed
from graphflow.passes.specialise import specialise

FLOAT = DType.FLOAT


def fed(builder: Builder, name: str, *shape: int) -> Value:
    return builder.input(name, TensorType(FLOAT, shape))


def parameter(builder: Builder, name: str, *shape: int) -> Value:
    return builder.leaf("parameter", name, TensorType(FLOAT, shape))


def dtypes(graph: Graph) -> dict[str, str]:
    return {node.name: str(node.tensor.dtype) for node in graph}


def computed(graph: Graph, **leaves: object) -> dict[str, np.ndarray]:
    concrete = specialise(graph, {}, DType.FLOAT32, training=True)
    return evaluate(concrete, {k: np.asarray(v, np.float32) for k, v in leaves.items()})


def test_a_product_rounds_its_operands_and_adds_up_in_float32():
    """1 + 2**-8 lies between 1 and 1 + 2**-7, and halves go to the even one: 1. The sum of 257
    ones is 257 in float32, where bfloat16 would stop at 256, and rounded once it is 256 or 258:
    to the even one, 256.
    """
    b = Builder()
    y = b.add("matmul", fed(b, "x", 1, 257), parameter(b, "w", 257, 1), name="y")
    wide = b.add("mul", y, y.like(1), name="z")
    graph = mixed(b.graph([wide.name]), [])
    ones = np.full((1, 257), 1 + 2**-8)
    assert computed(graph, x=ones, w=ones.T)["z"].item() == 256
    three = np.where(np.arange(257) < 2, 1.5, 1.0)[None]
    assert computed(graph, x=three, w=np.ones((257, 1)))["z"].item() == 258


def test_what_lies_between_products_is_bfloat16_and_what_is_given_is_float():
    b = Builder()
    x, w = fed(b, "x", 2, 3), parameter(b, "w", 3, 4)
    c, v = parameter(b, "c", 4), parameter(b, "v", 4, 1)
    h = b.add("relu", b.add("add", b.add("matmul", x, w), c, name="z"), name="h")
    y = b.add("matmul", h, v, name="y")
    graph = mixed(b.graph([y.name]))
    found = dtypes(graph)
    assert found["z"] == found["h"] == found["y.bfloat16"] == "bfloat16"
    assert found["x"] == found["w"] == found["c"] == found["y"] == "float"
    assert graph.outputs == ("y",)


def test_softmax_and_losses_are_float():
    b = Builder()
    z = b.add("matmul", fed(b, "x", 2, 3), parameter(b, "w", 3, 4), name="z")
    e = b.add("exp", b.add("sub", z, F.max(z, axis=1, keepdims=True), name="d"), name="e")
    p = b.add("div", e, F.sum(e, axis=1, keepdims=True), name="p")
    loss = b.add("mean", p, name="loss")
    found = dtypes(mixed(b.graph([loss.name])))
    assert found["z"] == "bfloat16"
    assert {found[name] for name in ("d", "e", "p", "loss")} == {"float"}


def test_a_number_that_bfloat16_does_not_hold_is_not_rounded():
    """0.9 would become 0.8984375: the quotient is computed in float32 and rounded once."""
    b = Builder()
    z = b.add("matmul", fed(b, "x", 1, 1), parameter(b, "w", 1, 1), name="z")
    y = b.add("matmul", b.add("div", z, z.like(0.9), name="q"), parameter(b, "v", 1, 1), name="y")
    graph = mixed(b.graph([y.name]))
    assert dtypes(graph)["q.float"] == "float" and dtypes(graph)["q"] == "bfloat16"
    values = computed(graph, x=[[3.0]], w=[[1.0]], v=[[1.0]])
    assert values["q"].item() == np.float32(3 / 0.9).astype(BFLOAT16)


def test_gradients_of_parameters_are_float_and_pass_products_of_bfloat16():
    b = Builder()
    z = b.add("matmul", fed(b, "x", 2, 3), parameter(b, "w", 3, 4), name="z")
    loss = b.add("sum", b.add("relu", z, name="h"), name="loss")
    graph = reverse(mixed(b.graph([loss.name])), "loss", ["w"])
    gradient = graph.nodes[graph.gradients["loss", "w"]]
    assert gradient.tensor.dtype is FLOAT
    product = graph.nodes[gradient.inputs[0]] if gradient.op == "cast" else gradient
    assert product.tensor.dtype is DType.BFLOAT16
    x = np.array([[1, 2, 3], [4, 5, 6]])
    values = computed(Graph(graph.nodes, (gradient.name,)), x=x, w=np.ones((3, 4)))
    np.testing.assert_array_equal(values[gradient.name], np.repeat([[5], [7], [9]], 4, axis=1))


def test_the_passes_of_the_fast_plan_keep_every_rounding():
    b = Builder()
    z = b.add("matmul", fed(b, "x", 8, 8), parameter(b, "w", 8, 8), name="z")
    h = b.add("tanh", F.div(z, z.like(3.0)), name="h")
    loss = b.add("mean", b.add("matmul", h, parameter(b, "v", 8, 8)), name="loss")
    graph = reverse(mixed(b.graph([loss.name])), "loss", ["w", "v"])
    gradients = [graph.gradients["loss", name] for name in ("w", "v")]
    plain = specialise(
        Graph(graph.nodes, ("loss", *gradients)), {}, DType.FLOAT32, training=True
    )
    rng = np.random.default_rng(3)
    leaves = {n: rng.standard_normal((8, 8)).astype(np.float32) for n in ("x", "w", "v")}
    fast = optimise(plain)
    expected, found = evaluate(plain, leaves), evaluate(fast, leaves)
    for before, after in zip(plain.outputs, fast.outputs, strict=True):
        np.testing.assert_array_equal(found[after], expected[before])


def test_values_of_another_float_type_stay_as_they_are():
    b = Builder()
    x = b.input("x", TensorType(DType.FLOAT64, (2, 2)))
    graph = b.graph([b.add("matmul", x, x, name="y").name])
    assert mixed(graph) is graph


def test_there_are_two_policies():
    with pytest.raises(GraphflowError, match="GF033") as caught:
        precision_named("bf61")
    assert "bf16" in str(caught.value)
