"""Derivatives of every operator: first and second order against differences, jvp against vjp."""

from __future__ import annotations

import numpy as np
import pytest

from graphflow.autodiff import check_gradients, push_forward, reverse
from graphflow.ir.graph import Graph
from graphflow.ir.types import DType, TupleType
from graphflow.ops import Builder, F, Value
from graphflow.ops.evaluate import evaluate
from tests.ops.sampling import Case, cases, concrete

every_case = pytest.mark.parametrize("case", cases(differentiable=True), ids=str)


def float_results(out: Value) -> list[Value]:
    """The results that have a derivative."""
    if not isinstance(out.type, TupleType):
        return [out]
    picked = [out.item(i) for i in range(len(out.type.items))]
    return [p for p in picked if p.dtype.is_float]


def projected(builder: Builder, values: list[Value], seed: int, name: str) -> Value:
    """sum of random weights times values: a scalar that every element has a say in."""
    draw = np.random.default_rng(seed)
    total = builder.constant(0.0, DType.FLOAT64)
    for value in values:
        weights = draw.standard_normal(value.shape)
        term = value * builder.constant(weights, DType.FLOAT64)
        total = total + F.sum(F.reshape(term, shape=(value.size,)))
    return builder.add("identity", total, name=name)


def scalar_graph(case: Case) -> tuple[Graph, list[str]]:
    """The projected result of one case, and the leaves to differentiate by."""
    graph, out = case.graph(DType.FLOAT64)
    builder = Builder(graph)
    projected(builder, float_results(Value(builder, out)), 1, "loss")
    wrt = [name for name, x in case.arrays.items() if x.dtype.kind == "f"]
    return concrete(builder.graph(), DType.FLOAT64), wrt


def assert_gradients(graph: Graph, of: str, wrt: list[str], case: Case, tolerance: float) -> None:
    for check in check_gradients(graph, of, wrt, case.arrays):
        close = abs(check.analytic - check.numeric) <= tolerance * max(1, abs(check.numeric))
        assert close, f"{check.name}: {check.analytic} by the rule, {check.numeric} by differences"


@every_case
def test_gradient(case: Case) -> None:
    graph, wrt = scalar_graph(case)
    assert_gradients(graph, "loss", wrt, case, 1e-6)


@every_case
def test_gradient_of_gradient(case: Case) -> None:
    graph, wrt = scalar_graph(case)
    derived = concrete(reverse(graph, "loss", wrt), DType.FLOAT64)
    builder = Builder(derived)
    gradients = [builder.value(derived.gradients["loss", w]) for w in wrt]
    projected(builder, gradients, 2, "slope")
    assert_gradients(concrete(builder.graph(), DType.FLOAT64), "slope", wrt, case, 1e-5)


@every_case
def test_forward_mode_is_the_transpose_of_reverse_mode(case: Case) -> None:
    """<w, J v> = <J^T w, v> for random v (and the w of the projection)."""
    graph, wrt = scalar_graph(case)
    derived = reverse(graph, "loss", wrt)
    builder = Builder(derived)
    draw = np.random.default_rng(3)
    directions = {w: draw.standard_normal(case.arrays[w].shape) for w in wrt}
    tangents = {w: builder.constant(v, DType.FLOAT64) for w, v in directions.items()}
    pushed = push_forward(builder, tangents, ["loss"])["loss"]
    assert pushed is not None
    values = evaluate(concrete(builder.graph(), DType.FLOAT64), case.arrays)
    pulled = sum(
        float(np.sum(values[derived.gradients["loss", w]] * v)) for w, v in directions.items()
    )
    np.testing.assert_allclose(values[pushed.name], pulled, rtol=1e-9, atol=1e-9)


@every_case
def test_each_operand_alone_can_move(case: Case) -> None:
    """Tangents of the other operands are None: the rule must take that as zero."""
    graph, wrt = scalar_graph(case)
    derived = reverse(graph, "loss", wrt)
    for w in wrt:
        builder = Builder(derived)
        v = np.random.default_rng(4).standard_normal(case.arrays[w].shape)
        tangent = builder.constant(v, DType.FLOAT64)
        pushed = push_forward(builder, {w: tangent}, ["loss"])["loss"]
        values = evaluate(concrete(builder.graph(), DType.FLOAT64), case.arrays)
        pulled = float(np.sum(values[derived.gradients["loss", w]] * v))
        found = 0.0 if pushed is None else values[pushed.name]
        np.testing.assert_allclose(found, pulled, rtol=1e-9, atol=1e-9)
