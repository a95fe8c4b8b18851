from __future__ import annotations

import numpy as np
import pytest

from graphflow.ir import ArrayLiteral, DType, Graph, TensorType, symbol
from graphflow.ops import Builder, F, Value
from graphflow.ops.evaluate import evaluate
from graphflow.passes.fold import LARGEST
from graphflow.passes.pipeline import dead, fold

F32 = DType.FLOAT32


def folded(value: Value) -> Graph:
    return dead(fold(value.builder.graph([value.name])))


def test_a_subgraph_of_constants_becomes_one():
    b = Builder()
    y = F.exp(b.constant(2.0, F32) + b.constant(1.0, F32))
    graph = folded(y)
    assert [(n.op, n.name) for n in graph] == [("constant", y.name)]
    assert graph[y.name].attr("value") == float(np.exp(np.float32(3.0)))


def test_arrays_become_literals_and_even_ones_stay_numbers():
    b = Builder()
    steps = b.add("arange", start=4)
    halves = steps * 2
    graph = folded(halves)
    (node,) = graph
    assert node.attr("value") == ArrayLiteral(np.array([0, 2, 4, 6]))
    ones = F.sum(b.add("full", shape=(2, 3), value=2, dtype=F32), axis=0)
    (node,) = folded(ones)
    assert node.attrs == (("shape", (3,)), ("value", 4.0), ("dtype", F32))


def test_large_fills_are_computed_as_one_number():
    b = Builder()
    (node,) = folded(F.sqrt(b.add("full", shape=(10**6,), value=4, dtype=F32)))
    assert node.op == "full" and node.attr("value") == 2.0


@pytest.mark.parametrize("value", [-0.0, float("inf"), 0.1, 1e-45])
def test_the_number_is_exact_in_its_type(value):
    b = Builder()
    y = b.constant(value, F32) * b.constant(1.0, F32)
    (node,) = folded(y)
    kept = evaluate(folded(y), {})[y.name]
    assert kept.dtype == np.float32
    assert kept.tobytes() == np.float32(value).tobytes()
    assert node.op == "constant"


def test_nan_is_kept_as_bytes_so_that_graphs_stay_comparable():
    b = Builder()
    y = F.log(b.constant(-1.0, F32))
    first, second = folded(y), folded(y)
    assert first == second
    assert np.isnan(evaluate(first, {})[y.name])
    z = F.log(b.add("full", shape=(2,), value=-1.0, dtype=F32))
    assert folded(z) == folded(z) and folded(z)[z.name].type == TensorType(F32, (2,))


def test_what_is_not_folded():
    b = Builder()
    x = b.input("x", TensorType(F32))
    drawn = b.add("uniform", b.rng(), shape=(), dtype=F32)
    open_type = F.exp(b.constant(1.0, DType.FLOAT))
    open_size = b.add("eye", n=symbol("N"), dtype=F32)
    parts = F.split(b.constant(np.arange(4.0), DType.FLOAT64), sections=2)
    names = [v.name for v in (x + 1, drawn, open_type, open_size, parts.item(0))]
    graph = b.graph(names)
    assert fold(graph) is graph


@pytest.mark.parametrize("n", [LARGEST, LARGEST + 1])
def test_large_results_are_left_to_run_time(n):
    b = Builder()
    y = b.add("arange", start=n)
    result = fold.rewritten(b.graph([y.name]))
    assert (result.graph[y.name].op == "constant") is (n == LARGEST)
    assert len(result.declined) == (n != LARGEST)


def test_an_error_is_left_to_run_time():
    b = Builder()
    table, position = b.constant(np.arange(3.0), DType.FLOAT64), b.constant(7, DType.INT64)
    y = F.take(table, position, axis=0)
    result = fold.rewritten(b.graph([y.name]))
    assert result.graph[y.name].op == "take"
    assert "left to be reported when it runs" in result.declined[0].reason


def test_loops_are_left_alone():
    inside = Builder()
    body = inside.graph([(inside.input("h", TensorType(F32)) * 2).name])
    b = Builder()
    start = b.constant(1.0, F32)
    out = b.add("scan", start, body=body, carries=1, sequences=0, length=3).item(0)
    graph = b.graph([out.name])
    assert fold(graph) is graph
