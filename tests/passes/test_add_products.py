"""A plain gradient step on a weight is made by the product that makes its gradient."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

import graphflow as gf
from graphflow.ir import DType, Graph, TensorType
from graphflow.ops import Builder, F
from graphflow.ops.evaluate import evaluate
from graphflow.passes.add_products import add_products
from graphflow.schedule.plan import make_plan

PERCEPTRON = """
graphflow: 1
name: Perceptron
inputs: {x: {shape: [B, 70]}, label: {shape: [B], dtype: int}}
nodes:
  hidden: linear(x, 40, activation=relu)
  logits: linear(hidden, 5)
  loss: cross_entropy(logits, label)
train:
  minimize: loss
  optimizer: OPTIMIZER
  epochs: 1
  seed: 0
"""
RATES = ["sgd(lr=0.1)", "sgd(lr=exponential_lr(0.1, 0.5))"]


def trained(optimizer: str, kernels: str, batch: int = 6) -> dict[str, np.ndarray]:
    model = gf.loads(PERCEPTRON.replace("OPTIMIZER", optimizer))
    rng = np.random.default_rng(0)
    feed = {"x": rng.normal(size=(batch, 70)), "label": rng.integers(0, 5, batch)}
    trainer = model.trainer(dtype="float64", kernels=kernels)
    for epoch in range(3):
        trainer.start_epoch(epoch)
        trainer.step(feed)
    return {name: np.array(value) for name, value in model.parameters.items()}


@pytest.mark.parametrize("optimizer", [*RATES, "sgd(lr=0.1, momentum=0.9)", "adam(lr=0.1)"])
def test_steps_are_those_of_numpy(optimizer: str) -> None:
    wanted, got = trained(optimizer, "numpy"), trained(optimizer, "numba")
    for name, value in wanted.items():
        np.testing.assert_allclose(got[name], value, rtol=1e-10, atol=1e-12, err_msg=name)


def step(
    shape: Sequence[int] = (8, 9), rows: int = 2, turned: bool = True, seen: bool = False
) -> Graph:
    """w - lr (a^T b)^T, or without the transposes; a and b are computed."""
    m, n = shape
    b = Builder()
    w = b.leaf("parameter", "w", TensorType(DType.FLOAT32, (m, n)))
    lr = b.input("lr", TensorType(DType.FLOAT32))
    sizes = ((rows, n), (rows, m)) if turned else ((rows, m), (rows, n))
    first, second = (b.input(f"x{i}", TensorType(DType.FLOAT32, s)) for i, s in enumerate(sizes))
    product = F.transpose(F.exp(first), axes=(1, 0)) @ F.exp(second)
    gradient = F.transpose(product, axes=(1, 0)) if turned else product
    after = w - lr * gradient
    return b.graph([gradient.name] if seen else [], {"w": after.name})


@pytest.mark.parametrize("turned", [True, False])
def test_a_step_is_one_node(turned: bool) -> None:
    graph = step(turned=turned)
    result = add_products(graph)
    after = result.graph
    (name,) = after.updates.values()
    assert name == graph.updates["w"] and after[name].op == "addmm"
    assert after[name].inputs[0] == "w" and result.fired == {"add_product": 1}
    assert after.origin(name) == graph.origin(name)
    assert not {"sub", "mul"} & {node.op for node in after}
    values = {
        "w": np.ones((8, 9), np.float32), "lr": np.float32(0.5),
        "x0": np.full(graph["x0"].tensor.shape, 0.1, np.float32),
        "x1": np.full(graph["x1"].tensor.shape, 0.2, np.float32),
    }  # fmt: skip
    wanted, got = (evaluate(g, values)[name] for g in (graph, after))
    np.testing.assert_allclose(got, wanted, rtol=1e-6)


@pytest.mark.parametrize("graph", [step(rows=30), step(seen=True)])
def test_what_would_keep_more_than_the_weight_or_is_seen_stays(graph: Graph) -> None:
    assert add_products(graph).graph is graph


def test_a_leaf_is_written_by_the_product_itself() -> None:
    graph = add_products(step((40, 50))).graph
    plan = make_plan(graph)
    assert plan.ending.direct == {(graph.updates["w"], 0): "w"}
