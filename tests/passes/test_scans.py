"""Products of a scan's turns that are made at once have the values of those made turn by turn."""

from __future__ import annotations

import numpy as np
import pytest

import graphflow as gf
from graphflow.ir import DType, Graph, TensorType
from graphflow.ops import Builder
from graphflow.ops.control import ScanParts
from graphflow.passes import optimise
from graphflow.passes.pipeline import scans

RECURRENT = """
graphflow: 1
name: Recurrent
inputs: {x: {shape: [T, B, 3]}}
params:
  w: {shape: [3, 5], init: xavier_normal}
  u: {shape: [5, 5], init: xavier_normal}
  v: {shape: [5, 2], init: xavier_normal}
  b: {shape: [5], init: normal}
nodes:
  rnn:
    scan: {e: x}
    carry: {h: 'zeros([dim(x, 1), 5])'}
    nodes:
      h_next: tanh(h @ u + e @ w + b)
      seen: h_next @ v
    next: {h: h_next}
    collect: [seen]
  loss: mean(rnn.seen ** 2)
outputs: [loss]
"""
ROWS = RECURRENT.replace("[T, B, 3]", "[T, 3]").replace("zeros([dim(x, 1), 5])", "zeros(5)")
COLUMNS = ROWS.replace("[3, 5]", "[5, 3]").replace("e @ w", "w @ e").replace("h @ u", "u @ h")
TWICE = RECURRENT.replace("h_next @ v", "tanh(h_next @ u) @ v")
BACKWARDS = RECURRENT.replace("carry:", "reverse: true\n    carry:", 1)
X = np.random.default_rng(0).normal(size=(7, 4, 3))


def gradients(text: str, plan: str, x: np.ndarray) -> dict[str, np.ndarray]:
    model = gf.loads(text)
    names = list(model.parameters)
    run = model.compile(of="loss", wrt=names, mode="train", dtype="float64", plan=plan)
    result = run({"x": x})
    return {"loss": result.values["loss"], **result.gradients}


@pytest.mark.parametrize(
    ("text", "x"),
    [(RECURRENT, X), (ROWS, X[:, 0]), (COLUMNS, X[:, 0]), (TWICE, X), (BACKWARDS, X),
     (RECURRENT, X[:1]), (RECURRENT, X[:, :1]), (RECURRENT, X[:, :0])],
)  # fmt: skip
def test_losses_and_gradients_are_those_of_the_plain_plan(text: str, x: np.ndarray) -> None:
    plain, fast = gradients(text, "plain", x), gradients(text, "fast", x)
    for name, wanted in plain.items():
        np.testing.assert_allclose(fast[name], wanted, rtol=1e-12, atol=1e-14, err_msg=name)


def products(graph: Graph) -> list[int]:
    """How many products stand in the body of each scan."""
    bodies = [ScanParts.of(node).body for node in graph if node.op == "scan"]
    return [sum(node.op == "matmul" for node in body) for body in bodies]


def differentiated(text: str) -> Graph:
    model = gf.loads(text)
    compiled = model.compile(of="loss", wrt=list(model.parameters), mode="train")
    return compiled.compiler.concrete({"T": 7, "B": 4})


def test_only_what_depends_on_the_carry_stays_inside() -> None:
    before = differentiated(RECURRENT)
    assert products(before) == [3, 5]
    fast = optimise(before)
    assert products(fast) == [1, 1]
    forward, backward = (ScanParts.of(node) for node in fast if node.op == "scan")
    assert (forward.carries, backward.carries) == (1, 1)


def accumulator(length: int, reader: bool = False) -> Graph:
    """A carry that grows by x_t^T g_t from ``start`` on."""
    matrix, rows = TensorType(DType.FLOAT64, (3, 2)), TensorType(DType.FLOAT64, (4, 3))
    inside = Builder()
    total, x, g = (
        inside.input("total", matrix),
        inside.input("x", rows),
        inside.input("g", TensorType(DType.FLOAT64, (4, 2))),
    )
    growth = inside.add("transpose", x, axes=(1, 0)) @ g
    after = total + (growth * total if reader else growth)
    b = Builder()
    start = b.input("start", matrix)
    xs, gs = (
        b.input("xs", TensorType(DType.FLOAT64, (length, 4, 3))),
        b.input("gs", TensorType(DType.FLOAT64, (length, 4, 2))),
    )
    attrs = {"carries": 1, "sequences": 2, "length": length}
    out = b.add("scan", start, xs, gs, body=inside.graph([after.name]), name="scan", **attrs)
    return b.graph([out.item(0).name])


def test_a_carry_that_only_grows_is_one_product_after_the_scan() -> None:
    result = scans.rewritten(accumulator(5))
    assert [node.op for node in result.graph] == [
        "input", "input", "input", "reshape", "reshape", "transpose", "matmul", "add",
    ]  # fmt: skip
    assert result.fired == {"product_after_scan": 1}


@pytest.mark.parametrize("graph", [accumulator(0), accumulator(5, reader=True)], ids=str)
def test_what_is_read_inside_or_never_runs_stays(graph: Graph) -> None:
    assert scans(graph) is graph


def test_no_more_is_collected_than_the_scan_reads() -> None:
    """What lies before a checkpoint is computed again in each turn, and not kept for this."""
    step = "h_next: tanh(h @ u + e @ w + b)"
    heavy = RECURRENT.replace(
        step,
        "wide: concat([h, h, h, h, h, h, h, h], axis=1)\n"
        "      tall: concat([u, u, u, u, u, u, u, u])\n"
        "      h_next: checkpoint(tanh(h @ u + e @ w + b) + wide @ tall)",
    )
    plain, fast = gradients(heavy, "plain", X), gradients(heavy, "fast", X)
    for name, wanted in plain.items():
        np.testing.assert_allclose(fast[name], wanted, rtol=1e-12, atol=1e-14, err_msg=name)
    graph = optimise(differentiated(heavy))
    stacked = [ScanParts.of(node).body for node in graph if node.op == "scan"][1]
    widths = [stacked[name].tensor.shape[-1] for name in stacked.outputs]
    assert 40 not in widths
