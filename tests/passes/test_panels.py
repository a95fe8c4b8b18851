"""Weights of a scan that are laid out once."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from graphflow.backends.numba_kernels.products import product_orders
from graphflow.backends.sets import kernel_set
from graphflow.ir import DType, Graph, TensorType
from graphflow.ops import Builder, F
from graphflow.ops.evaluate import evaluate
from graphflow.passes.panels import ROWS, TURNS, panel_products
from graphflow.runtime.planning import fast_plan
from graphflow.schedule.plan import make_plan

WIDTH = 16


def recurrent(
    rows: int = 8,
    units: int = 208,
    dtype: DType = DType.FLOAT32,
    turns: int = TURNS,
    turned: bool = False,
    own: bool = False,
) -> Graph:
    """h = tanh(h @ w + x), with the transpose of w, or with a weight that h has a say in."""
    state, matrix = TensorType(dtype, (rows, units)), TensorType(dtype, (units, units))
    inside = Builder()
    h, x, w = inside.input("h", state), inside.input("x", state), inside.input("w", matrix)
    used = inside.add("transpose", w, axes=(1, 0)) if turned else w
    used = used * F.sum(h) if own else used
    after = F.tanh(h @ used / 8.0 + x)
    body = inside.graph([after.name, after.name])
    b = Builder()
    start, xs = b.input("start", state), b.input("xs", TensorType(dtype, (turns, rows, units)))
    out = b.add(
        "scan", start, xs, b.leaf("parameter", "w", matrix), body=body, carries=1, sequences=1,
        length=turns, name="scan",
    )  # fmt: skip
    return b.graph([out.item(0, "last").name, out.item(1, "all").name])


def drawn(graph: Graph) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    leaves = (node for node in graph if node.op in ("input", "parameter"))
    return {n.name: rng.normal(size=n.tensor.shape).astype("float32") for n in leaves}


@pytest.mark.parametrize("turned", [False, True])
def test_values_stay_and_the_layout_is_made_before_the_scan(turned: bool) -> None:
    graph = recurrent(turned=turned)
    result = panel_products(graph, WIDTH)
    assert result.fired == {"panel_product": 1}
    (body,) = result.graph["scan"].regions
    (product,) = (node for node in body if node.op == "matmul")
    assert body[product.inputs[1]].op == "input"
    assert product.tensor.shape == (13, 8, WIDTH)
    given = drawn(graph)
    for name in graph.outputs:
        wanted, got = evaluate(graph, given)[name], evaluate(result.graph, given)[name]
        np.testing.assert_allclose(got, wanted, rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    "graph",
    [
        recurrent(rows=ROWS + 1), recurrent(units=200), recurrent(dtype=DType.FLOAT64),
        recurrent(turns=TURNS - 1), recurrent(own=True),
    ],
    ids=["rows", "columns", "double", "few turns", "changing"],
)  # fmt: skip
def test_where_panels_do_not_pay_nothing_changes(graph: Graph) -> None:
    result = panel_products(graph, WIDTH)
    assert result.graph is graph
    assert not result.fired


def test_the_result_is_seen_as_rows_without_a_copy() -> None:
    after = panel_products(recurrent(), WIDTH).graph
    plan = make_plan(after, orders=product_orders)
    ((body,),) = plan.regions.values()
    assert {node.name for node in body.graph if node.op == "rearrange"} <= body.sources.views


def test_a_plan_for_compiled_kernels_has_panels_where_they_are_wanted() -> None:
    graph = recurrent()
    for width in (None, WIDTH):
        plan = fast_plan(graph, replace(kernel_set("numba"), panels=width))
        ((body,),) = plan.regions.values()
        shapes = [node.tensor.shape for node in body.graph if node.op == "matmul"]
        assert shapes == [(8, 208) if width is None else (13, 8, WIDTH)]
