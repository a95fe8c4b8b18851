"""Constants at the edge: what cannot be computed while compiling is left as it is."""

from __future__ import annotations

import numpy as np
import pytest

from graphflow.diagnostics import GraphflowError
from graphflow.ir import DType, TensorType, symbol
from graphflow.ops import Builder
from graphflow.ops.evaluate import evaluate
from graphflow.passes import optimise, trace_passes

INT = DType.INT64


def test_minus_one_as_a_boolean_is_true():
    b = Builder()
    mask = b.input("mask", TensorType(DType.BOOL, (2,)))
    product = b.add("mul", mask, b.constant(-1, DType.BOOL))
    fast = optimise(b.graph([product.name]))
    assert fast.outputs == ("mask",)


def test_an_impossible_power_of_constants_waits_until_it_runs():
    b = Builder()
    power = b.constant(2, INT) ** b.constant(-1, INT)
    graph = b.graph([power.name])
    assert optimise(graph) == graph
    (refusal,) = next(r for r in trace_passes(graph) if r.name == "fold").declined
    assert "an integer to the power -1 is a fraction" in refusal.reason
    with pytest.raises(GraphflowError, match="GF083"):
        evaluate(graph, {})


def test_a_constant_too_large_for_its_type_is_refused():
    b = Builder()
    x = b.input("x", TensorType(DType.UINT8))
    assert evaluate(b.graph([(x + 255).name]), {"x": np.uint8(3)})["add"] == 2
    with pytest.raises(GraphflowError, match="300 does not fit into uint8, which holds 0 to 255"):
        x + 300


def test_sizes_and_number_types_that_are_open_stay_open():
    b = Builder()
    size = b.constant(symbol("B"), INT) * 2
    half = b.add("less", b.constant(0.1, DType.FLOAT), b.constant(0.2, DType.FLOAT))
    fast = optimise(b.graph([size.name, half.name]))
    assert [fast[name].op for name in fast.outputs] == ["mul", "less"]


@pytest.mark.parametrize("op", ["floor_div", "mod"])
def test_integer_division_by_zero_is_refused_when_it_runs_and_no_sooner(op: str):
    b = Builder()
    graph = b.graph([b.add(op, b.constant(1, INT), b.constant(0, INT)).name])
    fast = optimise(graph)
    for each in (graph, fast):
        with pytest.raises(GraphflowError, match="divided by 0"):
            evaluate(each, {})
