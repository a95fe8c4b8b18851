"""Products, biases and ReLUs that become one node, beside the graph that they were."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

import graphflow as gf
from graphflow.ir import DType, Graph
from graphflow.ops.evaluate import evaluate
from graphflow.passes import optimise, specialise
from graphflow.passes.affine import affine

TEXT = """
graphflow: 1
name: f
inputs: {x: [B, 3], r: [3, 4], c: [B, 4], b: [4], v: [3], w: [3, 4]}
nodes:
  y: EXPRESSION
outputs: [y]
"""


def made(expression: str, dtype: DType = DType.FLOAT32) -> tuple[Graph, Graph]:
    """The optimised graph of an expression, and what becomes of it."""
    graph = gf.loads(TEXT.replace("EXPRESSION", expression)).graph
    before = optimise(specialise(graph, {"B": 5}, dtype, training=True))
    return before, affine(before)


@pytest.mark.parametrize(
    ("expression", "relu"),
    [("x @ w + b", False), ("b + x @ w", False), ("relu(x @ w + b)", True),
     ("relu(stack([x, 2 * x]) @ w + b)", True), ("exp(x @ w + b)", False)],
)  # fmt: skip
def test_a_product_its_bias_and_relu_are_one_node_of_the_same_value(expression, relu):
    before, after = made(expression)
    found = [node for node in after if node.op == "affine"]
    assert [node.attr("relu") for node in found] == [relu]
    assert not {"matmul", "add", "relu"} & {node.op for node in after}
    random = np.random.default_rng(0)
    leaves = {
        n.name: random.standard_normal(n.tensor.shape).astype(np.float32)
        for n in before if not n.inputs and n.op == "input"
    }  # fmt: skip
    one, other = (evaluate(g, leaves)[g.outputs[0]] for g in (before, after))
    np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    "expression",
    ["x @ w + c", "x @ w + 1", "(x @ w) * (x @ w + b)", "x[0] @ w + b", "x @ v + b[0]",
     "stack([x, x]) @ stack([w, r]) + b"],
)  # fmt: skip
def test_other_sums_stay_as_they_are(expression):
    before, after = made(expression)
    assert after is before


def test_wide_numbers_have_no_bias_in_a_product():
    before, after = made("relu(x @ w + b)", DType.FLOAT64)
    assert after is before


def test_a_sum_that_something_else_reads_keeps_its_relu_apart():
    _, after = made("relu(x @ w + b) + sqrt(abs(x @ w + b))")
    assert Counter(node.op for node in after)["affine"] == 1
    assert [node.attr("relu") for node in after if node.op == "affine"] == [False]
